package local

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/html"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/session"
	"github.com/citasync/citasync/shared/wire"
)

const publicURL = "https://citasync.test"

// visitor is somebody of a company at a browser. It keeps cookies, follows
// redirects, and after the platform's signed link goes only where a page leads,
// by the words of its links and buttons.
type visitor struct {
	*world
	company  booking.CompanyID
	sessions *session.Manager
	browser  *http.Client
	page     *page
}

func (w *world) visitor(company booking.CompanyID) *visitor {
	w.t.Helper()
	sessions, err := wire.Sessions(wire.Parts{Config: w.config(), Store: w.store, Now: time.Now})
	check(w.t, err)
	jar, err := cookiejar.New(nil)
	check(w.t, err)
	return &visitor{world: w, company: company, sessions: sessions, browser: &http.Client{Jar: jar, Transport: internet{w}}}
}

// internet takes requests to whom they are for: Google, or the installation.
type internet struct{ *world }

func (n internet) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasPrefix(r.URL.String(), googleURL+"/") {
		return n.google.Transport().RoundTrip(r)
	}
	in := r.Clone(r.Context())
	in.RequestURI, in.Host = r.URL.RequestURI(), r.URL.Host
	if in.Body == nil {
		in.Body = http.NoBody
	}
	rec := httptest.NewRecorder()
	n.procs[0].Public.ServeHTTP(rec, in)
	res := rec.Result()
	res.Request = r
	return res, nil
}

// token is what the platform signs for the company.
func (v *visitor) token() string {
	v.t.Helper()
	token, err := v.sessions.Sign(session.Claims{Company: v.company, Name: "Salón Luz", Locale: "es", TimeZone: "America/Bogota"})
	check(v.t, err)
	return token
}

// enter opens a fresh link of the platform's, which leads to the overview.
func (v *visitor) enter() {
	v.t.Helper()
	v.browse(http.MethodGet, publicURL+"/settings?"+url.Values{"session": {v.token()}}.Encode(), nil)
}

// click follows the page's link with these words.
func (v *visitor) click(words string) {
	v.t.Helper()
	a := v.page.one("a", func(n *html.Node) bool { return text(n) == words })
	if a == nil {
		v.t.Fatalf("there is no link %q on the page:\n%s", words, v.page)
	}
	v.browse(http.MethodGet, v.page.resolve(attr(a, "href")), nil)
}

// press submits the page's form that has a button with these words, filled in
// as the page has it but for what is done to it.
func (v *visitor) press(button string, fill ...func(*form)) {
	v.t.Helper()
	f := v.page.formWith(button)
	if f == nil {
		v.t.Fatalf("there is no button %q on the page:\n%s", button, v.page)
	}
	f.t = v.t
	for _, do := range fill {
		do(f)
	}
	v.browse(f.method, v.page.resolve(attr(f.Node, "action")), f.values)
}

func (v *visitor) browse(method, address string, values url.Values) {
	v.t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), method, address, strings.NewReader(values.Encode()))
	check(v.t, err)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin") // no form here leads to another site
	}
	res, err := v.browser.Do(r)
	check(v.t, err)
	defer res.Body.Close()
	root, err := html.Parse(res.Body)
	check(v.t, err)
	v.page = &page{at: res.Request.URL, status: res.StatusCode, root: root}
	if res.StatusCode != http.StatusOK {
		v.t.Errorf("%s %s is answered with %d:\n%s", method, res.Request.URL.Path, res.StatusCode, v.page)
	}
}

// api reads a path of the JSON API as the platform does.
func (v *visitor) api(path string, into any) {
	v.t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, publicURL+path, nil)
	check(v.t, err)
	r.Header.Set("Authorization", "Bearer "+v.token())
	res, err := internet{v.world}.RoundTrip(r)
	check(v.t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	check(v.t, err)
	if res.StatusCode != http.StatusOK {
		v.t.Fatalf("%s is answered with %d: %s", path, res.StatusCode, body)
	}
	check(v.t, json.Unmarshal(body, into))
}

// says demands that the page says all of it.
func (v *visitor) says(words ...string) {
	v.t.Helper()
	for _, s := range words {
		if !strings.Contains(v.page.String(), s) {
			v.t.Errorf("%s does not say %q, but:\n%s", v.page.at.Path, s, v.page)
		}
	}
}

// silent demands that the page says none of it.
func (v *visitor) silent(words ...string) {
	v.t.Helper()
	for _, s := range words {
		if strings.Contains(v.page.String(), s) {
			v.t.Errorf("%s says %q:\n%s", v.page.at.Path, s, v.page)
		}
	}
}

// page is an answer in HTML, after all redirects.
type page struct {
	at     *url.URL
	status int
	root   *html.Node
}

// String is what its main part says, for a person who sees the signs or not.
func (p *page) String() string {
	if main := p.one("main", func(*html.Node) bool { return true }); main != nil {
		return text(main)
	}
	return text(p.root)
}

// one returns the only element of that kind for which is reports true, or else
// nil.
func (p *page) one(tag string, is func(*html.Node) bool) (found *html.Node) {
	for n := range p.root.Descendants() {
		if n.Type != html.ElementNode || n.Data != tag || !is(n) {
			continue
		}
		if found != nil {
			return nil
		}
		found = n
	}
	return found
}

func (p *page) resolve(address string) string {
	u, err := p.at.Parse(address)
	if err != nil {
		return address
	}
	return u.String()
}

// leadsTo reports whether a link of the page leads to the path.
func (p *page) leadsTo(path string) bool {
	for n := range p.root.Descendants() {
		if n.Type != html.ElementNode || n.Data != "a" {
			continue
		}
		if u, err := p.at.Parse(attr(n, "href")); err == nil && u.Path == path {
			return true
		}
	}
	return false
}

// fact is what the page gives for a term of its lists of facts.
func (p *page) fact(name string) (said []string) {
	dt := p.one("dt", func(n *html.Node) bool { return text(n) == name })
	if dt == nil {
		return nil
	}
	for n := dt.NextSibling; n != nil; n = n.NextSibling {
		if n.Type == html.ElementNode && n.Data == "dd" {
			said = append(said, text(n))
		}
	}
	return said
}

// text is what an element says, in one line, without what is only for the eye.
func text(n *html.Node) string {
	var words []string
	var read func(*html.Node)
	read = func(n *html.Node) {
		if n.Type == html.TextNode {
			words = append(words, strings.Fields(n.Data)...)
		}
		if attr(n, "aria-hidden") == "true" {
			return
		}
		for c := range n.ChildNodes() {
			read(c)
		}
	}
	read(n)
	return strings.Join(words, " ")
}

func attr(n *html.Node, name string) string {
	i := slices.IndexFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
	if i < 0 {
		return ""
	}
	return n.Attr[i].Val
}
