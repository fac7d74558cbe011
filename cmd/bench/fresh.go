package main

import (
	"context"
	"sync"
	"time"
)

// fresh is how events fared that were told while something else was measured.
type fresh struct {
	Events int     `json:"events"`
	P50    float64 `json:"p50_ms"`
	P99    float64 `json:"p99_ms"`
	Most   float64 `json:"most_ms"`
}

// tellEvery is the time between two fresh events.
const tellEvery = 100 * time.Millisecond

// tell applies events of new bookings, ten a second, of companies all over the
// list, until it is asked how they fared: from when each was told, so that one
// that had to wait shows, to when it was in the calendar and recorded.
func (m *meter) tell(ctx context.Context) (fared func() (*fresh, error)) {
	ctx, cancel := context.WithCancel(ctx)
	var (
		mu    sync.Mutex
		wg    sync.WaitGroup
		took  sample
		trial error
	)
	wg.Go(func() {
		tick := time.NewTicker(tellEvery)
		defer tick.Stop()
		for i := 0; ; i++ {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			wg.Go(func() {
				begun := time.Now()
				err := m.apply(context.WithoutCancel(ctx), i)
				mu.Lock()
				defer mu.Unlock()
				took = append(took, time.Since(begun))
				if err != nil {
					trial = err
				}
			})
		}
	})
	return func() (*fresh, error) {
		cancel()
		wg.Wait()
		return &fresh{Events: len(took), P50: millis(took.at(0.5)), P99: millis(took.at(0.99)), Most: millis(took.at(1))}, trial
	}
}

// scatter is a prime: multiples of it come to companies in no order.
const scatter = 7919

func (m *meter) apply(ctx context.Context, i int) error {
	n := time.Now().UnixNano()
	ev, err := event(companyID((i*scatter)%max(1, m.Companies)), n)
	if err != nil {
		return err
	}
	return m.engine.Apply(ctx, ev)
}
