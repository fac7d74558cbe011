package sandbox

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"
	google "google.golang.org/api/calendar/v3"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/option"
)

const (
	ana      = "ana@example.com"
	luis     = "luis@example.com"
	callback = "http://localhost:8080/oauth/callback?company=2"
)

// world is a sandbox with the real clients pointed at it.
type world struct {
	t      *testing.T
	s      *Sandbox
	base   string
	client *http.Client // to the sandbox, without a token
}

// local is a world without a network.
func local(t *testing.T, o Options) *world {
	t.Helper()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return &world{t, s, "http://google.test", &http.Client{Transport: s.Transport(), CheckRedirect: stay}}
}

// served is a world behind a real server.
func served(t *testing.T, o Options) *world {
	t.Helper()
	w := local(t, o)
	srv := httptest.NewServer(w.s.Handler())
	t.Cleanup(srv.Close)
	w.base = srv.URL
	w.client = &http.Client{Transport: srv.Client().Transport, CheckRedirect: stay}
	return w
}

func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func (w *world) oauth() *oauth2.Config {
	return &oauth2.Config{
		ClientID: DefaultClientID, ClientSecret: DefaultClientSecret, RedirectURL: callback,
		Scopes: []string{"openid", "email", ScopeEvents, ScopeCalendarList},
		// With a style left open the client tries twice, which uses a code up.
		Endpoint: oauth2.Endpoint{AuthURL: w.base + authPath, TokenURL: w.base + "/oauth2/token", AuthStyle: oauth2.AuthStyleInParams},
	}
}

func (w *world) ctx() context.Context {
	return context.WithValue(w.t.Context(), oauth2.HTTPClient, w.client)
}

// connect has the user consent and redeems the code.
func (w *world) connect(email string, untick ...string) *oauth2.Token {
	w.t.Helper()
	verifier := oauth2.GenerateVerifier()
	authURL := w.oauth().AuthCodeURL("s", oauth2.AccessTypeOffline, oauth2.ApprovalForce, oauth2.S256ChallengeOption(verifier))
	tok, err := w.oauth().Exchange(w.ctx(), w.code(authURL, Consent{Account: email, Untick: untick}), oauth2.VerifierOption(verifier))
	if err != nil {
		w.t.Fatal(err)
	}
	return tok
}

// code is what the user's browser brings back.
func (w *world) code(authURL string, c Consent) string {
	w.t.Helper()
	to, err := w.s.Authorize(authURL, c)
	if err != nil {
		w.t.Fatal(err)
	}
	return query(w.t, to).Get("code")
}

func query(t *testing.T, address string) url.Values {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query()
}

// api is Google's client with a token that is never refreshed.
func (w *world) api(tok *oauth2.Token) *google.Service {
	w.t.Helper()
	client := &http.Client{Transport: &oauth2.Transport{Source: oauth2.StaticTokenSource(tok), Base: w.client.Transport}}
	svc, err := google.NewService(w.t.Context(), option.WithHTTPClient(client), option.WithEndpoint(w.base+"/calendar/v3/"))
	if err != nil {
		w.t.Fatal(err)
	}
	return svc
}

// haircut is an event as a client writes it.
func haircut(id string) *google.Event {
	return &google.Event{
		Id: id, Summary: "Corte – Ana", Location: "Calle 10",
		Start:              &google.EventDateTime{DateTime: "2026-12-01T10:00:00", TimeZone: "America/Bogota"},
		End:                &google.EventDateTime{DateTime: "2026-12-01T10:45:00", TimeZone: "America/Bogota"},
		ExtendedProperties: &google.EventExtendedProperties{Private: map[string]string{"company": "2", "booking": id}},
	}
}

func (w *world) mustInsert(svc *google.Service, e *google.Event) *google.Event {
	w.t.Helper()
	out, err := svc.Events.Insert("primary", e).Do()
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// wantAPIError checks an error of Google's client.
func wantAPIError(t *testing.T, err error, code int, reason string) {
	t.Helper()
	var e *googleapi.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want %d %s", err, code, reason)
	}
	if e.Code != code || len(e.Errors) != 1 || e.Errors[0].Reason != reason {
		t.Fatalf("got %d %+v (%s), want %d %s", e.Code, e.Errors, e.Body, code, reason)
	}
}

// wantTokenError checks an error of the OAuth client.
func wantTokenError(t *testing.T, err error, code string) {
	t.Helper()
	var e *oauth2.RetrieveError
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want %s", err, code)
	}
	if e.ErrorCode != code {
		t.Fatalf("got %q (%s), want %s", e.ErrorCode, e.Body, code)
	}
}

// post posts a form and returns status, Location and body.
func (w *world) post(path string, form url.Values) (status int, location, body string) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return w.do(req)
}

func (w *world) get(path string) (status int, body string) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.base+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	status, _, body = w.do(req)
	return status, body
}

func (w *world) do(req *http.Request) (status int, location, body string) {
	w.t.Helper()
	res, err := w.client.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	var b strings.Builder
	if err := res.Write(&b); err != nil {
		w.t.Fatal(err)
	}
	_, body, _ = strings.Cut(b.String(), "\r\n\r\n")
	return res.StatusCode, res.Header.Get("Location"), body
}

// operations are the calls that the log has, oldest first.
func (w *world) operations() []string {
	var out []string
	for _, r := range w.s.Requests() {
		out = append(out, r.Operation)
	}
	return out
}

func (w *world) has(email, id string) bool {
	w.t.Helper()
	events, err := w.s.Events(email, "primary")
	if err != nil {
		w.t.Fatal(err)
	}
	return slices.ContainsFunc(events, func(e Event) bool { return e.ID == id && e.Status != cancelled })
}

// clock is a time that tests move.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func newClock() *clock { return &clock{time.Date(2026, 11, 23, 15, 4, 5, 0, time.UTC)} }

func asError[E error](err error, target *E) bool { return errors.As(err, target) }

// luisToken is one that Google never gave.
func luisToken() *oauth2.Token { return &oauth2.Token{AccessToken: "ya29.nonsense"} }

type eventsList = *google.EventsListCall
