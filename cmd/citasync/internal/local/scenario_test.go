package local

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/googleauth"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/sandbox"
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
	_, err := w.procs[0].Google.Grants.Disconnect(context.Background(), acme, remove, "company")
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
