package gcal

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/sandbox"
)

// Every option that shapes an event has its own form; the defaults, and what
// is for messages only, have none.
func TestForm(t *testing.T) {
	for _, o := range []integration.Options{{}, {Summary: DefaultSummary}, {Mute: integration.Mute{Deleted: true}}} {
		if got := form(o); got != "" {
			t.Errorf("%+v: %q", o, got)
		}
	}
	seen := map[string]integration.Options{}
	for _, o := range []integration.Options{
		{Summary: "a"},
		{Description: "a"},
		{Description: NoDescription},
		{InviteCustomer: true},
		{Reminder: integration.Reminder{Own: true}},
		{Reminder: integration.Reminder{Own: true, Before: time.Hour}},
		{Color: "1"},
		{Language: "1"},
		{Summary: "a", Description: "b"},
		{Summary: `a" "b`},
	} {
		f := form(o)
		if other, twice := seen[f]; twice || f == "" || strings.Contains(f, reshaped) {
			t.Errorf("%+v and %+v have the form %q", o, other, f)
		}
		seen[f] = o
		if strings.HasSuffix(f, withGuest) != o.InviteCustomer {
			t.Errorf("%+v: %q", o, f)
		}
		if f != form(o) {
			t.Errorf("%+v: another form the second time", o)
		}
	}
}

// restyled is the booking with its event, once the company has other options.
func (w *world) restyled(task integration.Task, o integration.Options) integration.Task {
	task.Connection.Options = o
	return task
}

// Other options reach an event that shows its booking as it is by one call that
// leaves the rest of it alone, and only once.
func TestReshape(t *testing.T) {
	w := newWorld(t)
	task := w.created()
	err := w.google.EditEvent(account, primary, task.Delivery.ExternalID, func(e *sandbox.Event) { e.Status, e.Location = "tentative", "Sala 2" })
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		options integration.Options
		want    sandbox.Event
	}{
		{
			integration.Options{Summary: "{customer}", Description: "{notes}", Color: "11", Language: "en", Reminder: integration.Reminder{Own: true, Before: time.Hour}},
			sandbox.Event{
				Summary: "Ana Ruiz", Description: "Primera visita", ColorID: "11", Source: &sandbox.Source{Title: "Booking 981", URL: task.Booking.URL},
				Reminders: &sandbox.Reminders{Overrides: []sandbox.Reminder{{Method: "popup", Minutes: 60}}},
			},
		},
		{
			integration.Options{Description: NoDescription, Reminder: integration.Reminder{Own: true}},
			sandbox.Event{Summary: "Corte de pelo – Ana Ruiz", Source: &sandbox.Source{Title: "Reserva 981", URL: task.Booking.URL}, Reminders: &sandbox.Reminders{Overrides: []sandbox.Reminder{}}},
		},
		{
			integration.Options{},
			sandbox.Event{
				Summary: "Corte de pelo – Ana Ruiz", Source: &sandbox.Source{Title: "Reserva 981", URL: task.Booking.URL}, Reminders: &sandbox.Reminders{UseDefault: true},
				Description: "Cliente: Ana Ruiz\nTeléfono: +573001112233\nCorreo: ana.ruiz@example.com\nProfesional: Luis\nNotas: Primera visita",
			},
		},
	} {
		task = w.restyled(task, tc.options)
		w.google.ClearRequests()
		r := w.run(&task)
		wantResult(t, r, integration.Settled, integration.NoReason, false)
		wantSteps(t, r, StepUpdated)
		if task.Delivery.Status != integration.Done || task.Delivery.Form != form(tc.options) {
			t.Errorf("delivery %+v", task.Delivery)
		}
		w.run(&task)
		w.wantCalls("patch 200")
		ev := w.only(primary)
		got := sandbox.Event{Summary: ev.Summary, Description: ev.Description, ColorID: ev.ColorID, Source: ev.Source, Reminders: ev.Reminders}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("event -want +got:\n%s", diff)
		}
		if ev.Status != "tentative" || ev.Location != "Sala 2" || ev.Sequence != 1 {
			t.Errorf("more than the form was written: %s at %q, sequence %d", ev.Status, ev.Location, ev.Sequence)
		}
	}
}

// An event that was deleted by hand stays away, whether that was noticed or
// not and whatever Google answers, until the booking changes.
func TestReshapeLeavesDeleted(t *testing.T) {
	for _, tc := range []struct {
		name  string
		way   sandbox.CancelledUpdate
		calls []string
	}{
		{"forbidden", sandbox.Forbidden, []string{"patch 403", "get 200"}},
		{"gone", sandbox.Gone, []string{"patch 410"}},
		{"restored", sandbox.Restored, []string{"patch 200"}},
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
			before := task.Delivery
			task = w.restyled(task, integration.Options{Summary: "x"})
			r := w.run(&task)
			wantResult(t, r, integration.Settled, integration.NoReason, false)
			wantSteps(t, r, StepVanished)
			before.Detail = DetailGone
			if diff := cmp.Diff(before, task.Delivery); diff != "" {
				t.Errorf("delivery -want +got:\n%s", diff)
			}
			task = w.restyled(task, integration.Options{Summary: "y"})
			w.run(&task)
			w.wantCalls(tc.calls...)
			if n := len(w.live(primary)); n != 0 {
				t.Errorf("%d events", n)
			}
			change(&task, booking.Confirmed)
			w.run(&task)
			if got := w.only(primary).Summary; got != "y" || task.Delivery.Form != form(task.Connection.Options) {
				t.Errorf("after a change: %q, form %q", got, task.Delivery.Form)
			}
		})
	}
}

// An absent event is one thing, an absent calendar another.
func TestReshapeMeetsAbsence(t *testing.T) {
	w := newWorld(t)
	w.conn.Data.CalendarID = w.team()
	task := w.created()
	task = w.restyled(task, integration.Options{Summary: "x"})
	w.fault(sandbox.Fault{Operation: "events.patch", Status: 404, Reason: "notFound", Times: 1})
	missed := task
	wantSteps(t, w.run(&missed), StepVanished)
	if missed.Delivery.Detail != DetailGone {
		t.Errorf("delivery %+v", missed.Delivery)
	}
	w.wantCalls("patch 404", "list 200")
	if err := w.google.DeleteCalendar(account, w.conn.Data.CalendarID); err != nil {
		t.Fatal(err)
	}
	r := w.run(&task)
	wantResult(t, r, integration.Unauthorised, integration.CalendarMissing, false)
	wantSteps(t, r)
}

// A rewrite that failed stays one: what is deleted by hand meanwhile does not
// come back with the next try, but does with a change of the booking.
func TestReshapeAgain(t *testing.T) {
	w := newWorld(t)
	task := w.restyled(w.created(), integration.Options{Summary: "x"})
	w.fault(sandbox.Fault{Operation: "events.patch", Status: 429, Reason: "rateLimitExceeded", Times: 2})
	r := w.run(&task)
	wantResult(t, r, integration.Retry, integration.Quota, false)
	held := task
	held.Access = integration.Held
	held.Delivery = w.cal.Decide(held).Delivery
	held.Access = integration.On
	if err := w.google.DeleteEvent(account, primary, task.Delivery.ExternalID); err != nil {
		t.Fatal(err)
	}
	for name, again := range map[string]integration.Task{"tried again": task, "held meanwhile": held} {
		wantSteps(t, w.run(&again), StepVanished)
		if len(w.live(primary)) != 0 {
			t.Errorf("%s: it is back", name)
		}
	}
	change(&task, booking.Confirmed)
	wantSteps(t, w.run(&task), StepCreated)
	w.only(primary)
}

// Whether options call for a write, and for which.
func TestDecideForm(t *testing.T) {
	const other = "0123456789ab"
	for _, tc := range []struct {
		name string
		set  func(*integration.Task)
		call bool
		form string
	}{
		{"the form that was chosen", func(t *integration.Task) { t.Delivery.Form = form(t.Connection.Options) }, false, form(integration.Options{Color: "3"})},
		{"another", func(*integration.Task) {}, true, other + "@7"},
		{"the defaults", func(t *integration.Task) { t.Delivery.Form = "" }, true, "@7"},
		{"a form under way", func(t *integration.Task) { t.Delivery.Form, t.Delivery.Status = other+"@7", integration.Pending }, true, other + "@7"},
		{"a form under way, and the customer invited", func(t *integration.Task) {
			t.Delivery.Form, t.Delivery.Status, t.Connection.Options.InviteCustomer = other+"@7", integration.Pending, true
		}, true, other + "+guest?@7"},
		{"invited", func(t *integration.Task) { t.Connection.Options.InviteCustomer = true }, true, other + "+guest?@7"},
		{"invited as before", func(t *integration.Task) {
			t.Delivery.Form, t.Connection.Options.InviteCustomer = other+"+guest", true
		}, true, other + "+guest@7"},
		{"not invited any more", func(t *integration.Task) { t.Delivery.Form = other + "+guest" }, true, other + "+guest?@7"},
		{"not to be invited after all", func(t *integration.Task) {
			t.Delivery.Form, t.Delivery.Status = other+"+guest?@7", integration.Pending
		}, true, other + "+guest?@7"},
		{"a form under way when the booking changed", func(t *integration.Task) { t.Delivery.Form, t.Delivery.Status = other+"@6", integration.Pending }, true, other + "@6"},
		{"changed", func(t *integration.Task) { t.Delivery.Revision = 6 }, true, other},
		{"deleted by hand", func(t *integration.Task) { t.Delivery.Detail = DetailGone }, false, other},
		{"past", func(t *integration.Task) { t.Now = t.Booking.End }, false, other},
		{"begun", func(t *integration.Task) { t.Now = t.Booking.End.Add(-time.Second) }, true, other + "@7"},
		{"not connected", func(t *integration.Task) { t.Access = integration.Off }, false, other},
		{"held", func(t *integration.Task) { t.Access = integration.Held }, false, other},
		{"reserved, without an event", func(t *integration.Task) {
			t.State, t.Delivery = booking.Reserved, integration.Delivery{Status: integration.Skipped}
		}, false, ""},
		{"in the calendar chosen before", func(t *integration.Task) { t.Delivery.Place.Calendar = "team" }, true, other},
		{"in another account", func(t *integration.Task) { t.Delivery.Place.Account = "2" }, true, ""},
	} {
		task := taskFor(booking.Confirmed)
		task.Revision, task.Connection.Options.Color = 7, "3"
		task.Now = task.Booking.Start.Add(-time.Hour)
		task.Delivery = integration.Delivery{
			Status: integration.Done, Revision: 7, Written: true, Form: other, Place: integration.Place{Account: "1", Calendar: primary},
		}
		tc.set(&task)
		d := (*Calendar)(nil).Decide(task)
		if d.Call != tc.call || d.Delivery.Form != tc.form {
			t.Errorf("%s: call %v with the form %q, want %v with %q", tc.name, d.Call, d.Delivery.Form, tc.call, tc.form)
		}
		weight := 1
		if strings.HasSuffix(tc.form, "@7") {
			weight = patchWeight
		}
		task.Delivery = d.Delivery
		if got := (*Calendar)(nil).Weight(task); got != weight {
			t.Errorf("%s: weight %d, want %d", tc.name, got, weight)
		}
	}
}

// Guests are written only to change whether the customer is one, and until
// that is confirmed: what they answered, and whom the company invited by hand,
// stays, whatever failed before.
func TestGuestsStay(t *testing.T) {
	quota := sandbox.Fault{Operation: "events.patch", Status: 429, Reason: "rateLimitExceeded", Times: 2}
	lost := sandbox.Fault{Operation: "events.patch", Action: sandbox.DropAfter, Times: 2}
	colleague := sandbox.Attendee{Email: "colega@example.com", ResponseStatus: "accepted"}
	for _, tc := range []struct {
		name          string
		before, after integration.Options
		fault         sandbox.Fault
		want          []string // guests
	}{
		{"invited as before", integration.Options{InviteCustomer: true}, integration.Options{InviteCustomer: true, Color: "1"}, quota, []string{"ana.ruiz@example.com accepted", "colega@example.com accepted"}},
		{"invited as before, in doubt", integration.Options{InviteCustomer: true}, integration.Options{InviteCustomer: true, Color: "1"}, lost, []string{"ana.ruiz@example.com accepted", "colega@example.com accepted"}},
		{"never invited", integration.Options{}, integration.Options{Color: "1"}, quota, []string{"colega@example.com accepted"}},
		{"not invited any more", integration.Options{InviteCustomer: true}, integration.Options{}, quota, nil},
		{"invited", integration.Options{}, integration.Options{InviteCustomer: true}, quota, []string{"ana.ruiz@example.com needsAction"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t)
			w.conn.Options = tc.before
			task := w.created()
			err := w.google.EditEvent(account, primary, task.Delivery.ExternalID, func(e *sandbox.Event) {
				for i := range e.Attendees {
					e.Attendees[i].ResponseStatus = "accepted"
				}
				e.Attendees = append(e.Attendees, colleague)
			})
			if err != nil {
				t.Fatal(err)
			}
			task = w.restyled(task, tc.after)
			w.fault(tc.fault)
			w.run(&task)
			wantResult(t, w.run(&task), integration.Settled, integration.NoReason, false)
			var got []string
			for _, a := range w.only(primary).Attendees {
				got = append(got, a.Email+" "+a.ResponseStatus)
			}
			if !slices.Equal(got, tc.want) || task.Delivery.Form != form(tc.after) {
				t.Errorf("guests %q, want %q; form %q", got, tc.want, task.Delivery.Form)
			}
		})
	}
}

// An invitation that may have arrived is taken back.
func TestGuestTakenBack(t *testing.T) {
	w := newWorld(t)
	task := w.restyled(w.created(), integration.Options{InviteCustomer: true})
	w.fault(sandbox.Fault{Operation: "events.patch", Action: sandbox.DropAfter, Times: 2})
	wantResult(t, w.run(&task), integration.Unsure, integration.Network, true)
	if n := len(w.only(primary).Attendees); n != 1 {
		t.Fatalf("%d guests", n)
	}
	task = w.restyled(task, integration.Options{})
	w.run(&task)
	if g := w.only(primary).Attendees; len(g) != 0 || task.Delivery.Form != "" {
		t.Errorf("guests %+v, form %q", g, task.Delivery.Form)
	}
}

// Google writes to a customer when she is invited, when her booking changes,
// and when it is cancelled: never for a title's, a calendar's or a
// connection's sake. What she answered stays.
func TestGuestsAreTold(t *testing.T) {
	w := newWorld(t)
	told := func(what string, want ...string) {
		t.Helper()
		var got []string
		for _, r := range w.google.Requests() {
			got = append(got, r.Operation+" "+r.SendUpdates)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
		w.google.ClearRequests()
	}
	guests := func(calendarID string) []sandbox.Attendee { return w.only(calendarID).Attendees }
	task := w.restyled(w.created(), integration.Options{InviteCustomer: true})
	w.run(&task)
	told("invited", "events.patch all")
	err := w.google.EditEvent(account, primary, task.Delivery.ExternalID, func(e *sandbox.Event) { e.Attendees[0].ResponseStatus = "accepted" })
	if err != nil {
		t.Fatal(err)
	}
	task = w.restyled(task, integration.Options{InviteCustomer: true, Summary: "x"})
	w.run(&task)
	told("another title", "events.patch none")
	if g := guests(primary); len(g) != 1 || g[0].ResponseStatus != "accepted" {
		t.Errorf("guests %+v", g)
	}
	change(&task, booking.Confirmed)
	w.run(&task)
	told("changed", "events.update all")
	task.Connection.Data.CalendarID = w.team()
	w.run(&task)
	told("moved", "events.delete none", "events.insert all")
	removing := task
	removing.Access = integration.Removing
	w.fault(sandbox.Fault{Operation: "events.delete", Status: 500, Times: 2})
	w.run(&removing)
	told("turned off", "events.delete none", "events.delete none")
	task = w.restyled(task, integration.Options{Summary: "x"})
	w.run(&task)
	told("not invited any more", "events.patch none")
	if g := guests(task.Connection.Data.CalendarID); len(g) != 0 {
		t.Errorf("guests %+v", g)
	}
	task = w.restyled(task, integration.Options{InviteCustomer: true, Summary: "x"})
	change(&task, booking.Deleted)
	w.run(&task)
	told("cancelled", "events.delete all")
}
