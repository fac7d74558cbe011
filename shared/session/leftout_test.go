package session

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestLeftOut: what is said of claims before they are signed is what whoever
// opens the link does with them.
func TestLeftOut(t *testing.T) {
	for _, tt := range []struct {
		name   string
		claims Claims
		want   []string
	}{
		{"none", Claims{}, nil},
		{"good", Claims{
			Name: "Sol", Email: "sol@example.com", Phone: "600111222", Country: "es", Locale: "es_CO", TimeZone: "Europe/Madrid",
			ReturnURL: "https://PLATFORM.example:443/back", Connect: ConnectGoogleCalendar,
		}, nil},
		{"bad", Claims{
			Name: "a\x00b", Email: strings.Repeat("a", 201), Phone: " ", Country: "Spain", Locale: "fr", TimeZone: "X/Y",
			ReturnURL: "https://elsewhere.example/", Connect: "fax",
		}, []string{"name", "email", "phone", "country", "locale", "time_zone", "connect", "return_url"}},
		{"an address without scheme", Claims{ReturnURL: "platform.example/back"}, []string{"return_url"}},
	} {
		m := newManager(t, &clock{now: noon}, "https://citas.example", secret1)
		if diff := cmp.Diff(tt.want, LeftOut(tt.claims, m.returnsTo)); diff != "" {
			t.Errorf("%s -want +got:\n%s", tt.name, diff)
		}
		tt.claims.Company = "2"
		token, err := m.Sign(tt.claims)
		if err != nil {
			t.Fatal(err)
		}
		opened, _, err := m.Open(t.Context(), token)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(opened.Ignored, LeftOut(tt.claims, m.returnsTo)); diff != "" {
			t.Errorf("%s, -opened +said:\n%s", tt.name, diff)
		}
	}
}
