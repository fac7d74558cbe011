package oauthstart

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/googleauth"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/logging"
	"github.com/citasync/citasync/shared/secret/file"
	"github.com/citasync/citasync/shared/session"
	"github.com/citasync/citasync/shared/store"
	"github.com/citasync/citasync/shared/store/bolt"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// rig is the function with a store of its own and a browser's session.
type rig struct {
	store   *bolt.Store
	deps    Deps
	session session.Session
	cookie  *http.Cookie
	log     bytes.Buffer
}

func newRig(t testing.TB) *rig {
	t.Helper()
	r := &rig{}
	now := func() time.Time { return noon }
	var err error
	if r.store, err = bolt.Open(filepath.Join(t.TempDir(), "db")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.store.Close() })
	secrets, err := file.Open(filepath.Join(t.TempDir(), "secrets"))
	if err != nil {
		t.Fatal(err)
	}
	sessions, err := session.New(session.Options{
		Secrets: [][]byte{[]byte("a secret of more than thirty-two bytes")}, PublicURL: &url.URL{Scheme: "https", Host: "citas.example"},
		ReturnOrigins: []string{"https://platform.example"}, Links: r.store, Now: now,
	})
	if err != nil {
		t.Fatal(err)
	}
	client := googleauth.NewClient(googleauth.ClientOptions{
		ClientID: "the-client", ClientSecret: "s", RedirectURL: "https://citas.example/oauth/callback", HTTP: &http.Client{}, Now: now,
	})
	log := logging.New(&r.log, "", slog.LevelDebug)
	r.deps = Deps{
		Sessions: sessions, Client: client, Store: r.store, Now: now, Log: log,
		Grants: googleauth.NewGrants(googleauth.Deps{Client: client, Connections: r.store, Secrets: secrets, Now: now, Log: log}),
	}
	r.session, r.cookie = signIn(t, sessions, "sol")
	return r
}

// signIn opens a link of the company, as the panel does.
func signIn(t testing.TB, sessions *session.Manager, company booking.CompanyID) (session.Session, *http.Cookie) {
	t.Helper()
	return openLink(t, sessions, session.Claims{Company: company})
}

// openLink opens a link with the claims.
func openLink(t testing.TB, sessions *session.Manager, c session.Claims) (session.Session, *http.Cookie) {
	t.Helper()
	token, err := sessions.Sign(c)
	if err != nil {
		t.Fatal(err)
	}
	_, s, err := sessions.Open(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	rec := httptest.NewRecorder()
	if err := sessions.SetCookie(rec, s); err != nil {
		t.Fatal(err)
	}
	return s, rec.Result().Cookies()[0]
}

func (r *rig) get(t testing.TB, target string, cookies ...*http.Cookie) *http.Response {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), "GET", target, nil)
	for _, c := range cookies {
		req.AddCookie(c)
	}
	rec := httptest.NewRecorder()
	New(r.deps).ServeHTTP(rec, req)
	return rec.Result()
}

func (r *rig) put(t testing.TB, change func(*integration.Connection)) {
	t.Helper()
	c, err := r.store.Connection(t.Context(), "sol", integration.GoogleCalendar)
	if err != nil {
		t.Fatal(err)
	}
	change(&c)
	if err := r.store.PutConnection(t.Context(), "sol", &c); err != nil {
		t.Fatal(err)
	}
}

func TestStart(t *testing.T) {
	r := newRig(t)
	seen := map[string]bool{}
	for range 3 {
		resp := r.get(t, "/oauth/start?company=sol&integration=google-calendar", r.cookie)
		to, err := resp.Location()
		if err != nil || resp.StatusCode != http.StatusFound || resp.Header.Get("Cache-Control") != "no-store" {
			t.Fatalf("%d %v", resp.StatusCode, resp.Header)
		}
		q := to.Query()
		state := q.Get("state")
		if to.Host != "accounts.google.com" || len(state) != 43 || seen[state] || q.Has("login_hint") {
			t.Errorf("sent to %s", to)
		}
		seen[state] = true
		// The state is not kept itself, and lasts for ten minutes.
		if _, err := r.store.TakeState(t.Context(), state, noon); err == nil {
			t.Error("the state is stored in the clear")
		}
		st, err := r.store.TakeState(t.Context(), googleauth.StateHash(state), noon.Add(10*time.Minute-time.Second))
		if err != nil {
			t.Fatal(err)
		}
		if st.Company != "sol" || st.Session != r.session.ID || st.Integration != integration.GoogleCalendar || !st.ExpireAt.Equal(noon.Add(10*time.Minute)) {
			t.Errorf("state %+v", st)
		}
		if len(st.Verifier) < 43 || q.Get("code_challenge") == st.Verifier || q.Get("code_challenge_method") != "S256" {
			t.Errorf("verifier %q, query %v", st.Verifier, q)
		}
	}
	p, err := r.store.ListActivity(t.Context(), "sol", "", 10)
	if err != nil || len(p.Items) != 3 || p.Items[0].Kind != store.ActConnectStarted || p.Items[0].Actor != "company" {
		t.Errorf("activity %+v, %v", p.Items, err)
	}
}

func TestReconnectHintsAtTheAccount(t *testing.T) {
	r := newRig(t)
	r.put(t, func(c *integration.Connection) {
		c.Status, c.Enabled, c.Reason, c.Data.AccountEmail = integration.NeedsReauth, true, integration.Revoked, "ana@example.com"
	})
	to, err := r.get(t, "/oauth/start", r.cookie).Location()
	if err != nil || to.Query().Get("login_hint") != "ana@example.com" {
		t.Errorf("sent to %s, %v", to, err)
	}
}

// A page may name the account to be offered first; the connected one comes
// before it, and what is no address is left out.
func TestHintedAccount(t *testing.T) {
	for _, tt := range []struct {
		query     string
		connected string
		want      string
	}{
		{"account=luis%40example.com", "", "luis@example.com"},
		{"account=luis%40example.com", "ana@example.com", "ana@example.com"},
		{"account=", "", ""},
		{"account=luis", "", ""},
		{"account=Luis+%3Cluis%40example.com%3E", "", ""},
		{"account=luis%40example.com%0d%0aX%3A+y", "", ""},
		{"account=luis%40example.com&account=ana%40example.com", "", ""},
		{"account=" + strings.Repeat("a", 250) + "%40example.com", "", ""},
		{"account=x%40y.example%26state%3Dz", "", "x@y.example&state=z"}, // an address to Go's parser, and no other parameter
	} {
		r := newRig(t)
		if tt.connected != "" {
			r.put(t, func(c *integration.Connection) {
				c.Status, c.Enabled, c.Data.AccountEmail = integration.Connected, true, tt.connected
			})
		}
		to, err := r.get(t, "/oauth/start?company=sol&"+tt.query, r.cookie).Location()
		if err != nil || to.Host != "accounts.google.com" {
			t.Fatalf("%q: sent to %s, %v", tt.query, to, err)
		}
		if got := to.Query().Get("login_hint"); got != tt.want || len(to.Query()["state"]) != 1 {
			t.Errorf("%q: hint %q, want %q", tt.query, got, tt.want)
		}
		if log := r.log.String(); strings.Contains(log, "luis") {
			t.Errorf("%q: log %s", tt.query, log)
		}
	}
}

// Refusals: the browser goes back to the panel, and no authorisation is under
// way.
func TestStartRefuses(t *testing.T) {
	tests := []struct {
		name   string
		before func(t *testing.T, r *rig)
		target string
		want   string
	}{
		{"without a session", func(_ *testing.T, r *rig) { r.cookie.Value = "x" }, "/oauth/start", "/settings"},
		{"while it is being turned off", func(t *testing.T, r *rig) {
			r.put(t, func(c *integration.Connection) { c.Status, c.RemoveEvents = integration.Disconnecting, true })
		}, "/oauth/start", "/settings?result=busy"},
		{"while the grant is being given back", func(t *testing.T, r *rig) {
			r.put(t, func(c *integration.Connection) { c.Status = integration.Disconnecting })
		}, "/oauth/start", "/settings?result=busy"},
		{"switched off for everyone", func(t *testing.T, r *rig) {
			e, err := r.store.Entry(t.Context(), integration.GoogleCalendar)
			if err != nil {
				t.Fatal(err)
			}
			e.Enabled = false
			if err := r.store.PutEntry(t.Context(), &e); err != nil {
				t.Fatal(err)
			}
		}, "/oauth/start", "/settings?result=paused"},
		{"from a page of another company", nil, "/oauth/start?company=luna", "/settings?result=other_company"},
		{"from a page of two companies", nil, "/oauth/start?company=sol&company=luna", "/settings?result=other_company"},
		{"from a page of no company", nil, "/oauth/start?company=", "/settings?result=other_company"},
		{"an integration without consent", nil, "/oauth/start?integration=whatsapp", "/settings?result=failed"},
		{"the store fails", func(_ *testing.T, r *rig) { r.deps.Store = failing{r.store} }, "/oauth/start", "/settings?result=failed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			if tt.before != nil {
				tt.before(t, r)
			}
			counted := &states{Store: r.deps.Store}
			r.deps.Store = counted
			resp := r.get(t, tt.target, r.cookie)
			if resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != tt.want {
				t.Errorf("%d to %q, want %q", resp.StatusCode, resp.Header.Get("Location"), tt.want)
			}
			if counted.put != 0 {
				t.Errorf("%d states stored", counted.put)
			}
			if p, err := r.store.ListActivity(t.Context(), "sol", "", 10); err != nil || len(p.Items) != 0 {
				t.Errorf("activity %+v, %v", p.Items, err)
			}
		})
	}
}

func TestFailureIsLogged(t *testing.T) {
	r := newRig(t)
	r.deps.Store = failing{r.store}
	r.get(t, "/oauth/start", r.cookie)
	if log := r.log.String(); !strings.Contains(log, `"severity":"ERROR"`) || !strings.Contains(log, `"company":"sol"`) {
		t.Errorf("log %s", log)
	}
}

func TestOtherRequests(t *testing.T) {
	r := newRig(t)
	if resp := r.get(t, "/health"); resp.StatusCode != http.StatusOK {
		t.Errorf("GET /health: %d", resp.StatusCode)
	}
	if resp := r.get(t, "/oauth/other", r.cookie); resp.StatusCode != http.StatusNotFound {
		t.Errorf("GET /oauth/other: %d", resp.StatusCode)
	}
	rec := httptest.NewRecorder()
	New(r.deps).ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), "POST", "/oauth/start", nil))
	if rec.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST /oauth/start: %d", rec.Code)
	}
}

// states counts what is stored of authorisations.
type states struct {
	Store
	put int
}

func (s *states) PutState(ctx context.Context, hash string, st store.OAuthState) error {
	err := s.Store.PutState(ctx, hash, st)
	if err == nil {
		s.put++
	}
	return err
}

// failing is a store that takes no state.
type failing struct{ Store }

func (failing) PutState(context.Context, string, store.OAuthState) error { return fault.ErrUnavailable }
