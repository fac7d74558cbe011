package local

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/bus"
	"github.com/citasync/citasync/shared/config"
	"github.com/citasync/citasync/shared/googleauth"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/logging"
	"github.com/citasync/citasync/shared/sandbox"
	"github.com/citasync/citasync/shared/secret/file"
	"github.com/citasync/citasync/shared/store"
	"github.com/citasync/citasync/shared/store/bolt"
	"github.com/citasync/citasync/shared/wire"
)

const (
	googleURL    = "https://google.test"
	installation = "test"
	calendarID   = integration.GoogleCalendar
)

// world is an installation of several processes on one store, and Google. It
// lives in a bubble of testing/synctest, so that hours pass in no time.
type world struct {
	t       testing.TB
	google  *sandbox.Sandbox
	store   *bolt.Store
	procs   []*App
	client  *googleauth.Client
	keyset  string
	env     map[string]string // beside what every world's configuration has
	log     *slog.Logger
	logged  *lines
	dir     string // where all that is stored lies
	secrets *file.Store

	mu   sync.Mutex
	told []bus.Message // on the topic integration-events
	mute error         // what becomes of publishing
}

func newWorld(t testing.TB, procs int, o sandbox.Options) *world {
	t.Helper()
	return newWorldWith(t, procs, o, nil)
}

// newWorldWith is newWorld with more in its configuration.
func newWorldWith(t testing.TB, procs int, o sandbox.Options, env map[string]string) *world {
	t.Helper()
	dir := t.TempDir()
	w := &world{t: t, dir: dir, logged: &lines{also: testLog()}, env: env}
	w.log = logging.New(w.logged, "", slog.LevelDebug)
	var err error
	w.google, err = sandbox.New(o)
	check(t, err)
	w.store, err = bolt.Open(filepath.Join(dir, "store.db"), bolt.NoSync)
	check(t, err)
	t.Cleanup(func() { check(t, w.store.Close()) })
	w.secrets, err = file.Open(filepath.Join(dir, "secrets"))
	check(t, err)
	w.keyset, err = googleauth.NewKeyset()
	check(t, err)
	for range procs {
		w.procs = append(w.procs, w.process())
	}
	return w
}

// testLog is where log lines go: nowhere, unless somebody wants to see them.
func testLog() io.Writer {
	if os.Getenv("SIM_LOG") != "" {
		return os.Stderr
	}
	return io.Discard
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) config() config.Config {
	w.t.Helper()
	env := map[string]string{
		"PUBLIC_URL": "https://citasync.test", "INSTALLATION_ID": installation, "TOKEN_KEYSET": w.keyset, "GOOGLE_EMULATOR_URL": googleURL,
		"WEBHOOK_SECRETS": "whsec_" + strings.Repeat("QUFB", 11), "SESSION_SECRETS": strings.Repeat("s", 32),
		"GOOGLE_CLIENT_ID": sandbox.DefaultClientID, "GOOGLE_CLIENT_SECRET": sandbox.DefaultClientSecret,
	}
	c, err := config.Load(func(name string) string { return cmp.Or(w.env[name], env[name]) })
	check(w.t, err)
	return c
}

// process starts one more process of the installation.
func (w *world) process() *App {
	w.t.Helper()
	a, err := New(wire.Parts{
		Config: w.config(), Store: mortalStore{w.store}, Secrets: w.secrets, Publisher: w,
		HTTP: &http.Client{Transport: mortalTransport{w.google.Transport()}}, Now: time.Now, Log: w.log,
	})
	check(w.t, err)
	if w.client == nil {
		w.client = a.Google.Client
	}
	return a
}

// restart puts a new process in the place of the first.
func (w *world) restart() {
	p := w.process()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.procs[0] = p
}

// first is the process that requests from outside come to.
func (w *world) first() *App {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.procs[0]
}

// Publish keeps what companies are told. To the other topics nobody listens: in
// these tests maintenance runs by the clock.
func (w *world) Publish(_ context.Context, topic bus.Topic, m bus.Message) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if topic == bus.IntegrationEvents {
		w.told = append(w.told, m)
	}
	return "0", w.mute
}

// connect does what a company and the functions do from Connect to the end.
func (w *world) connect(company booking.CompanyID, account string) (googleauth.Result, error) {
	ctx := context.Background()
	const verifier = "0123456789012345678901234567890123456789012"
	to, err := w.google.Authorize(w.client.AuthURL("state", verifier, ""), sandbox.Consent{Account: account})
	if err != nil {
		return "", err
	}
	u, err := url.Parse(to)
	if err != nil {
		return "", err
	}
	grant, err := w.client.Exchange(ctx, u.Query().Get("code"), verifier)
	if err != nil {
		return "", err
	}
	return w.procs[0].Google.Grants.Connect(ctx, company, grant)
}

func (w *world) mustConnect(company booking.CompanyID, account string) {
	w.t.Helper()
	res, err := w.connect(company, account)
	check(w.t, err)
	if res != googleauth.ResultConnected && res != googleauth.ResultReconnected {
		w.t.Fatalf("connect company %q to %s: %s", company, account, res)
	}
}

// chooseCalendar does what the panel does when another calendar is chosen.
func (w *world) chooseCalendar(company booking.CompanyID, id string) {
	w.t.Helper()
	choice := googleauth.Choice{Calendar: id, Name: "chosen", Subject: w.connection(company).Data.AccountSubject}
	_, err := w.procs[0].Google.Grants.Choose(context.Background(), company, choice, store.ActorCompany)
	check(w.t, err)
}

func event(kind booking.Kind, company booking.CompanyID, id booking.ID, at int, text string) booking.Event {
	base := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // when a bubble's clock starts
	zone, err := booking.LoadZone("America/Bogota")
	if err != nil {
		panic(err)
	}
	start := time.Date(2000, 1, 20, 10, 0, 0, 0, zone).Add(time.Duration(at) * time.Hour)
	return booking.Event{Kind: kind, At: base.Add(time.Duration(at) * time.Millisecond), Company: company, Booking: booking.Booking{
		ID: id, Service: text, Start: start, End: start.Add(time.Hour), TimeZone: "America/Bogota", Customer: booking.Customer{Name: "Ana Ruiz"},
	}}
}

// mine lists the events of a booking that stand in any calendar of an account.
func (w *world) mine(account string, company booking.CompanyID, id booking.ID) (live []placed) {
	w.t.Helper()
	for _, c := range w.google.Calendars(account) {
		events, err := w.google.Events(account, c.ID)
		check(w.t, err)
		for _, e := range events {
			p := e.ExtendedProperties
			if e.Status == "cancelled" || p == nil || p.Private["citasync_company"] != string(company) || p.Private["citasync_booking"] != string(id) {
				continue
			}
			name := c.ID
			if c.Primary {
				name = "primary"
			}
			live = append(live, placed{name, e})
		}
	}
	return live
}

type placed struct {
	calendar string
	sandbox.Event
}

func (w *world) record(company booking.CompanyID, id booking.ID) *store.Booking {
	w.t.Helper()
	s, err := w.store.ReadBooking(context.Background(), company, id, calendarID)
	check(w.t, err)
	return s.Booking
}

func (w *world) connection(company booking.CompanyID) integration.Connection {
	w.t.Helper()
	c, err := w.store.Connection(context.Background(), company, calendarID)
	check(w.t, err)
	return c
}

// maintain runs the sweeps for a while.
func (w *world) maintain(d time.Duration, every time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		for _, p := range w.procs[:1] { // one instance at a time
			if _, err := p.Maintainer.Run(context.Background()); err != nil {
				w.log.Warn("maintenance", "error", err)
			}
		}
		time.Sleep(every)
	}
}

// want demands that the booking's calendar is what its newest event says, and
// that the record agrees.
func (w *world) want(newest booking.Event, account string, deletedByHand bool) error {
	b := w.record(newest.Company, newest.Booking.ID)
	if b == nil {
		return errors.New("no record")
	}
	d := b.Deliveries[calendarID]
	say := func(format string, args ...any) error {
		return fmt.Errorf("%s; record %s revision %d, delivery %+v, connection %s", fmt.Sprintf(format, args...), b.State, b.Revision, d,
			w.connection(newest.Company).Status)
	}
	if !b.At.Equal(newest.At) || b.State != newest.Kind {
		return say("the record is not the newest event, %s", newest.Kind)
	}
	live := w.mine(account, newest.Company, newest.Booking.ID)
	if newest.Kind != booking.Confirmed {
		if len(live) > 0 {
			return say("%d events of a booking that is %s", len(live), newest.Kind)
		}
		if d.Status != integration.Done && d.Status != integration.Skipped {
			return say("the delivery of a booking that is %s is not at rest", newest.Kind)
		}
		return nil
	}
	switch {
	case len(live) == 0 && deletedByHand:
		return nil
	case len(live) != 1:
		return say("%d events, not one", len(live))
	}
	e, c := live[0], w.connection(newest.Company)
	switch {
	case !strings.HasPrefix(e.Summary, newest.Booking.Service):
		return say("the event says %q, not %q", e.Summary, newest.Booking.Service)
	case !sameTime(e.Start.DateTime, newest.Booking.Start):
		return say("the event starts at %s, not %s", e.Start.DateTime, newest.Booking.Start)
	case e.calendar != c.Data.CalendarID:
		return say("the event is in calendar %s, not %s", e.calendar, c.Data.CalendarID)
	case d.Status != integration.Done || !d.Written || d.ExternalID != e.ID:
		return say("the record does not name the event %s", e.ID)
	}
	return nil
}

func sameTime(s string, t time.Time) bool {
	got, err := time.Parse(time.RFC3339, s)
	return err == nil && got.Equal(t)
}

func (w *world) writes(account string, from, to time.Time) (out []sandbox.Request) {
	for _, r := range w.google.Requests() {
		if r.Account == account && strings.HasPrefix(r.Operation, "events.") && r.Operation != "events.list" && r.Operation != "events.get" &&
			!r.Time.Before(from) && r.Time.Before(to) {
			out = append(out, r)
		}
	}
	return out
}

// life is one execution of a handler, which may die at any of its steps.
type life struct {
	mu    sync.Mutex
	at    int  // the step at which it dies; 0: never
	after bool // the step's effect happens, then it dies
	n     int
	dead  bool
	lag   func() time.Duration // before each step; nil: none
}

var errDead = errors.New("the process died")

type lifeKey struct{}

func (l *life) context() context.Context {
	return context.WithValue(context.Background(), lifeKey{}, l)
}

// step performs an effect of the life that the context belongs to.
func step(ctx context.Context, effect func() error) error {
	l, ok := ctx.Value(lifeKey{}).(*life)
	if !ok {
		return effect()
	}
	if l.lag != nil {
		time.Sleep(l.lag())
	}
	l.mu.Lock()
	l.n++
	now := l.n == l.at
	if l.dead || now && !l.after {
		l.dead = true
		l.mu.Unlock()
		return errDead
	}
	l.mu.Unlock()
	err := effect()
	if now {
		l.mu.Lock()
		l.dead = true
		l.mu.Unlock()
		return errDead
	}
	return err
}

// mortalStore is the store as a process sees it that may die.
type mortalStore struct{ *bolt.Store }

func (s mortalStore) ReadBooking(ctx context.Context, c booking.CompanyID, id booking.ID, of ...integration.ID) (snap store.Snapshot, err error) {
	err = step(ctx, func() error { snap, err = s.Store.ReadBooking(ctx, c, id, of...); return err })
	return snap, err
}

func (s mortalStore) CommitBooking(ctx context.Context, b *store.Booking) error {
	return step(ctx, func() error { return s.Store.CommitBooking(ctx, b) })
}

func (s mortalStore) Connection(ctx context.Context, company booking.CompanyID, id integration.ID) (c integration.Connection, err error) {
	err = step(ctx, func() error { c, err = s.Store.Connection(ctx, company, id); return err })
	return c, err
}

func (s mortalStore) PutConnection(ctx context.Context, company booking.CompanyID, c *integration.Connection, acts ...store.Activity) error {
	return step(ctx, func() error { return s.Store.PutConnection(ctx, company, c, acts...) })
}

// mortalTransport is the network as such a process sees it.
type mortalTransport struct{ http.RoundTripper }

func (m mortalTransport) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	err = step(r.Context(), func() error { resp, err = m.RoundTripper.RoundTrip(r); return err })
	if err != nil && resp != nil {
		_ = resp.Body.Close() // its reader has died
	}
	if err != nil {
		return nil, err
	}
	return resp, nil
}
