package settings

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/session"
	"github.com/citasync/citasync/shared/store"
	"github.com/citasync/citasync/shared/store/bolt"
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

// A link leads in once, leaves its token in no address, and tells what the
// platform knows of the company.
func TestLink(t *testing.T) {
	s := newSite(t)
	claims := session.Claims{
		Company: salon, Name: "Salón Luz", Email: "luz@example.com", Phone: "+573001112233", Country: "CO", Locale: "en",
		TimeZone: "America/Bogota", ReturnURL: "https://reservas.example/back",
	}
	token := s.token(claims)
	b := &browser{s: s}
	res := b.get("/settings?session=" + token)
	res.Body.Close()
	if got := res.Header.Get("Location"); res.StatusCode != http.StatusSeeOther || got != "/settings" {
		t.Errorf("a link is answered with %d to %q", res.StatusCode, got)
	}
	if got := res.Header.Get("Referrer-Policy"); got != "no-referrer" {
		t.Errorf("Referrer-Policy %q", got)
	}
	b.cookie = res.Cookies()[0]
	page := body(t, b.get("/settings"))
	for _, want := range []string{`<html lang="en">`, "Salón Luz", "https://reservas.example/back"} {
		if !strings.Contains(page, want) {
			t.Errorf("the panel lacks %s", want)
		}
	}
	company, err := s.store.Company(t.Context(), salon)
	s.must(err)
	want := integration.Company{ID: salon, Name: "Salón Luz", Locale: "en", Country: "CO", TimeZone: "America/Bogota", Email: "luz@example.com", Phone: "+573001112233"}
	if diff := cmp.Diff(want, company.Company); diff != "" {
		t.Errorf("company -want +got:\n%s", diff)
	}
	second := b.get("/settings?session=" + token)
	second.Body.Close()
	if second.StatusCode != http.StatusUnauthorized || len(second.Cookies()) > 0 {
		t.Errorf("a used link is answered with %d and %v", second.StatusCode, second.Cookies())
	}
	if strings.Contains(s.log.String(), token) {
		t.Error("the log has the token in it")
	}
}

// A second link adds to what is known of the company and takes nothing away,
// and one with no news writes nothing.
func TestLinkKeepsProfile(t *testing.T) {
	s := newSite(t)
	s.enter(s.claims(salon))
	before, err := s.store.Company(t.Context(), salon)
	s.must(err)
	s.enter(session.Claims{Company: salon, Name: "Salón Luz"})
	same, err := s.store.Company(t.Context(), salon)
	s.must(err)
	if diff := cmp.Diff(before, same); diff != "" {
		t.Errorf("a link without news -before +after:\n%s", diff)
	}
	s.enter(session.Claims{Company: salon, Email: "luz@example.com"})
	after, err := s.store.Company(t.Context(), salon)
	s.must(err)
	if after.Email != "luz@example.com" || after.Name != "Salón Luz" || after.TimeZone != "America/Bogota" {
		t.Errorf("after a link with an address only: %+v", after)
	}
}

// racing is a store in which another link of the company is opened just
// before the first write.
type racing struct {
	*bolt.Store
	before func()
}

func (r *racing) PutCompany(ctx context.Context, c *store.Company) error {
	if before := r.before; before != nil {
		r.before = nil
		before()
	}
	return r.Store.PutCompany(ctx, c)
}

// Of two links that are opened at once, both are heard.
func TestLinksAtOnce(t *testing.T) {
	var r *racing
	s := newSite(t, func(d *Deps) {
		r = &racing{Store: d.Store.(*bolt.Store)}
		d.Store = r
	})
	r.before = func() { s.enter(session.Claims{Company: salon, Email: "luz@example.com"}) }
	s.enter(session.Claims{Company: salon, Phone: "+573001112233"})
	company, err := s.store.Company(t.Context(), salon)
	s.must(err)
	if company.Email != "luz@example.com" || company.Phone != "+573001112233" {
		t.Errorf("heard only %+v", company.Company)
	}
}

// What looks whether a link is alive does not use it up.
func TestLinkHead(t *testing.T) {
	s := newSite(t)
	token := s.token(s.claims(salon))
	s.do(httptest.NewRequest(http.MethodHead, "/settings?session="+token, nil)).Body.Close()
	res := s.do(httptest.NewRequest(http.MethodGet, "/settings?session="+token, nil))
	res.Body.Close()
	if res.StatusCode != http.StatusSeeOther {
		t.Errorf("a link that was looked at is answered with %d", res.StatusCode)
	}
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
		{"https://p.example/c/{company}", "", "https://p.example/"},
		{"https://{company}.p.example/", "", "https://0.p.example/"},
		{"https://p.example/settings", "", "https://p.example/settings"},
		{"", "2", ""},
		{"{company}", "", ""},
	} {
		h := &handler{Deps: Deps{PlatformURL: tc.template}}
		if got := h.platform(tc.company); got != tc.want {
			t.Errorf("%q for %q: %q, want %q", tc.template, tc.company, got, tc.want)
		}
	}
}

func TestHeaders(t *testing.T) {
	s := newSite(t)
	b := s.enter(s.claims(salon))
	for _, path := range []string{"/settings", "/settings/history", "/settings/nowhere", "/v1/bookings"} {
		res := b.get(path)
		res.Body.Close()
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
			"X-Content-Type-Options":  "nosniff",
			"Cache-Control":           "no-store",
			"Referrer-Policy":         "no-referrer",
		} {
			if got := res.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
	}
}

// The stylesheet and the icon that pages name are there, for good; no other
// name is.
func TestAssets(t *testing.T) {
	s := newSite(t)
	page := body(t, (&browser{s: s}).get("/settings"))
	paths := hashedFull.FindAllString(page, -1)
	if len(paths) != 2 {
		t.Fatalf("the page names %v", paths)
	}
	for _, path := range paths {
		res := (&browser{s: s}).get(path)
		res.Body.Close()
		if res.StatusCode != http.StatusOK || !strings.Contains(res.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d, %q", path, res.StatusCode, res.Header.Get("Cache-Control"))
		}
		if ct := res.Header.Get("Content-Type"); !strings.HasPrefix(ct, "text/css") && ct != "image/svg+xml" {
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
		t.Error("the browser's language is not spoken")
	}
}

// A result in the address is said only while the connection does not belie it.
func TestResults(t *testing.T) {
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
		{"other_account", nil, "alert"},
		{"expired", off, "alert"},
		{"busy", off, "alert"},
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
		{"by GET", 303, func(_ *site, b *browser) *http.Response { return b.get(disablePath + "?" + yes.Encode()) }},
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

func TestNewRefuses(t *testing.T) {
	s := newSite(t)
	s.deps.Integrations = []integration.ID{integration.WhatsApp}
	if _, err := New(s.deps); err == nil {
		t.Error("an integration without a card is no error")
	}
}
