package settings

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/citasync/citasync/functions/settings/words"
	"github.com/citasync/citasync/shared/gcal"
	"github.com/citasync/citasync/shared/googleauth"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/sandbox"
	"github.com/citasync/citasync/shared/store"
)

const ana = "ana@example.com"

// fail makes Google fail from now on.
func (g *google) fail(f sandbox.Fault) {
	g.Helper()
	_, err := g.sandbox.AddFault(f)
	g.must(err)
}

// other is a calendar of Ana's beside her own.
func (g *google) other() sandbox.Calendar {
	g.Helper()
	for _, c := range g.sandbox.Calendars(ana) {
		if !c.Primary && c.AccessRole == "owner" {
			return c
		}
	}
	g.Fatal("Ana has one calendar only")
	return sandbox.Calendar{}
}

// lose makes the chosen calendar one that is deleted at Google then, which a
// test of the connection finds out.
func (g *google) lose() {
	g.Helper()
	c := g.other()
	g.choose(c.ID, c.Summary)
	g.must(g.sandbox.DeleteCalendar(ana, c.ID))
}

// choose makes the calendar the salon's.
func (g *google) choose(id, name string) {
	g.Helper()
	choice := googleauth.Choice{Calendar: id, Name: name, Subject: g.connection(salon).Data.AccountSubject}
	_, err := g.grants.Choose(g.Context(), salon, choice, store.ActorCompany)
	g.must(err)
}

// googlePages are the pages for which Google is asked.
func googlePages() []struct {
	name   string
	given  func(*google)
	ask    func(*browser) *http.Response
	status int // zero: 200
} {
	get := func(b *browser) *http.Response { return b.get(optionsPath) }
	probed := func(b *browser) *http.Response { return b.follow(b.post(testPath, nil)) }
	return []struct {
		name   string
		given  func(*google)
		ask    func(*browser) *http.Response
		status int
	}{
		{name: "options", given: func(*google) {}, ask: get},
		{name: "options-many", given: func(g *google) {
			for i := range maxRadios {
				_, err := g.sandbox.AddCalendar(ana, sandbox.Calendar{ID: fmt.Sprintf("sala%d@group.example", i), Summary: fmt.Sprintf("Sala %d", i/2)})
				g.must(err)
			}
		}, ask: get},
		{name: "options-twins", given: func(g *google) {
			_, err := g.sandbox.AddCalendar(ana, sandbox.Calendar{ID: "equipo@group.example", Summary: "Equipo"})
			g.must(err)
		}, ask: get},
		{name: "options-gone", given: (*google).lose, ask: func(b *browser) *http.Response {
			b.post(testPath, nil).Body.Close()
			return get(b)
		}},
		{name: "options-limited", given: func(g *google) {
			g.grantless()
			g.consent(salon, ana, googleauth.ScopeCalendarList)
		}, ask: get},
		{name: "options-limited-used", given: func(g *google) {
			g.change(func(c *integration.Connection) {
				c.Data.CalendarID, c.Data.CalendarName, c.Data.Scopes = g.other().ID, "Equipo", []string{googleauth.ScopeEvents}
			})
		}, ask: get},
		{name: "options-invalid", given: func(*google) {}, ask: func(b *browser) *http.Response {
			return b.post(optionsPath, url.Values{"calendar": {"somebody.else@example.com"}})
		}, status: 422},
		{name: "options-down", given: func(g *google) { g.fail(sandbox.Fault{Operation: "calendarList.list", Status: 503}) }, ask: get},
		{name: "options-down-invalid", given: func(g *google) { g.fail(sandbox.Fault{Operation: "calendarList.list", Status: 503}) }, ask: func(b *browser) *http.Response {
			return b.post(optionsPath, url.Values{"calendar": {"somebody.else@example.com"}, "title": {"Cita con {customer}"}})
		}, status: 503},
		{name: "options-chosen", given: func(g *google) {
			g.change(func(c *integration.Connection) {
				c.Options = integration.Options{
					Summary: "{customer} ({staff})", Description: gcal.NoDescription, InviteCustomer: true,
					Reminder: integration.Reminder{Own: true, Before: time.Hour}, Color: "11", Language: "en",
				}
			})
			g.book(salon, "past", -time.Hour, nil)
			g.book(salon, "deleted", time.Hour, tombstone)
			g.book(salon, "next", 2*time.Hour, func(b *store.Booking) { b.Booking.Staff = "" })
		}, ask: get},
		{name: "options-preview", given: func(g *google) {
			_, err := g.sandbox.AddCalendar(ana, sandbox.Calendar{ID: "equipo@group.example", Summary: "Sala"})
			g.must(err)
		}, ask: func(b *browser) *http.Response {
			return b.post(optionsPath, url.Values{
				"action": {"preview"}, "title": {"  Cita:\t{service} "}, "description": {"{customer}\r\n{notes} <b>&"}, "color": {"3"}, "language": {"en"},
				"invite_customer": {"false", "true"}, "reminder": {"none"}, "calendar": {"equipo@group.example"},
			})
		}},
		{name: "options-faults", given: func(*google) {}, ask: func(b *browser) *http.Response {
			return b.post(optionsPath, url.Values{
				"title": {"Cita de {cliente}"}, "description": {"{notes}" + strings.Repeat("ñ", maxDescription)}, "color": {"12"}, "reminder": {"soon"}, "language": {"fr"},
			})
		}, status: 422},
		{name: "test-none", given: func(*google) {}, ask: func(b *browser) *http.Response { return b.get(testPath) }},
		{name: "test-ok", given: func(*google) {}, ask: probed},
		{name: "test-soon", given: func(*google) {}, ask: func(b *browser) *http.Response {
			b.post(testPath, nil).Body.Close()
			return probed(b)
		}},
		{name: "test-calendar-missing", given: (*google).lose, ask: probed},
		{name: "test-outage", given: func(g *google) { g.fail(sandbox.Fault{Operation: "events.insert", Status: 503}) }, ask: probed},
		{name: "test-left", given: func(g *google) {
			g.fail(sandbox.Fault{Operation: "events.delete", Status: 429, Reason: "rateLimitExceeded"})
		}, ask: probed},
		{name: "test-scope", given: func(g *google) {
			g.fail(sandbox.Fault{Operation: "events.insert", Status: 403, Reason: "insufficientPermissions"})
		}, ask: probed},
	}
}

// grantless turns the salon off, with nothing left behind.
func (g *google) grantless() {
	g.Helper()
	_, err := g.grants.Disconnect(g.Context(), salon, false, "company")
	g.must(err)
}

// follow goes where an answer leads.
func (b *browser) follow(res *http.Response) *http.Response {
	b.s.Helper()
	res.Body.Close()
	if res.StatusCode != http.StatusSeeOther {
		b.s.Fatalf("%d leads nowhere", res.StatusCode)
	}
	return b.get(res.Header.Get("Location"))
}

// TestGooglePages renders the pages that depend on what Google answers.
func TestGooglePages(t *testing.T) {
	for _, tc := range googlePages() {
		for _, lang := range words.Languages() {
			t.Run(tc.name+"."+lang, func(t *testing.T) {
				t.Parallel()
				g := newGoogle(t)
				g.consent(salon, ana)
				tc.given(g)
				claims := g.claims(salon)
				claims.Locale = lang
				checkPage(t, tc.ask(g.enter(claims)), max(tc.status, 200), tc.name+"."+lang)
			})
		}
	}
}
