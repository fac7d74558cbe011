package local

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/sandbox"
	"github.com/citasync/citasync/shared/store"
)

// TestReconnect: a dead grant is noticed at the next booking, bookings wait,
// nothing calls Google meanwhile, and after the company has reconnected each
// missed booking is there once.
func TestReconnect(t *testing.T) {
	connected(t, func(w *world) {
		first := event(booking.Confirmed, acme, "1", 1, "corte")
		w.apply(first)
		_, err := w.google.RevokeGrants(ana)
		check(t, err)
		missed := []booking.Event{
			event(booking.Confirmed, acme, "1", 2, "tinte"), event(booking.Confirmed, acme, "2", 1, "corte"), event(booking.Confirmed, acme, "3", 1, "corte"),
		}
		w.apply(missed...)
		c := w.connection(acme)
		if c.Status != integration.NeedsReauth || c.Reason != integration.Revoked || c.NoticeDue.IsZero() {
			t.Fatalf("connection %s, %s, notice due %v", c.Status, c.Reason, c.NoticeDue)
		}
		w.google.ClearRequests()
		w.maintain(time.Hour, time.Minute)
		w.apply(event(booking.Confirmed, acme, "4", 1, "corte"))
		if calls := w.google.Requests(); len(calls) > 0 {
			t.Errorf("calls with a dead grant: %+v", calls)
		}
		w.mustConnect(acme, ana)
		w.maintain(3*time.Minute, 5*time.Second)
		for _, ev := range append(missed, event(booking.Confirmed, acme, "4", 1, "corte")) {
			w.right(ev)
		}
	})
}

// TestTokenLife: an expired access token is refreshed by itself when a booking
// needs it, what is stored is kept true, and creating and deleting go on.
func TestTokenLife(t *testing.T) {
	connected(t, func(w *world) {
		before := w.connection(acme).Data
		time.Sleep(2 * time.Hour)
		confirm, del := event(booking.Confirmed, acme, "1", 1, "corte"), event(booking.Deleted, acme, "1", 2, "")
		w.apply(confirm)
		w.right(confirm)
		after := w.connection(acme).Data
		if !after.TokenExpiry.After(time.Now().Add(50*time.Minute)) || string(after.AccessToken) == string(before.AccessToken) {
			t.Errorf("what is stored is not the new token: it expires at %v", after.TokenExpiry)
		}
		w.google.ClearRequests()
		w.apply(del)
		w.right(del)
		for i := range 10 {
			w.apply(event(booking.Confirmed, acme, booking.ID(fmt.Sprint("n", i)), 1, "corte"))
		}
		for _, r := range w.google.Requests() {
			if r.Operation == "token" {
				t.Error("a good token was refreshed")
			}
		}
	})
}

// TestSwitchedOffForEveryone: no call within ten seconds, and nothing is lost.
func TestSwitchedOffForEveryone(t *testing.T) {
	connected(t, func(w *world) {
		w.apply(event(booking.Confirmed, acme, "1", 1, "corte"))
		w.flip(false)
		time.Sleep(10 * time.Second)
		w.google.ClearRequests()
		newest := []booking.Event{event(booking.Confirmed, acme, "1", 2, "tinte"), event(booking.Confirmed, acme, "2", 1, "corte")}
		w.apply(newest...)
		w.maintain(time.Hour, time.Minute)
		if calls := w.google.Requests(); len(calls) > 0 {
			t.Errorf("calls while switched off: %+v", calls)
		}
		w.flip(true)
		w.maintain(2*time.Minute, 5*time.Second)
		for _, ev := range newest {
			w.right(ev)
		}
	})
}

func (w *world) flip(on bool) {
	w.t.Helper()
	e, err := w.store.Entry(context.Background(), calendarID)
	check(w.t, err)
	e.Enabled, e.ChangedAt = on, time.Now()
	check(w.t, w.store.PutEntry(context.Background(), &e))
}

// TestAnotherCalendarAndBack leaves one event per booking.
func TestAnotherCalendarAndBack(t *testing.T) {
	connected(t, func(w *world) {
		evs := []booking.Event{event(booking.Confirmed, acme, "1", 1, "corte"), event(booking.Confirmed, acme, "2", 1, "corte")}
		w.apply(evs...)
		for _, to := range []string{w.calendar(team), "primary", w.calendar(team)} {
			w.chooseCalendar(acme, to)
			w.maintain(3*time.Minute, 5*time.Second)
			for _, ev := range evs {
				w.right(ev)
			}
		}
	})
}

// TestManyBookingsAfterConnect: what was there before is added, paced.
func TestManyBookingsAfterConnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, sandbox.Options{})
		const n = 700
		for i := range n {
			w.apply(event(booking.Confirmed, acme, booking.ID(fmt.Sprint(i)), 1, "corte"))
		}
		if calls := w.google.Requests(); len(calls) > 0 {
			t.Fatalf("calls for a company that is not connected: %+v", calls)
		}
		w.mustConnect(acme, ana)
		w.maintain(8*time.Minute, 5*time.Second)
		for i := range n {
			w.right(event(booking.Confirmed, acme, booking.ID(fmt.Sprint(i)), 1, "corte"))
		}
		for _, r := range w.google.Requests() {
			if r.Status == 429 || r.Status == 403 {
				t.Fatalf("the backfill met a quota: %+v", r)
			}
		}
		if c := w.connection(acme); !c.BackfillDue.IsZero() {
			t.Errorf("passes are still owed since %v", c.BackfillDue)
		}
	})
}

// TestOldAccountComesBack: what an account's earlier connection left behind is
// found when it comes back, though no record names it any more, before the
// bookings get events anew: nobody sees one twice.
func TestOldAccountComesBack(t *testing.T) {
	for _, remove := range []bool{false, true} {
		connected(t, func(w *world) {
			stays, goes := event(booking.Confirmed, acme, "1", 1, "corte"), event(booking.Confirmed, acme, "2", 1, "corte")
			w.apply(stays, goes)
			w.turnOff(false)
			w.mustConnect(acme, "luis@example.com")
			w.maintain(3*time.Minute, 5*time.Second)
			w.apply(event(booking.Deleted, acme, "2", 2, ""))
			w.turnOff(remove)
			w.maintain(3*time.Minute, 5*time.Second)
			back := time.Now()
			w.mustConnect(acme, ana)
			for range 90 {
				w.maintain(2*time.Second, time.Second)
				if n := len(w.mine(ana, acme, "1")); n > 1 {
					w.t.Fatalf("removed from the other account: %t: %d events of one booking", remove, n)
				}
			}
			if at := w.connection(acme).CheckedAt; at.Before(back) {
				w.t.Errorf("compared with Google %v before this account was connected", back.Sub(at))
			}
			w.right(stays)
			w.right(event(booking.Deleted, acme, "2", 2, ""))
		})
	}
}

// TestSwitchFlickers: one process still believes that the integration is off
// when the last pass of another ends. The booking that it leaves waiting is
// not forgotten.
func TestSwitchFlickers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 2, sandbox.Options{})
		w.mustConnect(acme, ana)
		w.maintain(55*time.Second, time.Second)
		w.flip(false)
		check(t, w.procs[1].Engine.Apply(context.Background(), event(booking.Confirmed, acme, "1", 1, "corte"))) // and now it believes so
		time.Sleep(time.Second)
		w.flip(true)
		w.maintain(6*time.Second, time.Second)
		late := event(booking.Confirmed, acme, "1", 2, "tinte")
		check(t, w.procs[1].Engine.Apply(context.Background(), late))
		if d := w.record(acme, "1").Deliveries[calendarID]; d.Status != integration.Waiting {
			t.Fatalf("the delivery is %s: this tests nothing", d.Status)
		}
		w.maintain(3*time.Minute, 5*time.Second)
		w.right(late)
	})
}

// TestTroubleOfOneCompany keeps no other waiting: neither bookings that time
// out again and again nor a long backfill delay what another is owed.
func TestTroubleOfOneCompany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, sandbox.Options{})
		w.mustConnect(acme, ana)
		for i := range 300 {
			w.apply(event(booking.Confirmed, acme, booking.ID(strconv.Itoa(i)), 1, "corte"))
		}
		for _, op := range []string{"events.insert", "events.update"} {
			_, err := w.google.AddFault(sandbox.Fault{Operation: op, Account: ana, Action: sandbox.AnswerLate, Late: time.Hour})
			check(t, err)
		}
		for i := range 300 {
			check(t, w.store.CommitBooking(context.Background(), w.makeDue(acme, booking.ID(strconv.Itoa(i)))))
		}
		const other = booking.CompanyID("zeta")
		ev := event(booking.Confirmed, other, "1", 1, "corte")
		w.apply(ev)
		w.mustConnect(other, "luis@example.com")
		w.maintain(3*time.Minute, time.Second)
		if err := w.want(ev, "luis@example.com", false); err != nil {
			t.Error(err)
		}
	})
}

// makeDue makes a booking as if its event had to be written again.
func (w *world) makeDue(company booking.CompanyID, id booking.ID) *store.Booking {
	b := w.record(company, id)
	d := b.Deliveries[calendarID]
	d.Status, d.NextAttemptAt = integration.Pending, time.Time{}
	b.Deliveries[calendarID], b.NextAttemptAt = d, time.Now()
	return b
}

// TestGoogleFailsOnListing: a pass that can't be completed is not tried again
// at once.
func TestGoogleFailsOnListing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, sandbox.Options{})
		w.mustConnect(acme, ana)
		_, err := w.google.AddFault(sandbox.Fault{Operation: "events.list", Status: 503})
		check(t, err)
		w.maintain(11*time.Minute, time.Second)
		if n := len(w.google.Requests()); n > 100 {
			t.Errorf("%d calls in ten minutes of trouble", n)
		}
		w.google.ClearFaults()
		w.maintain(time.Minute, time.Second)
		if c := w.connection(acme); !c.BackfillDue.IsZero() {
			t.Error("the passes are not complete")
		}
	})
}

// TestRemovalAndEventsMovedByHand: a past booking whose event was dragged into
// the future does not keep a removal from ending.
func TestRemovalAndEventsMovedByHand(t *testing.T) {
	connected(t, func(w *world) {
		past := event(booking.Confirmed, acme, "past", 1, "corte")
		past.Booking.Start, past.Booking.End = past.Booking.Start.AddDate(0, 0, -40), past.Booking.End.AddDate(0, 0, -40)
		w.apply(past)
		check(t, w.google.EditEvent(ana, "primary", w.mine(ana, acme, "past")[0].ID, func(e *sandbox.Event) {
			e.Start, e.End = &sandbox.EventTime{DateTime: "2000-03-01T10:00:00Z"}, &sandbox.EventTime{DateTime: "2000-03-01T11:00:00Z"}
		}))
		w.turnOff(true)
		w.maintain(5*time.Minute, 5*time.Second)
		if c := w.connection(acme); c.Status != integration.Disconnected || c.Reason != integration.NoReason {
			t.Errorf("%s, %s", c.Status, c.Reason)
		}
	})
}

// TestManyStrays are removed within Google's quotas.
func TestManyStrays(t *testing.T) {
	connected(t, func(w *world) {
		const n = 700
		for i := range n {
			ev := event(booking.Confirmed, acme, booking.ID(strconv.Itoa(i)), 1, "corte")
			w.apply(ev)
			if i%500 == 499 {
				time.Sleep(time.Minute) // the quota holds for this test too
			}
		}
		w.turnOff(false)
		w.mustConnect(acme, "luis@example.com")
		w.turnOff(false)
		for i := range n {
			w.apply(event(booking.Deleted, acme, booking.ID(strconv.Itoa(i)), 2, ""))
		}
		w.mustConnect(acme, ana)
		w.google.ClearRequests()
		w.maintain(10*time.Minute, 5*time.Second)
		for _, r := range w.google.Requests() {
			if r.Status == 429 || r.Status == 403 {
				t.Fatalf("a quota was met: %+v", r)
			}
		}
		for i := range n {
			w.right(event(booking.Deleted, acme, booking.ID(strconv.Itoa(i)), 2, ""))
		}
	})
}

// TestSwitchedOffDuringRemoval: time in which nothing may be called does not
// count as time in which the removal was tried.
func TestSwitchedOffDuringRemoval(t *testing.T) {
	connected(t, func(w *world) {
		w.apply(event(booking.Confirmed, acme, "1", 1, "corte"))
		version := w.connection(acme).Data.SecretVersion
		w.flip(false)
		time.Sleep(10 * time.Second)
		w.turnOff(true)
		w.google.ClearRequests()
		w.maintain(25*time.Hour, time.Minute)
		if calls := w.google.Requests(); len(calls) > 0 {
			t.Errorf("calls while switched off: %+v", calls)
		}
		if c := w.connection(acme); c.Status != integration.Disconnecting {
			t.Fatalf("%s, %s", c.Status, c.Reason)
		}
		w.flip(true)
		w.maintain(3*time.Minute, 5*time.Second)
		w.wantEmptied(version)
		if live := w.mine(ana, acme, "1"); len(live) > 0 {
			t.Errorf("%d events are left", len(live))
		}
	})
}
