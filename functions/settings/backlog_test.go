package settings

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

// What connecting would add are the bookings that are still to come and have
// no event, or none that stays.
func TestPreview(t *testing.T) {
	off := func(c *integration.Connection) {
		*c = integration.Connection{ID: c.ID, Status: integration.Disconnected}
	}
	dead := func(c *integration.Connection) { c.NeedReauth(integration.Revoked, c.ChangedAt) }
	lost := func(c *integration.Connection) { c.NeedReauth(integration.CalendarMissing, c.ChangedAt) }
	state := func(k booking.Kind) func(*store.Booking) {
		return func(b *store.Booking) { never(b); b.State = k }
	}
	for _, tc := range []struct {
		name  string
		given func(*integration.Connection)
		how   func(*store.Booking)
		want  preview
	}{
		{"off, never sent", off, never, preview{add: 1}},
		{"off, kept", off, nil, preview{kept: 1}},
		{"off, removed", off, deliver(func(d *integration.Delivery) {
			*d = integration.Delivery{Status: integration.Skipped, Place: integration.Place{Generation: 1}}
		}), preview{add: 1}},
		{"off, reserved", off, state(booking.Reserved), preview{}},
		{"off, deleted", off, state(booking.Deleted), preview{}},
		{"dead, waiting", dead, waits(integration.Revoked), preview{add: 1}},
		{"dead, there", dead, nil, preview{kept: 1}},
		{"dead, a change waiting", dead, deliver(func(d *integration.Delivery) { d.Status = integration.Waiting }), preview{kept: 1}},
		{"dead, in an account before", dead, deliver(func(d *integration.Delivery) { d.Place.Account = "1000" }), preview{add: 1}},
		{"dead, deleted by hand", dead, gone, preview{kept: 1}},
		{"dead, refused", dead, refused, preview{add: 1}},
		{"calendar gone, in it", lost, nil, preview{add: 1}},
		{"calendar gone, in another", lost, deliver(func(d *integration.Delivery) { d.Place.Calendar = "other" }), preview{kept: 1}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newSite(t)
			s.connect(salon, tc.given)
			s.book(salon, "1", 24*hour, tc.how)
			s.book(salon, "past", -2*hour, tc.how)
			h := &handler{Deps: s.deps}
			e, err := h.entry(t.Context(), salon, h.newOffers()[0])
			s.must(err)
			b, err := h.backlog(t.Context(), salon, e)
			s.must(err)
			if diff := cmp.Diff(tc.want, b.preview, cmp.AllowUnexported(preview{})); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// counting is a store that counts the bookings that are listed.
type counting struct {
	Store
	read int
}

func (c *counting) ListBookings(ctx context.Context, company booking.CompanyID, q store.Query) (store.Page[*store.Booking], error) {
	p, err := c.Store.ListBookings(ctx, company, q)
	c.read += len(p.Items)
	return p, err
}

// A page's cost has a bound, and the page says that there are more. Of a
// company that cannot be connected now, no booking is read.
func TestPreviewBound(t *testing.T) {
	var c *counting
	s := newSite(t, func(d *Deps) {
		c = &counting{Store: d.Store}
		d.Store = c
	})
	for i := range maxRecent + 10 {
		s.book(salon, booking.ID(strconv.Itoa(i)), hour, never)
	}
	b := s.enter(s.claims(salon))
	if page := body(t, b.get("/settings")); !strings.Contains(page, "Al conectar se añadirán 500 reservas o más.") || c.read != maxRecent {
		t.Errorf("%d bookings are read, or the page does not say that there are more", c.read)
	}
	if got := body(t, s.call(salon, "GET", "/v1/integrations", "")); !strings.Contains(got, `"preview":{"add":500,"more":true}`) {
		t.Errorf("the API says %s", got)
	}
	c.read = 0
	s.pause()
	if page := body(t, b.get("/settings")); strings.Contains(page, "se añadirán") || c.read != 0 {
		t.Errorf("paused: %d bookings are read", c.read)
	}
}

// A change that is under way does not make the success before it undone.
func TestLastSuccess(t *testing.T) {
	s := newSite(t)
	s.connect(salon, nil)
	wrote := s.now.Add(-3 * hour)
	s.book(salon, "1", 24*hour, func(b *store.Booking) {
		s.retrying(b)
		b.History = append(b.History, store.Step{At: wrote, Kind: "created", Integration: integration.GoogleCalendar, Outcome: "ok"})
	})
	h := &handler{Deps: s.deps}
	e, err := h.entry(t.Context(), salon, h.newOffers()[0])
	s.must(err)
	b, err := h.backlog(t.Context(), salon, e)
	s.must(err)
	if !b.last.Equal(wrote) || b.retrying != 1 {
		t.Errorf("the last success was at %v, want %v; %d are retried", b.last, wrote, b.retrying)
	}
}
