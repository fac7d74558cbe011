package gcal

import (
	"testing"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
)

func TestMove(t *testing.T) {
	w := newWorld(t)
	task := w.created()
	team := w.team()
	task.Connection.Data.CalendarID = team
	r := w.run(&task)
	wantResult(t, r, integration.Settled, integration.NoReason, false)
	wantSteps(t, r, StepRemoved, StepCreated)
	w.wantCalls("delete 204", "insert 200")
	if len(w.live(primary)) != 0 {
		t.Error("the event stayed in the old calendar")
	}
	w.only(team)
	if p := task.Delivery.Place; p.Calendar != team || p.Generation != 1 {
		t.Errorf("place %+v", p)
	}

	task.Connection.Data.CalendarID = primary // and back
	w.run(&task)
	if len(w.live(team)) != 0 || task.Delivery.Place.Generation != 2 {
		t.Errorf("after moving back: %+v", task.Delivery)
	}
	w.only(primary)
}

// The place is committed before anything is inserted there.
func TestMoveStopsForTheCommit(t *testing.T) {
	w := newWorld(t)
	task := w.created()
	task.Connection.Data.CalendarID = w.team()
	task.Delivery = w.cal.Decide(task).Delivery
	r := w.cal.Act(t.Context(), task)
	want := integration.Place{Account: task.Connection.Data.AccountSubject, Calendar: task.Connection.Data.CalendarID, Generation: 1}
	if r.Outcome != integration.Again || r.Delivery.Place != want || r.Delivery.Written || r.Delivery.ExternalID != "" {
		t.Errorf("result %+v, want Again at %+v", r, want)
	}
	w.wantCalls("delete 204")
}

// A calendar that was left because it is closed or gone must not keep the
// bookings out of the new one.
func TestMoveFromLostCalendar(t *testing.T) {
	for _, tc := range []struct {
		name  string
		lose  func(w *world, id string) error
		calls []string
	}{
		{"gone", func(w *world, id string) error { return w.google.DeleteCalendar(account, id) }, []string{"delete 404", "insert 200"}},
		{"closed", func(w *world, id string) error { return w.google.SetAccessRole(account, id, "reader") }, []string{"delete 403", "insert 200"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t)
			team := w.team()
			w.conn.Data.CalendarID = team
			task := w.created()
			if err := tc.lose(w, team); err != nil {
				t.Fatal(err)
			}
			task.Connection.Data.CalendarID = primary
			r := w.run(&task)
			wantSteps(t, r, StepCreated)
			w.wantCalls(tc.calls...)
			w.only(primary)
		})
	}
}

func TestCalendarMissing(t *testing.T) {
	lose := map[string]func(w *world, id string) error{
		"gone":   func(w *world, id string) error { return w.google.DeleteCalendar(account, id) },
		"closed": func(w *world, id string) error { return w.google.SetAccessRole(account, id, "reader") },
	}
	for name, lose := range lose {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			team := w.team()
			w.conn.Data.CalendarID = team
			if err := lose(w, team); err != nil {
				t.Fatal(err)
			}
			task := w.task(booking.Confirmed)
			r := w.run(&task)
			wantResult(t, r, integration.Unauthorised, integration.CalendarMissing, false)
			if task.Delivery.Place.Generation != 0 || task.Delivery.Written {
				t.Errorf("an id was burnt: %+v", task.Delivery.Place)
			}
		})
		t.Run(name+" after the insert", func(t *testing.T) {
			w := newWorld(t)
			team := w.team()
			w.conn.Data.CalendarID = team
			task := w.created()
			if err := lose(w, team); err != nil {
				t.Fatal(err)
			}
			change(&task, booking.Confirmed)
			wantResult(t, w.run(&task), integration.Unauthorised, integration.CalendarMissing, false)
		})
	}
}
