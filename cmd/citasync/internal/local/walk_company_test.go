package local

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/sandbox"
)

// need is how a connection is shown that only the company can mend.
type need struct {
	reason  integration.Reason
	action  string // of the API
	status  string
	explain string
	waits   string // how many bookings wait, with the verb
	why     string // of a booking
	next    string
	mend    string // the link that does
	adds    string // what that will add
}

func revoked() need {
	return need{
		integration.Revoked, "reconnect", "Hay que reconectar", "Google ya no acepta la conexión: quizá se retiró el permiso o se cambió la contraseña.",
		"%d reservas esperan a que reconectes.", "Google ya no acepta la conexión", "Se enviará en cuanto reconectes.", reconnectWords,
		"Al reconectar se añadirán %d reservas.",
	}
}

func scopeMissing() need {
	return need{
		integration.ScopeMissing, "reconnect", "Hay que reconectar", "deja marcada la casilla de los eventos de tus calendarios.",
		"%d reservas esperan a que reconectes.", "falta el permiso para los eventos", "Se enviará en cuanto reconectes.", reconnectWords,
		"Al reconectar se añadirán %d reservas.",
	}
}

func calendarMissing() need {
	return need{
		integration.CalendarMissing, "choose_calendar", "Hay que elegir calendario", "El calendario elegido ya no existe o no se puede escribir en él.",
		"%d reservas esperan a que elijas otro calendario.", "el calendario elegido ya no está", "Se enviará en cuanto elijas otro calendario.",
		"Elegir otro calendario", "Al elegir otro calendario se añadirán %d reservas.",
	}
}

// asked demands that every page, the API and the log say what is wrong, how many
// bookings wait, and what mends it. It ends on the overview.
func (v *visitor) asked(n need, waiting ...booking.Event) {
	v.t.Helper()
	i := v.integration()
	if i.Status != integration.NeedsReauth || i.Reason != n.reason || i.Action != n.action || i.Waiting != len(waiting) || i.Preview.Add != len(waiting) {
		v.t.Errorf("the API says of the connection: %+v", i)
	}
	if n := v.logged.count(v.t, func(l line) bool {
		return l.Company == string(acme) && l.Reason == string(n.reason) && (l.Message == "grant is dead" || l.Message == "connection needs re-authorisation")
	}); n != 1 {
		v.t.Errorf("logged %d times", n)
	}
	v.enter()
	v.click("Historial")
	v.says("Google Calendar está parado y tus reservas esperan: " + n.why + ". Parado desde: ")
	for _, ev := range waiting {
		v.click(row(ev))
		v.says("Espera para Google Calendar: "+n.why, n.next, n.mend)
		if d := v.delivery(ev.Booking.ID); d.Status != integration.Waiting || d.Reason != n.reason || d.NextAttemptAt != "" {
			v.t.Errorf("the API says of booking %s: %+v", ev.Booking.ID, d)
		}
		v.click("Historial")
	}
	v.click("Actividad")
	v.says("Hay que ", n.mend)
	v.click("Integraciones")
	v.says(n.status, n.explain, "Parado desde")
	want := []string{"ninguna"}
	if len(waiting) > 0 {
		want = []string{fmt.Sprintf(n.waits, len(waiting)), "Ver en el historial"}
		v.says(fmt.Sprintf(n.adds, len(waiting)))
	}
	if got := v.page.fact("En espera"); !slices.Equal(got, want) {
		v.t.Errorf("in wait: %q, want %q", got, want)
	}
}

// reconnect follows the link on the page to Google, which is asked to offer the
// account that was connected, and consents.
func (v *visitor) reconnect() {
	v.t.Helper()
	v.click(reconnectWords)
	if hint := v.page.at.Query().Get("login_hint"); hint != ana {
		v.t.Errorf("Google is asked to offer %q", hint)
	}
	v.press(allowWords)
	v.says("Google Calendar está conectado de nuevo. Las reservas que faltaban se están añadiendo.", "Conectado")
}

// TestWalkRevoked: the grant ends at Google. The first booking that meets it
// turns the status, the company is told once, twenty more wait and nobody calls
// Google; after reconnecting on the page all of them are there, once.
func TestWalkRevoked(t *testing.T) {
	walk(t, func(v *visitor) {
		evs := bookings(21)
		_, err := v.google.RevokeGrants(ana)
		check(v.t, err)
		v.apply(evs[0])
		v.google.ClearRequests()
		v.apply(evs[1:]...)
		v.maintain(10*time.Minute, time.Minute)
		v.noCalls("with a dead grant")
		v.wantNotices("at first", "integration.needs_reauth revoked 0 0")
		v.asked(revoked(), evs...)
		v.noCalls("for the pages")

		v.reconnect()
		v.says("Ahora mismo estamos repasando los eventos de tus próximas reservas")
		v.maintain(3*time.Minute, 5*time.Second)
		v.well(evs...)
		v.wantNotices("at last", "integration.needs_reauth revoked 0 0", "integration.caught_up  0 21")
		v.maintain(3*day, time.Hour)
		v.well(evs...)
		v.wantNotices("days later", "integration.needs_reauth revoked 0 0", "integration.caught_up  0 21")
	})
}

// TestWalkRevokedIdle: the same without any booking. The daily check finds the
// dead grant.
func TestWalkRevokedIdle(t *testing.T) {
	walk(t, func(v *visitor) {
		_, err := v.google.RevokeGrants(ana)
		check(v.t, err)
		v.maintain(25*time.Hour, 10*time.Minute)
		v.asked(revoked())
		v.wantNotices("within a day", "integration.needs_reauth revoked 0 0")
		v.reconnect()
		v.maintain(3*time.Minute, 5*time.Second)
		v.well()
		v.wantNotices("at last", "integration.needs_reauth revoked 0 0", "integration.caught_up  0 0")
		ev := bookings(1)[0]
		v.apply(ev)
		v.well(ev)
	})
}

// TestWalkBoxUnticked: a consent without the calendar's box connects nothing and
// leaves nothing, the page names the box, and with it ticked all is well.
func TestWalkBoxUnticked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newWorld(t, 1, sandbox.Options{}).visitor(acme)
		evs := bookings(2)
		v.apply(evs[0])
		v.enter()
		v.click(connectWords)
		v.press(allowWords, choose(accountWords), untick("Ver y editar los eventos"))
		v.says("Falta un permiso y no se ha conectado nada.", "deja marcada la casilla «Ver y editar eventos en todos tus calendarios»", "Desconectado")
		if c := v.connection(acme); !c.Data.IsZero() || c.Status != integration.Disconnected {
			t.Errorf("the connection is %+v", c)
		}
		if g, kept := v.google.Grants(ana), v.secretFiles(); len(g)+len(kept) > 0 {
			t.Errorf("not given back: %+v, %v", g, kept)
		}
		v.click("Actividad")
		v.says("La conexión con Google Calendar no se completó", "falta el permiso para los eventos")
		v.click("Integraciones")
		v.apply(evs[1])
		v.click(connectWords)
		v.press(allowWords, choose(accountWords))
		v.says("Google Calendar está conectado.")
		v.maintain(3*time.Minute, 5*time.Second)
		v.well(evs...)
		v.wantNotices("of what the page said already")
	})
}

// TestWalkScopeLost: the permission is gone later, which a booking meets or the
// daily check finds. A consent without the box mends nothing, one with it does.
func TestWalkScopeLost(t *testing.T) {
	for name, evs := range map[string][]booking.Event{"met by a booking": bookings(3), "found by the daily check": nil} {
		t.Run(name, func(t *testing.T) {
			walk(t, func(v *visitor) {
				v.spoil(sandbox.Fault{Operation: "events.*", Status: 403, Reason: "insufficientPermissions"})
				v.apply(evs...)
				v.maintain(25*time.Hour, 10*time.Minute)
				v.asked(scopeMissing(), evs...)
				v.click(reconnectWords)
				v.press(allowWords, untick("Ver y editar los eventos"))
				v.says("Falta un permiso y no se ha conectado nada.", "Hay que reconectar")
				v.asked(scopeMissing(), evs...)
				v.google.ClearFaults() // Google grants it from here on
				v.reconnect()
				v.maintain(3*time.Minute, 5*time.Second)
				v.well(evs...)
			})
		})
	}
}

// TestWalkCalendarMissing: the chosen calendar is deleted at Google, which a
// booking meets or the daily check finds.
func TestWalkCalendarMissing(t *testing.T) {
	walkCalendar(t, "deleted, met by a booking", "", bookings(3))
	walkCalendar(t, "deleted, found by the daily check", "", nil)
}

// TestWalkCalendarClosed: the account may only read the chosen calendar from now
// on, or not even that.
func TestWalkCalendarClosed(t *testing.T) {
	walkCalendar(t, "for reading, met by a booking", "reader", bookings(3))
	walkCalendar(t, "for reading, found by the daily check", "reader", nil)
	walkCalendar(t, "but for the hours, met by a booking", "freeBusyReader", bookings(3))
	walkCalendar(t, "but for the hours, found by the daily check", "freeBusyReader", nil)
}

// walkCalendar: choosing another calendar mends it, without a consent; what is to
// come is there, once. What a closed calendar keeps is removed when it opens again.
func walkCalendar(t *testing.T, name, role string, evs []booking.Event) {
	t.Run(name, func(t *testing.T) {
		walk(t, func(v *visitor) {
			evs = v.loseCalendar(role, evs)
			if len(evs) == 0 {
				v.maintain(25*time.Hour, 10*time.Minute)
			}
			v.google.ClearRequests()
			v.maintain(10*time.Minute, time.Minute)
			v.noCalls("about a calendar that is gone")
			v.asked(calendarMissing(), evs...)
			v.click("Elegir otro calendario")
			v.says("El calendario de antes, «" + team + "», ya no existe o no se puede escribir en él.")
			v.press("Guardar", choose("Calendario principal"))
			v.says("Tus reservas van ahora a «Calendario principal».")
			v.maintain(5*time.Minute, 5*time.Second)
			if n := v.calls()["auth"]; n > 0 {
				v.t.Error("a consent was asked for")
			}
			v.shownWell(evs...)
			v.wantNotices("at last", "integration.needs_reauth calendar_missing 0 0", fmt.Sprintf("integration.caught_up  0 %d", len(evs)))
			if role != "" {
				check(v.t, v.google.SetAccessRole(ana, v.calendar(team), "owner"))
				v.maintain(25*time.Hour, 10*time.Minute)
			}
			v.well(evs...)
		})
	})
}

// loseCalendar chooses a calendar of the account's that then is closed to it but
// for the role, or with none deleted. Of the bookings the first has an event there,
// of before it changed. It returns them as they are to be in the end.
func (v *visitor) loseCalendar(role string, evs []booking.Event) []booking.Event {
	v.t.Helper()
	v.enter()
	v.click("Calendario y opciones")
	v.press("Guardar", choose(team))
	v.says("Tus reservas van ahora a «" + team + "».")
	v.maintain(3*time.Minute, 5*time.Second)
	if len(evs) > 0 {
		v.apply(evs[0])
		evs[0] = changed(evs[0])
	}
	id := v.calendar(team)
	if role == "" {
		check(v.t, v.google.DeleteCalendar(ana, id))
	} else {
		check(v.t, v.google.SetAccessRole(ana, id, role))
	}
	v.apply(evs...)
	return evs
}
