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

func TestBudget(t *testing.T) {
	bubble(t, true, func(f *fixture) {
		f.apply(ev(booking.Confirmed, 1, "a"))
		f.spent("a new booking", 1, 2)
		f.apply(ev(booking.Confirmed, 2, "b"))
		f.spent("a change", 1, 2)
		f.apply(ev(booking.Confirmed, 2, "b"))
		f.spent("a repeated event", 1, 0)
		f.apply(ev(booking.Confirmed, 1, "a"))
		f.spent("a stale event", 1, 0)
		f.want(integration.Done, "b", 2)
	})
	bubble(t, false, func(f *fixture) {
		f.apply(ev(booking.Confirmed, 1, "a"))
		f.spent("a company without connections", 1, 1)
		f.want(integration.Skipped, "", 0)
	})
	bubble(t, true, func(f *fixture) {
		f.engine = f.newEngine(f.calendar, f.notices)
		f.apply(ev(booking.Confirmed, 1, "a"))
		f.spent("two integrations", 1, 2)
	})
}

func (f *fixture) spent(what string, reads, commits int64) {
	f.t.Helper()
	r, c := f.store.reads.Swap(0), f.store.commits.Swap(0)
	if r != reads || c != commits {
		f.t.Errorf("%s cost %d reads and %d commits, not %d and %d", what, r, c, reads, commits)
	}
}

func TestSameEventTwentyTimesAtOnce(t *testing.T) {
	bubble(t, true, func(f *fixture) {
		f.calendar.will(func(task integration.Task) integration.Result {
			time.Sleep(3 * time.Second)
			return f.calendar.write(task)
		})
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() { f.apply(ev(booking.Confirmed, 1, "a")) })
		}
		wg.Wait()
		f.want(integration.Done, "a", 1)
	})
}

// TestOneIntegrationHangs sees to it that the other's result does not wait.
func TestOneIntegrationHangs(t *testing.T) {
	bubble(t, true, func(f *fixture) {
		f.engine = f.newEngine(f.calendar, f.notices)
		f.calendar.will(func(task integration.Task) integration.Result {
			time.Sleep(18 * time.Second)
			return f.calendar.write(task)
		})
		done := make(chan struct{})
		go func() { f.apply(ev(booking.Confirmed, 1, "a")); close(done) }()
		time.Sleep(1500 * time.Millisecond)
		r := f.record()
		if st := r.Deliveries[integration.WhatsApp]; st.Status != integration.Done || st.Lease.Attempt != "" {
			t.Errorf("after 1.5 s the notice is %s, leased by %q", st.Status, st.Lease.Attempt)
		}
		if st := r.Deliveries[integration.GoogleCalendar]; st.Status != integration.Pending || st.Lease.Attempt == "" {
			t.Errorf("after 1.5 s the calendar is %s, leased by %q", st.Status, st.Lease.Attempt)
		}
		<-done
		f.want(integration.Done, "a", 1)
	})
}

// TestNewerEventMeanwhile: the attempt that holds the lease finds what another
// merged, and brings it too.
func TestNewerEventMeanwhile(t *testing.T) {
	bubble(t, true, func(f *fixture) {
		f.calendar.will(func(task integration.Task) integration.Result {
			f.apply(ev(booking.Confirmed, 2, "b")) // merges only
			if _, n := f.calendar.line("1"); n != 1 {
				t.Errorf("%d acts at a time", n)
			}
			return f.calendar.write(task)
		})
		f.apply(ev(booking.Confirmed, 1, "a"))
		f.want(integration.Done, "b", 2)
		if r := f.record(); r.Revision != 2 || !r.NextAttemptAt.IsZero() {
			t.Errorf("revision %d, next attempt %v", r.Revision, r.NextAttemptAt)
		}
	})
}

// TestResultSurvivesConflict: what was done is not done again because the
// record was written by another meanwhile.
func TestResultSurvivesConflict(t *testing.T) {
	bubble(t, true, func(f *fixture) {
		f.calendar.will(func(task integration.Task) integration.Result {
			r := f.record()
			r.History = nil
			if err := f.store.Store.CommitBooking(context.Background(), r); err != nil {
				t.Error(err)
			}
			return f.calendar.write(task)
		})
		f.apply(ev(booking.Confirmed, 1, "a"))
		f.want(integration.Done, "a", 1)
		if h := f.record().History; len(h) != 1 || h[0].Kind != "written" {
			t.Errorf("history %+v", h)
		}
	})
}

// TestUnknownFate: the lease is not given back, nothing newer is written under
// it, and the sweep comes when it has ended.
func TestUnknownFate(t *testing.T) {
	bubble(t, true, func(f *fixture) {
		f.calendar.will(outcome(integration.Unsure, integration.Outage))
		begun := time.Now()
		f.apply(ev(booking.Confirmed, 1, "a"))
		f.want(integration.Pending, "", 1)
		r := f.record()
		if d := f.delivery(); d.Lease.Attempt == "" || !d.Lease.Until.Equal(begun.Add(Lifetime).UTC()) {
			t.Errorf("lease %+v", d.Lease)
		}
		if due := begun.Add(Lifetime + margin); !r.NextAttemptAt.Equal(due) {
			t.Errorf("next attempt at %v, not %v", r.NextAttemptAt, due)
		}
		time.Sleep(5 * time.Second)
		f.apply(ev(booking.Confirmed, 2, "b"))
		f.reconcile()
		f.want(integration.Pending, "", 1)
		time.Sleep(time.Until(f.record().NextAttemptAt))
		f.reconcile()
		f.want(integration.Done, "b", 2)
	})
}

// TestWrittenButInFlight: an act succeeded, but an earlier write of it may
// still arrive.
func TestWrittenButInFlight(t *testing.T) {
	bubble(t, true, func(f *fixture) {
		f.calendar.will(func(task integration.Task) integration.Result {
			r := f.calendar.write(task)
			r.InFlight = true
			return r
		})
		f.apply(ev(booking.Confirmed, 1, "a"))
		f.want(integration.Done, "a", 1)
		f.apply(ev(booking.Confirmed, 2, "b"))
		f.want(integration.Pending, "a", 1)
		time.Sleep(Lifetime + margin)
		f.reconcile()
		f.want(integration.Done, "b", 2)
	})
}

func TestRetryBacksOff(t *testing.T) {
	bubble(t, true, func(f *fixture) {
		for range 12 {
			f.calendar.will(outcome(integration.Retry, integration.Quota))
		}
		f.apply(ev(booking.Confirmed, 1, "a"))
		for n := 1; n <= 12; n++ {
			d := f.delivery()
			full := min(time.Hour, 5*time.Second<<(n-1))
			if wait := time.Until(d.NextAttemptAt); d.Attempts != n || wait > full || wait < full*3/4-time.Second {
				t.Fatalf("after %d failures: %d attempts, next in %v, not about %v", n, d.Attempts, wait, full)
			}
			if d.Lease.Attempt != "" {
				t.Fatal("the lease was not given back")
			}
			f.reconcile() // too early
			time.Sleep(time.Until(d.NextAttemptAt))
			f.reconcile()
		}
		f.want(integration.Done, "a", 13)
		if d := f.delivery(); d.Attempts != 0 || d.Reason != integration.NoReason {
			t.Errorf("success leaves %+v", d)
		}
	})
}

// TestRetryIsOverByNewerEvent: a newer event is tried at once.
func TestRetryIsOverByNewerEvent(t *testing.T) {
	bubble(t, true, func(f *fixture) {
		f.calendar.will(outcome(integration.Retry, integration.Quota))
		f.apply(ev(booking.Confirmed, 1, "a"))
		f.apply(ev(booking.Confirmed, 2, "b"))
		f.want(integration.Done, "b", 2)
	})
}

func TestRetryAfter(t *testing.T) {
	bubble(t, true, func(f *fixture) {
		f.calendar.will(func(task integration.Task) integration.Result {
			r := outcome(integration.Retry, integration.Quota)(task)
			r.RetryAfter = 10 * time.Minute
			return r
		})
		f.apply(ev(booking.Confirmed, 1, "a"))
		if wait := time.Until(f.delivery().NextAttemptAt); wait < 10*time.Minute-time.Second {
			t.Errorf("next attempt in %v", wait)
		}
	})
}

func TestFailedForGood(t *testing.T) {
	bubble(t, true, func(f *fixture) {
		f.calendar.will(func(task integration.Task) integration.Result {
			d := task.Delivery
			d.Status, d.Reason = integration.Failed, integration.Rejected
			return integration.Result{Outcome: integration.Settled, Delivery: d, Reason: integration.Rejected}
		})
		f.apply(ev(booking.Confirmed, 1, "a"))
		f.apply(ev(booking.Confirmed, 1, "a"))
		time.Sleep(time.Hour)
		f.reconcile()
		f.want(integration.Failed, "", 1)
		if r := f.record(); !r.NextAttemptAt.IsZero() {
			t.Errorf("next attempt at %v", r.NextAttemptAt)
		}
		f.change(func(c *integration.Connection) { c.ChangedAt = time.Now() })
		f.reconcile()
		f.want(integration.Done, "a", 2)
	})
}

func (f *fixture) change(by func(*integration.Connection)) {
	f.t.Helper()
	c, err := f.store.Connection(context.Background(), acme, integration.GoogleCalendar)
	if err != nil {
		f.t.Fatal(err)
	}
	by(&c)
	if err := f.store.PutConnection(context.Background(), acme, &c); err != nil {
		f.t.Fatal(err)
	}
}

func TestUnauthorised(t *testing.T) {
	bubble(t, true, func(f *fixture) {
		f.calendar.will(outcome(integration.Unauthorised, integration.CalendarMissing))
		f.apply(ev(booking.Confirmed, 1, "a"))
		f.want(integration.Waiting, "", 1)
		c, err := f.store.Connection(context.Background(), acme, integration.GoogleCalendar)
		if err != nil {
			t.Fatal(err)
		}
		if c.Status != integration.NeedsReauth || c.Reason != integration.CalendarMissing || c.NoticeDue.IsZero() {
			t.Errorf("connection %+v", c)
		}
		acts, err := f.store.ListActivity(context.Background(), acme, "", 10)
		if err != nil || len(acts.Items) != 1 || acts.Items[0].Kind != "needs_reauth" {
			t.Errorf("activity %+v, %v", acts.Items, err)
		}
		f.apply(ev(booking.Confirmed, 2, "b"))
		f.want(integration.Waiting, "", 1)
	})
}

// TestUnauthorisedMeanwhileReconnected: the new connection is used, and not
// called dead.
func TestUnauthorisedMeanwhileReconnected(t *testing.T) {
	bubble(t, true, func(f *fixture) {
		f.calendar.will(func(task integration.Task) integration.Result {
			f.change(func(c *integration.Connection) { c.ChangedAt = time.Now() })
			return outcome(integration.Unauthorised, integration.Revoked)(task)
		})
		f.apply(ev(booking.Confirmed, 1, "a"))
		f.want(integration.Done, "a", 2)
	})
}

func TestSwitchedOffForAll(t *testing.T) {
	bubble(t, true, func(f *fixture) {
		f.flip(false)
		f.apply(ev(booking.Confirmed, 1, "a"))
		f.want(integration.Waiting, "", 0)
		f.flip(true)
		time.Sleep(catalogueAge)
		f.reconcile()
		f.want(integration.Done, "a", 1)
	})
}

func (f *fixture) flip(on bool) {
	f.t.Helper()
	e, err := f.store.Entry(context.Background(), integration.GoogleCalendar)
	if err != nil {
		f.t.Fatal(err)
	}
	e.Enabled, e.ChangedAt = on, time.Now()
	if err := f.store.PutEntry(context.Background(), &e); err != nil {
		f.t.Fatal(err)
	}
}

func TestPanicIsOfUnknownFate(t *testing.T) {
	bubble(t, true, func(f *fixture) {
		f.calendar.will(func(integration.Task) integration.Result { panic("as the test wants") })
		f.apply(ev(booking.Confirmed, 1, "a"))
		f.want(integration.Pending, "", 1)
		if d := f.delivery(); d.Reason != integration.Internal || d.Lease.Attempt == "" {
			t.Errorf("delivery %+v", d)
		}
	})
}

// TestEndlessAgain: an integration whose place keeps changing is stopped.
func TestEndlessAgain(t *testing.T) {
	bubble(t, true, func(f *fixture) {
		for n := range 10 {
			f.calendar.will(func(task integration.Task) integration.Result {
				d := task.Delivery
				d.Place.Generation = n + 1
				return integration.Result{Outcome: integration.Again, Delivery: d}
			})
		}
		f.apply(ev(booking.Confirmed, 1, "a"))
		f.want(integration.Pending, "", maxActs)
		if d := f.delivery(); d.Place.Generation != maxActs || d.Lease.Attempt != "" || d.NextAttemptAt.IsZero() {
			t.Errorf("delivery %+v", d)
		}
	})
}

func TestTombstone(t *testing.T) {
	bubble(t, true, func(f *fixture) {
		f.apply(ev(booking.Deleted, 3, ""))
		f.apply(ev(booking.Confirmed, 2, "a"))
		if r := f.record(); r.State != booking.Deleted || r.Revision != 1 {
			t.Errorf("%s, revision %d", r.State, r.Revision)
		}
		f.apply(ev(booking.Confirmed, 4, "b"))
		f.apply(ev(booking.Deleted, 5, ""))
		r := f.record()
		if r.State != booking.Deleted || r.Booking.Service != "b" {
			t.Errorf("the tombstone is %s with service %q", r.State, r.Booking.Service)
		}
		if want := r.Booking.End.Add(keep); !r.ExpireAt.Equal(want) {
			t.Errorf("expires at %v, not %v", r.ExpireAt, want)
		}
	})
}

func TestHistoryIsBounded(t *testing.T) {
	bubble(t, true, func(f *fixture) {
		for at := range 30 {
			f.apply(ev(booking.Confirmed, at+1, "a"))
		}
		h := f.record().History
		if len(h) != store.MaxSteps || h[len(h)-1].Kind != "written" || h[len(h)-2].Kind != "changed" {
			t.Errorf("%d steps, the last %+v", len(h), h[len(h)-2:])
		}
	})
}

// TestStoreFails: nothing recorded is an error, so that the message comes
// again; after the announcement, the record says when to look again.
func TestStoreFails(t *testing.T) {
	bubble(t, true, func(f *fixture) {
		broken := &failing{counted: f.store}
		f.engine = New(Deps{
			Store: broken, Switches: NewCatalogue(f.store, time.Now), Integrations: []integration.Integration{f.calendar},
			Now: time.Now, Log: slog.New(slog.DiscardHandler),
		})
		broken.fail.Store(true)
		if err := f.engine.Apply(context.Background(), ev(booking.Confirmed, 1, "a")); err == nil {
			t.Error("an event that could not be recorded was acknowledged")
		}
		broken.fail.Store(false)
		f.calendar.will(func(task integration.Task) integration.Result {
			broken.fail.Store(true)
			return f.calendar.write(task)
		})
		f.apply(ev(booking.Confirmed, 1, "a"))
		r := f.record()
		if r.Deliveries[integration.GoogleCalendar].Status != integration.Pending || r.NextAttemptAt.IsZero() {
			t.Errorf("record %+v", r)
		}
		broken.fail.Store(false)
		time.Sleep(time.Until(r.NextAttemptAt))
		f.reconcile()
		f.want(integration.Done, "a", 2)
	})
}

type failing struct {
	*counted
	fail atomic.Bool
}

func (b *failing) CommitBooking(ctx context.Context, rec *store.Booking) error {
	if b.fail.Load() {
		return errors.New("the store is out of order")
	}
	return b.counted.CommitBooking(ctx, rec)
}
