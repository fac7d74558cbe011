package gcal

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/sandbox"
)

func (w *world) query() Query {
	return Query{Company: company, Connection: w.conn, Calendar: primary, From: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)}
}

// add puts an event with those properties into the calendar.
func (w *world) add(id string, props map[string]string) {
	w.t.Helper()
	_, err := w.google.AddEvent(account, primary, sandbox.Event{
		ID: id, Summary: "x", Start: &sandbox.EventTime{DateTime: "2026-12-01T10:00:00Z"}, End: &sandbox.EventTime{DateTime: "2026-12-01T11:00:00Z"},
		ExtendedProperties: &sandbox.ExtendedProperties{Private: props},
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func TestList(t *testing.T) {
	w := newWorld(t)
	task := w.created()
	past := w.task(booking.Confirmed)
	past.Booking.ID, past.Booking.Start, past.Booking.End = "past", past.Booking.Start.AddDate(-1, 0, 0), past.Booking.End.AddDate(-1, 0, 0)
	gone := w.task(booking.Confirmed)
	gone.Booking.ID = "gone"
	w.run(&past)
	w.run(&gone)
	change(&gone, booking.Deleted)
	w.run(&gone)
	w.add("another1company", map[string]string{propInstallation: installation, propCompany: "3", propBooking: "981"})
	w.add("another1installation", map[string]string{propInstallation: "other", propCompany: string(company), propBooking: "981"})
	w.add("byhand", nil)
	w.add("odd1revision", map[string]string{propInstallation: installation, propCompany: string(company), propBooking: "7", propRevision: "x"})

	got, err := w.cal.List(t.Context(), w.query())
	if err != nil {
		t.Fatal(err)
	}
	want := Listing{Events: []Found{
		{ID: task.Delivery.ExternalID, Booking: "981", Revision: 1, End: task.Booking.End},
		{ID: "odd1revision", Booking: "7", End: time.Date(2026, 12, 1, 11, 0, 0, 0, time.UTC)},
	}}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Found{})); diff != "" {
		t.Errorf("listing differs (-want +got):\n%s", diff)
	}
	f := got.Events[0]
	subject := w.conn.Data.AccountSubject
	for name, tc := range map[string]struct {
		d    integration.Delivery
		want bool
	}{
		"written":         {task.Delivery, true},
		"perhaps written": {integration.Delivery{Place: task.Delivery.Place}, true},
		"next generation": {integration.Delivery{Place: integration.Place{Account: subject, Calendar: primary, Generation: 1}}, false},
		"other calendar":  {integration.Delivery{Place: integration.Place{Account: subject, Calendar: "team"}}, false},
		"other account":   {integration.Delivery{Place: integration.Place{Account: "9", Calendar: primary}}, false},
		"nowhere":         {integration.Delivery{}, false},
		"another id":      {integration.Delivery{Place: task.Delivery.Place, Written: true, ExternalID: "x"}, false},
	} {
		if got := f.Named(tc.d, primary, subject); got != tc.want {
			t.Errorf("%s: named %v", name, got)
		}
	}
}

// Whether events are ours is seen from themselves, though Google was asked.
func TestListChecksTheEvents(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, `{"kind":"calendar#events","items":[{"id":"a","status":"confirmed"},{"id":"b","extendedProperties":{"private":
			{"citasync_installation":"test-installation","citasync_company":"3"}}},{"id":"c","status":"cancelled","extendedProperties":{"private":
			{"citasync_installation":"test-installation","citasync_company":"2"}}}],"nextPageToken":"n"}`)
	}))
	defer srv.Close()
	got, err := newCalendar(t, srv.URL).List(t.Context(), Query{Company: company, Calendar: primary})
	if err != nil || len(got.Events) != 0 || got.Next != "n" {
		t.Errorf("listing %+v, %v", got, err)
	}
}

// A calendar that the account may only read is as good as gone: nothing can be
// removed from it.
func TestListClosedCalendar(t *testing.T) {
	for _, role := range []string{"freeBusyReader", "reader"} {
		w := newWorld(t)
		q := w.query()
		q.Calendar = w.team()
		if err := w.google.SetAccessRole(account, q.Calendar, role); err != nil {
			t.Fatal(err)
		}
		if _, err := w.cal.List(t.Context(), q); ReasonOf(err) != integration.CalendarMissing {
			t.Errorf("role %s: %v", role, err)
		}
	}
}

func TestListPages(t *testing.T) {
	w := newWorld(t)
	const n = 2*eventPage + 3
	for i := range n {
		w.add(fmt.Sprintf("event%05d", i), map[string]string{propInstallation: installation, propCompany: string(company), propBooking: strconv.Itoa(i)})
	}
	seen := map[booking.ID]bool{}
	q := w.query()
	for range 4 {
		page, err := w.cal.List(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range page.Events {
			seen[f.Booking] = true
		}
		if q.Page = page.Next; q.Page == "" {
			break
		}
	}
	if len(seen) != n {
		t.Errorf("saw %d events of %d", len(seen), n)
	}
	if got := len(w.calls()); got != 3 {
		t.Errorf("%d calls", got)
	}
}

// What can't be read must not pass for an empty calendar.
func TestListFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, tc := range []struct {
			fault sandbox.Fault
			want  integration.Reason
			calls int
		}{
			{sandbox.Fault{Status: 503}, integration.Outage, 2},
			{sandbox.Fault{Status: 403, Reason: "quotaExceeded"}, integration.Quota, 2},
			{sandbox.Fault{Action: sandbox.Garbage}, integration.Outage, 2},
			{sandbox.Fault{Action: sandbox.Garbage, Status: 404}, integration.Outage, 2},
			{sandbox.Fault{Action: sandbox.DropBefore}, integration.Network, 2},
			{sandbox.Fault{Status: 404, Reason: "notFound"}, integration.CalendarMissing, 1},
			{sandbox.Fault{Status: 403, Reason: "insufficientPermissions"}, integration.ScopeMissing, 1},
			{sandbox.Fault{Status: 400, Reason: "invalid"}, integration.Rejected, 1},
		} {
			w := newWorld(t)
			tc.fault.Operation = "*"
			w.fault(tc.fault)
			if _, err := w.cal.List(t.Context(), w.query()); err == nil || ReasonOf(err) != tc.want {
				t.Errorf("%+v: %v, reason %q", tc.fault, err, ReasonOf(err))
			}
			if _, err := w.cal.Calendars(t.Context(), company, w.conn); err == nil || ReasonOf(err) != tc.want {
				t.Errorf("%+v: calendars: %v, reason %q", tc.fault, err, ReasonOf(err))
			}
			if n := len(w.calls()); n != 2*tc.calls {
				t.Errorf("%+v: calls %q", tc.fault, w.calls())
			}
		}
	})
	for _, body := range []string{"{}", "null", ""} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, body) }))
		c := newCalendar(t, srv.URL)
		if _, err := c.List(t.Context(), Query{Calendar: primary}); err == nil {
			t.Errorf("%q passes for a listing", body)
		}
		if _, err := c.Get(t.Context(), Query{Calendar: primary}, "x"); err == nil || errors.Is(err, fault.ErrNotFound) {
			t.Errorf("%q passes for an event, or for its absence: %v", body, err)
		}
		srv.Close()
	}
}

func TestGet(t *testing.T) {
	w := newWorld(t)
	task := w.created()
	got, err := w.cal.Get(t.Context(), w.query(), task.Delivery.ExternalID)
	if err != nil || got.Booking != "981" || got.Revision != 1 {
		t.Errorf("got %+v, %v", got, err)
	}
	w.add("byhand", nil)
	if err := w.google.DeleteEvent(account, primary, task.Delivery.ExternalID); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{task.Delivery.ExternalID, "never", "byhand"} {
		if _, err := w.cal.Get(t.Context(), w.query(), id); !errors.Is(err, fault.ErrNotFound) {
			t.Errorf("%s: %v", id, err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.fault(sandbox.Fault{Operation: "events.get", Status: 500})
		if _, err := w.cal.Get(t.Context(), w.query(), "x"); errors.Is(err, fault.ErrNotFound) || ReasonOf(err) != integration.Outage {
			t.Errorf("outage: %v", err)
		}
	})
}

func TestCalendars(t *testing.T) {
	w := newWorld(t)
	for i := range calendarPage {
		if _, err := w.google.AddCalendar(account, sandbox.Calendar{Summary: fmt.Sprintf("Sala %d", i)}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := w.cal.Calendars(t.Context(), company, w.conn)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != calendarPage+2 || got[0] != (Choice{primary, "Ana Ruiz", "Europe/Madrid"}) || got[1].Name != "Equipo" {
		t.Errorf("%d calendars, %+v", len(got), got[:2])
	}
	w.connect(sandbox.ScopeCalendarList)
	if _, err := w.cal.Calendars(t.Context(), company, w.conn); ReasonOf(err) != integration.ScopeMissing {
		t.Errorf("without the scope: %v", err)
	}
}

func TestRemover(t *testing.T) {
	w := newWorld(t)
	stray := w.created()
	page, err := w.cal.List(t.Context(), w.query())
	if err != nil {
		t.Fatal(err)
	}
	f := page.Events[0]
	r := w.cal.Remover(primary, f)
	if r.ID() != integration.GoogleCalendar {
		t.Errorf("id %s", r.ID())
	}
	if r.Decide(stray).Call {
		t.Error("would remove the event that the delivery names")
	}

	task := w.task(booking.Confirmed)
	task.Delivery = integration.Delivery{
		Status: integration.Done, Written: true, ExternalID: "another", Link: "l", Revision: 1,
		Place: integration.Place{Account: w.conn.Data.AccountSubject, Calendar: primary, Generation: 1},
	}
	for access, want := range map[integration.Access]bool{
		integration.On: true, integration.Removing: true, integration.Held: false, integration.Off: false,
	} {
		task.Access = access
		if d := r.Decide(task); d.Call != want || d.Delivery != task.Delivery {
			t.Errorf("access %v: %+v", access, d)
		}
	}
	task.Access = integration.On
	for _, wantSteps := range []int{1, 0} { // the second time it is gone
		res := r.Act(t.Context(), task)
		if res.Outcome != integration.Settled || res.Delivery != task.Delivery || len(res.Steps) != wantSteps || res.InFlight || res.Err != nil {
			t.Errorf("result %+v", res)
		}
	}
	if len(w.live(primary)) != 0 {
		t.Error("the event is still there")
	}
}

func TestRemoverFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		task := w.created()
		page, err := w.cal.List(t.Context(), w.query())
		if err != nil {
			t.Fatal(err)
		}
		w.fault(sandbox.Fault{Operation: "events.delete", Action: sandbox.DropBefore})
		task.Delivery.ExternalID = "another"
		res := w.cal.Remover(primary, page.Events[0]).Act(t.Context(), task)
		if res.Outcome != integration.Settled || res.Delivery != task.Delivery || !res.InFlight || res.Err == nil {
			t.Errorf("result %+v", res)
		}
	})
}
