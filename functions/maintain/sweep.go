package maintain

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	"github.com/citasync/citasync/shared/store"
)

const (
	sweepPage = 200
	parallel  = 16 // bookings, or companies, at a time
)

// sweep reconciles every booking whose time has come. A booking that is due
// again at once, or could not be written, is left to the next run.
func (m *Maintainer) sweep(ctx context.Context) error {
	done := map[store.Key]bool{}
	for {
		due, err := m.Bookings.DueBookings(ctx, m.Now(), sweepPage)
		if err != nil {
			return fmt.Errorf("sweep: %w", err)
		}
		var fresh []store.Key
		for _, k := range due {
			if !done[k] {
				done[k] = true
				fresh = append(fresh, k)
			}
		}
		if len(fresh) == 0 {
			return nil
		}
		m.reconcile(ctx, fresh)
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("sweep: %w", err)
		}
	}
}

// reconcile reconciles the bookings side by side. What fails is logged: the
// record says when to try again.
func (m *Maintainer) reconcile(ctx context.Context, keys []store.Key) {
	each(ctx, keys, func(k store.Key) {
		if err := m.Engine.Reconcile(ctx, k); err != nil {
			m.warn(ctx, "booking not reconciled", err)
		}
	})
}

// each does the items side by side, and begins none once the context has ended.
func each[T any](ctx context.Context, items []T, do func(T)) {
	var wg sync.WaitGroup
	queue := make(chan T)
	for range min(parallel, len(items)) {
		wg.Go(func() {
			for i := range queue {
				do(i)
			}
		})
	}
	for _, i := range items {
		if ctx.Err() != nil {
			break
		}
		queue <- i
	}
	close(queue)
	wg.Wait()
}

func (m *Maintainer) warn(ctx context.Context, msg string, err error, attrs ...slog.Attr) {
	m.Log.LogAttrs(ctx, slog.LevelError, msg, append(attrs, slog.String("error", err.Error()))...)
}
