package settings

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/gcal"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/sandbox"
)

const apiTestPath = "/v1/integrations/google-calendar/test"

// live counts what stands in Ana's own calendar.
func (g *google) live() (n int) {
	g.Helper()
	events, err := g.sandbox.Events(ana, "primary")
	g.must(err)
	for _, e := range events {
		if e.Status != "cancelled" {
			n++
		}
	}
	return n
}

// A test writes an event in the company's language, removes it, and is kept;
// its page can be loaded again without another.
func TestProbe(t *testing.T) {
	g := newGoogle(t)
	g.consent(salon, ana)
	b := g.enter(g.claims(salon))
	res := b.post(testPath, nil)
	res.Body.Close()
	to := res.Header.Get("Location")
	if res.StatusCode != http.StatusSeeOther || to != testPath+"?company=2" {
		t.Fatalf("%d to %q", res.StatusCode, to)
	}
	calls := g.calls("events.")
	for range 2 {
		if page := body(t, b.get(to)); strings.Count(page, "✓") != 3 || !strings.Contains(page, "hoy, 09:30") {
			t.Error("the page does not show three steps that succeeded, with the time")
		}
	}
	if n := g.calls("events."); n != calls || g.live() != 0 {
		t.Errorf("%d more calls, %d events left", n-calls, g.live())
	}
	if got := g.acts(actTested); len(got) != 1 || got[0].Outcome != "ok" || got[0].Actor != "company" {
		t.Errorf("activities %+v", got)
	}
	events, err := g.sandbox.Events(ana, "primary")
	g.must(err)
	if len(events) != 1 || events[0].Summary != "Prueba de Citasync (se borra sola)" {
		t.Errorf("events %+v", events)
	}
}

// Each class of failure is told apart, by the panel and the API, and turns the
// connection's status only if it is the company's to mend.
func TestProbeFails(t *testing.T) {
	fault := func(f sandbox.Fault) func(*google) { return func(g *google) { g.fail(f) } }
	for _, tc := range []struct {
		name  string
		given func(*google)
		steps string
		why   integration.Reason
		link  string // on the page of the result
	}{
		{"works", func(*google) {}, `{"step":"read","ok":true,"reason":""},{"step":"write","ok":true,"reason":""},{"step":"remove","ok":true,"reason":""}`, "", ""},
		{"revoked", func(g *google) {
			_, err := g.sandbox.RevokeGrants(ana)
			g.must(err)
		}, `{"step":"read","ok":false,"reason":"revoked"}`, integration.Revoked, `href="/oauth/start?company=2"`},
		{"calendar gone", (*google).lose, `{"step":"read","ok":false,"reason":"calendar_missing"}`, integration.CalendarMissing, `href="` + optionsPath + `?company=2"`},
		{
			"scope", fault(sandbox.Fault{Operation: "events.insert", Status: 403, Reason: "insufficientPermissions"}),
			`{"step":"read","ok":true,"reason":""},{"step":"write","ok":false,"reason":"scope_missing"}`, integration.ScopeMissing, `href="/oauth/start?company=2"`,
		},
		{
			"quota", fault(sandbox.Fault{Operation: "events.insert", Status: 429, Reason: "rateLimitExceeded"}),
			`{"step":"read","ok":true,"reason":""},{"step":"write","ok":false,"reason":"quota"}`, "", "",
		},
		{"outage", fault(sandbox.Fault{Operation: "events.list", Status: 503}), `{"step":"read","ok":false,"reason":"outage"}`, "", ""},
		{"network", fault(sandbox.Fault{Operation: "events.list", Action: sandbox.DropBefore}), `{"step":"read","ok":false,"reason":"network"}`, "", ""},
		{
			"rejected", fault(sandbox.Fault{Operation: "events.insert", Status: 400, Reason: "timeRangeEmpty"}),
			`{"step":"read","ok":true,"reason":""},{"step":"write","ok":false,"reason":"rejected"}`, "", "",
		},
		{
			"internal", fault(sandbox.Fault{Operation: "events.list", Status: 403, Reason: "accessNotConfigured"}),
			`{"step":"read","ok":false,"reason":"internal"}`, "", "",
		},
		{
			"left behind", fault(sandbox.Fault{Operation: "events.delete", Status: 503}),
			`{"step":"read","ok":true,"reason":""},{"step":"write","ok":true,"reason":""},{"step":"remove","ok":false,"reason":"outage"}`, "", "",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			g := newGoogle(t)
			g.consent(salon, ana)
			tc.given(g)
			g.now = g.now.Add(2 * hour) // the token has expired: it is renewed during the test
			got := body(t, g.call(salon, http.MethodPost, apiTestPath, ""))
			if !strings.HasPrefix(got, `{"steps":[`+tc.steps+`],"message":"`) {
				t.Errorf("steps %s", got)
			}
			c := g.connection(salon)
			if want := map[bool]integration.Status{true: integration.NeedsReauth, false: integration.Connected}[tc.why != ""]; c.Status != want || c.Reason != tc.why {
				t.Errorf("connection %s, %q", c.Status, c.Reason)
			}
			if n := len(g.acts("needs_reauth")); n == 1 != (tc.why != "") || c.NoticeDue.IsZero() != (tc.why == "") {
				t.Errorf("told %d times, notice due %v", n, c.NoticeDue)
			}
			page := body(t, g.enter(g.claims(salon)).get(testPath))
			lint(t, page)
			if ok := tc.name == "works"; strings.Contains(page, "✗") == ok || !strings.Contains(page, tc.link) {
				t.Errorf("the page shows no failing step, or lacks %s", tc.link)
			}
			if tc.why == "" && strings.Contains(page, "/oauth/start") {
				t.Error("it asks for a reconnect")
			}
			if log := g.log.String(); strings.Contains(log, ana) || !strings.Contains(log, "connection tested") {
				t.Errorf("log %s", log)
			}
		})
	}
}

// Nothing is tried for a company that is not connected, while everything is
// paused, on a page of another company, or so soon after another test.
func TestProbeRefused(t *testing.T) {
	for _, tc := range []struct {
		name     string
		given    func(*google, *browser)
		company  string
		location string
		api      int
	}{
		{"off", func(g *google, _ *browser) { g.grantless() }, "2", "/settings?result=off", 409},
		{"needs re-authorisation", func(g *google, _ *browser) {
			g.change(func(c *integration.Connection) { c.NeedReauth(integration.ScopeMissing, g.now) })
		}, "2", "/settings?result=off", 409},
		{"paused", func(g *google, _ *browser) { g.pause() }, "2", "/settings?result=paused", 503},
		{"another company's page", func(*google, *browser) {}, "7/../2", "", 0},
		{"a moment ago", func(_ *google, b *browser) { b.post(testPath, nil).Body.Close() }, "2", testPath + "?company=2&result=too_soon", 409},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			g := newGoogle(t)
			g.consent(salon, ana)
			b := g.enter(g.claims(salon))
			tc.given(g, b)
			g.sandbox.ClearRequests()
			res := b.post(testPath, map[string][]string{"company": {tc.company}})
			res.Body.Close()
			if got := res.Header.Get("Location"); got != tc.location {
				t.Errorf("%d to %q", res.StatusCode, got)
			}
			if tc.name == "a moment ago" {
				page := body(t, b.get(tc.location))
				lint(t, page)
				if !strings.Contains(page, `role="status"`) || !strings.Contains(page, "No se ha hecho otra prueba") || strings.Count(page, "✓") != 3 {
					t.Error("the page does not say that nothing was tested, or not how the last test went")
				}
			}
			if tc.api != 0 {
				checkProblem(t, g.call(salon, http.MethodPost, apiTestPath, ""), tc.api, "")
			}
			if calls := g.sandbox.Requests(); len(calls) > 0 {
				t.Errorf("calls to Google: %+v", calls)
			}
		})
	}
}

// Another test may follow after a while, and other companies are not kept from
// theirs.
func TestProbeAgain(t *testing.T) {
	g := newGoogle(t)
	g.consent(salon, ana)
	g.consent(clinic, "luis@example.com")
	for _, step := range []struct {
		company booking.CompanyID
		after   time.Duration
		status  int
	}{{salon, 0, 200}, {clinic, 0, 200}, {salon, testEvery - time.Second, 409}, {salon, time.Second, 200}} {
		g.now = g.now.Add(step.after)
		res := g.call(step.company, http.MethodPost, apiTestPath, "")
		res.Body.Close()
		if res.StatusCode != step.status {
			t.Errorf("%s after %s: %d, want %d", step.company, step.after, res.StatusCode, step.status)
		}
	}
	if n := len(g.acts(actTested)); n != 2 {
		t.Errorf("%d tests kept", n)
	}
}

// meddled is a calendar during whose test something happens.
type meddled struct {
	Calendar
	during func()
}

func (m meddled) Probe(ctx context.Context, company booking.CompanyID, conn integration.Connection, title string) ([]gcal.Trial, error) {
	done, err := m.Calendar.Probe(ctx, company, conn, title)
	m.during()
	return done, err
}

// meddle has something happen during tests.
func (g *google) meddle(during func()) {
	g.Helper()
	g.deps.Calendar = meddled{g.deps.Calendar, during}
	var err error
	g.handler, err = New(g.deps)
	g.must(err)
}

// What a test finds out is not recorded in a connection that is another by
// then.
func TestProbeOvertaken(t *testing.T) {
	g := newGoogle(t)
	g.consent(salon, ana)
	g.lose()
	g.now = g.now.Add(time.Minute)
	g.meddle(func() {
		g.choose("primary", "")
	})
	got := body(t, g.call(salon, http.MethodPost, apiTestPath, ""))
	if !strings.Contains(got, "calendar_missing") {
		t.Errorf("steps %s", got)
	}
	if c := g.connection(salon); c.Status != integration.Connected {
		t.Errorf("connection %s, %s", c.Status, c.Reason)
	}
}

// A browser that leaves meanwhile leaves no event behind.
func TestProbeBrowserLeaves(t *testing.T) {
	g := newGoogle(t)
	g.consent(salon, ana)
	g.fail(sandbox.Fault{Operation: "events.list", Action: sandbox.Delay, Latency: 300 * time.Millisecond})
	ctx, leave := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer leave()
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, apiTestPath, nil)
	r.Header.Set("Authorization", "Bearer "+g.token(g.claims(salon)))
	g.do(r).Body.Close()
	if n := len(g.acts(actTested)); n != 1 || g.live() != 0 || g.calls("events.delete") != 1 {
		t.Errorf("%d tests kept, %d events left", n, g.live())
	}
}

// An outcome is not shown once the connection has changed.
func TestProbeForgotten(t *testing.T) {
	g := newGoogle(t)
	g.consent(salon, ana)
	b := g.enter(g.claims(salon))
	b.post(testPath, nil).Body.Close()
	g.now = g.now.Add(time.Minute)
	g.choose(g.other().ID, "Equipo")
	if page := body(t, b.get(testPath)); strings.Contains(page, "✓") {
		t.Error("the outcome of another calendar's test is shown")
	}
	g.grantless()
	res := b.get(testPath)
	res.Body.Close()
	if diff := cmp.Diff("/settings", res.Header.Get("Location")); diff != "" {
		t.Errorf("of a company that is off -want +got:\n%s", diff)
	}
}
