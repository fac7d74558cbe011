package settings

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/sandbox"
	"github.com/citasync/citasync/shared/store"
)

func dead(c *integration.Connection) { c.NeedReauth(integration.Revoked, c.ChangedAt) }

// says demands words on a page, and others not.
func (s *site) says(page string, words ...string) {
	s.Helper()
	for _, w := range words {
		what, not := strings.CutPrefix(w, "!")
		if strings.Contains(page, what) == not {
			s.Errorf("%q: on the page %t", what, !not)
		}
	}
}

// A booking that is deleted while nothing can be sent waits to be taken out, not
// to be sent, and the card says that more than what is missing is mended.
func TestWaitsToLeave(t *testing.T) {
	s := newSite(t)
	s.connect(salon, dead)
	s.book(salon, "7", 24*hour, func(b *store.Booking) {
		deliver(func(d *integration.Delivery) { d.Status, d.Reason = integration.Waiting, integration.Revoked })(b)
		b.State = booking.Deleted
	})
	s.book(salon, "8", 24*hour, waits(integration.Revoked))
	b := s.enter(s.claims(salon))
	s.says(body(t, b.get("/settings/history?booking=7")), "Por quitar de Google Calendar", "Se quitará en cuanto reconectes", "!Se enviará")
	s.says(body(t, b.get("/settings/history?booking=8")), "Espera para Google Calendar", "Se enviará en cuanto reconectes", "!Se quitará", "!cuenta de Google anterior")
	s.says(body(t, b.get("/settings")), "2 reservas esperan a que reconectes", "Al reconectar se añadirá 1 reserva", "También se pondrá al día")
}

// What is only reserved, after it was confirmed, is not made a second time; what
// was deleted is.
func TestConfirmationTakenBack(t *testing.T) {
	s := newSite(t)
	s.connect(salon, nil)
	for id, kinds := range map[booking.ID][]string{"7": {"reserved", "reserved"}, "8": {"deleted", "reserved"}} {
		s.book(salon, id, 24*hour, func(b *store.Booking) {
			b.State = booking.Reserved
			for _, k := range kinds {
				b.AddSteps(store.Step{At: s.now, Kind: k, Outcome: "ok"})
			}
		})
	}
	b := s.enter(s.claims(salon))
	for id, want := range map[string][3]int{"7": {1, 1, 1}, "8": {2, 0, 0}} {
		page := body(t, b.get("/settings/history?booking="+id))
		got := [3]int{
			strings.Count(page, "La reserva se hizo en la plataforma"), strings.Count(page, "La reserva dejó de estar confirmada"), strings.Count(page, "La reserva cambió"),
		}
		if got != want {
			t.Errorf("%s: made, taken back and changed %v times", id, got)
		}
	}
}

// An event in another account than the connected one is not said to be in the
// company's calendar, as it is called.
func TestInAnotherAccount(t *testing.T) {
	s := newSite(t)
	s.connect(salon, nil)
	s.book(salon, "7", -24*hour, deliver(func(d *integration.Delivery) { d.Place.Account = "1000" }))
	s.says(body(t, s.enter(s.claims(salon)).get("/settings/history?booking=7")), "en la cuenta de Google anterior", "!Calendario principal")
}

// The account can be changed from the options, which is asked about first.
func TestAccountLink(t *testing.T) {
	g := newGoogle(t)
	g.consent(salon, ana)
	b := g.enter(g.claims(salon))
	g.says(body(t, b.get(optionsPath)), `<a href="/oauth/start?company=2">Usar otra cuenta de Google</a>`)
	g.says(body(t, b.get("/settings")), "!/oauth/start")
}

// How something went is the first that is read aloud of the page that says so.
func TestTitleTells(t *testing.T) {
	s := newSite(t)
	s.connect(salon, nil)
	b := s.enter(s.claims(salon))
	s.says(body(t, b.get("/settings?integration=google-calendar&result=connected")), "<title>Google Calendar está conectado · Integraciones · Citasync</title>")
	s.says(body(t, b.get("/settings")), "<title>Integraciones · Citasync</title>")
}

// Who is refused as a stranger to the panel finds the way to it, and who comes to
// options of what is off learns why they are not shown.
func TestWaysOut(t *testing.T) {
	s := newSite(t)
	b := s.enter(s.claims(salon))
	r := httptest.NewRequest(http.MethodPost, optionsPath, strings.NewReader(url.Values{"title": {"x"}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	res := b.send(r)
	if s.says(body(t, res), `href="/settings"`); res.StatusCode != http.StatusForbidden {
		t.Errorf("%d", res.StatusCode)
	}
	res = b.get(optionsPath)
	res.Body.Close()
	if to := res.Header.Get("Location"); to != overviewURL(integration.GoogleCalendar, resultOff) {
		t.Errorf("options of what is off lead to %q", to)
	}
}

// The days that are often asked for are those of where the company is.
func TestDaysOften(t *testing.T) {
	s := newSite(t)
	s.now = time.Date(2026, 12, 31, 4, 59, 0, 0, time.UTC) // one minute to midnight in Bogota
	b := s.enter(s.claims(salon))
	s.says(body(t, b.get(historyPath)), "from=2026-12-30&amp;until=2026-12-30#found", "from=2026-12-31&amp;until=2026-12-31#found", "from=2026-12-30&amp;until=2027-01-05#found")
	s.now = s.now.Add(time.Minute)
	page := body(t, b.get(historyPath+"?from=2026-12-31&until=2026-12-31"))
	s.says(page, `from=2026-12-31&amp;until=2026-12-31#found" aria-current="true">Hoy`)
}

// That Google does not answer is told; what is ours to mend is not.
func TestCalendarsUnanswered(t *testing.T) {
	for words, f := range map[string]sandbox.Fault{
		"Google Calendar did not answer": {Operation: "calendarList.list", Status: 500},
		"ours to mend":                   {Operation: "calendarList.list", Status: 403, Reason: "accessNotConfigured"},
	} {
		g := newGoogle(t)
		g.consent(salon, ana)
		g.fail(f)
		checkProblem(t, g.call(salon, http.MethodGet, "/v1/integrations/google-calendar/calendars", ""), http.StatusServiceUnavailable, words)
	}
}
