package gcal

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/sandbox"
)

func wantResult(t *testing.T, r integration.Result, o integration.Outcome, why integration.Reason, inFlight bool) {
	t.Helper()
	if r.Outcome != o || r.Reason != why || r.InFlight != inFlight {
		t.Errorf("outcome %v, reason %q, in flight %v, error %v; want %v, %q, %v", r.Outcome, r.Reason, r.InFlight, r.Err, o, why, inFlight)
	}
}

func wantSteps(t *testing.T, r integration.Result, want ...string) {
	t.Helper()
	if !slices.Equal(r.Steps, want) {
		t.Errorf("steps %q, want %q", r.Steps, want)
	}
}

func TestLife(t *testing.T) {
	w := newWorld(t)
	task := w.task(booking.Confirmed)

	r := w.run(&task)
	wantResult(t, r, integration.Settled, integration.NoReason, false)
	wantSteps(t, r, StepCreated)
	ev := w.only(primary)
	d := task.Delivery
	if d.Status != integration.Done || !d.Written || d.ExternalID != ev.ID || d.Link != ev.HTMLLink || d.Revision != 1 {
		t.Errorf("delivery %+v does not tell of event %s", d, ev.ID)
	}
	if want := EventID(installation, company, "981", 0); ev.ID != want {
		t.Errorf("event %s, want %s", ev.ID, want)
	}

	w.run(&task) // again, nothing new
	change(&task, booking.Confirmed)
	task.Booking.Service = "Tinte"
	r = w.run(&task)
	wantSteps(t, r, StepUpdated)
	if got := w.only(primary).Summary; got != "Tinte – Ana Ruiz" {
		t.Errorf("summary %q after the change", got)
	}

	change(&task, booking.Deleted)
	r = w.run(&task)
	wantSteps(t, r, StepRemoved)
	if len(w.live(primary)) != 0 || task.Delivery.Status != integration.Done || !task.Delivery.Place.None() || task.Delivery.Place.Generation != 1 {
		t.Errorf("after the deletion: %+v", task.Delivery)
	}
	w.run(&task)

	change(&task, booking.Confirmed)
	wantSteps(t, w.run(&task), StepCreated)
	if got, want := w.only(primary).ID, EventID(installation, company, "981", 1); got != want {
		t.Errorf("second event %s, want %s", got, want)
	}
	w.wantCalls("insert 200", "update 200", "delete 204", "insert 200")
	if w.tokens.asked != 4 || w.tokens.renewed != 0 {
		t.Errorf("token asked for %d times, renewed %d times", w.tokens.asked, w.tokens.renewed)
	}
}

func TestReservedAgainRemoves(t *testing.T) {
	w := newWorld(t)
	task := w.created()
	change(&task, booking.Reserved)
	wantSteps(t, w.run(&task), StepRemoved)
	if task.Delivery.Status != integration.Skipped {
		t.Errorf("status %s", task.Delivery.Status)
	}
}

// An event that is deleted by hand stays away until the booking changes,
// whatever Google answers to an update of it.
func TestDeletedByHand(t *testing.T) {
	for _, tc := range []struct {
		name  string
		way   sandbox.CancelledUpdate
		calls []string
		steps []string
		gen   int
	}{
		{"forbidden", sandbox.Forbidden, []string{"update 403", "get 200", "insert 200"}, []string{StepCreated}, 1},
		{"gone", sandbox.Gone, []string{"update 410", "insert 200"}, []string{StepCreated}, 1},
		{"restored", sandbox.Restored, []string{"update 200"}, []string{StepUpdated}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t)
			task := w.created()
			if err := w.google.SetBehaviour(sandbox.Behaviour{UpdateOfCancelled: tc.way}); err != nil {
				t.Fatal(err)
			}
			if err := w.google.DeleteEvent(account, primary, task.Delivery.ExternalID); err != nil {
				t.Fatal(err)
			}
			w.run(&task)
			w.wantCalls()

			change(&task, booking.Confirmed)
			r := w.run(&task)
			wantResult(t, r, integration.Settled, integration.NoReason, false)
			wantSteps(t, r, tc.steps...)
			w.wantCalls(tc.calls...)
			w.only(primary)
			if task.Delivery.Place.Generation != tc.gen {
				t.Errorf("generation %d, want %d", task.Delivery.Place.Generation, tc.gen)
			}
		})
	}
}

func TestDeletedByHandThenByPlatform(t *testing.T) {
	w := newWorld(t)
	task := w.created()
	if err := w.google.DeleteEvent(account, primary, task.Delivery.ExternalID); err != nil {
		t.Fatal(err)
	}
	change(&task, booking.Deleted)
	r := w.run(&task)
	wantResult(t, r, integration.Settled, integration.NoReason, false)
	wantSteps(t, r)
	w.wantCalls("delete 410")
	if task.Delivery.Status != integration.Done || task.Delivery.Place.Generation != 1 {
		t.Errorf("delivery %+v", task.Delivery)
	}
}

func TestInsertMeetsItsOwnEvent(t *testing.T) {
	w := newWorld(t)
	lost := w.created() // as if the answer had been lost with the process
	task := w.task(booking.Confirmed)
	task.Revision, task.Booking.Service = 2, "Tinte"
	r := w.run(&task)
	wantResult(t, r, integration.Settled, integration.NoReason, false)
	wantSteps(t, r, StepCreated)
	w.wantCalls("insert 409", "get 200", "update 200")
	ev := w.only(primary)
	if ev.ID != lost.Delivery.ExternalID || ev.Summary != "Tinte – Ana Ruiz" || task.Delivery.ExternalID != ev.ID {
		t.Errorf("event %s %q", ev.ID, ev.Summary)
	}
}

func TestInsertMeetsBurntID(t *testing.T) {
	w := newWorld(t)
	lost := w.created()
	if err := w.google.DeleteEvent(account, primary, lost.Delivery.ExternalID); err != nil {
		t.Fatal(err)
	}
	task := w.task(booking.Confirmed)
	r := w.run(&task)
	wantSteps(t, r, StepCreated)
	w.wantCalls("insert 409", "get 200", "insert 200")
	if task.Delivery.Place.Generation != 1 {
		t.Errorf("generation %d", task.Delivery.Place.Generation)
	}
}

// Nothing is changed that is not this installation's and the company's.
func TestInsertMeetsAnothersEvent(t *testing.T) {
	for name, props := range map[string]map[string]string{
		"nobody's":               nil,
		"another company's":      {propInstallation: installation, propCompany: "3", propBooking: "981"},
		"another installation's": {propInstallation: "other", propCompany: string(company), propBooking: "981"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			at := &sandbox.EventTime{DateTime: "2026-12-01T10:00:00Z"}
			end := &sandbox.EventTime{DateTime: "2026-12-01T11:00:00Z"}
			theirs, err := w.google.AddEvent(account, primary, sandbox.Event{
				ID: EventID(installation, company, "981", 0), Summary: "theirs", Start: at, End: end,
				ExtendedProperties: &sandbox.ExtendedProperties{Private: props},
			})
			if err != nil {
				t.Fatal(err)
			}
			task := w.task(booking.Confirmed)
			w.run(&task)
			w.wantCalls("insert 409", "get 200", "insert 200")
			events := w.live(primary)
			if len(events) != 2 || events[0].Summary != theirs.Summary || task.Delivery.Place.Generation != 1 {
				t.Errorf("%d events, first %q, generation %d", len(events), events[0].Summary, task.Delivery.Place.Generation)
			}
		})
	}
}

func TestScopeMissing(t *testing.T) {
	w := newWorld(t)
	w.connect(sandbox.ScopeEvents)
	task := w.task(booking.Confirmed)
	wantResult(t, w.run(&task), integration.Unauthorised, integration.ScopeMissing, false)
}

func TestAPINotEnabled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.fault(sandbox.Fault{Operation: "events.*", Status: http.StatusForbidden, Reason: "accessNotConfigured"})
		task := w.task(booking.Confirmed)
		wantResult(t, w.run(&task), integration.Retry, integration.Internal, false)
		w.wantCalls("insert 403")
	})
}

func TestRejected(t *testing.T) {
	w := newWorld(t)
	task := w.task(booking.Confirmed)
	task.Booking.End = task.Booking.Start
	r := w.run(&task)
	wantResult(t, r, integration.Settled, integration.Rejected, false)
	d := task.Delivery
	if d.Status != integration.Failed || d.Detail != "timeRangeEmpty (400)" || d.Place.Generation != 0 {
		t.Errorf("delivery %+v", d)
	}
	change(&task, booking.Deleted)
	wantSteps(t, w.run(&task))
	w.wantCalls("insert 400", "delete 404")
	if d := task.Delivery; d.Status != integration.Done || d.Place.Generation != 0 || d.Reason != "" || d.Detail != "" {
		t.Errorf("delivery %+v", d)
	}
}

func TestInvite(t *testing.T) {
	w := newWorld(t)
	w.conn.Options.InviteCustomer = true
	task := w.created()
	ev := w.only(primary)
	if len(ev.Attendees) != 1 || ev.Attendees[0].Email != "ana.ruiz@example.com" || ev.Attendees[0].DisplayName != "Ana Ruiz" {
		t.Errorf("attendees %+v", ev.Attendees)
	}
	change(&task, booking.Confirmed)
	w.run(&task)
	task.Connection.Options.InviteCustomer = false
	change(&task, booking.Confirmed)
	w.run(&task)
	if ev = w.only(primary); len(ev.Attendees) != 0 {
		t.Errorf("still attending: %+v", ev.Attendees)
	}
	change(&task, booking.Deleted)
	w.run(&task)
	var got []string
	for _, r := range w.google.Requests() {
		got = append(got, r.SendUpdates)
	}
	if want := []string{"all", "none", "none"}; !slices.Equal(got, want) {
		t.Errorf("sendUpdates %q, want %q", got, want)
	}
}

// Being turned off with removal takes out every event, and inserts none.
func TestRemoving(t *testing.T) {
	w := newWorld(t)
	task := w.created()
	task.Access = integration.Removing
	wantSteps(t, w.run(&task), StepRemoved)
	if len(w.live(primary)) != 0 || task.Delivery.Status != integration.Skipped {
		t.Errorf("delivery %+v", task.Delivery)
	}
	other := w.task(booking.Confirmed)
	other.Access = integration.Removing
	w.google.ClearRequests()
	w.run(&other)
	w.wantCalls()
}

func TestLogsNothingPersonal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		other, err := w.google.AddCalendar(account, sandbox.Calendar{ID: "luis.private@example.com", Summary: "Luis"})
		if err != nil {
			t.Fatal(err)
		}
		w.conn.Data.CalendarID = other.ID
		task := w.created()
		for _, action := range []sandbox.Action{sandbox.DropBefore, sandbox.Garbage} {
			w.fault(sandbox.Fault{Operation: "events.update", Action: action, Times: 2})
			change(&task, booking.Confirmed)
			r := w.run(&task)
			if r.Err == nil {
				t.Fatal("no error")
			}
			w.log.WriteString(r.Err.Error())
		}
		text := w.log.String()
		for _, secret := range []string{"luis.private", account, "Ana", "57300", "ana.ruiz", w.tokens.access, "Bearer", "http:"} {
			if strings.Contains(text, secret) {
				t.Errorf("the log has %q:\n%s", secret, text)
			}
		}
		for _, want := range []string{`"message":"event created"`, `"revision":1`, `"calendar":"sha256:`, `"message":"call failed"`, `"call":"update"`} {
			if !strings.Contains(text, want) {
				t.Errorf("the log lacks %q:\n%s", want, text)
			}
		}
	})
}

func TestNoTimeLeft(t *testing.T) {
	w := newWorld(t)
	task := w.task(booking.Confirmed)
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	wantResult(t, w.runIn(ctx, &task), integration.Retry, integration.NoReason, false)
	w.wantCalls()
}

func TestSwitchedOffMeanwhile(t *testing.T) {
	w := newWorld(t)
	w.allowed = func() bool { return false }
	task := w.task(booking.Confirmed)
	wantResult(t, w.run(&task), integration.Retry, integration.NoReason, false)
	w.wantCalls()
	if w.tokens.asked != 0 {
		t.Error("a token was asked for")
	}
}
