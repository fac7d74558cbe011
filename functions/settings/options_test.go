package settings

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/citasync/citasync/shared/googleauth"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/sandbox"
	"github.com/citasync/citasync/shared/store"
)

// calls counts the sandbox's requests of an operation, or of all below it.
func (g *google) calls(operation string) (n int) {
	for _, r := range g.sandbox.Requests() {
		if strings.HasPrefix(r.Operation, operation) {
			n++
		}
	}
	return n
}

// acts are the salon's activities of a kind, newest first, without times.
func (g *google) acts(kind string) (out []store.Activity) {
	g.Helper()
	page, err := g.store.ListActivity(g.Context(), salon, "", 100)
	g.must(err)
	for _, a := range page.Items {
		if a.Kind == kind {
			out = append(out, store.Activity{Kind: a.Kind, Integration: a.Integration, Actor: a.Actor, Outcome: a.Outcome, Detail: a.Detail})
		}
	}
	return out
}

// Choosing another calendar is recorded with Google's name for it, wakes
// maintain, and is said; choosing the same changes nothing.
func TestChooseCalendar(t *testing.T) {
	g := newGoogle(t)
	g.consent(salon, ana)
	g.consent(clinic, "luis@example.com")
	team := g.other()
	b := g.enter(g.claims(salon))
	for _, tc := range []struct {
		id, location, name string
		changed            bool
	}{
		{team.ID, "/settings?result=calendar", "«Equipo»", true},
		{team.ID, "/settings?result=same_calendar", "«Equipo»", false},
		{"primary", "/settings?result=calendar", "«Calendario principal»", true},
		{team.ID, "/settings?result=calendar", "«Equipo»", true},
	} {
		before := g.connection(salon)
		g.bell.rung, g.now = nil, g.now.Add(time.Minute)
		res := b.post(optionsPath, url.Values{"calendar": {tc.id}, "name": {"Mía"}, "company": {string(salon)}})
		res.Body.Close()
		if got := res.Header.Get("Location"); res.StatusCode != http.StatusSeeOther || got != tc.location {
			t.Fatalf("%d to %q, want %q", res.StatusCode, got, tc.location)
		}
		c := g.connection(salon)
		if c.Data.CalendarID != tc.id || c.Data.CalendarName == "Mía" || c.Status != integration.Connected {
			t.Errorf("connection %s, calendar %q %q", c.Status, c.Data.CalendarID, c.Data.CalendarName)
		}
		if changed := !c.ChangedAt.Equal(before.ChangedAt); changed != tc.changed || c.BackfillDue.Equal(g.now) != tc.changed || len(g.bell.rung) == 1 != tc.changed {
			t.Errorf("changed: %v, owed since %v, maintain woken %d times; want %v", changed, c.BackfillDue, len(g.bell.rung), tc.changed)
		}
		if page := body(t, b.get(tc.location)); !strings.Contains(page, tc.name) || !strings.Contains(page, `role="status"`) {
			t.Error("the page does not say where the bookings go")
		}
	}
	if got := g.acts(store.ActCalendarChosen); len(got) != 3 || got[0].Actor != "company" || got[0].Detail != "Equipo" {
		t.Errorf("activities %+v", got)
	}
	if c := g.connection(clinic); c.Data.CalendarID != "primary" {
		t.Errorf("the other company's calendar is %q", c.Data.CalendarID)
	}
}

// A connection whose calendar is gone leads to the choice of another, which
// mends it without a consent.
func TestChooseCalendarMends(t *testing.T) {
	for _, limited := range []bool{false, true} {
		g := newGoogle(t)
		g.consent(salon, ana)
		g.lose()
		b := g.enter(g.claims(salon))
		b.post(testPath, nil).Body.Close()
		if limited {
			g.change(func(c *integration.Connection) { c.Data.Scopes = []string{googleauth.ScopeEvents} })
		}
		page := body(t, b.get("/settings"))
		if !strings.Contains(page, `href="`+optionsPath+`?company=2"`) || strings.Contains(page, `href="/oauth/start`) {
			t.Error("the panel does not lead to the calendars")
		}
		res := b.post(optionsPath, url.Values{"calendar": {"primary"}})
		res.Body.Close()
		if c := g.connection(salon); c.Status != integration.Connected || c.Reason != integration.NoReason || c.Data.CalendarID != "primary" || !c.NoticeDue.IsZero() {
			t.Errorf("limited %v: %d; connection %s, %s, %q", limited, res.StatusCode, c.Status, c.Reason, c.Data.CalendarID)
		}
	}
}

// change changes the salon's connection.
func (g *google) change(how func(*integration.Connection)) {
	g.Helper()
	c := g.connection(salon)
	how(&c)
	g.must(g.store.PutConnection(g.Context(), salon, &c))
}

// What is not one of the account's calendars, and whatever stands in the way,
// changes nothing; where it helps, the page says so or leads on.
func TestChooseCalendarRefuses(t *testing.T) {
	off := func(g *google) { g.grantless() }
	for _, tc := range []struct {
		name     string
		given    func(*google)
		calendar string // empty: Ana's other one
		company  string // whose page it is
		status   int
		location string
	}{
		{name: "none", calendar: " ", status: 422},
		{name: "made up", calendar: "nowhere@group.calendar.google.com", status: 422},
		{name: "not to be written to", calendar: "es.spain#holiday@group.v.calendar.google.com", status: 422},
		{name: "another account's", calendar: "luis@example.com", status: 422},
		{name: "page of another company", company: "7", status: 409},
		{name: "without the permission", given: func(g *google) {
			g.change(func(c *integration.Connection) { c.Data.Scopes = []string{googleauth.ScopeEvents} })
		}, status: 422},
		{name: "the permission withdrawn", given: func(g *google) {
			g.fail(sandbox.Fault{Operation: "calendarList.list", Status: 403, Reason: "insufficientPermissions"})
		}, status: 422},
		{name: "off", given: off, status: 303, location: "/settings?result=off"},
		{name: "paused", given: func(g *google) { g.pause() }, status: 303, location: "/settings?result=paused"},
		{name: "revoked", given: func(g *google) {
			_, err := g.sandbox.RevokeGrants(ana)
			g.must(err)
		}, status: 303, location: "/settings?result=off"},
		{name: "down", given: func(g *google) { g.fail(sandbox.Fault{Operation: "calendarList.list", Status: 500}) }, status: 503},
		{name: "cut off", given: func(g *google) {
			g.fail(sandbox.Fault{Operation: "calendarList.list", Action: sandbox.DropBefore})
		}, status: 503},
		{name: "a page", given: func(g *google) { g.fail(sandbox.Fault{Operation: "calendarList.list", Action: sandbox.Garbage}) }, status: 503},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			g := newGoogle(t)
			g.consent(salon, ana)
			if tc.calendar == "" {
				tc.calendar = g.other().ID
			}
			if tc.given != nil {
				tc.given(g)
			}
			before := g.connection(salon)
			form := url.Values{"calendar": {tc.calendar}}
			if tc.company != "" {
				form.Set("company", tc.company)
			}
			b := g.enter(g.claims(salon))
			res := b.post(optionsPath, form)
			page := body(t, res)
			if got := res.Header.Get("Location"); res.StatusCode != tc.status || got != tc.location {
				t.Errorf("%d to %q, want %d to %q", res.StatusCode, got, tc.status, tc.location)
			}
			if page != "" && tc.location == "" {
				lint(t, page)
			}
			if tc.status == http.StatusServiceUnavailable && !strings.Contains(page, `action="`+optionsPath+`"`) {
				t.Error("the page does not lead to another try")
			}
			if len(g.bell.rung) != 0 || len(g.acts(store.ActCalendarChosen)) != 0 {
				t.Error("something was chosen")
			}
			c := g.connection(salon)
			if tc.name == "revoked" {
				if c.Status != integration.NeedsReauth || c.Reason != integration.Revoked {
					t.Errorf("connection %s, %s", c.Status, c.Reason)
				}
				return
			}
			if diff := cmp.Diff(before, c); diff != "" {
				t.Errorf("connection -before +after:\n%s", diff)
			}
		})
	}
}

// The API lists the same calendars and chooses among them.
func TestCalendarsByAPI(t *testing.T) {
	const calendarsPath, path = "/v1/integrations/google-calendar/calendars", "/v1/integrations/google-calendar/options"
	g := newGoogle(t)
	checkProblem(t, g.call(salon, http.MethodGet, calendarsPath, ""), http.StatusConflict, "not connected")
	g.consent(salon, ana)
	team := g.other().ID
	want := `{"calendars":[{"id":"primary","name":"Ana Ruiz","time_zone":"Europe/Madrid","chosen":true},` +
		`{"id":"` + team + `","name":"Equipo","time_zone":"Europe/Madrid","chosen":false}],"limited":false}` + "\n"
	if diff := cmp.Diff(want, body(t, g.call(salon, http.MethodGet, calendarsPath, ""))); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	res := g.call(salon, http.MethodPost, path, `{"calendar":"`+team+`"}`)
	if got := body(t, res); !strings.Contains(got, `"calendar":{"id":"`+team+`","name":"Equipo"}`) {
		t.Errorf("%d: %s", res.StatusCode, got)
	}
	if got := g.acts(store.ActCalendarChosen); len(got) != 1 || got[0].Actor != "platform" {
		t.Errorf("activities %+v", got)
	}
	checkProblem(t, g.call(salon, http.MethodPost, path, `{"calendar":"nowhere"}`), http.StatusUnprocessableEntity, "calendar")
	checkProblem(t, g.call(salon, http.MethodPost, path, `{}`), http.StatusUnprocessableEntity, "calendar")
	checkProblem(t, g.call(salon, http.MethodPost, path, `{"colour":"1"}`), http.StatusUnprocessableEntity, "calendar")
	g.fail(sandbox.Fault{Operation: "calendarList.list", Status: 429, Reason: "rateLimitExceeded"})
	checkProblem(t, g.call(salon, http.MethodGet, calendarsPath, ""), http.StatusServiceUnavailable, "")
	g.change(func(c *integration.Connection) { c.Data.Scopes = []string{googleauth.ScopeEvents} })
	want = `{"calendars":[{"id":"primary","name":"ana@example.com","time_zone":"","chosen":false}],"limited":true}` + "\n"
	if diff := cmp.Diff(want, body(t, g.call(salon, http.MethodGet, calendarsPath, ""))); diff != "" {
		t.Errorf("without the permission -want +got:\n%s", diff)
	}
	g.pause()
	checkProblem(t, g.call(salon, http.MethodGet, calendarsPath, ""), http.StatusServiceUnavailable, "")
}
