package main

import (
	"runtime"
	"runtime/metrics"
	"time"
)

// memory is the most that a process had, in MiB.
type memory struct {
	Heap float64 `json:"heap_mib"` // objects, dead ones that the collector has yet to find included
	Own  float64 `json:"own_mib"`  // resident, without the pages of files: those of the embedded store the system can take back
}

// watch looks at this process's memory until it is told to stop, and returns
// the most that there was.
func watch() (stop func() memory) {
	done, result := make(chan struct{}), make(chan memory)
	runtime.GC()
	go func() {
		var most memory
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			look(&most)
			select {
			case <-done:
				result <- most
				return
			case <-tick.C:
			}
		}
	}()
	return func() memory {
		close(done)
		return <-result
	}
}

func look(most *memory) {
	s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(s)
	most.Heap = max(most.Heap, float64(s[0].Value.Uint64())/(1<<20))
	if mib, err := resident("self", "RssAnon"); err == nil {
		most.Own = max(most.Own, mib[0])
	}
}
