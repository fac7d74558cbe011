package gcal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/logging"
	"github.com/citasync/citasync/shared/sandbox"
)

const (
	account      = "ana@example.com"
	installation = "test-installation"
	company      = booking.CompanyID("2")
	base         = "http://google.test"
)

// world is the stand-in for Google with one connected company. Its tokens come
// from the stand-in's own token endpoint.
type world struct {
	t       testing.TB
	google  *sandbox.Sandbox
	cal     *Calendar
	conn    integration.Connection
	tokens  *tokens
	log     *bytes.Buffer
	allowed func() bool
}

func newWorld(t testing.TB) *world {
	t.Helper()
	google, err := sandbox.New(sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, google: google, log: &bytes.Buffer{}, allowed: func() bool { return true }}
	client := &http.Client{Transport: google.Transport()}
	w.tokens = &tokens{client: client}
	w.connect()
	w.cal, err = New(Deps{
		Tokens: w.tokens, Reasons: reasonOfToken, Installation: installation, HTTP: client, BaseURL: base,
		Allowed: func(context.Context) bool { return w.allowed() },
		Log:     logging.New(w.log, "", slog.LevelDebug),
	})
	if err != nil {
		t.Fatal(err)
	}
	google.ClearRequests()
	return w
}

// connect has the account's owner consent, and redeems the code.
func (w *world) connect(untick ...string) {
	w.t.Helper()
	q := url.Values{
		"client_id": {sandbox.DefaultClientID}, "response_type": {"code"}, "access_type": {"offline"}, "prompt": {"consent"},
		"redirect_uri": {"http://localhost/oauth/callback"}, "state": {"s"},
		"scope": {"openid email " + sandbox.ScopeEvents + " " + sandbox.ScopeCalendarList},
	}
	callback, err := w.google.Authorize(base+"/o/oauth2/v2/auth?"+q.Encode(), sandbox.Consent{Account: account, Untick: untick})
	if err != nil {
		w.t.Fatal(err)
	}
	u, err := url.Parse(callback)
	if err != nil {
		w.t.Fatal(err)
	}
	err = w.tokens.ask(context.Background(), url.Values{
		"grant_type": {"authorization_code"}, "code": {u.Query().Get("code")}, "redirect_uri": {"http://localhost/oauth/callback"},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.conn = integration.Connection{
		ID: integration.GoogleCalendar, Enabled: true, Status: integration.Connected,
		Data: integration.Data{AccountEmail: account, AccountSubject: w.subject(account), CalendarID: primary},
	}
}

func (w *world) subject(email string) string {
	for _, a := range w.google.Accounts() {
		if a.Email == email {
			return a.Subject
		}
	}
	w.t.Fatalf("no account %s", email)
	return ""
}

// task is the booking, never sent before.
func (w *world) task(state booking.Kind) integration.Task {
	return integration.Task{
		Company: integration.Company{ID: company, Name: "Peluquería Sol", Locale: "es"}, Connection: w.conn, Access: integration.On,
		Booking: fullBooking(), State: state, Revision: 1,
		Delivery: integration.Delivery{Status: integration.Pending}, Now: time.Now(),
	}
}

// created is the booking with its event at Google.
func (w *world) created() integration.Task {
	w.t.Helper()
	t := w.task(booking.Confirmed)
	if r := w.run(&t); r.Outcome != integration.Settled || t.Delivery.Status != integration.Done {
		w.t.Fatalf("not created: %+v", r)
	}
	w.google.ClearRequests()
	return t
}

// change makes the task one for the next revision.
func change(t *integration.Task, state booking.Kind) {
	t.State, t.Revision = state, t.Revision+1
	t.Delivery.Status = integration.Pending
}

// run does what the engine does: decide, commit, act, and once more as long as
// the place changes and nothing is in flight.
func (w *world) run(t *integration.Task) integration.Result {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	return w.runIn(ctx, t)
}

func (w *world) runIn(ctx context.Context, t *integration.Task) integration.Result {
	w.t.Helper()
	var steps []string
	for range 5 {
		d := w.cal.Decide(*t)
		t.Delivery = d.Delivery
		if !d.Call {
			return integration.Result{Outcome: integration.Settled, Delivery: d.Delivery, Steps: steps}
		}
		r := w.cal.Act(ctx, *t)
		t.Delivery, steps = r.Delivery, append(steps, r.Steps...)
		if r.Outcome != integration.Again || r.InFlight {
			r.Steps = steps
			return r
		}
	}
	w.t.Fatal("Again without end")
	return integration.Result{}
}

// live lists what a calendar shows.
func (w *world) live(calendarID string) []sandbox.Event {
	w.t.Helper()
	all, err := w.google.Events(account, calendarID)
	if err != nil {
		w.t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(e sandbox.Event) bool { return e.Status == cancelled })
}

// only returns the one event that a calendar shows.
func (w *world) only(calendarID string) sandbox.Event {
	w.t.Helper()
	events := w.live(calendarID)
	if len(events) != 1 {
		w.t.Fatalf("%d events in %s, want 1", len(events), calendarID)
	}
	return events[0]
}

// calls lists the calls as "insert 409".
func (w *world) calls() []string {
	var out []string
	for _, r := range w.google.Requests() {
		out = append(out, fmt.Sprintf("%s %d", strings.TrimPrefix(r.Operation, "events."), r.Status))
	}
	return out
}

func (w *world) wantCalls(want ...string) {
	w.t.Helper()
	if got := w.calls(); !slices.Equal(got, want) {
		w.t.Errorf("calls %q, want %q", got, want)
	}
}

func (w *world) fault(f sandbox.Fault) {
	w.t.Helper()
	if _, err := w.google.AddFault(f); err != nil {
		w.t.Fatal(err)
	}
}

// shared adds a second calendar to the account.
func (w *world) team() string {
	w.t.Helper()
	c, err := w.google.AddCalendar(account, sandbox.Calendar{Summary: "Sala 2"})
	if err != nil {
		w.t.Fatal(err)
	}
	return c.ID
}

// tokens asks the stand-in's token endpoint.
type tokens struct {
	client  *http.Client
	access  string
	refresh string
	asked   int // calls of Token
	renewed int
}

var errRevoked = errors.New("invalid_grant")

func reasonOfToken(err error) integration.Reason {
	if errors.Is(err, errRevoked) {
		return integration.Revoked
	}
	return integration.Network
}

func (t *tokens) Token(context.Context, booking.CompanyID, integration.Connection) (string, error) {
	t.asked++
	return t.access, nil
}

func (t *tokens) Renew(ctx context.Context, _ booking.CompanyID, _ integration.Connection, bad string) (string, error) {
	t.renewed++
	if bad != t.access {
		return t.access, nil
	}
	err := t.ask(ctx, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {t.refresh}})
	return t.access, err
}

func (t *tokens) ask(ctx context.Context, form url.Values) error {
	form.Set("client_id", sandbox.DefaultClientID)
	form.Set("client_secret", sandbox.DefaultClientSecret)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/oauth2/token", strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := t.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if bytes.Contains(body, []byte("invalid_grant")) {
		return errRevoked
	}
	var answer struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.Access == "" {
		return fmt.Errorf("token endpoint: %s", body)
	}
	t.access = answer.Access
	if answer.Refresh != "" {
		t.refresh = answer.Refresh
	}
	return nil
}

// fullBooking has something in every field.
func fullBooking() booking.Booking {
	start := time.Date(2026, 12, 1, 10, 0, 0, 0, mustZone("America/Bogota"))
	return booking.Booking{
		ID: "981", Service: "Corte de pelo", Start: start, End: start.Add(45 * time.Minute), TimeZone: "America/Bogota",
		Customer: booking.Customer{Name: "Ana Ruiz", Phone: "+573001112233", Email: "ana.ruiz@example.com"},
		Staff:    "Luis", Location: "Calle 10 #4-21", Notes: "Primera visita", URL: "https://platform.example/bookings/981",
	}
}

func mustZone(name string) *time.Location {
	loc, err := booking.LoadZone(name)
	if err != nil {
		panic(err)
	}
	return loc
}
