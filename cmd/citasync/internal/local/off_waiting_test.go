package local

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/sandbox"
	"github.com/citasync/citasync/shared/store"
)

// What waited for a connection that is turned off waits no longer.

// waitingOnes are bookings whose deliveries wait once the connection is held:
// one that has changed since its event was written, one that was deleted since,
// and one that never had an event. It returns the ids of all that wait.
func (w *world) waitingOnes(hold func()) []booking.ID {
	w.t.Helper()
	w.apply(event(booking.Confirmed, acme, "changed", 1, "corte"), event(booking.Confirmed, acme, "deleted", 1, "corte"))
	hold()
	w.apply(event(booking.Confirmed, acme, "changed", 2, "tinte"), event(booking.Deleted, acme, "deleted", 2, ""), event(booking.Confirmed, acme, "new", 1, "corte"))
	ids := []booking.ID{"changed", "deleted", "new"}
	w.wantStatus("held", integration.Waiting, ids...)
	return ids
}

func (w *world) wantStatus(when string, want integration.DeliveryStatus, ids ...booking.ID) {
	w.t.Helper()
	for _, id := range ids {
		if d := w.record(acme, id).Deliveries[calendarID]; d.Status != want {
			w.t.Errorf("%s: the delivery of booking %q is %s (%s), not %s", when, id, d.Status, d.Reason, want)
		}
	}
}

// wantOff demands that the company is disconnected and owed nothing, that what
// waited is skipped and says so, and that the places of events that are there
// are still known.
func (w *world) wantOff(when string, ids ...booking.ID) {
	w.t.Helper()
	if c := w.connection(acme); c.Status != integration.Disconnected || !c.BackfillDue.IsZero() {
		w.t.Errorf("%s: the connection is %s, passes due since %v", when, c.Status, c.BackfillDue)
	}
	w.wantStatus(when, integration.Skipped, ids...)
	for _, id := range ids {
		b := w.record(acme, id)
		last := b.History[len(b.History)-1]
		if last.Kind != store.StepDelivery || last.Outcome != string(integration.Skipped) || last.Detail != integration.NotConnected {
			w.t.Errorf("%s: the last step of booking %q is %+v", when, id, last)
		}
		if d, live := b.Deliveries[calendarID], len(w.mine(ana, acme, id)); d.Place.None() == (live > 0) {
			w.t.Errorf("%s: %d events of booking %q are there, its place is %+v", when, live, id, d.Place)
		}
	}
	if n := len(w.waiting(acme)); n > 0 {
		w.t.Errorf("%s: %d bookings are listed as waiting", when, n)
	}
}

func (w *world) waiting(company booking.CompanyID) []*store.Booking {
	w.t.Helper()
	page, err := w.store.ListBookings(context.Background(), company, store.Query{Waiting: calendarID, Limit: 100})
	check(w.t, err)
	return page.Items
}

// revoke ends the account's grant, and has that found.
func (w *world) revoke() {
	w.t.Helper()
	_, err := w.google.RevokeGrants(ana)
	check(w.t, err)
	w.apply(event(booking.Reserved, acme, "finds it", 1, ""), event(booking.Confirmed, acme, "finds it", 2, "corte"))
}

// switchedOff switches the integration off for everyone, and waits until that is
// known.
func (w *world) switchedOff() {
	w.t.Helper()
	w.flip(false)
	time.Sleep(10 * time.Second)
}

// TestNothingWaitsOnceOff: however the integration came to be off, at once and
// without a call what waited for it is skipped, and what waits for another
// company's goes on waiting.
func TestNothingWaitsOnceOff(t *testing.T) {
	keep, remove := func(w *world) { w.turnOff(false) }, func(w *world) { w.turnOff(true) }
	for name, c := range map[string]struct {
		hold, end func(*world)
	}{
		"dead grant, keep":              {(*world).revoke, keep},
		"dead grant, remove":            {(*world).revoke, remove},
		"switched off, keep":            {(*world).switchedOff, keep},
		"switched off, a removal ended": {(*world).switchedOff, func(w *world) { w.turnOff(true); w.turnOff(false) }},
		"a removal with a dead grant": {func(w *world) {
			w.turnOff(true)
			w.revoke()
		}, func(w *world) { w.maintain(time.Second, time.Second) }},
	} {
		t.Run(name, func(t *testing.T) {
			connected(t, func(w *world) {
				w.apply(event(booking.Confirmed, "beta", "1", 1, "corte"))
				beta, err := w.store.Connection(context.Background(), "beta", calendarID)
				check(t, err)
				beta.Status, beta.Reason, beta.ChangedAt = integration.NeedsReauth, integration.Revoked, time.Now()
				check(t, w.store.PutConnection(context.Background(), "beta", &beta))
				w.apply(event(booking.Confirmed, "beta", "1", 2, "tinte"))

				ids := w.waitingOnes(func() { c.hold(w) })
				w.google.ClearRequests()
				c.end(w)
				if st := w.connection(acme).Status; st != integration.Disconnected {
					t.Fatalf("the connection is %s", st)
				}
				w.google.ClearRequests() // giving the grant back
				w.maintain(time.Second, time.Second)
				w.wantStatus("after a run", integration.Skipped, ids...)
				w.maintain(2*time.Minute, 5*time.Second)
				w.wantOff("in the end", ids...)
				if calls := w.google.Requests(); len(calls) > 0 {
					t.Errorf("calls for a company that is disconnected: %+v", calls)
				}
				if n := len(w.waiting("beta")); n != 1 {
					t.Errorf("%d bookings of the other company wait", n)
				}
			})
		})
	}
}

// TestRemovalGivenUpLeavesNothingWaiting: after a day of trouble at Google, in
// which the integration was switched off for everyone for a while.
func TestRemovalGivenUpLeavesNothingWaiting(t *testing.T) {
	connected(t, func(w *world) {
		w.apply(event(booking.Confirmed, acme, "1", 1, "corte"))
		_, err := w.google.AddFault(sandbox.Fault{Operation: "*", Status: 500})
		check(t, err)
		w.turnOff(true)
		w.maintain(time.Hour, time.Minute)
		w.switchedOff()
		w.apply(event(booking.Confirmed, acme, "1", 2, "tinte"))
		w.wantStatus("switched off", integration.Waiting, "1")
		w.flip(true)
		for w.connection(acme).Status != integration.Disconnected {
			w.maintain(10*time.Minute, 10*time.Minute)
		}
		w.google.ClearRequests()
		w.maintain(2*time.Hour, time.Minute) // what was refused last is looked at again within the hour
		w.wantOff("given up", "1")
		if calls := w.google.Requests(); len(calls) > 0 {
			t.Errorf("calls for a company that is disconnected: %+v", calls)
		}
	})
}

// TestLateAttemptWaitsForNothing: an attempt that read the connection before it
// was turned off lays its delivery down as waiting after the first pass.
func TestLateAttemptWaitsForNothing(t *testing.T) {
	connected(t, func(w *world) {
		w.revoke()
		l := &life{lag: func() time.Duration { return 15 * time.Second }}
		done := make(chan error)
		go func() {
			done <- w.procs[0].Engine.Apply(l.context(), event(booking.Confirmed, acme, "late", 1, "corte"))
		}()
		time.Sleep(20 * time.Second) // it has read
		w.turnOff(false)
		w.maintain(time.Second, time.Second)
		check(t, <-done)
		w.wantStatus("late", integration.Waiting, "late")
		w.maintain(2*time.Minute, 5*time.Second)
		w.wantOff("in the end", "late")
	})
}

// TestReconnectBeforeTheWaitingEnds: at any moment after it was turned off the
// company may connect again, and its bookings are all there.
func TestReconnectBeforeTheWaitingEnds(t *testing.T) {
	for _, passed := range []time.Duration{0, time.Second, 50 * time.Second, 61 * time.Second} {
		t.Run(fmt.Sprint(passed), func(t *testing.T) {
			connected(t, func(w *world) {
				w.waitingOnes(w.revoke)
				w.turnOff(false)
				w.maintain(passed, time.Second)
				time.Sleep(time.Millisecond)
				w.mustConnect(acme, ana)
				w.maintain(3*time.Minute, 5*time.Second)
				w.right(event(booking.Confirmed, acme, "changed", 2, "tinte"))
				w.right(event(booking.Deleted, acme, "deleted", 2, ""))
				w.right(event(booking.Confirmed, acme, "new", 1, "corte"))
				if c := w.connection(acme); c.Status != integration.Connected || !c.BackfillDue.IsZero() {
					t.Errorf("the connection is %s, passes due since %v", c.Status, c.BackfillDue)
				}
			})
		})
	}
}

// TestCrashWhileTurningOff kills the process at each of its steps from the
// disconnection to the last pass, before and after the step's effect.
func TestCrashWhileTurningOff(t *testing.T) {
	for _, after := range []bool{false, true} {
		t.Run(fmt.Sprint("after=", after), func(t *testing.T) {
			for at := 1; ; at++ {
				died := false
				synctest.Test(t, func(t *testing.T) { died = crashTurningOff(t, at, after) })
				if !died && at < 10 {
					t.Fatalf("the process lived after %d steps: little was tested", at-1)
				}
				if t.Failed() || !died {
					break
				}
			}
		})
	}
}

func crashTurningOff(t *testing.T, at int, after bool) (died bool) {
	w := newWorld(t, 1, sandbox.Options{})
	w.mustConnect(acme, ana)
	w.maintain(2*time.Minute, 10*time.Second)
	ids := w.waitingOnes(w.revoke)
	l := &life{at: at, after: after}
	_, _ = w.procs[0].Google.Grants.Disconnect(l.context(), acme, false, "company") // the dead do not answer
	for range 5 {
		_, _ = w.procs[0].Maintainer.Run(l.context())
		time.Sleep(25 * time.Second)
	}
	if l.dead {
		w.restart()
	}
	if w.connection(acme).Status == integration.NeedsReauth {
		w.turnOff(false) // nothing came of it, and the company tries again
	}
	w.maintain(3*time.Minute, 5*time.Second)
	w.wantOff(fmt.Sprint("died at step ", at), ids...)
	return l.dead
}
