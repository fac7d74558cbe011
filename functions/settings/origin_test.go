package settings

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// What a browser says of where a form comes from is believed, whatever else is
// said: not even the public address as Origin makes a form of another site ours.
func TestFetchSite(t *testing.T) {
	const ours, other = "https://citas.example", "https://evil.example"
	for _, tc := range []struct {
		site, origin string
		status       int
	}{
		{"cross-site", ours, http.StatusForbidden},
		{"same-site", ours, http.StatusForbidden},
		{"made-up", ours, http.StatusForbidden},
		{"cross-site", "", http.StatusForbidden},
		{"same-site", other, http.StatusForbidden},
		{"same-origin", ours, http.StatusSeeOther},
		{"same-origin", "null", http.StatusSeeOther},
		{"none", "", http.StatusSeeOther},
		{"", ours, http.StatusSeeOther},
		{"", "", http.StatusSeeOther},
		{"", other, http.StatusForbidden},
	} {
		s := newSite(t)
		b := s.enter(s.claims(salon))
		r := httptest.NewRequest(http.MethodPost, feedPath, strings.NewReader("company=2&current=&action=create"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for name, value := range map[string]string{"Sec-Fetch-Site": tc.site, "Origin": tc.origin} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		r.Host = "settings-abc.a.run.app"
		res := b.send(r)
		res.Body.Close()
		if res.StatusCode != tc.status {
			t.Errorf("Sec-Fetch-Site %q, Origin %q: %d, want %d", tc.site, tc.origin, res.StatusCode, tc.status)
		}
		company, err := s.store.Company(t.Context(), salon)
		s.must(err)
		if done := company.FeedTokenHash != ""; done != (tc.status == http.StatusSeeOther) {
			t.Errorf("Sec-Fetch-Site %q, Origin %q: done is %t", tc.site, tc.origin, done)
		}
	}
}

// A page of another site may lead here: nothing is changed by that.
func TestFetchSiteOfNavigation(t *testing.T) {
	s := newSite(t)
	r := httptest.NewRequest(http.MethodGet, "/settings?session="+s.token(s.claims(salon)), nil)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	res := s.do(r)
	res.Body.Close()
	if res.StatusCode != http.StatusSeeOther {
		t.Errorf("a link that is followed at the platform: %d", res.StatusCode)
	}
}
