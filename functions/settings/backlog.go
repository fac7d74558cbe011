package settings

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/gcal"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

// How far the bookings are looked through for what waits, so that a page's
// cost has a bound: a company with more sees that there are more.
const (
	maxWaiting = 1000 // deliveries that wait for the company or the service
	maxRecent  = 500  // bookings that ended a day ago or end later, soonest first
	maxPast    = 50   // bookings that were delivered, for the last success, if no recent one was
	scanPage   = 200
)

// backlog is how the deliveries to one integration stand.
type backlog struct {
	waiting  int // for the company or the service
	sending  int // under way for the first time
	retrying int // to be tried again
	reason   integration.Reason
	next     time.Time        // the first of those tries
	last     time.Time        // the latest success; zero: none among these
	more     bool             // there were too many to look at all
	left     []*store.Booking // whose events are still there, though the bookings have not passed; first start first
	refused  []*store.Booking // refused for good; first start first
	preview  preview
}

// preview is what connecting, or connecting again, would do.
type preview struct {
	add  int  // bookings that are still to come and have no event
	kept int  // those that have one
	more bool // there were too many to look at all
}

// total is how many bookings are not yet where they should be.
func (b *backlog) total() int { return b.waiting + b.sending + b.retrying }

// backlog looks through the company's bookings. A connection that is off, owes
// nothing and could be made has only a preview, for which the bookings that are
// still to come are read, at most maxRecent of them. If it can't be made, or
// making it would add nothing, none is read.
func (h *handler) backlog(ctx context.Context, company booking.CompanyID, e entry) (*backlog, error) {
	b, now := &backlog{}, h.Now()
	recent := store.Query{EndsAfter: now.Add(-24 * time.Hour)}
	if e.Status == integration.Disconnected && e.Reason == integration.NoReason {
		if !e.Entry.Enabled || !e.events {
			return b, nil
		}
		recent.EndsAfter = now
	} else {
		waiting := store.Query{Waiting: e.Connection.ID}
		more, err := h.scan(ctx, company, waiting, maxWaiting, func(*store.Booking) { b.waiting++ })
		if err != nil {
			return nil, err
		}
		b.more = more
	}
	more, err := h.scan(ctx, company, recent, maxRecent, func(rec *store.Booking) { b.add(rec, e, now) })
	b.more, b.preview.more = b.more || more, more
	for _, list := range [][]*store.Booking{b.left, b.refused} {
		slices.SortStableFunc(list, func(x, y *store.Booking) int { return x.Booking.Start.Compare(y.Booking.Start) })
	}
	return b, err
}

// scan calls see for at most limit of the bookings that q selects, and reports
// whether there are more.
func (h *handler) scan(ctx context.Context, company booking.CompanyID, q store.Query, limit int, see func(*store.Booking)) (more bool, err error) {
	for seen := 0; ; {
		q.Limit = min(scanPage, limit-seen)
		page, err := h.Store.ListBookings(ctx, company, q)
		if err != nil {
			return false, fmt.Errorf("list bookings: %w", err)
		}
		for _, rec := range page.Items {
			see(rec)
		}
		seen += len(page.Items)
		q.Cursor = page.Next
		if q.Cursor == "" || seen >= limit {
			return q.Cursor != "", nil
		}
	}
}

// add takes in a booking's delivery; what waits has been counted already.
func (b *backlog) add(rec *store.Booking, e entry, now time.Time) {
	d := rec.Deliveries[e.id]
	if at := succeeded(rec, d, e); at.After(b.last) {
		b.last = at
	}
	switch d.Status {
	case integration.Pending:
		b.pend(d)
	case integration.Failed:
		b.refused = append(b.refused, rec)
	case integration.Done, integration.Waiting, integration.Skipped:
	}
	if !rec.Booking.End.After(now) {
		return
	}
	if d.Written && !d.Place.None() && d.Detail != gcal.DetailGone {
		b.left = append(b.left, rec)
	}
	switch {
	case rec.State != booking.Confirmed:
	case there(d, e.Connection) && d.Detail == gcal.DetailGone: // it stays away
	case there(d, e.Connection):
		b.preview.kept++
	default:
		b.preview.add++
	}
}

// succeeded is when something was last done for the booking, as far as its
// record tells; zero if nothing was. That it was found deleted by hand is
// nothing done.
func succeeded(rec *store.Booking, d integration.Delivery, e entry) time.Time {
	switch {
	case !e.events:
		return sentAt(rec, e.id)
	case d.Status == integration.Done && rec.State == booking.Confirmed && d.Written && d.Detail != gcal.DetailGone:
		return written(rec, d, e.id)
	}
	if at := stepAt(rec, e.id, gcal.StepCreated, gcal.StepUpdated, gcal.StepRemoved); !at.IsZero() {
		return at // what came after it is not there yet
	}
	if d.Status == integration.Done && rec.State != booking.Confirmed && d.Place.Generation > 0 {
		return d.UpdatedAt // removed, longer ago than the history tells
	}
	return time.Time{}
}

// lastSuccess is the last one of an integration of whose recent bookings none
// succeeded: of what was delivered it looks at the latest.
func (h *handler) lastSuccess(ctx context.Context, company booking.CompanyID, e entry) (last time.Time, err error) {
	for _, status := range []integration.DeliveryStatus{integration.Done, store.Gone} {
		q := store.Query{Filter: store.Filter{Integration: e.id, Status: status}}
		_, err := h.scan(ctx, company, q, maxPast, func(rec *store.Booking) {
			if at := succeeded(rec, rec.Deliveries[e.id], e); at.After(last) {
				last = at
			}
		})
		if err != nil || !last.IsZero() {
			return last, err
		}
	}
	return last, nil
}

// there reports whether the delivery's event needs no new one once the
// connection is made or mended, of whatever account it is if there is none now.
// One that was deleted by hand stays away.
func there(d integration.Delivery, c integration.Connection) bool {
	switch {
	case !d.Written || d.Place.None():
		return false
	case c.Status == integration.Disconnected:
		return true
	case d.Place.Account != c.Data.AccountSubject:
		return false
	}
	return c.Reason != integration.CalendarMissing || d.Place.Calendar != cmp.Or(c.Data.CalendarID, primary)
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
