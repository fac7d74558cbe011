package converge

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
	"github.com/citasync/citasync/shared/store/bolt"
)

// ledger is an integration of its own kind: it keeps a line for each confirmed
// booking. That the engine carries it unchanged is a test in itself. What its
// next acts come to may be set.
type ledger struct {
	id integration.ID

	mu    sync.Mutex
	lines map[booking.ID]string
	acts  int
	next  []func(integration.Task) integration.Result
}

func (l *ledger) ID() integration.ID { return l.id }

func (l *ledger) Decide(t integration.Task) integration.Decision {
	d := t.Delivery
	switch {
	case t.Access == integration.Off:
		d.Status = integration.Skipped
	case t.Access == integration.Held:
		d.Status, d.Reason = integration.Waiting, t.Connection.Reason
	case d.Status == integration.Done && d.Revision == t.Revision:
	default:
		d.Status = integration.Pending
		return integration.Decision{Call: true, Delivery: d}
	}
	return integration.Decision{Delivery: d}
}

func (l *ledger) Act(_ context.Context, t integration.Task) integration.Result {
	l.mu.Lock()
	l.acts++
	var f func(integration.Task) integration.Result
	if len(l.next) > 0 {
		f, l.next = l.next[0], l.next[1:]
	}
	l.mu.Unlock()
	if f != nil {
		return f(t)
	}
	return l.write(t)
}

func (l *ledger) write(t integration.Task) integration.Result {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.lines, t.Booking.ID)
	if t.State == booking.Confirmed {
		l.lines[t.Booking.ID] = t.Booking.Service
	}
	d := t.Delivery
	d.Status, d.Reason = integration.Done, integration.NoReason
	return integration.Result{Outcome: integration.Settled, Delivery: d, Steps: []string{"written"}}
}

func (l *ledger) will(fs ...func(integration.Task) integration.Result) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next = append(l.next, fs...)
}

func (l *ledger) line(id booking.ID) (string, int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines[id], l.acts
}

// outcome is an act that comes to nothing else.
func outcome(o integration.Outcome, why integration.Reason) func(integration.Task) integration.Result {
	return func(t integration.Task) integration.Result {
		return integration.Result{Outcome: o, Delivery: t.Delivery, Reason: why, Err: errors.New("as the test wants")}
	}
}

// counted counts what the engine asks of the store.
type counted struct {
	*bolt.Store
	reads, commits atomic.Int64
}

func (c *counted) ReadBooking(ctx context.Context, company booking.CompanyID, id booking.ID, of ...integration.ID) (store.Snapshot, error) {
	c.reads.Add(1)
	return c.Store.ReadBooking(ctx, company, id, of...)
}

func (c *counted) CommitBooking(ctx context.Context, b *store.Booking) error {
	c.commits.Add(1)
	return c.Store.CommitBooking(ctx, b)
}

type fixture struct {
	t        *testing.T
	store    *counted
	engine   *Engine
	calendar *ledger
	notices  *ledger
}

const acme = booking.CompanyID("acme")

func newFixture(t *testing.T, connected bool) *fixture {
	t.Helper()
	b, err := bolt.Open(filepath.Join(t.TempDir(), "store.db"), bolt.NoSync)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	f := &fixture{
		t: t, store: &counted{Store: b},
		calendar: &ledger{id: integration.GoogleCalendar, lines: map[booking.ID]string{}},
		notices:  &ledger{id: integration.WhatsApp, lines: map[booking.ID]string{}},
	}
	f.engine = f.newEngine(f.calendar)
	if connected {
		for _, id := range []integration.ID{integration.GoogleCalendar, integration.WhatsApp} {
			c := integration.Connection{ID: id, Enabled: true, Status: integration.Connected, ChangedAt: time.Now()}
			if err := b.PutConnection(t.Context(), acme, &c); err != nil {
				t.Fatal(err)
			}
		}
	}
	return f
}

func (f *fixture) newEngine(of ...integration.Integration) *Engine {
	return New(Deps{Store: f.store, Switches: NewCatalogue(f.store, time.Now), Integrations: of, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
}

func ev(kind booking.Kind, at int, service string) booking.Event {
	start := time.Date(2000, 1, 20, 10, 0, 0, 0, time.UTC)
	return booking.Event{Kind: kind, Company: acme, At: time.Date(2000, 1, 1, 0, 0, at, 0, time.UTC), Booking: booking.Booking{
		ID: "1", Service: service, Start: start, End: start.Add(time.Hour), TimeZone: "UTC",
	}}
}

func (f *fixture) apply(e booking.Event) {
	f.t.Helper()
	if err := f.engine.Apply(context.Background(), e); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) reconcile() {
	f.t.Helper()
	if err := f.engine.Reconcile(context.Background(), store.Key{Company: acme, Booking: "1"}); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) record() *store.Booking {
	f.t.Helper()
	s, err := f.store.Store.ReadBooking(context.Background(), acme, "1")
	if err != nil {
		f.t.Fatal(err)
	}
	return s.Booking
}

func (f *fixture) delivery() integration.Delivery {
	return f.record().Deliveries[integration.GoogleCalendar]
}

func (f *fixture) want(status integration.DeliveryStatus, line string, acts int) {
	f.t.Helper()
	d := f.delivery()
	got, n := f.calendar.line("1")
	if d.Status != status || got != line || n != acts {
		f.t.Errorf("delivery %s (%s), line %q, %d acts; want %s, %q, %d", d.Status, d.Reason, got, n, status, line, acts)
	}
}

// bubble runs a test where an hour takes no time.
func bubble(t *testing.T, connected bool, test func(*fixture)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(newFixture(t, connected)) })
}
