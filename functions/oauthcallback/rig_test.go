package oauthcallback

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/bus"
	"github.com/citasync/citasync/shared/googleauth"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/logging"
	"github.com/citasync/citasync/shared/sandbox"
	"github.com/citasync/citasync/shared/secret/file"
	"github.com/citasync/citasync/shared/session"
	"github.com/citasync/citasync/shared/store"
	"github.com/citasync/citasync/shared/store/bolt"
)

const (
	ana  = "ana@example.com"
	luis = "luis@example.com"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// rig is the function with Google, a store, and the session of a browser.
type rig struct {
	now     time.Time
	google  *sandbox.Sandbox
	store   *bolt.Store
	bus     *topics
	deps    Deps
	session session.Session
	cookie  *http.Cookie
	log     bytes.Buffer
}

func newRig(t testing.TB) *rig {
	t.Helper()
	r := &rig{now: noon, bus: &topics{}}
	now := func() time.Time { return r.now }
	var err error
	if r.google, err = sandbox.New(sandbox.Options{Now: now}); err != nil {
		t.Fatal(err)
	}
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
	keyset, err := googleauth.NewKeyset()
	if err != nil {
		t.Fatal(err)
	}
	cipher, err := googleauth.NewCipher(keyset)
	if err != nil {
		t.Fatal(err)
	}
	client := googleauth.NewClient(googleauth.ClientOptions{
		ClientID: sandbox.DefaultClientID, ClientSecret: sandbox.DefaultClientSecret,
		RedirectURL: "https://citas.example/oauth/callback", BaseURL: "http://google.test",
		HTTP: &http.Client{Transport: r.google.Transport()}, Now: now,
	})
	log := logging.New(&r.log, "", slog.LevelDebug)
	r.deps = Deps{
		Sessions: sessions, Client: client, Store: r.store, Publisher: r.bus, Now: now, Log: log,
		Grants: googleauth.NewGrants(googleauth.Deps{
			Client: client, Connections: r.store, Secrets: secrets, Cipher: cipher, Now: now, Log: log,
		}),
	}
	r.session, r.cookie = r.signIn(t, "sol")
	return r
}

// signIn opens a link of the company, as the panel does.
func (r *rig) signIn(t testing.TB, company booking.CompanyID) (session.Session, *http.Cookie) {
	t.Helper()
	return r.open(t, session.Claims{Company: company})
}

// open opens a link with the claims.
func (r *rig) open(t testing.TB, c session.Claims) (session.Session, *http.Cookie) {
	t.Helper()
	token, err := r.deps.Sessions.Sign(c)
	if err != nil {
		t.Fatal(err)
	}
	_, s, err := r.deps.Sessions.Open(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	rec := httptest.NewRecorder()
	if err := r.deps.Sessions.SetCookie(rec, s); err != nil {
		t.Fatal(err)
	}
	return s, rec.Result().Cookies()[0]
}

// consent begins an authorisation of the session and returns the address that
// Google sends the browser back to.
func (r *rig) consent(t testing.TB, c sandbox.Consent) *url.URL {
	t.Helper()
	state, verifier := googleauth.NewState(), googleauth.NewVerifier()
	err := r.store.PutState(t.Context(), googleauth.StateHash(state), store.OAuthState{
		Company: r.session.Company, Integration: integration.GoogleCalendar, Verifier: verifier, Session: r.session.ID,
		ExpireAt: r.now.Add(10 * time.Minute),
	})
	if err != nil {
		t.Fatal(err)
	}
	to, err := r.google.Authorize(r.deps.Client.AuthURL(state, verifier, ""), c)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// get follows Google's redirect and returns the result that the panel is told.
func (r *rig) get(t testing.TB, u *url.URL, cookies ...*http.Cookie) googleauth.Result {
	t.Helper()
	to := r.sent(t, u, cookies...)
	if to.Path != "/settings" || to.Host != "" {
		t.Fatalf("sent to %s", to)
	}
	result := googleauth.ParseResult(to.Query().Get("result"))
	if result == "" || to.RawQuery != "result="+string(result) {
		t.Errorf("sent to %s", to)
	}
	return result
}

// sent follows Google's redirect and returns where it leads to.
func (r *rig) sent(t testing.TB, u *url.URL, cookies ...*http.Cookie) *url.URL {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), "GET", u.RequestURI(), nil)
	for _, c := range cookies {
		req.AddCookie(c)
	}
	rec := httptest.NewRecorder()
	New(r.deps).ServeHTTP(rec, req)
	resp := rec.Result()
	to, err := resp.Location()
	if err != nil || resp.StatusCode != http.StatusSeeOther {
		t.Fatalf("%d to %v, %v", resp.StatusCode, to, err)
	}
	if resp.Header.Get("Cache-Control") != "no-store" || resp.Header.Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("headers %v", resp.Header)
	}
	return to
}

// connect connects the session's company with the account.
func (r *rig) connect(t testing.TB, email string) {
	t.Helper()
	if res := r.get(t, r.consent(t, sandbox.Consent{Account: email}), r.cookie); !res.Connected() {
		t.Fatalf("connect: %s", res)
	}
}

func (r *rig) connection(t testing.TB) integration.Connection {
	t.Helper()
	c, err := r.store.Connection(t.Context(), r.session.Company, integration.GoogleCalendar)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (r *rig) calls(operation string) int {
	n := 0
	for _, req := range r.google.Requests() {
		if req.Operation == operation {
			n++
		}
	}
	return n
}

// last is the company's newest activity, as "kind outcome".
func (r *rig) last(t testing.TB) string {
	t.Helper()
	p, err := r.store.ListActivity(t.Context(), r.session.Company, "", 1)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Items) == 0 {
		return ""
	}
	return p.Items[0].Kind + " " + p.Items[0].Outcome
}

// quiet fails the test if anything was logged that must not be.
func (r *rig) quiet(t testing.TB, secrets ...string) {
	t.Helper()
	for _, s := range append(secrets, "ya29.", "1//0", "4/0", "@example.com") {
		if s != "" && strings.Contains(r.log.String(), s) {
			t.Errorf("logged %q:\n%s", s, r.log.String())
		}
	}
}

// topics remembers what was published.
type topics struct {
	mu   sync.Mutex
	sent []bus.Message
	err  error
}

func (p *topics) Publish(_ context.Context, topic bus.Topic, m bus.Message) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		return "", p.err
	}
	if topic == bus.Maintenance {
		p.sent = append(p.sent, m)
	}
	return "1", nil
}
