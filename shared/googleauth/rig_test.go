package googleauth

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/logging"
	"github.com/citasync/citasync/shared/sandbox"
	"github.com/citasync/citasync/shared/secret/file"
	"github.com/citasync/citasync/shared/store"
	"github.com/citasync/citasync/shared/store/bolt"
)

const (
	sol  booking.CompanyID = "sol"
	luna booking.CompanyID = "luna"

	ana  = "ana@example.com"
	luis = "luis@example.com"

	callback = "https://citas.example/oauth/callback"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// lines is a log that can be read while it is written.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// rig is one process of an installation, with Google.
type rig struct {
	clock   *clock
	google  *sandbox.Sandbox
	store   *bolt.Store
	secrets *file.Store
	deps    Deps
	source  *Source
	grants  *Grants
	log     *lines
}

func newRig(t testing.TB) *rig {
	t.Helper()
	r := &rig{clock: &clock{now: noon}, log: &lines{}}
	var err error
	if r.google, err = sandbox.New(sandbox.Options{Now: r.clock.Now}); err != nil {
		t.Fatal(err)
	}
	if r.store, err = bolt.Open(filepath.Join(t.TempDir(), "db")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.store.Close() })
	if r.secrets, err = file.Open(filepath.Join(t.TempDir(), "secrets")); err != nil {
		t.Fatal(err)
	}
	keyset, err := NewKeyset()
	if err != nil {
		t.Fatal(err)
	}
	cipher, err := NewCipher(keyset)
	if err != nil {
		t.Fatal(err)
	}
	r.deps = Deps{
		Client: r.client(r.google.Transport()), Connections: r.store, Secrets: r.secrets, Cipher: cipher,
		Now: r.clock.Now, Log: logging.New(r.log, "", slog.LevelDebug),
	}
	r.source, r.grants = NewSource(r.deps), NewGrants(r.deps)
	return r
}

// client is a client of whatever the transport leads to.
func (r *rig) client(rt http.RoundTripper) *Client {
	return NewClient(ClientOptions{
		ClientID: sandbox.DefaultClientID, ClientSecret: sandbox.DefaultClientSecret, RedirectURL: callback,
		BaseURL: "http://google.test", HTTP: &http.Client{Transport: rt}, Now: r.clock.Now,
	})
}

// consent asks an account for its consent and redeems the code.
func (r *rig) consent(t testing.TB, c sandbox.Consent) Grant {
	t.Helper()
	verifier := NewVerifier()
	to, err := r.google.Authorize(r.deps.Client.AuthURL("state", verifier, ""), c)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	g, err := r.deps.Client.Exchange(t.Context(), u.Query().Get("code"), verifier)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// connect connects the company with the account, and forgets the calls that it
// took.
func (r *rig) connect(t testing.TB, company booking.CompanyID, email string) integration.Connection {
	t.Helper()
	result, err := r.grants.Connect(t.Context(), company, r.consent(t, sandbox.Consent{Account: email}))
	if err != nil || !result.Connected() {
		t.Fatalf("connect %s: %s, %v", company, result, err)
	}
	r.google.ClearRequests()
	return r.connection(t, company)
}

func (r *rig) connection(t testing.TB, company booking.CompanyID) integration.Connection {
	t.Helper()
	c, err := r.store.Connection(t.Context(), company, integration.GoogleCalendar)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// calls counts the calls to Google of an operation: token, revoke.
func (r *rig) calls(operation string) int {
	n := 0
	for _, req := range r.google.Requests() {
		if req.Operation == operation {
			n++
		}
	}
	return n
}

func (r *rig) fault(t testing.TB, f sandbox.Fault) {
	t.Helper()
	if _, err := r.google.AddFault(f); err != nil {
		t.Fatal(err)
	}
}

// kinds lists a company's activity, oldest first, as "kind outcome".
func (r *rig) kinds(t testing.TB, company booking.CompanyID) []string {
	t.Helper()
	p, err := r.store.ListActivity(t.Context(), company, "", 100)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, a := range p.Items {
		out = append([]string{a.Kind + " " + a.Outcome}, out...)
	}
	return out
}

// works reports whether Google takes the token.
func (r *rig) works(t testing.TB, token string) bool {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", "http://google.test/calendar/v3/users/me/calendarList", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := r.google.Transport().RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// quiet fails the test if a secret or somebody's address was logged.
func (r *rig) quiet(t testing.TB, secrets ...string) {
	t.Helper()
	log := r.log.String()
	for _, s := range append(secrets, "ya29.", "1//0", "@example.com") {
		if s != "" && strings.Contains(log, s) {
			t.Errorf("logged %q:\n%s", s, log)
		}
	}
}

var _ Connections = store.Connections(nil)
