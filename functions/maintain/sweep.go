package maintain

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"
	"slices"
	"sync"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/store"
)

const (
	sweepPage = 500
	parallel  = 8 // companies at a time
	perWorker = 4 // bookings of one company at a time
)

// sweep reconciles every booking whose time has come. A booking that is due
// again at once, or could not be written, is left to the next run.
func (m *Maintainer) sweep(ctx context.Context) error {
	done := map[store.Key]bool{}
	for {
		// Those that were done and are due still come first: look past them.
		due, err := m.Bookings.DueBookings(ctx, m.Now(), sweepPage+len(done))
		if err != nil {
			return fmt.Errorf("sweep: %w", err)
		}
		fresh := map[booking.CompanyID][]store.Key{}
		for _, k := range due {
			if !done[k] {
				done[k] = true
				fresh[k.Company] = append(fresh[k.Company], k)
			}
		}
		if len(fresh) == 0 {
			return nil
		}
		each(ctx, parallel, slices.Collect(maps.Values(fresh)), func(keys []store.Key) { m.reconcile(ctx, keys) })
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("sweep: %w", err)
		}
	}
}

// reconcile reconciles bookings of one company. What fails is logged: the
// record says when to try again.
func (m *Maintainer) reconcile(ctx context.Context, keys []store.Key) {
	each(ctx, perWorker, keys, func(k store.Key) {
		defer m.recovered(ctx, k)
		if err := m.Engine.Reconcile(ctx, k); err != nil {
			m.warn(ctx, "booking not reconciled", err)
		}
	})
}

// recovered keeps the process alive: one booking's trouble must not be that of
// all the others.
func (m *Maintainer) recovered(ctx context.Context, k store.Key) {
	if p := recover(); p != nil {
		m.warn(ctx, "booking not reconciled", fmt.Errorf("panic: %v\n%s", p, debug.Stack()),
			slog.String("company", string(k.Company)), slog.String("booking", string(k.Booking)))
	}
}

// each does the items, so many at a time, and begins none once the context has
// ended.
func each[T any](ctx context.Context, workers int, items []T, do func(T)) {
	var wg sync.WaitGroup
	queue := make(chan T)
	for range min(workers, len(items)) {
		wg.Go(func() {
			for i := range queue {
				do(i)
			}
		})
	}
	for _, i := range items {
		select {
		case queue <- i:
			continue
		case <-ctx.Done():
		}
		break
	}
	close(queue)
	wg.Wait()
}

func (m *Maintainer) warn(ctx context.Context, msg string, err error, attrs ...slog.Attr) {
	m.Log.LogAttrs(ctx, slog.LevelError, msg, append(attrs, slog.String("error", err.Error()))...)
}
