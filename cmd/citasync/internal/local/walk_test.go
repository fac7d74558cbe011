package local

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/sandbox"
)

// Words of the panel and of Google that lead on.
const (
	connectWords   = "Conectar Google Calendar"
	reconnectWords = "Reconectar Google Calendar"
	allowWords     = "Permitir"
	accountWords   = "Ana Ruiz (" + ana + ")"
)

// walk is a test by somebody of a company that has connected some minutes ago,
// by the panel's pages and Google's page of consent.
func walk(t *testing.T, test func(*visitor)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		v := newWorld(t, 1, sandbox.Options{}).visitor(acme)
		v.enter()
		v.says("Desconectado", "Tus reservas no se envían a Google Calendar.")
		v.click(connectWords)
		v.press(allowWords, choose(accountWords))
		v.says("Google Calendar está conectado.", "Conectado")
		v.maintain(2*time.Minute, 10*time.Second)
		v.google.ClearRequests()
		test(v)
	})
}

// bookings are confirmations of that many bookings, each of its own service.
func bookings(n int) (evs []booking.Event) {
	for i := range n {
		evs = append(evs, event(booking.Confirmed, acme, bookingID(i), 1, service(i)))
	}
	return evs
}

func bookingID(i int) booking.ID { return booking.ID(strconv.Itoa(i)) }

func service(i int) string { return fmt.Sprintf("corte %d.", i) }

// row is what the panel calls a booking.
func row(ev booking.Event) string { return ev.Booking.Service + " para Ana Ruiz" }

// changed is a later state of a booking.
func changed(ev booking.Event) booking.Event {
	return event(booking.Confirmed, acme, ev.Booking.ID, ev.At.Nanosecond()/1e6+1, "nuevo "+ev.Booking.Service)
}

// integrationJSON and deliveryJSON are the company's connection and a booking's
// delivery as the API says them.
type integrationJSON struct {
	ID               integration.ID
	Status           integration.Status
	Reason           integration.Reason
	Action, Message  string
	Waiting, Refused int
	Preview          struct{ Add int }
}

type deliveryJSON struct {
	Status                integration.DeliveryStatus
	Reason                integration.Reason
	Detail, Message, Link string
	Attempts              int
	NextAttemptAt         string `json:"next_attempt_at"`
}

func (v *visitor) integration() integrationJSON {
	v.t.Helper()
	var list struct{ Integrations []integrationJSON }
	v.api("/v1/integrations", &list)
	i := slices.IndexFunc(list.Integrations, func(i integrationJSON) bool { return i.ID == calendarID })
	if i < 0 {
		v.t.Fatalf("integrations: %+v", list.Integrations)
	}
	return list.Integrations[i]
}

// delivery is a booking's, which the list must show as the booking's own path
// does.
func (v *visitor) delivery(id booking.ID) deliveryJSON {
	v.t.Helper()
	type bookingJSON struct {
		ID         booking.ID
		Deliveries map[integration.ID]deliveryJSON
	}
	var one bookingJSON
	var list struct{ Bookings []bookingJSON }
	v.api("/v1/bookings/"+string(id), &one)
	v.api("/v1/bookings?limit=200", &list)
	i := slices.IndexFunc(list.Bookings, func(b bookingJSON) bool { return b.ID == id })
	if i < 0 || list.Bookings[i].Deliveries[calendarID] != one.Deliveries[calendarID] {
		v.t.Errorf("booking %s is listed otherwise than it is shown: %+v", id, one)
	}
	return one.Deliveries[calendarID]
}

// well demands that nothing of a failure is left: the calendar is exact, and all
// is shown well.
func (v *visitor) well(evs ...booking.Event) {
	v.t.Helper()
	for _, ev := range evs {
		v.right(ev)
	}
	v.shownWell(evs...)
}

// shownWell demands that neither a page nor the API nor a record has anything to
// report.
func (v *visitor) shownWell(evs ...booking.Event) {
	v.t.Helper()
	for _, ev := range evs {
		d := v.delivery(ev.Booking.ID)
		if d.Status != integration.Done || d.Reason != "" || d.Detail != "" || d.Attempts != 0 || d.NextAttemptAt != "" || d.Link == "" {
			v.t.Errorf("the API says of booking %s: %+v", ev.Booking.ID, d)
		}
	}
	if i := v.integration(); i.Status != integration.Connected || i.Reason != "" || i.Action != "" || i.Waiting+i.Refused+i.Preview.Add != 0 {
		v.t.Errorf("the API says of the connection: %+v", i)
	}
	if c := v.connection(acme); c.Reason != "" || !c.BackfillDue.IsZero() || !c.NoticeDue.IsZero() {
		v.t.Errorf("the connection still has the reason %q, passes due %v, a notice due %v", c.Reason, c.BackfillDue, c.NoticeDue)
	}
	v.enter()
	v.says("Conectado", "Tus reservas confirmadas se añaden solas a Google Calendar.")
	if w := v.page.fact("En espera"); !slices.Equal(w, []string{"ninguna"}) {
		v.t.Errorf("still waiting: %q", w)
	}
	v.untroubled()
	v.click("Historial")
	v.untroubled()
	if n := strings.Count(v.page.String(), "En Google Calendar escrito"); n != len(evs) {
		v.t.Errorf("the history shows %d bookings in the calendar, not %d:\n%s", n, len(evs), v.page)
	}
}

// untroubled demands that the page asks nothing of the company.
func (v *visitor) untroubled() {
	v.t.Helper()
	v.silent("Reconect", "reconect", "Parado desde", "elegir", "Elegir", "rechazó", "referencia", "poniendo al día")
	if v.page.leadsTo("/oauth/start") {
		v.t.Errorf("%s leads to a consent:\n%s", v.page.at.Path, v.page)
	}
}

// noCalls demands that nobody called Google since the log was last emptied.
func (w *world) noCalls(when string) {
	w.t.Helper()
	if calls := w.google.Requests(); len(calls) > 0 {
		w.t.Errorf("calls to Google %s: %+v", when, calls)
	}
}

// calls counts those to Google since the log was last emptied, by operation.
func (w *world) calls() map[string]int {
	n := map[string]int{}
	for _, r := range w.google.Requests() {
		n[r.Operation]++
	}
	return n
}

// spoil makes calls fail.
func (w *world) spoil(f sandbox.Fault) {
	w.t.Helper()
	_, err := w.google.AddFault(f)
	check(w.t, err)
}
