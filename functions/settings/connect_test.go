package settings

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/citasync/citasync/functions/settings/words"
	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/session"
)

const enableCall = "/v1/integrations/google-calendar/enable"

// begin asks by a call for the link to connect with, and returns it without the
// public address.
func (s *site) begin(c session.Claims, body string) string {
	s.Helper()
	r := httptest.NewRequest(http.MethodPost, enableCall, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+s.token(c))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	res := s.do(r)
	defer res.Body.Close()
	var answer struct {
		AuthorizeURL string `json:"authorize_url"`
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil || res.StatusCode != http.StatusOK {
		s.Fatalf("%d, %v", res.StatusCode, err)
	}
	link, found := strings.CutPrefix(answer.AuthorizeURL, "https://citas.example")
	if !found {
		s.Fatalf("the link is %q", answer.AuthorizeURL)
	}
	return link
}

// follow opens a link in a browser of its own, and returns where it leads to.
func (s *site) follow(link string) (*browser, string) {
	s.Helper()
	res := (&browser{s: s}).get(link)
	defer res.Body.Close()
	if res.StatusCode != http.StatusSeeOther || len(res.Cookies()) != 1 {
		s.Fatalf("a link is answered with %d and the cookies %v", res.StatusCode, res.Cookies())
	}
	return &browser{s: s, cookie: res.Cookies()[0]}, res.Header.Get("Location")
}

// Enabling answers with a link that lets in the same company, once, and leads
// no further by itself: to the page to connect from if it is known where the
// browser is to come back to, and otherwise to the panel.
func TestAPIEnable(t *testing.T) {
	const back = "https://reservas.example/7?tab=2#x"
	token := session.Claims{Company: clinic, Name: "Clínica Sol", Locale: "en"}
	bound := token
	bound.ReturnURL = "https://reservas.example/7"
	for _, tc := range []struct {
		name   string
		claims session.Claims
		body   string
		to     string
		back   string // as the page leads there
	}{
		{"told where to by the body", token, `{"return_url":"` + back + `"}`, connectingPath, back},
		{"by the token", bound, "", connectingPath, "https://reservas.example/7"},
		{"by both", bound, `{"return_url":"` + back + `"}`, connectingPath, back},
		{"by the token, with an empty body", bound, `{}`, connectingPath, "https://reservas.example/7"},
		{"by nobody", token, "", "/settings", "https://reservas.example/empresas/7%2F..%2F2/integraciones"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newSite(t)
			link := s.begin(tc.claims, tc.body)
			b, to := s.follow(link)
			if to != tc.to {
				t.Fatalf("the link leads to %q, want %q", to, tc.to)
			}
			page := body(t, b.get(to))
			for _, want := range []string{"Clínica Sol", `href="` + tc.back + `"`, `href="/oauth/start?company=7%2F..%2F2"`} {
				if !strings.Contains(page, want) {
					t.Errorf("the page lacks %s", want)
				}
			}
			again := (&browser{s: s}).get(link)
			again.Body.Close()
			if again.StatusCode != http.StatusUnauthorized {
				t.Errorf("the link works twice: %d", again.StatusCode)
			}
		})
	}
}

func TestAPIEnableRefuses(t *testing.T) {
	s := newSite(t)
	for _, tc := range []struct {
		body   string
		status int
		names  string
	}{
		{`{"return_url":"https://evil.example/"}`, 422, "return_url"},
		{`{"return_url":"https://reservas.example.evil.example/"}`, 422, "return_url"},
		{`{"return_url":"/settings"}`, 422, "return_url"},
		{`{"return_url":"javascript:alert(1)"}`, 422, "return_url"},
		{`{"return_url":"https://reservas.example/` + strings.Repeat("a", 1000) + `"}`, 422, "return_url"},
		{`{"return_url":7}`, 400, "return_url takes no number"},
		{`not JSON`, 400, "JSON"},
		{`{"return_url":"` + strings.Repeat("a", maxBody) + `"}`, 413, "bytes"},
	} {
		checkProblem(t, s.call(salon, http.MethodPost, enableCall, tc.body), tc.status, tc.names)
	}
	r := httptest.NewRequest(http.MethodPost, enableCall, strings.NewReader(`{"return_url":"https://reservas.example/"}`))
	r.Header.Set("Authorization", "Bearer "+s.token(s.claims(salon)))
	checkProblem(t, s.do(r), http.StatusUnsupportedMediaType, "application/json")
}

// A platform may make such a link itself.
func TestLinkToConnect(t *testing.T) {
	s := newSite(t)
	claims := s.claims(salon)
	claims.Connect, claims.ReturnURL = session.ConnectGoogleCalendar, "https://reservas.example/b"
	link := "/settings?session=" + s.token(claims)
	b, to := s.follow(link)
	if to != connectingPath {
		t.Fatalf("led to %q", to)
	}
	// Opened again, by going back for example, it leads on whoever is in.
	res := b.get(link)
	res.Body.Close()
	if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != connectingPath {
		t.Errorf("again: %d to %q", res.StatusCode, res.Header.Get("Location"))
	}
	// The panel is there too, and leads back to the same address.
	if page := body(t, b.get("/settings")); !strings.Contains(page, `href="https://reservas.example/b"`) {
		t.Error("the panel does not lead back")
	}
	// Another tab's visit to another company takes the page over, with its name.
	other := s.claims(clinic)
	other.Name = "Clínica Sol"
	b.cookie = s.enter(other).cookie
	if page := body(t, b.get(connectingPath)); !strings.Contains(page, "Clínica Sol") || strings.Contains(page, "reservas.example/b") {
		t.Error("the page is still of the company before")
	}
	// A session that has ended is told how to come in again.
	s.now = s.now.Add(session.SessionLife + time.Minute)
	res = b.get(connectingPath)
	res.Body.Close()
	if res.StatusCode != http.StatusUnauthorized {
		t.Errorf("after the session: %d", res.StatusCode)
	}
}

func connectCases() []pageCase {
	disconnecting := func(remove bool) func(*site) {
		return func(s *site) {
			s.connect(salon, func(c *integration.Connection) {
				c.Enabled, c.Status, c.RemoveEvents = false, integration.Disconnecting, remove
			})
		}
	}
	return []pageCase{
		{name: "connect-new", given: func(s *site) {
			for _, id := range []booking.ID{"1", "2"} {
				s.book(salon, id, 24*hour, never)
			}
		}},
		{name: "connect-expired", path: "?result=expired"},
		{name: "connect-done", path: "?result=expired", given: func(s *site) { s.connect(salon, nil) }}, // what is said of an attempt is overtaken
		{name: "connect-reauth", given: (*site).deadGrant},
		{name: "connect-calendar-missing", given: (*site).lostCalendar},
		{name: "connect-removing", given: disconnecting(true)},
		{name: "connect-returning", given: disconnecting(false)},
		{name: "connect-paused", given: (*site).pause},
		{name: "connect-paused-done", given: func(s *site) { s.connect(salon, nil); s.pause() }},
	}
}

// TestConnectPages renders the page to connect from in each of its states.
func TestConnectPages(t *testing.T) {
	for _, tc := range connectCases() {
		for _, lang := range words.Languages() {
			t.Run(tc.name+"."+lang, func(t *testing.T) {
				s := newSite(t)
				if tc.given != nil {
					tc.given(s)
				}
				claims := s.claims(salon)
				claims.Locale, claims.Connect, claims.ReturnURL = lang, session.ConnectGoogleCalendar, "https://reservas.example/ajustes?tab=2"
				b := s.enter(claims)
				checkPage(t, b.get(connectingPath+tc.path), http.StatusOK, tc.name+"."+lang)
			})
		}
	}
}

// Only where it can be done is there something to press to connect.
func TestConnectPageOffers(t *testing.T) {
	for name, want := range map[string]string{
		"connect-new": "/oauth/start", "connect-expired": "/oauth/start", "connect-reauth": "/oauth/start",
		"connect-calendar-missing": optionsPath, "connect-done": "", "connect-removing": "", "connect-returning": "",
		"connect-paused": "", "connect-paused-done": "",
	} {
		for _, tc := range connectCases() {
			if tc.name != name {
				continue
			}
			s := newSite(t)
			if tc.given != nil {
				tc.given(s)
			}
			page := body(t, s.enter(s.claims(salon)).get(connectingPath))
			for _, path := range []string{"/oauth/start", optionsPath} {
				link := `class="button primary" href="` + path + "?" + url.Values{"company": {string(salon)}}.Encode() + `"`
				if strings.Contains(page, link) != (path == want) {
					t.Errorf("%s: %s is offered: %t", name, path, path != want)
				}
			}
		}
	}
}
