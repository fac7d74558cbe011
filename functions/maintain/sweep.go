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
	parallel  = 16 // bookings reconciled at a time
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
	var wg sync.WaitGroup
	queue := make(chan store.Key)
	for range min(parallel, len(keys)) {
		wg.Go(func() {
			for k := range queue {
				if err := m.Engine.Reconcile(ctx, k); err != nil {
					m.warn(ctx, "booking not reconciled", err)
				}
			}
		})
	}
	for _, k := range keys {
		if ctx.Err() != nil {
			break
		}
		queue <- k
	}
	close(queue)
	wg.Wait()
}

func (m *Maintainer) warn(ctx context.Context, msg string, err error, attrs ...slog.Attr) {
	m.Log.LogAttrs(ctx, slog.LevelError, msg, append(attrs, slog.String("error", err.Error()))...)
}
