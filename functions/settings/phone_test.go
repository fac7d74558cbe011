package settings

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/session"
)

// A company's own phone is completed by its country, as its customers' are,
// whether a link or a token of the API says it.
func TestOwnPhone(t *testing.T) {
	for _, tc := range []struct{ stored, phone, country, want string }{
		{"", "600 111 222", "ES", "+34600111222"},
		{"", "600111222", "es", "+34600111222"},
		{"ES", "600111222", "", "+34600111222"},
		{"CO", "600111222", "ES", "+34600111222"},
		{"", "+34 600 111 222", "", "+34600111222"},
		{"", "+34 600 111 222", "CO", "+34600111222"},
		{"", "600111222", "", "600111222"},
		{"ES", "555", "", "555"},
		{"ES", "a la recepción", "", "a la recepción"},
	} {
		for _, by := range []string{"link", "token"} {
			m := newMessenger(t, bilingual())
			m.enter(session.Claims{Company: salon, Country: tc.stored})
			claims := session.Claims{Company: salon, Phone: tc.phone, Country: tc.country}
			if by == "link" {
				m.enter(claims)
			} else {
				m.callWith(claims, "/v1/integrations/whatsapp/enable").Body.Close()
			}
			if got := m.company(salon).Phone; got != tc.want {
				t.Errorf("%q of %q in %q, by a %s: %q, want %q", tc.phone, tc.country, tc.stored, by, got, tc.want)
			}
		}
	}
}

// A phone that came before the country is completed once that is known.
func TestOwnPhoneLater(t *testing.T) {
	s := newSite(t)
	s.enter(session.Claims{Company: salon, Phone: "600111222"})
	s.enter(session.Claims{Company: salon, Country: "ES"})
	if got := s.company(salon).Phone; got != "+34600111222" {
		t.Errorf("%q", got)
	}
}

// The test of the notices goes to a phone that the token gives without a
// country's code.
func TestMessageTrialOwnPhone(t *testing.T) {
	m := newMessenger(t, bilingual())
	m.notify(salon, nil)
	res := m.callWith(session.Claims{Company: salon, Phone: "600111222", Country: "ES"}, messagesCall+"test")
	if got := body(t, res); !strings.Contains(got, `"ok":true`) {
		t.Errorf("%d %s", res.StatusCode, got)
	}
	if got := m.whatsapp.WhatsAppMessages(); len(got) != 1 || got[0].Recipient != "34600111222" {
		t.Errorf("messages %+v", got)
	}
}

// callWith posts to the API by a token with the claims.
func (s *site) callWith(c session.Claims, path string) *http.Response {
	s.Helper()
	r := httptest.NewRequest(http.MethodPost, path, nil)
	r.Header.Set("Authorization", "Bearer "+s.token(c))
	return s.do(r)
}

// company is what is kept of it.
func (s *site) company(id booking.CompanyID) integration.Company {
	s.Helper()
	c, err := s.store.Company(s.Context(), id)
	s.must(err)
	return c.Company
}
