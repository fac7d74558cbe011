package gcal

import (
	"testing"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/sandbox"
)

// look lets a witness look once, if it wants to.
func (w *world) look(task *integration.Task) (integration.Result, bool) {
	w.t.Helper()
	v := w.cal.Witness()
	if !v.Decide(*task).Call {
		if saw, err := v.Saw(); saw || err != nil {
			w.t.Errorf("it has not looked: saw %t, %v", saw, err)
		}
		return integration.Result{}, false
	}
	r := v.Act(w.t.Context(), *task)
	if saw, err := v.Saw(); saw != (r.Err == nil) || saw == (err != nil) {
		w.t.Errorf("saw %t, %v, of %+v", saw, err, r)
	}
	task.Delivery = r.Delivery
	if v.Decide(*task).Call {
		w.t.Error("it wants to look twice")
	}
	return r, true
}

func TestWitness(t *testing.T) {
	w := newWorld(t)
	task := w.created()
	before := task.Delivery
	if r, ok := w.look(&task); !ok || len(r.Steps) != 0 || r.Delivery != before {
		t.Errorf("an event that is there: %+v", r)
	}
	if err := w.google.DeleteEvent(account, primary, before.ExternalID); err != nil {
		t.Fatal(err)
	}
	r, _ := w.look(&task)
	wantSteps(t, r, StepVanished)
	if r.Delivery.Detail != DetailGone || r.Delivery.Status != integration.Done || r.Delivery.Place != before.Place {
		t.Errorf("an event that is gone: %+v", r.Delivery)
	}
	if r, _ := w.look(&task); len(r.Steps) != 0 || r.Delivery.Detail != DetailGone {
		t.Errorf("noted twice: %+v", r)
	}
	change(&task, booking.Confirmed)
	wantSteps(t, w.run(&task), StepCreated)
	if task.Delivery.Detail != "" {
		t.Errorf("after a change: %q", task.Delivery.Detail)
	}
}

// TestWitnessIsNotSure: trouble at Google says nothing about the event.
func TestWitnessIsNotSure(t *testing.T) {
	for _, status := range []int{403, 429, 500} {
		w := newWorld(t)
		task := w.created()
		before := task.Delivery
		if _, err := w.google.AddFault(sandbox.Fault{Operation: "events.get", Status: status}); err != nil {
			t.Fatal(err)
		}
		if r, _ := w.look(&task); len(r.Steps) != 0 || r.Delivery != before || r.Err == nil {
			t.Errorf("%d: %+v", status, r)
		}
	}
}

// TestWitnessOfNoCalendar: that a calendar is gone says nothing of one event,
// although Google answers the same.
func TestWitnessOfNoCalendar(t *testing.T) {
	w := newWorld(t)
	w.conn.Data.CalendarID = w.team()
	task := w.created()
	before := task.Delivery
	if err := w.google.DeleteCalendar(account, before.Place.Calendar); err != nil {
		t.Fatal(err)
	}
	if r, _ := w.look(&task); len(r.Steps) != 0 || r.Delivery != before || r.Reason != integration.CalendarMissing {
		t.Errorf("%+v", r)
	}
}

func TestWitnessAsksNothing(t *testing.T) {
	w := newWorld(t)
	task := w.created()
	deleted := task
	deleted.State = booking.Deleted
	pending := task
	pending.Delivery.Status = integration.Pending
	held := task
	held.Access = integration.Held
	for name, task := range map[string]integration.Task{"deleted": deleted, "pending": pending, "held": held} {
		if _, ok := w.look(&task); ok {
			t.Errorf("%s: it looked", name)
		}
	}
}
