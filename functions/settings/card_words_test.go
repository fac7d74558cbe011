package settings

import (
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
