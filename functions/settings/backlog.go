package settings

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

// How far the bookings are looked through for what waits, so that a page's
// cost has a bound: a company with more sees that there are more.
const (
	maxWaiting = 1000 // deliveries that wait for the company or the service
	maxRecent  = 500  // bookings that ended a day ago or end later, soonest first
	scanPage   = 200
)

// backlog is how the deliveries to one integration stand.
type backlog struct {
	waiting  int // for the company or the service
	sending  int // under way for the first time
	retrying int // to be tried again
	reason   integration.Reason
	next     time.Time        // the first of those tries
	last     time.Time        // the latest success; zero: none found
	more     bool             // there were too many to look at all
	left     []*store.Booking // whose events are still there, though the bookings have not passed; first start first
}

// total is how many bookings are not yet where they should be.
func (b *backlog) total() int { return b.waiting + b.sending + b.retrying }

// backlog looks through the company's bookings. Of a connection that is off
// and owes nothing there is none, and no booking is read.
func (h *handler) backlog(ctx context.Context, company booking.CompanyID, c integration.Connection) (*backlog, error) {
	b := &backlog{}
	if c.Status == integration.Disconnected && c.Reason == integration.NoReason {
		return b, nil
	}
	now := h.Now()
	waiting := store.Query{Waiting: c.ID, Limit: scanPage}
	err := h.scan(ctx, company, waiting, maxWaiting, b, func(*store.Booking) { b.waiting++ })
	if err != nil {
		return nil, err
	}
	recent := store.Query{EndsAfter: now.Add(-24 * time.Hour), Limit: scanPage}
	err = h.scan(ctx, company, recent, maxRecent, b, func(rec *store.Booking) { b.add(rec, c.ID, now) })
	slices.SortStableFunc(b.left, func(x, y *store.Booking) int { return x.Booking.Start.Compare(y.Booking.Start) })
	return b, err
}

// scan calls see for at most limit of the bookings that q selects.
func (h *handler) scan(ctx context.Context, company booking.CompanyID, q store.Query, limit int, b *backlog, see func(*store.Booking)) error {
	for seen := 0; ; {
		page, err := h.Store.ListBookings(ctx, company, q)
		if err != nil {
			return fmt.Errorf("list bookings: %w", err)
		}
		for _, rec := range page.Items {
			see(rec)
		}
		seen += len(page.Items)
		q.Cursor = page.Next
		if q.Cursor == "" {
			return nil
		}
		if seen >= limit {
			b.more = true
			return nil
		}
	}
}

// add takes in a booking's delivery; what waits has been counted already.
func (b *backlog) add(rec *store.Booking, id integration.ID, now time.Time) {
	d := rec.Deliveries[id]
	switch d.Status {
	case integration.Done:
		if d.UpdatedAt.After(b.last) {
			b.last = d.UpdatedAt
		}
	case integration.Pending:
		b.pend(d)
	case integration.Waiting, integration.Failed, integration.Skipped:
	}
	if d.Written && !d.Place.None() && rec.Booking.End.After(now) {
		b.left = append(b.left, rec)
	}
}

func (b *backlog) pend(d integration.Delivery) {
	if d.Attempts == 0 {
		b.sending++
		return
	}
	b.retrying++
	if b.next.IsZero() || d.NextAttemptAt.Before(b.next) {
		b.next, b.reason = d.NextAttemptAt, d.Reason
	}
}
