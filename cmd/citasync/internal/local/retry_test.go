package local

import (
	"context"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/sandbox"
)

// TestWalkRetry: an event that was deleted by hand, and one that Google refused
// once, come back when the company asks for them on the booking's page, each
// once, whatever Google answers to a write over a deleted event.
func TestWalkRetry(t *testing.T) {
	for _, way := range []sandbox.CancelledUpdate{sandbox.Forbidden, sandbox.Gone, sandbox.Restored} {
		t.Run(string(way), func(t *testing.T) {
			walk(t, func(v *visitor) {
				check(t, v.google.SetBehaviour(sandbox.Behaviour{UpdateOfCancelled: way}))
				evs := bookings(2)
				v.apply(evs[0])
				v.spoil(sandbox.Fault{Operation: "events.insert", Status: http.StatusBadRequest, Reason: "invalid", Times: 1})
				v.apply(evs[1])
				v.deleteEvent(evs[0])
				v.maintain(25*time.Hour, 10*time.Minute)

				v.enter()
				v.askAgain(evs[0], "Borrado a mano en Google Calendar", "Volver a ponerla en Google Calendar")
				v.askAgain(evs[1], "Google rechazó esta reserva", "Intentarlo otra vez")
				v.maintain(time.Minute, 10*time.Second)
				v.well(evs...)
				for _, ev := range evs {
					v.browse(http.MethodGet, bookingPage(ev), nil)
					v.says("Se pidió enviarla otra vez a Google Calendar", "En Google Calendar")
					v.silent("Volver a ponerla", "Intentarlo otra vez")
				}
			})
		})
	}
}

// TestWalkRetryRefused: what Google refuses again is refused again, and the
// company may ask as often as it likes.
func TestWalkRetryRefused(t *testing.T) {
	walk(t, func(v *visitor) {
		bad := refusable(bookings(1)[0])
		v.apply(bad)
		v.enter()
		for range 2 {
			v.askAgain(bad, "Google rechazó esta reserva", "Intentarlo otra vez")
			v.maintain(time.Minute, 10*time.Second)
		}
		if d := v.record(acme, bad.Booking.ID).Deliveries[calendarID]; d.Status != integration.Failed || d.Reason != integration.Rejected {
			v.t.Errorf("delivery %+v", d)
		}
		v.maintain(day, time.Hour)
		if n := v.calls()["events.insert"]; n != 3 {
			v.t.Errorf("%d tries, want one and the two that were asked for", n)
		}
	})
}

// ask asks for a booking's event again, as the platform does. There may be
// nothing to ask for.
func (w *world) ask(company booking.CompanyID, id booking.ID) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, publicURL+"/v1/bookings/"+string(id)+"/retry", nil)
	check(w.t, err)
	r.Header.Set("Authorization", "Bearer "+w.visitor(company).token())
	res, err := internet{w}.RoundTrip(r)
	check(w.t, err)
	check(w.t, res.Body.Close())
	switch res.StatusCode {
	case http.StatusOK, http.StatusConflict, http.StatusNotFound, http.StatusServiceUnavailable:
	default:
		w.t.Errorf("asking for booking %s again is answered with %d", id, res.StatusCode)
	}
}

func bookingPage(ev booking.Event) string {
	return publicURL + "/settings/history?" + url.Values{"booking": {string(ev.Booking.ID)}}.Encode()
}

// askAgain presses a button on a booking's page, which says what is the matter.
func (v *visitor) askAgain(ev booking.Event, matter, button string) {
	v.t.Helper()
	v.browse(http.MethodGet, bookingPage(ev), nil)
	v.says(matter)
	v.press(button)
	v.says("La estamos enviando otra vez")
}
