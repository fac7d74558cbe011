package converge

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

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

// TestStandInLeavesTheRestAlone: an integration that acts in another's place
// changes neither that one's back-off nor when the others are due.
func TestStandInLeavesTheRestAlone(t *testing.T) {
	bubble(t, true, func(f *fixture) {
		f.engine = f.newEngine(f.calendar, f.notices)
		for range 3 {
			f.calendar.will(outcome(integration.Retry, integration.Quota))
		}
		f.notices.will(outcome(integration.Retry, integration.Outage))
		f.apply(ev(booking.Confirmed, 1, "a"))
		before := f.record()
		standIn := &ledger{id: integration.GoogleCalendar, lines: map[booking.ID]string{}}
		standIn.will(func(task integration.Task) integration.Result {
			return integration.Result{Outcome: integration.Settled, Delivery: task.Delivery}
		})
		if err := f.engine.ReconcileAs(context.Background(), store.Key{Company: acme, Booking: "1"}, once{standIn}); err != nil {
			t.Fatal(err)
		}
		after := f.record()
		if _, acts := standIn.line("1"); acts != 1 {
			t.Fatalf("the stand-in acted %d times: this tests nothing", acts)
		}
		if !after.NextAttemptAt.Equal(before.NextAttemptAt) {
			t.Errorf("next attempt at %v, before at %v", after.NextAttemptAt, before.NextAttemptAt)
		}
		b, a := before.Deliveries[integration.GoogleCalendar], after.Deliveries[integration.GoogleCalendar]
		if a.Attempts != b.Attempts || !a.NextAttemptAt.Equal(b.NextAttemptAt) || a.Lease.Attempt != "" {
			t.Errorf("the delivery was %+v and is %+v", b, a)
		}
	})
}

// once is an integration that wants to act until it has.
type once struct{ *ledger }

func (o once) Decide(t integration.Task) integration.Decision {
	_, acts := o.line("1")
	return integration.Decision{Call: acts == 0, Delivery: t.Delivery}
}
