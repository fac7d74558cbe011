package session

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
)

func TestOutcome(t *testing.T) {
	tests := []struct {
		name, address, want string
	}{
		{"plain", "https://platform.example/back", "https://platform.example/back?integration=google-calendar&result=denied"},
		{"host alone", "https://platform.example", "https://platform.example?integration=google-calendar&result=denied"},
		{"with a query", "https://platform.example/?tab=2&q=a%20b+c&q=", "https://platform.example/?tab=2&q=a%20b+c&q=&integration=google-calendar&result=denied"},
		{"with an empty query", "https://platform.example/?", "https://platform.example/?integration=google-calendar&result=denied"},
		{"with a fragment", "https://platform.example/a%2Fb?x=1#/tab?y=2", "https://platform.example/a%2Fb?x=1&integration=google-calendar&result=denied#/tab?y=2"},
		{"of the turn before", "https://platform.example/?result=failed&x=1&integration=google-calendar&%72esult=x", "https://platform.example/?x=1&integration=google-calendar&result=denied"},
		{"with what is no query of ours", "https://platform.example/?%zz;&result", "https://platform.example/?%zz;&integration=google-calendar&result=denied"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := Session{ReturnURL: tt.address, Connect: ConnectGoogleCalendar}
			if got := s.Outcome(ConnectGoogleCalendar, "denied"); got != tt.want {
				t.Errorf("%s\nwant %s", got, tt.want)
			}
		})
	}
	for name, s := range map[string]Session{
		"of a visit to the panel": {ReturnURL: "https://platform.example/"},
		"without return_url":      {Connect: ConnectGoogleCalendar},
		"of something else":       {ReturnURL: "https://platform.example/", Connect: "fax"},
	} {
		if got := s.Outcome(ConnectGoogleCalendar, "denied"); got != "" {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func FuzzOutcome(f *testing.F) {
	for _, s := range []string{"https://platform.example/a?b=c#d", "https://platform.example?result=%zz&;", "https://platform.example/#?&"} {
		f.Add(s)
	}
	origins := map[string]bool{"https://platform.example": true}
	f.Fuzz(func(t *testing.T, s string) {
		address, ok := returnURL(s, func(o string) bool { return origins[o] })
		if !ok {
			return
		}
		got := Session{ReturnURL: address, Connect: ConnectGoogleCalendar}.Outcome(ConnectGoogleCalendar, "connected")
		u, err := url.Parse(got)
		if err != nil {
			t.Fatalf("%q leads to %q: %v", address, got, err)
		}
		before, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		origin, _ := Origin(u.Scheme + "://" + u.Host)
		if !origins[origin] || u.EscapedPath() != before.EscapedPath() || u.EscapedFragment() != before.EscapedFragment() {
			t.Errorf("%q leads to %q", address, got)
		}
		if !strings.HasSuffix(u.RawQuery, "integration=google-calendar&result=connected") {
			t.Errorf("%q leads to %q", address, got)
		}
	})
}

func TestAllowedReturn(t *testing.T) {
	m := newManager(t, &clock{now: noon}, "https://citas.example", secret1)
	if got, ok := m.AllowedReturn(" https://platform.example/a#b "); !ok || got != "https://platform.example/a#b" {
		t.Errorf("%q, %t", got, ok)
	}
	for _, s := range []string{"", "/settings", "https://evil.example/", "javascript:alert(1)", "https://platform.example/" + strings.Repeat("a", maxURL)} {
		if got, ok := m.AllowedReturn(s); ok {
			t.Errorf("%.40q is allowed as %.40q", s, got)
		}
	}
}

// What a link is to connect is kept for as long as the session lasts, and one of
// before there was such a claim is as good as ever.
func TestConnectClaim(t *testing.T) {
	for _, tt := range []struct {
		name    string
		claims  jwt.MapClaims
		want    string
		ignored bool
	}{
		{"without", good(), "", false},
		{"of Google Calendar", with("connect", ConnectGoogleCalendar), ConnectGoogleCalendar, false},
		{"of nothing there is", with("connect", "whatsapp"), "", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := newManager(t, &clock{now: noon}, "https://citas.example", secret1)
			c, s, err := m.Open(t.Context(), hs256(t, tt.claims))
			if err != nil {
				t.Fatal(err)
			}
			if c.Connect != tt.want || s.Connect != tt.want || (len(c.Ignored) > 0) != tt.ignored {
				t.Errorf("claims %+v, session %+v", c, s)
			}
			rec := httptest.NewRecorder()
			if err := m.SetCookie(rec, s); err != nil {
				t.Fatal(err)
			}
			if again, _, err := visit(t, m, rec); err != nil || again.Connect != tt.want {
				t.Errorf("visited %+v, %v", again, err)
			}
		})
	}
	m := newManager(t, &clock{now: noon}, "https://citas.example", secret1)
	token, err := m.Sign(Claims{Company: "2", Connect: ConnectGoogleCalendar})
	if err != nil {
		t.Fatal(err)
	}
	if c, _, err := m.Open(t.Context(), token); err != nil || c.Connect != ConnectGoogleCalendar {
		t.Errorf("a link of ours: %+v, %v", c, err)
	}
}
