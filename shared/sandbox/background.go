package sandbox

import (
	"context"
	"sync"
)

// background runs what goes on after a call was answered.
type background struct {
	spawn  func(func(context.Context)) // runs it under a context that ends with stop
	cancel context.CancelFunc

	mu      sync.Mutex
	changed *sync.Cond // running became 0
	running int        // guarded by mu
	closed  bool       // guarded by mu
}

func newBackground() *background {
	ctx, cancel := context.WithCancel(context.Background())
	b := &background{cancel: cancel}
	b.changed = sync.NewCond(&b.mu)
	b.spawn = func(f func(context.Context)) {
		go func() {
			defer b.done()
			f(ctx)
		}()
	}
	return b
}

// start runs f unless the background was closed.
func (b *background) start(f func(context.Context)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed {
		b.running++
		b.spawn(f)
	}
}

func (b *background) done() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.running--
	if b.running == 0 {
		b.changed.Broadcast()
	}
}

// wait returns when nothing runs.
func (b *background) wait() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.running > 0 {
		b.changed.Wait()
	}
}

// close ends what runs. It may be called again.
func (b *background) close() {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	b.cancel()
	b.wait()
}
