package local

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/sandbox"
)

// scene is what happened before and what is being handled when the process
// dies.
type scene struct {
	name   string
	before func(*world)
	last   booking.Event // handled by the process that dies
	newest booking.Event // what the calendar must show in the end
}

const (
	acme = booking.CompanyID("acme")
	ana  = "ana@example.com"
	team = "Equipo"
)

func scenes() []scene {
	confirm := event(booking.Confirmed, acme, "1", 1, "corte")
	move := event(booking.Confirmed, acme, "1", 2, "tinte")
	del := event(booking.Deleted, acme, "1", 3, "")
	unconfirm := event(booking.Reserved, acme, "1", 4, "corte")
	again := event(booking.Confirmed, acme, "1", 5, "peinado")
	apply := func(evs ...booking.Event) func(*world) {
		return func(w *world) {
			for _, e := range evs {
				check(w.t, w.procs[0].Engine.Apply(context.Background(), e))
			}
		}
	}
	return []scene{
		{"confirm", apply(), confirm, confirm},
		{"move", apply(confirm), move, move},
		{"delete", apply(confirm), del, del},
		{"delete before confirm", apply(del), confirm, del},
		{"no longer confirmed", apply(confirm), unconfirm, unconfirm},
		{"confirm again after delete", apply(confirm, del), again, again},
		{"change after a deletion by hand", func(w *world) {
			apply(confirm)(w)
			check(w.t, w.google.DeleteEvent(ana, "primary", w.mine(ana, acme, "1")[0].ID))
		}, move, move},
		{"another calendar", func(w *world) {
			apply(confirm)(w)
			w.chooseCalendar(acme, w.calendar(team))
		}, move, move},
		{"stale event", apply(move), confirm, move},
	}
}

func (w *world) calendar(summary string) string {
	for _, c := range w.google.Calendars(ana) {
		if c.Summary == summary {
			return c.ID
		}
	}
	w.t.Fatalf("no calendar %q", summary)
	return ""
}

// TestCrashAtEachStep kills the process at each of its steps, before and after
// the step's effect: each read, each commit and each call, in each variant of
// what Google may answer to the update of a deleted event. The message is
// delivered again, and the sweep runs. In the end the calendar must be right.
func TestCrashAtEachStep(t *testing.T) {
	for _, s := range scenes() {
		for _, variant := range []sandbox.CancelledUpdate{sandbox.Forbidden, sandbox.Gone, sandbox.Restored} {
			for _, after := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s/after=%v", s.name, variant, after), func(t *testing.T) {
					steps := 0
					for at := 1; ; at++ {
						died := false
						synctest.Test(t, func(t *testing.T) { died = crash(t, s, variant, at, after) })
						if t.Failed() || !died {
							break
						}
						steps++
					}
					if steps == 0 {
						t.Fatal("the process never died: nothing was tested")
					}
				})
			}
		}
	}
}

func crash(t *testing.T, s scene, variant sandbox.CancelledUpdate, at int, after bool) (died bool) {
	w := newWorld(t, 1, sandbox.Options{Behaviour: sandbox.Behaviour{UpdateOfCancelled: variant}})
	w.mustConnect(acme, ana)
	time.Sleep(2 * time.Minute)
	s.before(w)
	l := &life{at: at, after: after}
	_ = w.procs[0].Engine.Apply(l.context(), s.last) // the dead do not answer
	if !l.dead {
		return false
	}
	w.restart() // a new one takes over
	time.Sleep(10 * time.Second)
	if err := w.procs[0].Engine.Apply(context.Background(), s.last); err != nil {
		t.Errorf("step %d: delivered again: %v", at, err)
	}
	w.maintain(3*time.Minute, 5*time.Second)
	if err := w.want(s.newest, ana, false); err != nil {
		t.Errorf("died at step %d: %v", at, err)
	}
	return true
}
