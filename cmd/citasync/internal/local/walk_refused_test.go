package local

import (
	"testing"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
)

// refusable makes a booking one that Google does not take: it ends as it begins.
func refusable(ev booking.Event) booking.Event {
	ev.Booking.End = ev.Booking.Start
	return ev
}

// TestWalkRefused: Google refuses one booking, when it is new or when it changes.
// The panel gives Google's word for it, the company is told once, the others go
// on, nothing is tried for a week, and the booking's next change mends it.
func TestWalkRefused(t *testing.T) {
	for _, tc := range []struct {
		name, fact       string
		inserts, updates int
	}{
		{"a new one", "No está en Google Calendar: Google rechazó esta reserva", 3, 0},
		{"a change", "El último cambio no está en Google Calendar: Google rechazó esta reserva", 2, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			walk(t, func(v *visitor) {
				evs := bookings(3)
				bad := refusable(evs[1])
				if tc.updates > 0 { // it has an event already
					v.apply(evs[1])
					bad = refusable(changed(evs[1]))
				}
				v.google.ClearRequests()
				v.apply(evs[0], bad, evs[2], bad)
				v.maintain(7*day, 10*time.Minute)
				v.apply(bad) // told again, which is nothing new
				if n := v.calls(); n["events.insert"] != tc.inserts || n["events.update"] != tc.updates || n["events.list"] > 8 || n["token"] > 8 {
					v.t.Errorf("a week's calls: %v", n)
				}
				v.wantNotices("in a week", "delivery.failed rejected 0 1")
				v.refused(bad, tc.fact)
				v.right(evs[0])
				v.right(evs[2])

				evs[1] = changed(bad)
				v.apply(evs[1])
				v.well(evs...)
				v.maintain(2*day, time.Hour)
				v.well(evs...)
				v.wantNotices("in the end", "delivery.failed rejected 0 1")
			})
		})
	}
}

// refused demands that the pages, the API and the log say that Google refused the
// booking, in Google's word, and that the connection is fine.
func (v *visitor) refused(bad booking.Event, fact string) {
	v.t.Helper()
	if i := v.integration(); i.Status != integration.Connected || i.Reason != "" || i.Action != "" || i.Waiting != 0 || i.Refused != 1 {
		v.t.Errorf("the API says of the connection: %+v", i)
	}
	d := v.delivery(bad.Booking.ID)
	if d.Status != integration.Failed || d.Reason != integration.Rejected || d.Detail != "timeRangeEmpty (400)" || d.NextAttemptAt != "" {
		v.t.Errorf("the API says of the booking: %+v", d)
	}
	v.enter()
	v.says("Conectado", "Reservas que Google rechazó")
	v.silent("econectar")
	v.click(row(bad) + ", 20 de enero, " + bad.Booking.Start.Format("15:04"))
	v.says(fact, "Respuesta de Google Calendar: timeRangeEmpty (400)", "Se volverá a intentar si la reserva cambia.")
	if n := v.logged.count(v.t, func(l line) bool {
		return l.Message == "delivery failed" && l.Severity == "WARNING" && l.Booking == string(bad.Booking.ID) && l.Reason == string(integration.Rejected)
	}); n != 1 {
		v.t.Errorf("logged %d times", n)
	}
	v.click("Historial")
	v.says(fact)
}
