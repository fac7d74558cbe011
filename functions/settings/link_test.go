package settings

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/session"
	"github.com/citasync/citasync/shared/store"
	"github.com/citasync/citasync/shared/store/bolt"
)

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
	second := (&browser{s: s}).get("/settings?session=" + token)
	second.Body.Close()
	if second.StatusCode != http.StatusUnauthorized || len(second.Cookies()) > 0 {
		t.Errorf("a used link is answered with %d and %v", second.StatusCode, second.Cookies())
	}
	if strings.Contains(s.log.String(), token) {
		t.Error("the log has the token in it")
	}
}

// A link that was used leads on whoever is still in by one of the same company,
// however old the link is by now, and nobody else.
func TestUsedLink(t *testing.T) {
	s := newSite(t)
	token := s.token(s.claims(salon))
	first := (&browser{s: s}).get("/settings?session=" + token)
	first.Body.Close()
	in := &browser{s: s, cookie: first.Cookies()[0]}
	const expired = session.LinkLife + time.Minute
	for _, tc := range []struct {
		name   string
		by     *browser
		after  time.Duration
		status int
	}{
		{"again", in, 0, http.StatusSeeOther},
		{"of another company", s.enter(s.claims(clinic)), 0, http.StatusUnauthorized},
		{"of nobody", &browser{s: s}, 0, http.StatusUnauthorized},
		{"altered", in, 0, http.StatusUnauthorized},
		{"expired", in, expired, http.StatusSeeOther},
		{"expired, of another company", s.enter(s.claims(clinic)), expired, http.StatusUnauthorized},
		{"expired, of nobody", &browser{s: s}, expired, http.StatusUnauthorized},
		{"expired, altered", in, expired, http.StatusUnauthorized},
		{"expired, as has the session", in, session.SessionLife + time.Minute, http.StatusUnauthorized},
	} {
		t.Run(tc.name, func(t *testing.T) {
			defer func(now time.Time) { s.now = now }(s.now)
			s.now = s.now.Add(tc.after)
			link := token
			if strings.HasSuffix(tc.name, "altered") {
				link = token[:len(token)-4] + "AAAA"
			}
			res := tc.by.get("/settings?session=" + link)
			res.Body.Close()
			if res.StatusCode != tc.status {
				t.Errorf("%d, want %d", res.StatusCode, tc.status)
			}
			if to := res.Header.Get("Location"); (tc.status == http.StatusSeeOther) != (to == "/settings") {
				t.Errorf("led to %q", to)
			}
		})
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

func (r *racing) PutCompany(ctx context.Context, c *store.Company, acts ...store.Activity) error {
	if before := r.before; before != nil {
		r.before = nil
		before()
	}
	return r.Store.PutCompany(ctx, c, acts...)
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

// Nor does a browser that asks for it before anybody clicks, and that keeps no
// answer then but the one to the click.
func TestLinkPrefetch(t *testing.T) {
	for _, tc := range []struct {
		name, value string
		status      int
	}{
		{"Sec-Purpose", "prefetch", http.StatusServiceUnavailable},
		{"Sec-Purpose", "prefetch;prerender", http.StatusServiceUnavailable},
		{"Sec-Purpose", "prefetch; anonymous-client-ip", http.StatusServiceUnavailable},
		{"Purpose", "prefetch", http.StatusServiceUnavailable},
		{"Purpose", "Prefetch", http.StatusServiceUnavailable},
		{"Sec-Purpose", "made-up", http.StatusSeeOther},
		{"Sec-Purpose", "", http.StatusSeeOther},
	} {
		s := newSite(t)
		link := "/settings?session=" + s.token(s.claims(salon))
		r := httptest.NewRequest(http.MethodGet, link, nil)
		r.Header.Set(tc.name, tc.value)
		res := s.do(r)
		res.Body.Close()
		if res.StatusCode != tc.status || res.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %s: %d, Cache-Control %q", tc.name, tc.value, res.StatusCode, res.Header.Get("Cache-Control"))
		}
		if tc.status == http.StatusSeeOther {
			continue
		}
		if c := s.company(salon); len(res.Cookies()) > 0 || c.Name != "" {
			t.Errorf("%s: %s: it sets %v and keeps %+v", tc.name, tc.value, res.Cookies(), c)
		}
		res = s.do(httptest.NewRequest(http.MethodGet, link, nil))
		res.Body.Close()
		if res.StatusCode != http.StatusSeeOther {
			t.Errorf("%s: %s: the click is answered with %d", tc.name, tc.value, res.StatusCode)
		}
	}
}
