package firestore

import (
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/config"
	"github.com/citasync/citasync/shared/converge"
	"github.com/citasync/citasync/shared/googleauth"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/sandbox"
	"github.com/citasync/citasync/shared/secret/file"
	"github.com/citasync/citasync/shared/store"
	"github.com/citasync/citasync/shared/wire"
)

const (
	connected = booking.CompanyID("2") // to both integrations
	bare      = booking.CompanyID("3") // to none
	account   = "ana@example.com"
)

// world is a process that takes events, with Google, on a store whose calls
// are seen.
type world struct {
	t      *testing.T
	store  *Store
	wire   *wireTap
	google *sandbox.Sandbox
	engine *converge.Engine
	now    time.Time
}

func newWorld(t *testing.T) *world {
	t.Helper()
	s, tap := watched(t, address(t))
	// The clock stands still, so that nothing that is cached grows old, at a
	// time before which no deadline ends.
	w := &world{t: t, store: s, wire: tap, now: time.Now().UTC().Truncate(time.Second).Add(time.Hour)}
	var err error
	if w.google, err = sandbox.New(sandbox.Options{Now: w.clock}); err != nil {
		t.Fatal(err)
	}
	parts := w.parts()
	g, err := wire.NewGoogle(parts)
	if err != nil {
		t.Fatal(err)
	}
	if w.engine, err = wire.Engine(parts, g, g.Calendar); err != nil {
		t.Fatal(err)
	}
	w.connect(g)
	for _, company := range []booking.CompanyID{connected, bare} { // until nothing is asked for the first time
		w.apply(w.event(company, "warm", booking.Confirmed, 0))
	}
	w.wire.take()
	w.google.ClearRequests()
	return w
}

func (w *world) clock() time.Time { return w.now }

func (w *world) parts() wire.Parts {
	w.t.Helper()
	keyset, err := googleauth.NewKeyset()
	if err != nil {
		w.t.Fatal(err)
	}
	secrets, err := file.Open(w.t.TempDir())
	if err != nil {
		w.t.Fatal(err)
	}
	return wire.Parts{
		Config: config.Config{
			PublicURL: &url.URL{Scheme: "https", Host: "citas.example"}, InstallationID: "test", TokenKeyset: config.NewSecret(keyset),
			Google: config.GoogleClient{
				ID: sandbox.DefaultClientID, Secret: config.NewSecret(sandbox.DefaultClientSecret),
				Emulator: &url.URL{Scheme: "http", Host: "google.test"},
			},
			WhatsApp: config.WhatsAppSender{
				Token: config.NewSecret(sandbox.DefaultWhatsAppToken), PhoneNumberID: sandbox.DefaultWhatsAppPhoneNumberID,
				Templates: config.Templates{
					booking.Confirmed: {Name: "booking_confirmed", Languages: []string{"es"}},
					booking.Deleted:   {Name: "booking_deleted", Languages: []string{"es"}},
				},
				Emulator: &url.URL{Scheme: "http", Host: "whatsapp.test"},
			},
		},
		Store: w.store, Secrets: secrets, HTTP: &http.Client{Transport: w.google.Transport()},
		Now: w.clock, Log: slog.New(slog.DiscardHandler),
	}
}

// connect connects a company with both integrations.
func (w *world) connect(g *wire.Google) {
	w.t.Helper()
	verifier := googleauth.NewVerifier()
	to, err := w.google.Authorize(g.Client.AuthURL("state", verifier, ""), sandbox.Consent{Account: account})
	if err != nil {
		w.t.Fatal(err)
	}
	u, err := url.Parse(to)
	if err != nil {
		w.t.Fatal(err)
	}
	grant, err := g.Client.Exchange(w.t.Context(), u.Query().Get("code"), verifier)
	if err != nil {
		w.t.Fatal(err)
	}
	if result, err := g.Grants.Connect(w.t.Context(), connected, grant); err != nil || !result.Connected() {
		w.t.Fatalf("connect: %s, %v", result, err)
	}
	c := &integration.Connection{ID: integration.WhatsApp, Enabled: true, Status: integration.Connected}
	if err := w.store.PutConnection(w.t.Context(), connected, c); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) apply(ev booking.Event) {
	w.t.Helper()
	if err := w.engine.Apply(w.t.Context(), ev); err != nil {
		w.t.Fatal(err)
	}
}

// wantCalls compares the calls to the outside since it was asked last.
func (w *world) wantCalls(what string, want ...string) {
	w.t.Helper()
	var got []string
	for _, r := range w.google.Requests() {
		got = append(got, r.Operation)
	}
	w.google.ClearRequests()
	slices.Sort(got) // they are made side by side
	if !slices.Equal(got, want) {
		w.t.Errorf("%s: calls %q, want %q", what, got, want)
	}
}

// wantDone looks whether both deliveries came to their end.
func (w *world) wantDone(what string, company booking.CompanyID, id booking.ID) *store.Booking {
	w.t.Helper()
	snap, err := w.store.ReadBooking(w.t.Context(), company, id)
	if err != nil || snap.Booking == nil {
		w.t.Fatalf("%s: booking %v, error %v", what, snap.Booking, err)
	}
	w.wire.take()
	for i, d := range snap.Booking.Deliveries {
		if d.Status != integration.Done || d.Revision != snap.Booking.Revision || d.Lease != (integration.Lease{}) {
			w.t.Errorf("%s: delivery to %s: %+v", what, i, d)
		}
	}
	if !snap.Booking.NextAttemptAt.IsZero() {
		w.t.Errorf("%s: something is due at %v", what, snap.Booking.NextAttemptAt)
	}
	return snap.Booking
}

// event tells of a booking tomorrow, told at a minute.
func (w *world) event(company booking.CompanyID, id booking.ID, kind booking.Kind, minute int) booking.Event {
	start := w.now.AddDate(0, 0, 1).Add(time.Duration(minute) * time.Hour)
	return booking.Event{
		Kind: kind, At: w.now.Add(time.Duration(minute-60) * time.Minute), Company: company,
		Booking: booking.Booking{
			ID: id, Service: "Corte", Start: start, End: start.Add(time.Hour), TimeZone: "UTC", Customer: booking.Customer{Phone: "+573001112233"},
		},
	}
}

// TestBudget counts, on the wire, what an event costs a process that has seen
// others before: for a new booking and for a changed one a read and two
// commits, the notice included; for what is repeated or stale the read alone.
// No access token is refreshed.
func TestBudget(t *testing.T) {
	w := newWorld(t)
	both := []string{callBatchGet, callCommit, callCommit}
	for _, tt := range []struct {
		what  string
		ev    booking.Event
		store []string
		calls []string
	}{
		{"new", w.event(connected, "1", booking.Confirmed, 1), both, []string{"events.insert", "whatsapp.send"}},
		{"repeated", w.event(connected, "1", booking.Confirmed, 1), both[:1], nil},
		{"changed", w.event(connected, "1", booking.Confirmed, 3), both, []string{"events.update", "whatsapp.send"}},
		{"stale", w.event(connected, "1", booking.Confirmed, 2), both[:1], nil},
		{"deleted", w.event(connected, "1", booking.Deleted, 4), both, []string{"events.delete", "whatsapp.send"}},
		{"deleted again", w.event(connected, "1", booking.Deleted, 4), both[:1], nil},
		{"not connected", w.event(bare, "1", booking.Confirmed, 1), both[:2], nil},
		{"not connected, changed", w.event(bare, "1", booking.Confirmed, 2), both[:2], nil},
		{"not connected, repeated", w.event(bare, "1", booking.Confirmed, 2), both[:1], nil},
	} {
		w.apply(tt.ev)
		w.wire.want(t, tt.what, tt.store...)
		w.wantCalls(tt.what, tt.calls...)
		if tt.ev.Company == connected {
			w.wantDone(tt.what, connected, "1")
		}
	}
	w.wantWholeDocuments()
}

// wantWholeDocuments looks at how bookings were committed: one document each,
// on a precondition, and replaced whole.
func (w *world) wantWholeDocuments() {
	w.t.Helper()
	seen := 0
	for _, c := range w.wire.commits {
		writes := c.GetWrites()
		if writes[0].GetUpdate().GetFields()["deliveries"] == nil {
			continue // not a booking
		}
		seen++
		if len(writes) != 1 || writes[0].GetCurrentDocument() == nil || writes[0].GetUpdateMask() != nil || len(c.GetTransaction()) > 0 {
			w.t.Errorf("a booking was committed by %v", c)
		}
	}
	if seen < 10 {
		w.t.Errorf("%d commits of bookings were seen", seen)
	}
}
