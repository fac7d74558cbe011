package local

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/sandbox"
)

// trouble is a failure that passes without the company.
type trouble struct {
	name   string
	fault  sandbox.Fault
	reason integration.Reason
}

func troubles() []trouble {
	const calls, token = "events.*", "token"
	return []trouble{
		{"rate limit", sandbox.Fault{Operation: calls, Status: 403, Reason: "rateLimitExceeded"}, integration.Quota},
		{"user's rate limit", sandbox.Fault{Operation: calls, Status: 403, Reason: "userRateLimitExceeded"}, integration.Quota},
		{"calendar's quota", sandbox.Fault{Operation: calls, Status: 403, Reason: "quotaExceeded"}, integration.Quota},
		{"429 with a time", sandbox.Fault{Operation: calls, Status: 429, RetryAfter: 90 * time.Second}, integration.Quota},
		{"token rate limit", sandbox.Fault{Operation: token, Status: 429, Reason: "rate_limit_exceeded"}, integration.Quota},
		{"500", sandbox.Fault{Operation: calls, Status: 500}, integration.Outage},
		{"503", sandbox.Fault{Operation: calls, Status: 503}, integration.Outage},
		{"a page for an answer", sandbox.Fault{Operation: calls, Action: sandbox.Garbage}, integration.Outage},
		{"slow", sandbox.Fault{Operation: calls, Latency: time.Minute}, integration.Outage},
		{"403 of a proxy", sandbox.Fault{Operation: calls, Action: sandbox.Garbage, Status: 403}, integration.Outage},
		{"token 500", sandbox.Fault{Operation: token, Status: 500}, integration.Outage},
		{"token page", sandbox.Fault{Operation: token, Action: sandbox.Garbage, Status: 400}, integration.Outage},
		{"dropped", sandbox.Fault{Operation: calls, Action: sandbox.DropBefore}, integration.Network},
		{"token dropped", sandbox.Fault{Operation: token, Action: sandbox.DropBefore}, integration.Network},
		{"token slow", sandbox.Fault{Operation: token, Latency: time.Minute}, integration.Network},
		{"API not enabled", sandbox.Fault{Operation: calls, Status: 403, Reason: "accessNotConfigured"}, integration.Internal},
		{"our credentials are wrong", sandbox.Fault{Operation: token, Status: 401, Reason: "invalid_client"}, integration.Internal},
		{"our request is wrong", sandbox.Fault{Operation: token, Status: 400, Reason: "unauthorized_client"}, integration.Internal},
	}
}

// why is what the panel says of the classes that pass without the company.
func why(r integration.Reason) string {
	return map[integration.Reason]string{
		integration.Quota:    "Google pide ir más despacio",
		integration.Outage:   "Google no responde como debería",
		integration.Network:  "no se pudo hablar con Google",
		integration.Internal: "un fallo nuestro, ya lo estamos mirando",
	}[r]
}

// TestWalkPassing: for a day calls fail for a reason that passes. Bookings are
// tried again, the panel says when, nobody is told anything or asked to
// reconnect, and when it has passed all is well by itself.
func TestWalkPassing(t *testing.T) {
	for _, tr := range troubles() {
		t.Run(tr.name, func(t *testing.T) {
			walk(t, func(v *visitor) {
				evs := bookings(3)
				v.apply(evs[0])
				if tr.fault.Operation == "token" {
					time.Sleep(time.Hour) // a token is needed
				}
				tr.fault.Until = time.Now().Add(26 * time.Hour)
				v.spoil(tr.fault)
				evs[0] = changed(evs[0])
				v.apply(evs...)
				for _, d := range []time.Duration{time.Minute, time.Hour, 10 * time.Hour, 14 * time.Hour} {
					v.maintain(d, d/60)
					v.patient(tr.reason, evs)
				}
				v.maintain(3*time.Hour, time.Minute) // the longest wait is an hour
				v.well(evs...)
				v.wantNotices("of it")
				v.alarmed(tr.reason, evs)
			})
		})
	}
}

// patient demands that the pages and the API say that the bookings are tried
// again, why and when, and ask nothing of the company.
func (v *visitor) patient(reason integration.Reason, evs []booking.Event) {
	v.t.Helper()
	if i := v.integration(); i.Status != integration.Connected || i.Reason != "" || i.Action != "" || i.Waiting != len(evs) {
		v.t.Errorf("the API says of the connection: %+v", i)
	}
	v.enter()
	v.says("Conectado")
	v.calm(reason)
	fact := strings.Join(v.page.fact("En espera"), " ")
	if want := fmt.Sprintf("%d reservas se volverán a intentar: %s. Próximo intento: ", len(evs), why(reason)); !strings.HasPrefix(fact, want) {
		v.t.Errorf("in wait: %q, want %q", fact, want)
	}
	v.click("Historial")
	v.calm(reason)
	for _, ev := range evs {
		d := v.delivery(ev.Booking.ID)
		next, err := time.Parse(time.RFC3339, d.NextAttemptAt)
		if d.Status != integration.Pending || d.Reason != reason || d.Attempts == 0 || err != nil || next.After(time.Now().Add(time.Hour)) {
			v.t.Errorf("the API says of booking %s: %+v", ev.Booking.ID, d)
		}
		v.click(row(ev))
		v.calm(reason)
		v.says("Google Calendar: "+why(reason), "Próximo intento: "+v.moment(next))
		if reason == integration.Internal {
			v.says("Si sigue así, dinos esta referencia: " + string(acme) + "/" + string(ev.Booking.ID))
		}
		v.click("Historial")
	}
}

// calm is untroubled, but for the reference to a failure of ours.
func (v *visitor) calm(reason integration.Reason) {
	v.t.Helper()
	if reason == integration.Internal {
		v.silent("econectar", "Parado desde", "legir", "rechazó")
		return
	}
	v.untroubled()
}

// moment is the hour of a next try as the panel says it: now, if its time has
// come.
func (v *visitor) moment(next time.Time) string {
	v.t.Helper()
	zone, err := booking.LoadZone("America/Bogota")
	check(v.t, err)
	now := time.Now()
	if next.Before(now) {
		next = now
	}
	next, now = next.In(zone), now.In(zone)
	day := "hoy"
	if next.Day() != now.Day() {
		day = "mañana"
	}
	return day + ", " + next.Format("15:04")
}

// alarmed demands that a failure of ours was logged as an error, which is what
// the operator is called by, under the reference that the company was given; and
// that no other was.
func (w *world) alarmed(reason integration.Reason, evs []booking.Event) {
	w.t.Helper()
	for _, ev := range evs {
		severity := "WARNING"
		if reason == integration.Internal {
			severity = "ERROR"
		}
		seen := map[string]int{}
		w.logged.count(w.t, func(l line) bool {
			if l.Company == string(acme) && l.Booking == string(ev.Booking.ID) && l.Message == "delivery pending" && l.Reason == string(reason) {
				seen[l.Severity]++
			}
			return true
		})
		if seen[severity] == 0 || len(seen) != 1 {
			w.t.Errorf("booking %s was logged %v, and not as %s only", ev.Booking.ID, seen, severity)
		}
	}
}

// TestWalkConnectInTrouble: while our credentials are wrong or Google is down, a
// consent can't be used. The page says so, nothing is kept, and later it works.
func TestWalkConnectInTrouble(t *testing.T) {
	for _, tr := range troubles() {
		if tr.fault.Operation != "token" {
			continue
		}
		t.Run(tr.name, func(t *testing.T) {
			walk(t, func(v *visitor) {
				v.turnOffByPage("Dejarlos en el calendario")
				v.spoil(tr.fault)
				v.click(connectWords)
				v.press(allowWords, choose(accountWords))
				v.says("No se pudo completar la conexión y no se ha guardado nada a medias.", "Desconectado")
				if kept := v.secretFiles(); len(kept) > 0 || !v.connection(acme).Data.IsZero() {
					v.t.Errorf("kept: %v, %+v", kept, v.connection(acme).Data)
				}
				v.google.ClearFaults()
				v.click(connectWords)
				v.press(allowWords, choose(accountWords))
				v.says("Google Calendar está conectado.")
				v.maintain(3*time.Minute, 5*time.Second)
				v.well()
			})
		})
	}
}

// TestWalkTestInTrouble: a test of the connection, asked for on the page, says
// which class of failure it met and what to do.
func TestWalkTestInTrouble(t *testing.T) {
	for _, tr := range troubles() {
		t.Run(tr.name, func(t *testing.T) {
			walk(t, func(v *visitor) {
				if tr.fault.Operation == "token" {
					time.Sleep(time.Hour)
				}
				v.spoil(tr.fault)
				v.enter()
				v.press("Probar la conexión")
				v.says("La prueba no salió bien", why(tr.reason))
				advice := "Suele ser pasajero: no hace falta reconectar."
				if tr.reason == integration.Internal {
					advice = "Es un fallo nuestro: no hace falta reconectar, y las reservas se vuelven a intentar solas. Si sigue así, avísanos con esta referencia: "
				}
				v.says(advice)
				if v.page.leadsTo("/oauth/start") {
					v.t.Error("the page leads to a consent")
				}
				v.google.ClearFaults()
				time.Sleep(time.Minute)
				v.press("Probar otra vez")
				v.says("La conexión funciona")
				v.click("Integraciones")
				v.says("Conectado")
				if s := v.connection(acme).Status; s != integration.Connected {
					v.t.Errorf("the connection is %s", s)
				}
			})
		})
	}
}
