package settings

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

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
		{"dead, deleted by hand", dead, gone, preview{}},
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

// The card tells when something last succeeded, whenever that was: neither what
// came after it, nor that it is long ago, makes it undone, and that an event was
// found deleted is no success.
func TestLastSuccess(t *testing.T) {
	const google = integration.GoogleCalendar
	wrote := func(s *site, kind string) func(*store.Booking) {
		return func(b *store.Booking) {
			at := s.now.Add(-5 * 24 * hour)
			b.History = []store.Step{{At: at, Kind: "confirmed", Outcome: "ok"}, {At: at, Kind: kind, Integration: google, Outcome: "ok"}}
			deliver(func(d *integration.Delivery) { d.UpdatedAt = s.now.Add(-10 * time.Minute) })(b)
		}
	}
	const then, none = "26 de noviembre, 09:30", "todavía ninguna"
	for _, tc := range []struct {
		name string
		in   time.Duration
		how  func(*site) func(*store.Booking)
		want string
	}{
		{"a change under way", 24 * hour, func(s *site) func(*store.Booking) {
			return func(b *store.Booking) {
				wrote(s, "created")(b)
				s.retrying(b)
			}
		}, then},
		{"looked at since", 24 * hour, func(s *site) func(*store.Booking) { return wrote(s, "updated") }, then},
		{"deleted by hand", 24 * hour, func(s *site) func(*store.Booking) {
			return func(b *store.Booking) {
				wrote(s, "created")(b)
				gone(b)
			}
		}, then},
		{"removed", 24 * hour, func(s *site) func(*store.Booking) {
			return func(b *store.Booking) {
				wrote(s, "removed")(b)
				b.State = booking.Deleted
			}
		}, then},
		{"removed, forgotten", 24 * hour, func(s *site) func(*store.Booking) {
			return func(b *store.Booking) {
				b.State, b.History = booking.Deleted, nil
				deliver(func(d *integration.Delivery) {
					*d = integration.Delivery{Status: integration.Done, Place: integration.Place{Generation: 1}, UpdatedAt: s.now.Add(-5 * 24 * hour)}
				})(b)
			}
		}, then},
		{"past", -30 * hour, func(s *site) func(*store.Booking) { return wrote(s, "created") }, then},
		{"past, deleted by hand", -30 * hour, func(s *site) func(*store.Booking) {
			return func(b *store.Booking) {
				wrote(s, "created")(b)
				gone(b)
			}
		}, then},
		{"never there", 24 * hour, func(*site) func(*store.Booking) { return tombstone }, none},
		{"past, refused", -30 * hour, func(*site) func(*store.Booking) {
			return func(b *store.Booking) {
				b.History = nil
				refused(b)
			}
		}, none},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newSite(t)
			s.connect(salon, nil)
			s.book(salon, "1", tc.in, tc.how(s))
			page := body(t, s.enter(s.claims(salon)).get("/settings"))
			if got := factOf(page, "Última reserva enviada"); got != tc.want {
				t.Errorf("last sent %q, want %q", got, tc.want)
			}
		})
	}
}

// factOf is what a card says first of the term.
func factOf(page, term string) string {
	_, rest, _ := strings.Cut(page, "<dt>"+term+"</dt>\n<dd>")
	value, _, _ := strings.Cut(rest, "</dd>")
	return value
}

// So does the card of the messages.
func TestLastMessage(t *testing.T) {
	m := newMessenger(t, bilingual())
	m.notify(salon, nil)
	m.book(salon, "1", -30*hour, m.told(nil))
	page := body(t, m.enter(m.claims(salon)).get("/settings"))
	if got := factOf(page, "Último mensaje enviado"); got != "hoy, 09:00" {
		t.Errorf("last sent %q", got)
	}
}

// For the last success of a company without a recent one, so many bookings are
// read and no more.
func TestLastSuccessBound(t *testing.T) {
	var c *counting
	s := newSite(t, func(d *Deps) {
		c = &counting{Store: d.Store}
		d.Store = c
	})
	s.connect(salon, nil)
	for i := range maxPast + 10 {
		s.book(salon, booking.ID(strconv.Itoa(i)), -30*hour, nil)
	}
	page := body(t, s.enter(s.claims(salon)).get("/settings"))
	if got := factOf(page, "Última reserva enviada"); got != "hoy, 08:30" || c.read != maxPast {
		t.Errorf("last sent %q, of %d bookings read", got, c.read)
	}
}
