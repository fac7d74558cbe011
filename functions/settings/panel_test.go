package settings

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/config"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/session"
)

func body(t *testing.T, res *http.Response) string {
	t.Helper()
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// Where the platform's page is named by company, a stranger is led to the
// platform's front page, and a company to its own.
func TestPlatformAddress(t *testing.T) {
	for _, tc := range []struct {
		template string
		company  booking.CompanyID
		want     string
	}{
		{"https://p.example/c/{company}", "2", "https://p.example/c/2"},
		{"https://p.example/c/{company}", "a b/ñ", "https://p.example/c/a%20b%2F%C3%B1"},
		{"https://p.example/panel?company={company}", "a&b=c+d", "https://p.example/panel?company=a%26b%3Dc%2Bd"},
		{"https://p.example/c/{company}", "", "https://p.example/"},
		{"https://{company}.p.example/", "", "https://0.p.example/"},
		{"https://p.example/settings", "", "https://p.example/settings"},
		{"", "2", ""},
		{"{company}", "", ""},
	} {
		h := &handler{Deps: Deps{PlatformURL: config.CompanyURL(tc.template)}}
		if got := h.platform(tc.company); got != tc.want {
			t.Errorf("%q for %q: %q, want %q", tc.template, tc.company, got, tc.want)
		}
	}
}

func TestHeaders(t *testing.T) {
	s := newSite(t)
	b := s.enter(s.claims(salon))
	for path, referrer := range map[string]string{
		"/settings": "same-origin", "/settings/history?search=sealed": "same-origin", "/settings/nowhere": "same-origin",
		"/settings?session=used": "no-referrer", "/settings/feed?x=%zz&session=used": "no-referrer", // where a page may say why not
		"/v1/bookings": "no-referrer", "/feeds/2.ics": "no-referrer", "/settingsx": "no-referrer",
	} {
		res := b.get(path)
		res.Body.Close()
		for name, want := range map[string]string{
			"Content-Security-Policy":    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
			"Cross-Origin-Opener-Policy": "same-origin",
			"X-Content-Type-Options":     "nosniff",
			"Cache-Control":              "no-store",
			"Referrer-Policy":            referrer,
		} {
			if got := res.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
	}
}

// A browser that says only the Origin of a form, as old ones do, is believed if
// that is the public address, whatever the load balancer calls the host.
func TestOldBrowsers(t *testing.T) {
	for _, tc := range []struct {
		origin, host string
		status       int
	}{
		{"https://citas.example", "citas.example", http.StatusSeeOther},
		{"https://citas.example", "settings-abc.a.run.app", http.StatusSeeOther},
		{"https://evil.example", "settings-abc.a.run.app", http.StatusForbidden},
		{"https://citas.example.evil.example", "settings-abc.a.run.app", http.StatusForbidden},
		{"http://citas.example", "settings-abc.a.run.app", http.StatusForbidden},
		{"null", "citas.example", http.StatusForbidden}, // a frame in a sandbox, or a page that tells no referrer
	} {
		s := newSite(t)
		b := s.enter(s.claims(salon))
		r := httptest.NewRequest(http.MethodPost, feedPath, strings.NewReader("company=2&current=&action=create"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", tc.origin)
		r.Host = tc.host
		res := b.send(r)
		res.Body.Close()
		if res.StatusCode != tc.status {
			t.Errorf("a form of %s, to the host %s: %d, want %d", tc.origin, tc.host, res.StatusCode, tc.status)
		}
	}
}

// The stylesheet and the icon that pages name are there, for good; no other
// name is.
func TestAssets(t *testing.T) {
	s := newSite(t)
	page := body(t, (&browser{s: s}).get("/settings"))
	paths := hashedFull.FindAllString(page, -1)
	if len(paths) != 3 {
		t.Fatalf("the page names %v", paths)
	}
	for _, path := range paths {
		res := (&browser{s: s}).get(path)
		res.Body.Close()
		if res.StatusCode != http.StatusOK || !strings.Contains(res.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d, %q", path, res.StatusCode, res.Header.Get("Cache-Control"))
		}
		if ct := res.Header.Get("Content-Type"); !strings.HasPrefix(ct, "text/css") && !strings.HasPrefix(ct, "text/javascript") && ct != "image/svg+xml" {
			t.Errorf("%s: %q", path, ct)
		}
	}
	res := (&browser{s: s}).get("/settings/static/panel.css")
	res.Body.Close()
	if res.StatusCode != http.StatusNotFound || strings.Contains(res.Header.Get("Cache-Control"), "immutable") {
		t.Errorf("a name without hash: %d", res.StatusCode)
	}
}

// Languages are the session's, then the company's, then the browser's.
func TestLanguage(t *testing.T) {
	s := newSite(t)
	b := s.enter(session.Claims{Company: salon, Locale: "en"})
	b.lang = "es"
	if !strings.Contains(body(t, b.get("/settings")), `<html lang="en">`) {
		t.Error("the session's language is not spoken")
	}
	b = s.enter(session.Claims{Company: salon})
	b.lang = "es"
	if !strings.Contains(body(t, b.get("/settings")), `<html lang="en">`) {
		t.Error("the company's language is not spoken")
	}
	if !strings.Contains(body(t, (&browser{s: s, lang: "en-GB"}).get("/settings")), `<html lang="en">`) {
		t.Error("the browser's language is not spoken to a stranger")
	}
	b = s.enter(session.Claims{Company: clinic})
	b.lang = "en-GB"
	if !strings.Contains(body(t, b.get("/settings")), `<html lang="en">`) {
		t.Error("the browser's language is not spoken to a company that said none")
	}
}

// A result in the address is said only while the connection does not belie it,
// and one of an attempt that failed while it was connected says that it still is.
func TestResults(t *testing.T) {
	disconnecting := func(c *integration.Connection) { c.Enabled, c.Status = false, integration.Disconnecting }
	off := func(c *integration.Connection) {
		c.Enabled, c.Status, c.Data = false, integration.Disconnected, integration.Data{}
	}
	for _, tc := range []struct {
		result string
		given  func(*integration.Connection)
		role   string // empty: nothing is said
	}{
		{"connected", nil, "status"},
		{"connected", off, ""},
		{"reconnected", nil, "status"},
		{"disconnected", nil, ""},
		{"disconnected", off, "status"},
		{"removing", off, ""},
		{"denied", off, "alert"},
		{"scope_missing", off, "alert"},
		{"no_refresh_token", off, "alert"},
		{"other_account", nil, "status"},
		{"other_account", off, ""},
		{"replacing", disconnecting, "status"},
		{"replacing", off, "status"},
		{"replacing", nil, ""},
		{"calendar", nil, "status"},
		{"calendar", off, ""},
		{"same_calendar", nil, "status"},
		{"expired", off, "alert"},
		{"expired", nil, ""},
		{"busy", disconnecting, "alert"},
		{"busy", off, ""},
		{"paused", off, ""},
		{"other_company", off, "alert"},
		{"denied", nil, "status"},
		{"scope_missing", nil, "status"},
		{"no_refresh_token", nil, "status"},
		{"failed", nil, "status"},
		{"failed", off, "alert"},
		{"you+have+won", off, ""},
		{"", off, ""},
	} {
		t.Run(tc.result, func(t *testing.T) {
			s := newSite(t)
			s.connect(salon, tc.given)
			page := body(t, s.enter(s.claims(salon)).get("/settings?result="+tc.result))
			var role string
			for _, r := range []string{"status", "alert"} {
				if strings.Contains(page, `role="`+r+`"`) {
					role = r
				}
			}
			if role != tc.role {
				t.Errorf("said as %q, want %q", role, tc.role)
			}
			failed := strings.Contains("denied scope_missing no_refresh_token failed", tc.result) && tc.result != ""
			if still := strings.Contains(page, "sigue conectado como antes"); still != (failed && tc.given == nil) {
				t.Errorf("said to be connected as before: %v", still)
			}
			if tc.result == "other_company" && !strings.Contains(page, "empresa (Salón Luz)") {
				t.Error("the company that is open is not named")
			}
		})
	}
}

// While everything is paused, an attempt to connect is told so.
func TestResultPaused(t *testing.T) {
	s := newSite(t)
	s.pause()
	page := body(t, s.enter(s.claims(salon)).get("/settings?result=paused"))
	if !strings.Contains(page, "en pausa para todas las empresas") || strings.Contains(page, "Desconectado") {
		t.Error("that it is paused is not said, or belied")
	}
}

// A page that was left open acts on no company once the browser has opened
// another one's link.
func TestStaleTab(t *testing.T) {
	for _, tc := range []struct {
		name   string
		status int
		send   func(*browser) *http.Response
	}{
		{"yes", 409, func(b *browser) *http.Response {
			return b.post(disablePath, url.Values{"confirm": {"yes"}, "events": {"remove"}, "company": {string(salon)}})
		}},
		{"yes, twice named", 409, func(b *browser) *http.Response {
			return b.post(disablePath, url.Values{"confirm": {"yes"}, "events": {"keep"}, "company": {string(clinic), string(salon)}})
		}},
		{"question by form", 409, func(b *browser) *http.Response { return b.post(disablePath, url.Values{"company": {string(salon)}}) }},
		{"question by link", 409, func(b *browser) *http.Response { return b.get(disablePath + "?company=" + string(salon)) }},
		{"connect", 409, func(b *browser) *http.Response {
			return b.post("/settings/integrations/google-calendar/enable", url.Values{"company": {string(salon)}})
		}},
		{"another account", 409, func(b *browser) *http.Response {
			return b.post(enablePath, url.Values{"replace": {"yes"}, "events": {"keep"}, "company": {string(salon)}})
		}},
		{"calendars", 409, func(b *browser) *http.Response { return b.get(optionsPath + "?company=" + string(salon)) }},
		{"calendar", 409, func(b *browser) *http.Response {
			return b.post(optionsPath, url.Values{"calendar": {"primary"}, "company": {string(salon)}})
		}},
		{"test", 409, func(b *browser) *http.Response { return b.post(testPath, url.Values{"company": {string(salon)}}) }},
		{"outcome of a test", 409, func(b *browser) *http.Response { return b.get(testPath + "?company=" + string(salon)) }},
		{"its own connect", 303, func(b *browser) *http.Response {
			return b.post("/settings/integrations/google-calendar/enable", url.Values{"company": {string(clinic)}})
		}},
		{"its own question", 200, func(b *browser) *http.Response {
			return b.get(disablePath + "?company=" + url.QueryEscape(string(clinic)))
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newSite(t)
			s.connect(salon, nil)
			s.connect(clinic, nil)
			s.enter(s.claims(salon))
			claims := s.claims(clinic)
			claims.Name = "Clínica Sol"
			res := tc.send(s.enter(claims))
			page := body(t, res)
			if res.StatusCode != tc.status {
				t.Errorf("status %d, want %d", res.StatusCode, tc.status)
			}
			if tc.status == http.StatusConflict {
				lint(t, page)
				if !strings.Contains(page, "ahora (Clínica Sol)") || !strings.Contains(page, "empresas/7%2F..%2F2/") {
					t.Errorf("the page does not say which company is open, or where to go: %s", page)
				}
			}
			for _, company := range []booking.CompanyID{salon, clinic} {
				c, err := s.store.Connection(t.Context(), company, integration.GoogleCalendar)
				s.must(err)
				if c.Status != integration.Connected {
					t.Errorf("%s: the connection is %s", company, c.Status)
				}
			}
		})
	}
}

// Nothing happens without a session, with one that ended, or on another
// site's behalf.
func TestFormsRefused(t *testing.T) {
	yes := url.Values{"confirm": {"yes"}, "events": {"keep"}}
	for _, tc := range []struct {
		name   string
		status int
		send   func(*site, *browser) *http.Response
	}{
		{"no session", 401, func(s *site, _ *browser) *http.Response { return (&browser{s: s}).post(disablePath, yes) }},
		{"session ended", 401, func(s *site, b *browser) *http.Response {
			s.now = s.now.Add(session.SessionLife + time.Minute)
			return b.post(disablePath, yes)
		}},
		{"another site", 403, func(_ *site, b *browser) *http.Response {
			r := httptest.NewRequest(http.MethodPost, disablePath, strings.NewReader(yes.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			return b.send(r)
		}},
		{"another site, old browser", 403, func(_ *site, b *browser) *http.Response {
			r := httptest.NewRequest(http.MethodPost, disablePath, strings.NewReader(yes.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Origin", "https://evil.example")
			return b.send(r)
		}},
		{"unknown integration", 404, func(_ *site, b *browser) *http.Response {
			return b.post("/settings/integrations/fax/disable", yes)
		}},
		{"not offered", 404, func(_ *site, b *browser) *http.Response {
			return b.post("/settings/integrations/whatsapp/disable", yes)
		}},
		{"answers in the address", 200, func(_ *site, b *browser) *http.Response {
			return b.post(disablePath+"?"+yes.Encode(), url.Values{})
		}},
		{"not a form", 400, func(_ *site, b *browser) *http.Response {
			r := httptest.NewRequest(http.MethodPost, disablePath, strings.NewReader("confirm=yes&events=%"))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			return b.send(r)
		}},
		{"huge form", 413, func(_ *site, b *browser) *http.Response {
			return b.post(disablePath, url.Values{"confirm": {strings.Repeat("y", maxForm)}})
		}},
		{"by GET", 200, func(_ *site, b *browser) *http.Response { return b.get(disablePath + "?" + yes.Encode()) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newSite(t)
			s.connect(salon, nil)
			res := tc.send(s, s.enter(s.claims(salon)))
			res.Body.Close()
			if res.StatusCode != tc.status {
				t.Errorf("status %d, want %d", res.StatusCode, tc.status)
			}
			c, err := s.store.Connection(t.Context(), salon, integration.GoogleCalendar)
			s.must(err)
			if c.Status != integration.Connected {
				t.Errorf("the connection is %s", c.Status)
			}
		})
	}
}

// Connecting by a form leads where the link leads.
func TestEnable(t *testing.T) {
	s := newSite(t)
	res := s.enter(s.claims(salon)).post("/settings/integrations/google-calendar/enable", nil)
	res.Body.Close()
	if got := res.Header.Get("Location"); res.StatusCode != http.StatusSeeOther || got != "/oauth/start" {
		t.Errorf("%d to %q", res.StatusCode, got)
	}
}
