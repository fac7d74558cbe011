package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/config"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

// busy is a store in which something happens right after documents were
// deleted.
type busy struct {
	store.Store
	then func()
}

func (b busy) DeleteCompany(ctx context.Context, id booking.CompanyID, limit int) (bool, error) {
	more, err := b.Store.DeleteCompany(ctx, id, limit)
	b.then()
	return more, err
}

// newCompanies returns the operator over a new data directory with a company
// that is disconnected, has a booking and a secret left.
func newCompanies(t *testing.T) (*companies, *data) {
	t.Helper()
	d, err := openData(t.TempDir(), nil)
	must(t, err)
	t.Cleanup(func() { must(t, d.Close()) })
	op := d.operator(info{}, d.unservedVault(func(string) string { return "" }, unlogged()), slog.New(slog.DiscardHandler))
	addBooking(t, d.store, "981")
	_, err = d.secrets.Add(t.Context(), luna, []byte("a refresh token"))
	must(t, err)
	return &op.companies, d
}

func addBooking(t *testing.T, s store.Store, id booking.ID) {
	t.Helper()
	start := time.Date(2026, 12, 1, 10, 0, 0, 0, time.UTC)
	must(t, s.CommitBooking(t.Context(), &store.Booking{
		Company: luna, State: booking.Confirmed, At: start, Revision: 1,
		Booking: booking.Booking{ID: id, Service: "Corte", Start: start, End: start.Add(time.Hour), TimeZone: "UTC"},
	}))
}

// setConnection writes over whatever is stored.
func setConnection(t *testing.T, s store.Store, id integration.ID, change func(*integration.Connection)) {
	t.Helper()
	c, err := s.Connection(t.Context(), luna, id)
	must(t, err)
	change(&c)
	must(t, s.PutConnection(t.Context(), luna, &c, store.Activity{At: time.Now(), Kind: store.ActConnected, Integration: id}))
}

func connected(c *integration.Connection) { c.Status, c.Enabled = integration.Connected, true }

// TestErase: what is told of, or connected, while documents are deleted is
// seen, and not deleted unseen nor left unsaid.
func TestErase(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		then func(*testing.T, store.Store, int) // after the nth round
		want erased
		kept bool
	}{
		{"nothing else", func(*testing.T, store.Store, int) {}, erased{Bookings: 1}, false},
		{"a booking", func(t *testing.T, s store.Store, n int) {
			if n == 1 {
				addBooking(t, s, "982")
			}
		}, erased{Bookings: 2, Late: 1}, false},
		{"bookings without end", func(t *testing.T, s store.Store, _ int) { addBooking(t, s, "982") }, erased{Bookings: 5, Late: 4, Arriving: true}, true},
		{"a connection", func(t *testing.T, s store.Store, n int) {
			if n == 1 {
				setConnection(t, s, integration.GoogleCalendar, connected)
			}
		}, erased{Bookings: 1, On: []integration.ID{integration.GoogleCalendar}}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			companies, d := newCompanies(t)
			n := 0
			companies.store = busy{d.store, func() { n++; c.then(t, d.store, n) }}
			got, err := companies.Erase(t.Context(), luna)
			must(t, err)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("erased (-want +got):\n%s", diff)
			}
			if k, err := companies.Kept(t.Context(), luna); err != nil || k.Any != c.kept {
				t.Errorf("then there is kept %+v, %v", k, err)
			}
			if left := secretFiles(t, d.dir); left != "" {
				t.Errorf("secrets are left: %s", left)
			}
		})
	}
}

// TestEraseBetweenRounds: a company that connects in the middle of a long
// deletion keeps its new connection, and its secret.
func TestEraseBetweenRounds(t *testing.T) {
	t.Parallel()
	companies, d := newCompanies(t)
	for _, id := range []booking.ID{"982", "983"} {
		addBooking(t, d.store, id)
	}
	version := ""
	companies.store = oneByOne{busy{d.store, func() {
		if version == "" {
			var err error
			version, err = d.secrets.Add(t.Context(), luna, []byte("another"))
			must(t, err)
			setConnection(t, d.store, integration.GoogleCalendar, connected)
		}
	}}}
	got, err := companies.Erase(t.Context(), luna)
	must(t, err)
	if diff := cmp.Diff(erased{Bookings: 3, On: []integration.ID{integration.GoogleCalendar}}, got); diff != "" {
		t.Errorf("erased (-want +got):\n%s", diff)
	}
	if k, err := companies.Kept(t.Context(), luna); err != nil || k.Bookings != 2 || len(k.On) != 1 {
		t.Errorf("then there is kept %+v, %v", k, err)
	}
	if _, err := d.secrets.Access(t.Context(), luna, version); err != nil {
		t.Errorf("the new secret: %v", err)
	}
}

// oneByOne is a store that deletes a document in each round.
type oneByOne struct{ store.Store }

func (o oneByOne) DeleteCompany(ctx context.Context, id booking.CompanyID, _ int) (bool, error) {
	return o.Store.DeleteCompany(ctx, id, 1)
}

// TestEraseBrokenOff: what was begun is gone on with.
func TestEraseBrokenOff(t *testing.T) {
	t.Parallel()
	companies, d := newCompanies(t)
	addBooking(t, d.store, "982")
	ctx, cancel := context.WithCancel(t.Context())
	companies.store = oneByOne{busy{d.store, cancel}}
	if _, err := companies.Erase(ctx, luna); !errors.Is(err, context.Canceled) {
		t.Fatalf("broken off, it ended with %v", err)
	}
	if k, err := companies.Kept(t.Context(), luna); err != nil || k.Bookings != 1 {
		t.Fatalf("then there is kept %+v, %v", k, err)
	}
	companies.store = d.store
	if got, err := companies.Erase(t.Context(), luna); err != nil || got.Bookings != 1 {
		t.Errorf("the second time: %+v, %v", got, err)
	}
	if k, err := companies.Kept(t.Context(), luna); err != nil || k.Any {
		t.Errorf("then there is kept %+v, %v", k, err)
	}
}

// TestTurnOffWhatsApp: a connection without a grant is emptied as well, and
// nobody is told anything any more.
func TestTurnOffWhatsApp(t *testing.T) {
	t.Parallel()
	companies, d := newCompanies(t)
	setConnection(t, d.store, integration.WhatsApp, func(c *integration.Connection) {
		connected(c)
		c.BackfillDue, c.NoticeDue, c.Notices = time.Now(), time.Now(), 1
	})
	on, err := companies.TurnOff(t.Context(), luna)
	must(t, err)
	if !slices.Equal(on, []integration.ID{integration.WhatsApp}) {
		t.Errorf("turned off: %v", on)
	}
	c, err := d.store.Connection(t.Context(), luna, integration.WhatsApp)
	must(t, err)
	if c.Status != integration.Disconnected || c.Enabled || !c.BackfillDue.IsZero() || !c.NoticeDue.IsZero() || c.ChangedAt.IsZero() {
		t.Errorf("it is %+v", c)
	}
	acts, err := d.store.ListActivity(t.Context(), luna, "", 1)
	must(t, err)
	if len(acts.Items) != 1 || acts.Items[0].Kind != store.ActDisconnected || acts.Items[0].Actor != actorOperator {
		t.Errorf("activity %+v", acts.Items)
	}
	if on, err := companies.TurnOff(t.Context(), luna); err != nil || len(on) > 0 {
		t.Errorf("the second time: %v, %v", on, err)
	}
}

// TestCountLeavesOff: a company may have more than is worth counting before it
// is removed.
func TestCountLeavesOff(t *testing.T) {
	t.Parallel()
	page := func(cursor string) (store.Page[int], error) {
		return store.Page[int]{Items: []int{1, 2, 3}, Next: map[string]string{"": "second", "second": "third"}[cursor]}, nil
	}
	for _, c := range []struct {
		atMost, want int
		more         bool
	}{{9, 9, false}, {8, 8, true}, {2, 2, true}} {
		if n, more, err := count(c.atMost, page); n != c.want || more != c.more || err != nil {
			t.Errorf("at most %d: %d, %v, %v", c.atMost, n, more, err)
		}
	}
}

// serveAdmin serves an operator on the admin socket, with little patience.
func serveAdmin(t *testing.T, dir string, op operator) *remote {
	t.Helper()
	ln, err := listenAdmin(t.Context(), dir)
	must(t, err)
	srv := &http.Server{Handler: adminHandler(op), ReadTimeout: 200 * time.Millisecond, WriteTimeout: 200 * time.Millisecond}
	done := make(chan error)
	go func() { done <- srv.Serve(ln) }()
	t.Cleanup(func() {
		must(t, srv.Close())
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	c := dial(t.Context(), dir)
	if c == nil {
		t.Fatal("nobody serves")
	}
	return c
}

// TestEraseThroughSocket: however long it takes, and whatever the id is.
func TestEraseThroughSocket(t *testing.T) {
	t.Parallel()
	companies, d := newCompanies(t)
	companies.store = busy{d.store, func() { time.Sleep(400 * time.Millisecond) }}
	c := serveAdmin(t, d.dir, &direct{companies: *companies})
	if k, err := c.Kept(t.Context(), luna); err != nil || k.Bookings != 1 {
		t.Errorf("kept %+v, %v", k, err)
	}
	if e, err := c.Erase(t.Context(), luna); err != nil || e.Bookings != 1 {
		t.Errorf("erased %+v, %v", e, err)
	}
	for _, id := range []booking.CompanyID{"..", "a/b?c=d&e%2F#", "ñ +"} {
		must(t, d.store.PutCompany(t.Context(), &store.Company{Company: integration.Company{ID: id, Name: "somebody"}}))
		if k, err := c.Kept(t.Context(), id); err != nil || !k.Any || k.Name != "somebody" {
			t.Errorf("of %q is kept %+v, %v", id, k, err)
		}
		if on, err := c.TurnOff(t.Context(), id); err != nil || len(on) > 0 {
			t.Errorf("turned off of %q: %v, %v", id, on, err)
		}
		if _, err := c.Erase(t.Context(), id); err != nil {
			t.Errorf("erase %q: %v", id, err)
		}
		if k, err := c.Kept(t.Context(), id); err != nil || k.Any {
			t.Errorf("of %q is kept %+v, %v", id, k, err)
		}
	}
}

// TestConnectsForEver: a company that connects again and again is left alone at
// last, connected, with all its documents.
func TestConnectsForEver(t *testing.T) {
	t.Parallel()
	companies, d := newCompanies(t)
	waits := 0
	r := removal{operator: &direct{companies: *companies}, id: luna, env: env{stdout: io.Discard, sleep: func(context.Context, time.Duration) error {
		waits++
		setConnection(t, d.store, integration.WhatsApp, connected)
		return nil
	}}}
	if err := r.run(t.Context(), true); !errors.Is(err, errStillOn) || waits != removalTries {
		t.Errorf("after %d minutes: %v", waits, err)
	}
	if k, err := companies.Kept(t.Context(), luna); err != nil || k.Bookings != 1 || len(k.On) != 1 {
		t.Errorf("kept %+v, %v", k, err)
	}
}

// TestUnknownCompany: nothing is waited for in vain.
func TestUnknownCompany(t *testing.T) {
	t.Parallel()
	companies, _ := newCompanies(t)
	r := removal{operator: &direct{companies: *companies}, id: "nobody", env: env{stdout: io.Discard, sleep: func(context.Context, time.Duration) error {
		t.Error("it waits")
		return nil
	}}}
	if err := r.run(t.Context(), true); !errors.Is(err, fault.ErrNotFound) || !strings.Contains(err.Error(), `"nobody"`) {
		t.Errorf("it ended with %v", err)
	}
}

// TestProjectWithoutSecretManager: what stands for one of the project's
// services and not for the other would make the command act on both.
func TestProjectWithoutSecretManager(t *testing.T) {
	t.Parallel()
	open := projectVault(config.Config{Project: "x", FirestoreEmulator: "127.0.0.1:1"}, nil, nil)
	if _, err := open(t.Context()); err == nil || !strings.Contains(err.Error(), "SECRET_MANAGER_EMULATOR_HOST") {
		t.Errorf("it ended with %v", err)
	}
}
