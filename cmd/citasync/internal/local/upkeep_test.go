package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/sandbox"
	"github.com/citasync/citasync/shared/store"
)

// notices are what the company was told so far, as "kind reason reminder bookings".
func (w *world) notices() (out []string) {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range w.told {
		var e struct {
			Type string
			Data struct {
				Reason             string
				Reminder, Bookings int
			}
		}
		check(w.t, json.Unmarshal(m.Data, &e))
		out = append(out, fmt.Sprintf("%s %s %d %d", e.Type, e.Data.Reason, e.Data.Reminder, e.Data.Bookings))
	}
	return out
}

func (w *world) wantNotices(when string, want ...string) {
	w.t.Helper()
	if got := w.notices(); !slices.Equal(got, want) {
		w.t.Errorf("%s the company was told %q, want %q", when, got, want)
	}
}

const day = 24 * time.Hour

// TestIncident walks through a grant's end: the first booking meets it and the
// company is told, once; twenty more wait and nobody calls Google; after the
// reconnection all are there, once, and the company is told that too.
func TestIncident(t *testing.T) {
	connected(t, func(w *world) {
		_, err := w.google.RevokeGrants(ana)
		check(t, err)
		var evs []booking.Event
		for i := range 21 {
			evs = append(evs, event(booking.Confirmed, acme, booking.ID(fmt.Sprint(i)), 1, "corte"))
		}
		w.apply(evs[0])
		w.google.ClearRequests()
		w.apply(evs[1:]...)
		w.maintain(10*time.Minute, time.Minute)
		w.wantNotices("at first", "integration.needs_reauth revoked 0 0")
		if calls := w.google.Requests(); len(calls) > 0 {
			t.Errorf("calls with a dead grant: %+v", calls)
		}
		w.mustConnect(acme, ana)
		w.maintain(3*time.Minute, 5*time.Second)
		for _, ev := range evs {
			w.right(ev)
		}
		w.wantNotices("at last", "integration.needs_reauth revoked 0 0", "integration.caught_up  0 21")
		acts, err := w.store.ListActivity(context.Background(), acme, "", 1)
		check(t, err)
		if a := acts.Items[0]; a.Kind != store.ActCaughtUp || a.Detail != "21" {
			t.Errorf("the last activity is %+v", a)
		}
		w.maintain(3*day, time.Hour)
		w.wantNotices("days later", "integration.needs_reauth revoked 0 0", "integration.caught_up  0 21")
	})
}

// TestIncidentOfAnIdleCompany: a dead grant is found within a day though no
// booking needs it, and the company is reminded until it reconnects.
func TestIncidentOfAnIdleCompany(t *testing.T) {
	connected(t, func(w *world) {
		_, err := w.google.RevokeGrants(ana)
		check(t, err)
		w.maintain(25*time.Hour, 10*time.Minute)
		if c := w.connection(acme); c.Status != integration.NeedsReauth || c.Reason != integration.Revoked {
			t.Fatalf("a day after: %s, %s", c.Status, c.Reason)
		}
		w.google.ClearRequests()
		w.maintain(20*day, time.Hour)
		want := []string{}
		for i := range 5 {
			want = append(want, fmt.Sprintf("integration.needs_reauth revoked %d 0", i))
		}
		w.wantNotices("in three weeks", want...)
		if calls := w.google.Requests(); len(calls) > 0 {
			t.Errorf("calls with a dead grant: %+v", calls)
		}
		w.mustConnect(acme, ana)
		w.maintain(3*time.Minute, 5*time.Second)
		w.wantNotices("at last", append(want, "integration.caught_up  0 0")...)
	})
}

// TestRemindersStop on reconnection, and on turning off.
func TestRemindersStop(t *testing.T) {
	for _, how := range []string{"reconnect", "turn off"} {
		t.Run(how, func(t *testing.T) {
			connected(t, func(w *world) {
				_, err := w.google.RevokeGrants(ana)
				check(t, err)
				w.apply(event(booking.Confirmed, acme, "1", 1, "corte"))
				w.maintain(2*day, time.Hour)
				want := []string{"integration.needs_reauth revoked 0 0", "integration.needs_reauth revoked 1 0"}
				if how == "reconnect" {
					w.mustConnect(acme, ana)
					w.maintain(3*time.Minute, 5*time.Second)
					want = append(want, "integration.caught_up  0 1")
				} else {
					w.turnOff(false)
				}
				w.maintain(20*day, 6*time.Hour)
				w.wantNotices(how, want...)
			})
		})
	}
}

// TestNoticeIsNotLost: while nobody can be told, it stays due.
func TestNoticeIsNotLost(t *testing.T) {
	connected(t, func(w *world) {
		_, err := w.google.RevokeGrants(ana)
		check(t, err)
		w.mute = errors.New("the topic is gone")
		w.apply(event(booking.Confirmed, acme, "1", 1, "corte"))
		w.maintain(time.Hour, time.Minute)
		tries := len(w.notices())
		if tries < 5 || tries > 15 {
			t.Errorf("tried %d times in an hour", tries)
		}
		w.told, w.mute = nil, nil
		w.maintain(time.Hour, time.Minute)
		w.wantNotices("when it could be", "integration.needs_reauth revoked 0 0")
	})
}

// TestRefusedBookingIsTold: others go on.
func TestRefusedBookingIsTold(t *testing.T) {
	connected(t, func(w *world) {
		_, err := w.google.AddFault(sandbox.Fault{Operation: "events.insert", Status: 400, Reason: "invalid", Times: 1})
		check(t, err)
		w.apply(event(booking.Confirmed, acme, "1", 1, "corte"), event(booking.Confirmed, acme, "2", 1, "corte"))
		w.maintain(time.Hour, time.Minute)
		w.wantNotices("of one", "delivery.failed rejected 0 1")
		w.right(event(booking.Confirmed, acme, "2", 1, "corte"))
		if d := w.record(acme, "1").Deliveries[calendarID]; d.Status != integration.Failed || d.Reason != integration.Rejected {
			t.Errorf("the delivery is %s, %s", d.Status, d.Reason)
		}
	})
}

// TestDailyCheck does damage at Google behind our back: old content put back, an
// event of ours that no record names, one deleted by hand.
func TestDailyCheck(t *testing.T) {
	connected(t, func(w *world) {
		evs := []booking.Event{
			event(booking.Confirmed, acme, "old", 2, "tinte"), event(booking.Confirmed, acme, "twice", 1, "corte"),
			event(booking.Confirmed, acme, "gone", 1, "corte"), event(booking.Confirmed, acme, "well", 1, "corte"),
		}
		w.apply(event(booking.Confirmed, acme, "old", 1, "corte"))
		before := w.mine(ana, acme, "old")[0]
		w.apply(evs...)
		check(t, w.google.EditEvent(ana, "primary", before.ID, func(e *sandbox.Event) { *e = before.Event }))
		stray := w.mine(ana, acme, "twice")[0].Event
		stray.ID = "stray0stray0stray0"
		_, err := w.google.AddEvent(ana, "primary", stray)
		check(t, err)
		check(t, w.google.DeleteEvent(ana, "primary", w.mine(ana, acme, "gone")[0].ID))
		well := w.record(acme, "well").Version

		w.google.ClearRequests()
		w.maintain(25*time.Hour, 10*time.Minute)
		w.right(evs[0])
		w.right(evs[1])
		w.right(evs[3])
		if got := w.record(acme, "well").Version; got != well {
			t.Error("a booking that was right was written")
		}
		w.wantGone("gone", 1)
		w.maintain(2*day, time.Hour)
		w.wantGone("gone", 1)

		again := event(booking.Confirmed, acme, "gone", 3, "peinado")
		w.apply(again)
		w.right(again)
	})
}

// wantGone demands that the event is away and that this is noted, so many times.
func (w *world) wantGone(id booking.ID, noted int) {
	w.t.Helper()
	if live := w.mine(ana, acme, id); len(live) > 0 {
		w.t.Errorf("the event of %s is back", id)
	}
	n := 0
	for _, s := range w.record(acme, id).History {
		if s.Kind == "vanished" {
			n++
		}
	}
	if n != noted {
		w.t.Errorf("noted %d times that the event of %s is gone, not %d", n, id, noted)
	}
}

// TestDailyCheckCostsLittle: a day without damage is a call per connection.
func TestDailyCheckCostsLittle(t *testing.T) {
	connected(t, func(w *world) {
		w.apply(event(booking.Confirmed, acme, "1", 1, "corte"), event(booking.Confirmed, acme, "2", 1, "corte"))
		w.google.ClearRequests()
		w.maintain(25*time.Hour, 10*time.Minute)
		var ops []string
		for _, r := range w.google.Requests() {
			ops = append(ops, r.Operation)
		}
		if !slices.Equal(ops, []string{"token", "events.list"}) {
			t.Errorf("a day's calls: %v", ops)
		}
	})
}

// TestDailyCheckInTrouble: while Google is out of order nothing is believed and
// nothing is asked of the company.
func TestDailyCheckInTrouble(t *testing.T) {
	for name, f := range map[string]sandbox.Fault{
		"500": {Status: 500}, "quota": {Status: 403, Reason: "quotaExceeded"}, "garbage": {Action: sandbox.Garbage, Status: 200}, "dropped": {Action: sandbox.DropBefore},
	} {
		t.Run(name, func(t *testing.T) {
			connected(t, func(w *world) {
				ev := event(booking.Confirmed, acme, "1", 1, "corte")
				w.apply(ev)
				f.Operation, f.Until = "events.*", time.Now().Add(2*day)
				_, err := w.google.AddFault(f)
				check(t, err)
				w.google.ClearRequests()
				w.maintain(36*time.Hour, 10*time.Minute)
				if n := len(w.google.Requests()); n < 10 || n > 400 {
					t.Errorf("%d calls in a day and a half of trouble", n)
				}
				if c := w.connection(acme); c.Status != integration.Connected {
					t.Errorf("the connection is %s, %s", c.Status, c.Reason)
				}
				w.maintain(day, 10*time.Minute)
				w.right(ev)
				w.wantNotices("for that")
				if h := w.record(acme, "1").History; h[len(h)-1].Kind == "vanished" {
					t.Error("an event was believed gone")
				}
			})
		})
	}
}

// TestCalendarGone: a calendar deleted at Google is found by the daily check,
// the company is told, and choosing another mends it without a consent.
func TestCalendarGone(t *testing.T) {
	connected(t, func(w *world) {
		id := w.calendar(team)
		w.chooseCalendar(acme, id)
		w.maintain(3*time.Minute, 5*time.Second)
		ev := event(booking.Confirmed, acme, "1", 1, "corte")
		w.apply(ev)
		check(t, w.google.DeleteCalendar(ana, id))
		w.maintain(25*time.Hour, 10*time.Minute)
		if c := w.connection(acme); c.Status != integration.NeedsReauth || c.Reason != integration.CalendarMissing {
			t.Fatalf("the connection is %s, %s", c.Status, c.Reason)
		}
		w.wantNotices("then", "integration.needs_reauth calendar_missing 0 0")
		if h := w.record(acme, "1").History; h[len(h)-1].Kind == "vanished" {
			t.Error("an event was believed deleted by hand")
		}
		w.chooseCalendar(acme, "primary")
		w.maintain(3*time.Minute, 5*time.Second)
		w.right(ev)
		w.wantNotices("at last", "integration.needs_reauth calendar_missing 0 0", "integration.caught_up  0 1")
	})
}

// TestKillSwitchStopsTheCheck: nothing is called for anybody.
func TestKillSwitchStopsTheCheck(t *testing.T) {
	connected(t, func(w *world) {
		w.flip(false)
		time.Sleep(10 * time.Second)
		w.google.ClearRequests()
		w.maintain(2*day, time.Hour)
		if calls := w.google.Requests(); len(calls) > 0 {
			t.Errorf("calls while switched off: %+v", calls)
		}
	})
}

// TestProbeIsClearedAway: an event of a test of the connection that was left
// behind goes with the next comparison.
func TestProbeIsClearedAway(t *testing.T) {
	connected(t, func(w *world) {
		_, err := w.google.AddFault(sandbox.Fault{Operation: "events.delete", Status: 500, Until: time.Now().Add(time.Minute)})
		check(t, err)
		if done, err := w.procs[0].Google.Calendar.Probe(context.Background(), acme, w.connection(acme), "Prueba"); err == nil || len(done) != 2 {
			t.Fatalf("steps %v, %v", done, err)
		}
		w.maintain(time.Minute, time.Minute)
		live := func() (n int) {
			events, err := w.google.Events(ana, "primary")
			check(t, err)
			for _, e := range events {
				if e.Status != "cancelled" {
					n++
				}
			}
			return n
		}
		if live() != 1 {
			t.Fatalf("%d events", live())
		}
		check(t, w.google.EditEvent(ana, "primary", w.onlyEvent(), func(e *sandbox.Event) {
			e.Start.DateTime, e.End.DateTime = "2000-02-01T10:00:00Z", "2000-02-01T10:15:00Z" // still ahead at the next comparison
		}))
		w.maintain(25*time.Hour, 10*time.Minute)
		if live() != 0 {
			t.Errorf("%d events left", live())
		}
	})
}

func (w *world) onlyEvent() (id string) {
	w.t.Helper()
	events, err := w.google.Events(ana, "primary")
	check(w.t, err)
	for _, e := range events {
		if e.Status != "cancelled" {
			id = e.ID
		}
	}
	return id
}
