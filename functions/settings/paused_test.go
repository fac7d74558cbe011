package settings

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// What the operator paused on purpose is said to be paused, and is nobody's
// fault: it is no error in the log, and may be asked again.
func TestPausedCalls(t *testing.T) {
	for _, path := range []string{
		"POST /v1/integrations/google-calendar/test", "GET /v1/integrations/google-calendar/calendars",
		"POST /v1/integrations/google-calendar/options", "POST /v1/bookings/7/retry", "POST /v1/bookings/7/look",
	} {
		g := newGoogle(t)
		g.consent(salon, ana)
		g.confirm("7")
		g.pause()
		g.log.Reset()
		method, path, _ := strings.Cut(path, " ")
		body := ""
		if strings.HasSuffix(path, "/options") {
			body = `{"color":"11"}`
		}
		res := g.call(salon, method, path, body)
		again := res.Header.Get("Retry-After")
		checkProblem(t, res, http.StatusServiceUnavailable, "the integration is paused for every company")
		if log := g.log.String(); again == "" || strings.Contains(log, "level=ERROR") || !strings.Contains(log, "status=503") {
			t.Errorf("%s: Retry-After %q, log %s", path, again, log)
		}
	}
}

// In the panel each of these leads to a page that says so.
func TestPausedForms(t *testing.T) {
	g := newGoogle(t)
	g.consent(salon, ana)
	g.confirm("7")
	g.pause()
	b := g.enter(g.claims(salon))
	for path, form := range map[string]url.Values{
		testPath: {}, optionsPath: {"color": {"11"}}, retryPath: {"booking": {"7"}}, lookPath: {"booking": {"7"}},
	} {
		form.Set("company", string(salon))
		res := b.post(path, form)
		res.Body.Close()
		to := res.Header.Get("Location")
		if res.StatusCode != http.StatusSeeOther {
			t.Errorf("%s: %d", path, res.StatusCode)
			continue
		}
		if page := body(t, b.get(to)); !strings.Contains(page, "en pausa") && !strings.Contains(page, "pausado") {
			t.Errorf("%s leads to %s, which does not say so: %s", path, to, page)
		}
	}
	if strings.Contains(g.log.String(), "level=ERROR") {
		t.Errorf("logged %s", &g.log)
	}
}
