package boltqueue

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/citasync/citasync/shared/bus"
	"github.com/citasync/citasync/shared/fault"
)

// TestTopicsApart has a topic whose handler hangs beside another.
func TestTopicsApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := openAt(t, temp(t), Options{Workers: 1, NoSync: true})
		var deleted atomic.Int32
		q.Subscribe(bus.Reserved, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
		q.Subscribe(bus.Deleted, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { deleted.Add(1) }))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- q.Run(ctx) }()
		for _, name := range []bus.Topic{bus.Reserved, bus.Deleted, bus.Maintenance} {
			if _, err := q.Publish(ctx, name, bus.Message{}); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if deleted.Load() != 1 {
			t.Error("the other topic's message was not delivered")
		}
		if n, err := q.Depth(ctx, bus.Maintenance); err != nil || n != 1 {
			t.Errorf("a topic without subscriber has %d messages, error %v, want 1", n, err)
		}
		cancel()
		<-done
	})
}

func TestSubscribeTwice(t *testing.T) {
	q := openAt(t, temp(t), Options{NoSync: true})
	q.Subscribe(bus.Reserved, http.NotFoundHandler())
	defer func() {
		if recover() == nil {
			t.Error("a second subscription did not panic")
		}
	}()
	q.Subscribe(bus.Reserved, http.NotFoundHandler())
}

// TestIdle counts how often a queue with nothing due looks at the clock.
func TestIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var looks atomic.Int32
		now := func() time.Time {
			looks.Add(1)
			return time.Now()
		}
		opts := Options{Now: now, MinBackoff: 2 * time.Hour, MaxBackoff: 4 * time.Hour}
		q := run(t, temp(t), opts, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }))
		q.publish(t, "hola")
		synctest.Wait()
		before := looks.Load()
		time.Sleep(time.Hour)
		if n := looks.Load() - before; n > 0 {
			t.Errorf("looked at the clock %d times in an idle hour", n)
		}
	})
}

// TestStop ends Run while a handler is at work: the handler ends in peace, its
// message is acknowledged, and no other is begun.
func TestStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path, start := temp(t), time.Now()
		var began, ended atomic.Int32
		q := run(t, path, Options{Workers: 1}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			began.Add(1)
			select {
			case <-r.Context().Done():
				w.WriteHeader(500)
			case <-time.After(30 * time.Second):
				ended.Add(1)
			}
		}))
		q.publish(t, "first")
		q.publish(t, "second")
		time.Sleep(time.Second)
		q.stop()
		if began.Load() != 1 || ended.Load() != 1 || time.Since(start) != 30*time.Second {
			t.Errorf("%d begun, %d ended, Run returned after %v; want 1, 1, 30s", began.Load(), ended.Load(), time.Since(start))
		}
		again := run(t, path, Options{}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { began.Add(1) }))
		synctest.Wait()
		if began.Load() != 2 {
			t.Errorf("%d begun after a restart, want 2", began.Load())
		}
		again.wantDepth(t, 0)
	})
}

// TestStopOverrun ends Run while a handler does not heed its deadline.
func TestStopOverrun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path, release := temp(t), make(chan struct{})
		q := run(t, path, Options{AckDeadline: 10 * time.Second}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
		q.publish(t, "stuck")
		synctest.Wait()
		start := time.Now()
		q.stop()
		if d := time.Since(start); d != 10*time.Second {
			t.Errorf("Run returned after %v, want 10s", d)
		}
		close(release)
		synctest.Wait()
		again := running{Queue: openAt(t, path, Options{NoSync: true})}
		again.wantDepth(t, 1)
	})
}

// TestRestart keeps failures, waits and ids over a restart.
func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path, opts := temp(t), Options{MinBackoff: time.Minute, MaxBackoff: 8 * time.Minute, MaxAttempts: 2}
		fail := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) })
		q := run(t, path, opts, fail)
		first := q.publish(t, "hola")
		synctest.Wait()
		q.stop()

		var at []time.Duration
		start := time.Now()
		q = run(t, path, opts, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			at = append(at, time.Since(start))
			fail(w, r)
		}))
		time.Sleep(time.Hour)
		synctest.Wait()
		if len(at) != 1 || at[0] < time.Minute || at[0] > 2*time.Minute {
			t.Errorf("delivered at %v after a restart, want once, after 1 to 2 minutes", at)
		}
		if letters, err := q.Dead(t.Context()); err != nil || len(letters) != 1 || letters[0].ID != first || letters[0].Attempts != 2 {
			t.Errorf("dead letters %+v, error %v", letters, err)
		}
		if second := q.publish(t, "hola"); second == first {
			t.Errorf("id %s came twice", first)
		}
	})
}

// TestClockPutBack reopens a file in which a message waits for a time that the
// clock is now far from.
func TestClockPutBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := temp(t)
		ahead := func() time.Time { return time.Now().AddDate(1, 0, 0) }
		q := run(t, path, Options{Now: ahead}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }))
		q.publish(t, "hola")
		synctest.Wait()
		q.stop()
		q = run(t, path, Options{}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		time.Sleep(time.Minute)
		synctest.Wait()
		q.wantDepth(t, 0)
	})
}

func TestPublishFails(t *testing.T) {
	q := openAt(t, temp(t), Options{NoSync: true})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := q.Publish(ctx, bus.Deleted, bus.Message{}); !errors.Is(err, fault.ErrUnavailable) || !errors.Is(err, context.Canceled) {
		t.Errorf("context ended: error %v, want %v", err, fault.ErrUnavailable)
	}
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	if id, err := q.Publish(t.Context(), bus.Deleted, bus.Message{}); !errors.Is(err, fault.ErrUnavailable) || id != "" {
		t.Errorf("closed: id %q, error %v, want %v", id, err, fault.ErrUnavailable)
	}
}

// TestMany publishes and delivers at the same time: each message once, since
// nothing fails.
func TestMany(t *testing.T) {
	var mu sync.Mutex
	seen := map[string]int{}
	all := make(chan struct{})
	const publishers, each = 8, 25
	q := run(t, temp(t), Options{}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if seen[pushedData(r)]++; len(seen) == publishers*each {
			close(all)
		}
	}))
	var wg sync.WaitGroup
	for i := range publishers {
		wg.Go(func() {
			for n := range each {
				q.publish(t, fmt.Sprintf("%d-%d", i, n))
			}
		})
	}
	wg.Wait()
	<-all
	q.stop()
	for d, n := range seen {
		if n != 1 {
			t.Errorf("%s was delivered %d times", d, n)
		}
	}
}

func BenchmarkPublish(b *testing.B) {
	for _, parallel := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("parallel=%d", parallel), func(b *testing.B) {
			q := openAt(b, temp(b), Options{})
			work := make(chan struct{})
			var wg sync.WaitGroup
			for range parallel {
				wg.Go(func() {
					for range work {
						if _, err := q.Publish(b.Context(), bus.Confirmed, bus.Message{Data: make([]byte, 700)}); err != nil {
							b.Error(err)
						}
					}
				})
			}
			for b.Loop() {
				work <- struct{}{}
			}
			close(work)
			wg.Wait()
		})
	}
}
