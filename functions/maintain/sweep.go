package maintain

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/store"
)

const (
	sweepPage = 500
	maxAhead  = 10_000 // bookings that are due and known to be, and wait
	turnSize  = 20     // bookings of one company in its turn: at its pace four seconds
	perWorker = 4      // bookings of one company at a time

	// parallel is how many companies are worked on at a time: as many as use
	// up the project's pace at their own.
	parallel = int(perProject / perCompany)
)

// sweep reconciles every booking whose time has come, some of each company in
// turn. A booking that is due again at once, or could not be written, is left
// to the next run.
func (m *Maintainer) sweep(ctx context.Context) (more bool, err error) {
	b := backlog{seen: map[store.Key]bool{}, waiting: map[booking.CompanyID][]store.Key{}}
	for {
		if err := m.lookAhead(ctx, &b); err != nil {
			return false, fmt.Errorf("sweep: %w", err)
		}
		if len(b.waiting) == 0 {
			return false, nil
		}
		each(ctx, parallel, b.turns(), func(keys []store.Key) { m.reconcile(ctx, keys) })
		if err := ctx.Err(); err != nil {
			return true, fmt.Errorf("sweep: %w", err)
		}
	}
}

// backlog is what a run knows to be due.
type backlog struct {
	seen    map[store.Key]bool // whatever became of it
	waiting map[booking.CompanyID][]store.Key
	ahead   int  // keys that wait
	more    bool // there were more than were asked for
}

// lookAhead sees to it that the companies that wait are as many as have their
// turn at a time, if so many have bookings that are due.
func (m *Maintainer) lookAhead(ctx context.Context, b *backlog) error {
	for len(b.waiting) == 0 || b.more && len(b.waiting) < parallel && b.ahead < maxAhead {
		// Those that are due still come first: look past them.
		limit := sweepPage + 2*len(b.seen)
		due, err := m.Bookings.DueBookings(ctx, m.Now(), limit)
		if err != nil {
			return err
		}
		b.more = len(due) == limit
		if b.add(due) == 0 {
			return nil
		}
	}
	return nil
}

func (b *backlog) add(due []store.Key) (news int) {
	for _, k := range due {
		if b.seen[k] {
			continue
		}
		b.seen[k] = true
		b.waiting[k.Company] = append(b.waiting[k.Company], k)
		news++
	}
	b.ahead += news
	return news
}

// turns takes a turn of each company's. Those with little have theirs first.
func (b *backlog) turns() [][]store.Key {
	turns := make([][]store.Key, 0, len(b.waiting))
	for company, keys := range b.waiting {
		n := min(turnSize, len(keys))
		turns = append(turns, keys[:n])
		b.ahead -= n
		if b.waiting[company] = keys[n:]; n == len(keys) {
			delete(b.waiting, company)
		}
	}
	slices.SortFunc(turns, func(a, b []store.Key) int { return len(a) - len(b) })
	return turns
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
