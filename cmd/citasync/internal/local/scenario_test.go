package local

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/googleauth"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/sandbox"
	"github.com/citasync/citasync/shared/store"
)

// connected is a world with one company connected for some minutes.
func connected(t *testing.T, test func(*world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, sandbox.Options{})
		w.mustConnect(acme, ana)
		w.maintain(2*time.Minute, 10*time.Second)
		w.google.ClearRequests()
		test(w)
	})
}

func (w *world) apply(evs ...booking.Event) {
	w.t.Helper()
	for _, ev := range evs {
		check(w.t, w.procs[0].Engine.Apply(context.Background(), ev))
	}
}

func (w *world) right(newest booking.Event) {
	w.t.Helper()
	if err := w.want(newest, ana, false); err != nil {
		w.t.Error(err)
	}
}

func TestTwentyTimesAtOnce(t *testing.T) {
	connected(t, func(w *world) {
		ev := event(booking.Confirmed, acme, "1", 1, "corte")
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() { w.apply(ev) })
		}
		wg.Wait()
		w.right(ev)
		if calls := w.google.Requests(); len(calls) != 1 {
			t.Errorf("%d calls to Google, not one: %+v", len(calls), calls)
		}
	})
}

// TestEveryOrder applies a confirmation, a move and a deletion, or a second
// confirmation after it, in every order, each twice.
func TestEveryOrder(t *testing.T) {
	confirm, move := event(booking.Confirmed, acme, "1", 1, "corte"), event(booking.Confirmed, acme, "1", 2, "tinte")
	del, again := event(booking.Deleted, acme, "1", 3, ""), event(booking.Confirmed, acme, "1", 4, "peinado")
	for _, story := range [][]booking.Event{{confirm, move, del}, {confirm, move, del, again}} {
		for _, order := range permutations(story) {
			var name string
			for _, ev := range order {
				name += fmt.Sprintf("%s@%d ", ev.Kind, ev.At.Nanosecond()/1e6)
			}
			t.Run(name, func(t *testing.T) {
				connected(t, func(w *world) {
					for _, ev := range order {
						w.apply(ev, ev)
					}
					w.right(story[len(story)-1])
				})
			})
		}
	}
}

func permutations(evs []booking.Event) (out [][]booking.Event) {
	if len(evs) < 2 {
		return [][]booking.Event{evs}
	}
	for i := range evs {
		rest := slices.Delete(slices.Clone(evs), i, i+1)
		for _, p := range permutations(rest) {
			out = append(out, append([]booking.Event{evs[i]}, p...))
		}
	}
	return out
}

// TestBadMinute: for a minute every call of a kind fails in one way, while
// bookings come, move and go.
func TestBadMinute(t *testing.T) {
	for name, f := range map[string]sandbox.Fault{
		"500":                      {Status: 500},
		"500 though applied":       {Status: 500, Applied: true},
		"503":                      {Status: 503, RetryAfter: time.Second},
		"429":                      {Status: 429, Reason: "rateLimitExceeded"},
		"403 for the rate":         {Status: 403, Reason: "userRateLimitExceeded", RetryAfter: 30 * time.Second},
		"dropped before the write": {Action: sandbox.DropBefore},
		"dropped after the write":  {Action: sandbox.DropAfter},
		"answers too late":         {Action: sandbox.AnswerLate, Late: 11 * time.Second},
		"applied later":            {Action: sandbox.ApplyLate, Late: 12 * time.Second},
		"a page of HTML":           {Action: sandbox.Garbage, Status: 200},
	} {
		t.Run(name, func(t *testing.T) {
			connected(t, func(w *world) { badMinute(w, f) })
		})
	}
}

func badMinute(w *world, f sandbox.Fault) {
	var newest []booking.Event
	for i := range 6 {
		id := booking.ID(fmt.Sprint(i))
		evs := []booking.Event{event(booking.Confirmed, acme, id, 1, "corte"), event(booking.Confirmed, acme, id, 2, "tinte")}
		if i%2 == 0 {
			evs = append(evs, event(booking.Deleted, acme, id, 3, ""))
		}
		w.apply(evs[0])
		newest = append(newest, evs[len(evs)-1])
	}
	f.Operation, f.Until = "events.*", time.Now().Add(time.Minute)
	_, err := w.google.AddFault(f)
	check(w.t, err)
	var wg sync.WaitGroup
	for i := range newest {
		id := booking.ID(fmt.Sprint(i))
		wg.Go(func() { w.apply(event(booking.Confirmed, acme, id, 2, "tinte")) })
		wg.Go(func() {
			time.Sleep(time.Duration(5*i) * time.Second)
			w.apply(newest[i])
		})
	}
	w.maintain(time.Minute, time.Second)
	wg.Wait()
	if c := w.connection(acme); c.Status != integration.Connected {
		w.t.Errorf("a passing failure made the connection %s (%s)", c.Status, c.Reason)
	}
	w.maintain(10*time.Minute, 5*time.Second)
	for _, ev := range newest {
		w.right(ev)
	}
}

// TestLateWriteUndoesNothing: a write that gave up waiting may arrive after the
// same write repeated, but never after a newer one.
func TestLateWriteUndoesNothing(t *testing.T) {
	for _, operation := range []string{"events.insert", "events.update", "events.delete"} {
		t.Run(operation, func(t *testing.T) {
			connected(t, func(w *world) {
				w.apply(event(booking.Confirmed, acme, "1", 1, "corte"))
				late := event(booking.Confirmed, acme, "1", 2, "tinte")
				newest := event(booking.Deleted, acme, "1", 3, "")
				switch operation {
				case "events.insert":
					w.apply(event(booking.Deleted, acme, "1", 2, ""))
					late, newest = event(booking.Confirmed, acme, "1", 3, "tinte"), event(booking.Deleted, acme, "1", 4, "")
				case "events.update":
					newest = event(booking.Confirmed, acme, "1", 3, "peinado")
				case "events.delete":
					late, newest = event(booking.Deleted, acme, "1", 2, ""), event(booking.Confirmed, acme, "1", 3, "peinado")
				}
				_, err := w.google.AddFault(sandbox.Fault{Operation: operation, Action: sandbox.ApplyLate, Late: 16 * time.Second, Times: 1})
				check(t, err)
				w.apply(late)
				w.apply(newest)
				w.maintain(3*time.Minute, 5*time.Second)
				w.right(newest)
			})
		})
	}
}

func TestDeletedByHand(t *testing.T) {
	confirm, move := event(booking.Confirmed, acme, "1", 1, "corte"), event(booking.Confirmed, acme, "1", 2, "tinte")
	del, again := event(booking.Deleted, acme, "1", 3, ""), event(booking.Confirmed, acme, "1", 4, "peinado")
	byHand := func(w *world) { check(w.t, w.google.DeleteEvent(ana, "primary", w.mine(ana, acme, "1")[0].ID)) }
	for _, variant := range []sandbox.CancelledUpdate{sandbox.Forbidden, sandbox.Gone, sandbox.Restored} {
		t.Run(string(variant), func(t *testing.T) {
			connected(t, func(w *world) {
				check(t, w.google.SetBehaviour(sandbox.Behaviour{UpdateOfCancelled: variant}))
				w.apply(confirm)
				byHand(w)
				w.apply(confirm) // not a change: it stays away
				if live := w.mine(ana, acme, "1"); len(live) != 0 {
					t.Errorf("a repeated event brought back what was deleted by hand")
				}
				w.apply(move)
				w.right(move)
				byHand(w)
				w.apply(del)
				w.right(del)
				w.apply(again)
				w.right(again)
			})
		})
	}
}

// TestTurnedOffKeepingEvents: nothing of the connection stays, and nothing is
// called for the company any more.
func TestTurnedOffKeepingEvents(t *testing.T) {
	connected(t, func(w *world) {
		confirm := event(booking.Confirmed, acme, "1", 1, "corte")
		w.apply(confirm)
		version := w.connection(acme).Data.SecretVersion
		w.turnOff(false)
		w.wantEmptied(version)
		w.google.ClearRequests()
		w.apply(event(booking.Confirmed, acme, "1", 2, "tinte"), event(booking.Confirmed, acme, "2", 1, "corte"), event(booking.Deleted, acme, "1", 3, ""))
		w.maintain(time.Hour, time.Minute)
		if calls := w.google.Requests(); len(calls) > 0 {
			t.Errorf("calls for a company that is turned off: %+v", calls)
		}
		if live := w.mine(ana, acme, "1"); len(live) != 1 {
			t.Errorf("%d events, though they were to be kept", len(live))
		}
	})
}

func (w *world) turnOff(remove bool) {
	w.t.Helper()
	_, err := w.procs[0].Grants.Disconnect(context.Background(), acme, remove, "company")
	check(w.t, err)
}

func (w *world) wantEmptied(version string) {
	w.t.Helper()
	c := w.connection(acme)
	if c.Status != integration.Disconnected || c.Enabled || !c.Data.IsZero() || c.Reason != integration.NoReason {
		w.t.Errorf("after turning off: %+v", c)
	}
	if _, err := w.secrets.Access(context.Background(), acme, version); !errors.Is(err, fault.ErrNotFound) {
		w.t.Errorf("the refresh token is still there: %v", err)
	}
	if g := w.google.Grants(ana); len(g) > 0 {
		w.t.Errorf("the grant was not given back: %+v", g)
	}
}

// TestTurnedOffRemovingEvents: future events go, past ones stay, and then the
// grant is given back.
func TestTurnedOffRemovingEvents(t *testing.T) {
	connected(t, func(w *world) {
		past := event(booking.Confirmed, acme, "past", 1, "corte")
		past.Booking.Start, past.Booking.End = past.Booking.Start.AddDate(0, 0, -40), past.Booking.End.AddDate(0, 0, -40)
		w.apply(past)
		for i := range 5 {
			w.apply(event(booking.Confirmed, acme, booking.ID(fmt.Sprint(i)), 1, "corte"))
		}
		_, err := w.google.AddEvent(ana, "primary", sandbox.Event{
			Summary: "dentist",
			Start:   &sandbox.EventTime{DateTime: "2000-02-01T10:00:00Z"}, End: &sandbox.EventTime{DateTime: "2000-02-01T11:00:00Z"},
		})
		check(t, err)
		version := w.connection(acme).Data.SecretVersion
		w.turnOff(true)
		if c := w.connection(acme); c.Status != integration.Disconnecting {
			t.Fatalf("status %s", c.Status)
		}
		if r, err := w.connect(acme, ana); r != googleauth.ResultBusy || err != nil {
			t.Errorf("connecting during the removal: %s, %v", r, err)
		}
		again := past
		again.At = again.At.Add(time.Second)
		w.apply(again) // what is told of it meanwhile does not take it out
		w.maintain(3*time.Minute, 5*time.Second)
		w.wantEmptied(version)
		events, err := w.google.Events(ana, "primary")
		check(t, err)
		var live []string
		for _, e := range events {
			if e.Status != "cancelled" {
				live = append(live, e.Start.DateTime)
			}
		}
		if len(live) != 2 || w.mine(ana, acme, "past") == nil {
			t.Errorf("left in the calendar: %v; want the past booking and the company's own event", live)
		}
		w.mustConnect(acme, ana)
		w.maintain(3*time.Minute, 5*time.Second)
		for i := range 5 {
			w.right(event(booking.Confirmed, acme, booking.ID(fmt.Sprint(i)), 1, "corte"))
		}
	})
}

// TestRemovalWithDeadGrant ends, and says what it could not remove.
func TestRemovalWithDeadGrant(t *testing.T) {
	connected(t, func(w *world) {
		w.apply(event(booking.Confirmed, acme, "1", 1, "corte"))
		w.turnOff(true)
		_, err := w.google.RevokeGrants(ana)
		check(t, err)
		check(t, w.google.ExpireAccessTokens(""))
		w.maintain(3*time.Minute, 5*time.Second)
		if c := w.connection(acme); c.Status != integration.Disconnected || !c.Data.IsZero() {
			t.Errorf("the removal has not ended: %+v", c)
		}
	})
}

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
// found when it comes back, though no record names it any more.
func TestOldAccountComesBack(t *testing.T) {
	connected(t, func(w *world) {
		stays, goes := event(booking.Confirmed, acme, "1", 1, "corte"), event(booking.Confirmed, acme, "2", 1, "corte")
		w.apply(stays, goes)
		w.turnOff(false)
		w.mustConnect(acme, "luis@example.com")
		w.maintain(3*time.Minute, 5*time.Second)
		w.apply(event(booking.Deleted, acme, "2", 2, ""))
		w.turnOff(false)
		w.mustConnect(acme, ana)
		w.maintain(3*time.Minute, 5*time.Second)
		w.right(stays)
		w.right(event(booking.Deleted, acme, "2", 2, ""))
	})
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
