// Package consent is a browser without a screen: it goes through Google's page
// of consent, as the sandbox has it, for tests that don't look at the pages.
package consent

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
)

// Browser keeps cookies, and follows a redirect when it is told to.
type Browser struct {
	t      testing.TB
	client *http.Client
}

// New returns a browser without cookies.
func New(t testing.TB) *Browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &Browser{t, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// Open asks for an address, and returns the page, or the address that it leads
// to; the other is empty.
func (b *Browser) Open(address string) (page, to string) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, address, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.send(r)
}

func (b *Browser) send(r *http.Request) (page, to string) {
	b.t.Helper()
	res, err := b.client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }() // it was read
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	if at, err := res.Location(); err == nil {
		return "", at.String()
	}
	if res.StatusCode >= http.StatusBadRequest {
		b.t.Errorf("%s %s: %d", r.Method, r.URL.Path, res.StatusCode)
	}
	return string(body), ""
}

// Enter opens a signed link and returns the page that it leads to, and where
// that is.
func (b *Browser) Enter(link string) (page, at string) {
	b.t.Helper()
	if _, at = b.Open(link); at == "" {
		b.t.Fatal("the link leads nowhere")
	}
	page, _ = b.Open(at)
	return page, at
}

// Decide begins an authorisation at an installation that the browser has
// entered, allows or denies it everything at Google in an account's name, and
// returns where it is led to then.
func (b *Browser) Decide(publicURL, account string, allow bool) string {
	b.t.Helper()
	_, google := b.Open(publicURL + "/oauth/start")
	u, err := url.Parse(google)
	if err != nil || !u.Query().Has("client_id") {
		b.t.Fatalf("the authorisation begins at %q", google)
	}
	form := url.Values{
		"request": {u.RawQuery}, "account": {account}, "scope": strings.Fields(u.Query().Get("scope")), "decision": {"deny"},
	}
	if allow {
		form.Set("decision", "allow")
	}
	u.RawQuery = ""
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, u.String(), strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	_, callback := b.send(r)
	_, to := b.Open(callback)
	return to
}
