package settings

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
)

// What will be added is said together with what adds it: connecting,
// reconnecting or choosing another calendar.
func TestPreviewSaysWhen(t *testing.T) {
	for name, tc := range map[string]struct {
		given    func(*integration.Connection)
		es, en   string
		bookings int
	}{
		"off, one": {
			given: func(c *integration.Connection) {
				*c = integration.Connection{ID: c.ID, Status: integration.Disconnected}
			},
			bookings: 1, es: "Al conectar se añadirá 1 reserva.", en: "When you connect, 1 booking will be added.",
		},
		"off, inviting": {
			given: func(c *integration.Connection) {
				*c = integration.Connection{ID: c.ID, Status: integration.Disconnected, Options: integration.Options{InviteCustomer: true}}
			},
			bookings: 1, es: "Google escribirá a sus clientes para invitarlos, como elegiste en las opciones.", //nolint:misspell // Spanish
			en: "Google will write to their customers to invite them, as you chose in the options.",
		},
		"dead, two": {
			given:    func(c *integration.Connection) { c.NeedReauth(integration.Revoked, c.ChangedAt) },
			bookings: 2, es: "Al reconectar se añadirán 2 reservas.", en: "When you reconnect, 2 bookings will be added.",
		},
		"dead, more than are looked at": {
			given:    func(c *integration.Connection) { c.NeedReauth(integration.Revoked, c.ChangedAt) },
			bookings: maxRecent + 1, es: "Al reconectar se añadirán 500 reservas o más.", en: "When you reconnect, 500 bookings or more will be added.",
		},
		"calendar gone, one": {
			given:    func(c *integration.Connection) { c.NeedReauth(integration.CalendarMissing, c.ChangedAt) },
			bookings: 1, es: "Al elegir otro calendario se añadirá 1 reserva.", en: "When you choose another calendar, 1 booking will be added.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.connect(salon, tc.given)
			for i := range tc.bookings {
				s.book(salon, booking.ID(strconv.Itoa(i)), 24*hour, never)
			}
			for locale, want := range map[string]string{"es": tc.es, "en": tc.en} {
				c := s.claims(salon)
				c.Locale = locale
				if page := body(t, s.enter(c).get("/settings")); !strings.Contains(page, ">"+want+"<") {
					t.Errorf("the page does not say %q", want)
				}
			}
		})
	}
}

// The card of WhatsApp promises the notices that the company has sent, and no
// other.
func TestPromisedNotices(t *testing.T) {
	promises := map[booking.Kind]string{
		booking.Reserved: "Al hacerse una reserva", booking.Confirmed: "Al confirmarse una reserva", booking.Deleted: "Al eliminarse una reserva",
	}
	for name, tc := range map[string]struct {
		mute integration.Mute
		off  bool
		want []booking.Kind
	}{
		"all":                {want: []booking.Kind{booking.Reserved, booking.Confirmed, booking.Deleted}},
		"no confirmation":    {mute: integration.Mute{Confirmed: true}, want: []booking.Kind{booking.Reserved, booking.Deleted}},
		"cancellations only": {mute: integration.Mute{Reserved: true, Confirmed: true}, want: []booking.Kind{booking.Deleted}},
		"turned off again":   {mute: integration.Mute{Confirmed: true}, off: true, want: []booking.Kind{booking.Reserved, booking.Deleted}},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMessenger(t, bilingual())
			m.notify(salon, func(c *integration.Connection) {
				c.Options.Mute = tc.mute
				if tc.off {
					c.Enabled, c.Status = false, integration.Disconnected
				}
			})
			page := body(t, m.enter(m.claims(salon)).get("/settings"))
			for kind, promise := range promises {
				if got := strings.Contains(page, promise); got != slices.Contains(tc.want, kind) {
					t.Errorf("%s is promised: %t", kind, got)
				}
			}
		})
	}
}
