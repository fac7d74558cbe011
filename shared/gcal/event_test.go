package gcal

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/sandbox"
)

// What Google has is compared with the booking, field by field.
func TestEventIsTheBooking(t *testing.T) {
	w := newWorld(t)
	task := w.created()
	ev, b := w.only(primary), task.Booking
	type content struct {
		Status, Summary, Description, Location string
		Start, End                             time.Time
		StartZone, EndZone                     string
		Source                                 sandbox.Source
		Private                                map[string]string
		Attendees                              int
	}
	got := content{
		ev.Status, ev.Summary, ev.Description, ev.Location, instant(t, ev.Start), instant(t, ev.End),
		ev.Start.TimeZone, ev.End.TimeZone, *ev.Source, ev.ExtendedProperties.Private, len(ev.Attendees),
	}
	want := content{
		Status: "confirmed", Summary: "Corte de pelo – Ana Ruiz", Location: "Calle 10 #4-21",
		Description: "Cliente: Ana Ruiz\nTeléfono: +573001112233\nCorreo: ana.ruiz@example.com\nProfesional: Luis\nNotas: Primera visita",
		Start:       b.Start, End: b.End, StartZone: "America/Bogota", EndZone: "America/Bogota",
		Source: sandbox.Source{Title: "Reserva 981", URL: "https://platform.example/bookings/981"},
		Private: map[string]string{
			"citasync_installation": installation, "citasync_company": "2", "citasync_booking": "981", "citasync_revision": "1",
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("event differs (-want +got):\n%s", diff)
	}
}

func instant(t *testing.T, at *sandbox.EventTime) time.Time {
	t.Helper()
	got, err := time.Parse(time.RFC3339, at.DateTime)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// No field of a booking is forgotten, whichever are added one day.
func TestEventHasEveryField(t *testing.T) {
	w := newWorld(t)
	b, _ := json.Marshal(w.cal.event(w.task(booking.Confirmed)))
	var walk func(v reflect.Value, path string)
	walk = func(v reflect.Value, path string) {
		switch x := v.Interface().(type) {
		case time.Time:
			if !strings.Contains(string(b), x.Format(time.RFC3339)) {
				t.Errorf("%s is not in the event: %s", path, b)
			}
			return
		}
		switch v.Kind() {
		case reflect.Struct:
			for i := range v.NumField() {
				walk(v.Field(i), path+"."+v.Type().Field(i).Name)
			}
		case reflect.String:
			if v.String() == "" || !strings.Contains(string(b), v.String()) {
				t.Errorf("%s is not in the event: %s", path, b)
			}
		default:
			t.Errorf("%s: a kind of field that this test does not know", path)
		}
	}
	walk(reflect.ValueOf(fullBooking()), "Booking")
}

// What a booking no longer has goes from its event too.
func TestUpdateClears(t *testing.T) {
	w := newWorld(t)
	w.conn.Options.InviteCustomer = true
	task := w.created()
	b := task.Booking
	task.Booking = booking.Booking{ID: b.ID, Service: b.Service, Start: b.Start, End: b.End, TimeZone: b.TimeZone}
	change(&task, booking.Confirmed)
	w.run(&task)
	ev := w.only(primary)
	if ev.Summary != b.Service || ev.Description != "" || ev.Location != "" || ev.Source != nil || len(ev.Attendees) != 0 {
		t.Errorf("event still has %+v", ev)
	}
	if got := ev.ExtendedProperties.Private[propRevision]; got != "2" {
		t.Errorf("revision %q", got)
	}
}

// The same, in what is sent: no field is left to how Google treats its absence.
func TestUpdateSendsEmptyFields(t *testing.T) {
	w := newWorld(t)
	task := w.task(booking.Confirmed)
	task.Booking.Customer, task.Booking.Staff, task.Booking.Notes, task.Booking.Location, task.Booking.URL = booking.Customer{}, "", "", "", ""
	b, err := json.Marshal(clearing(w.cal.event(task)))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"description":""`, `"location":""`, `"attendees":[]`, `"source":null`, `"status":"confirmed"`} {
		if !strings.Contains(string(b), want) {
			t.Errorf("no %s in %s", want, b)
		}
	}
}

func TestDateTime(t *testing.T) {
	for _, tc := range []struct{ wall, zone, want, wantZone string }{
		{"2026-12-01T10:00:00", "America/Bogota", "2026-12-01T10:00:00-05:00", "America/Bogota"},
		{"2026-03-29T01:59:00", "Europe/Madrid", "2026-03-29T01:59:00+01:00", "Europe/Madrid"}, // the hour from two is left out
		{"2026-03-29T03:00:00", "Europe/Madrid", "2026-03-29T03:00:00+02:00", "Europe/Madrid"},
		{"2026-10-25T03:00:00", "Europe/Madrid", "2026-10-25T03:00:00+01:00", "Europe/Madrid"},
		{"2026-07-01T09:15:00", "Asia/Kathmandu", "2026-07-01T09:15:00+05:45", "Asia/Kathmandu"},
		{"2026-07-01T09:15:00", "Australia/Lord_Howe", "2026-07-01T09:15:00+10:30", "Australia/Lord_Howe"},
		{"2026-07-01T09:15:00", "UTC", "2026-07-01T09:15:00Z", "UTC"},
		{"2026-07-01T09:15:00", "-05:00", "2026-07-01T09:15:00-05:00", ""},
		{"2026-07-01T09:15:00", "+05:30", "2026-07-01T09:15:00+05:30", ""},
	} {
		at, err := time.ParseInLocation("2006-01-02T15:04:05", tc.wall, mustZone(tc.zone))
		if err != nil {
			t.Fatal(err)
		}
		if got := dateTime(at, tc.zone); got.DateTime != tc.want || got.TimeZone != tc.wantZone {
			t.Errorf("%s %s: %s %q, want %s %q", tc.wall, tc.zone, got.DateTime, got.TimeZone, tc.want, tc.wantZone)
		}
	}
	for hour, want := range map[int]string{0: "2026-10-25T02:30:00+02:00", 1: "2026-10-25T02:30:00+01:00"} { // an hour that comes twice
		at := time.Date(2026, 10, 25, hour, 30, 0, 0, time.UTC).In(mustZone("Europe/Madrid"))
		if got := dateTime(at, "Europe/Madrid").DateTime; got != want {
			t.Errorf("half past two is %s, want %s", got, want)
		}
	}
}

// The stand-in shows the same instants, in zones with and without a name.
func TestInstantsArrive(t *testing.T) {
	for _, zone := range []string{"America/Bogota", "Europe/Madrid", "-05:00", "+05:30", "+13:45", "UTC"} {
		w := newWorld(t)
		task := w.task(booking.Confirmed)
		start := time.Date(2026, 10, 25, 2, 30, 0, 0, mustZone(zone))
		task.Booking.Start, task.Booking.End, task.Booking.TimeZone = start, start.Add(time.Hour), zone
		w.run(&task)
		ev := w.only(primary)
		if got := instant(t, ev.Start); !got.Equal(start) {
			t.Errorf("%s: starts at %v, want %v", zone, got, start)
		}
		if got := instant(t, ev.End); !got.Equal(start.Add(time.Hour)) {
			t.Errorf("%s: ends at %v", zone, got)
		}
	}
}

func TestAttendees(t *testing.T) {
	for email, want := range map[string]string{
		"ana@example.com": "ana@example.com", " ana@example.com ": "ana@example.com",
		"": "", "ana": "", "ana@": "", "Ana <ana@example.com>": "", "a@b.c, d@e.f": "", "<ana@example.com>": "",
	} {
		task := taskFor(booking.Confirmed)
		task.Booking.Customer.Email = email
		if got := attendees(task); got != nil {
			t.Errorf("%q is invited though nobody is", email)
		}
		task.Connection.Options.InviteCustomer = true
		got := ""
		if a := attendees(task); len(a) > 0 {
			got = a[0].Email
		}
		if got != want {
			t.Errorf("%q: invited %q, want %q", email, got, want)
		}
	}
}

func TestEventID(t *testing.T) {
	for _, tc := range []struct {
		installation string
		company      booking.CompanyID
		id           booking.ID
		generation   int
		want         string
	}{
		// Computed by another program: these must never change.
		{"inst", "2", "981", 0, "rfvltpmisdpb4p6p8ijk92vajb1j0aod"},
		{"inst", "2", "981", 1, "r6gg5ccqkg7nnp6nhcfqgiuoa7pdai0p"},
		{"inst", "29", "81", 0, "jqe1aq1jjo8cjnj4fur18j8sqmu6s8f1"},
		{"proyecto/(default)", "peluquería", "ñ-1", 12, "bltggp4ro02q1ri9b3oj8v085117kh74"},
	} {
		if got := EventID(tc.installation, tc.company, tc.id, tc.generation); got != tc.want {
			t.Errorf("EventID(%q, %q, %q, %d) = %s, want %s", tc.installation, tc.company, tc.id, tc.generation, got, tc.want)
		}
	}
}

func FuzzEventID(f *testing.F) {
	f.Add("i", "2", "981", 0)
	f.Add("", "29", "81", -1)
	allowed := regexp.MustCompile(`^[0-9a-v]{32}$`)
	f.Fuzz(func(t *testing.T, inst, comp, id string, generation int) {
		got := EventID(inst, booking.CompanyID(comp), booking.ID(id), generation)
		if !allowed.MatchString(got) {
			t.Errorf("%q is not an id that Google takes", got)
		}
		for _, other := range []string{
			EventID(inst, booking.CompanyID(comp), booking.ID(id), generation+1),
			EventID(inst, booking.CompanyID(comp+"x"), booking.ID(id), generation),
			EventID(inst+comp, booking.CompanyID(""), booking.ID(id+"x"), generation),
			EventID(inst+"x", booking.CompanyID(comp), booking.ID(id), generation),
		} {
			if got == other {
				t.Errorf("two different events have the id %s", got)
			}
		}
	})
}

func ExampleEventID() {
	fmt.Println(EventID("inst", "2", "981", 0))
	// Output: rfvltpmisdpb4p6p8ijk92vajb1j0aod
}

func TestOptionsArePerCompany(t *testing.T) {
	w := newWorld(t)
	w.conn.Options = integration.Options{Summary: "{customer}: {service}", Description: "{company} · {id}"}
	w.created()
	if ev := w.only(primary); ev.Summary != "Ana Ruiz: Corte de pelo" || ev.Description != "Peluquería Sol · 981" {
		t.Errorf("summary %q, description %q", ev.Summary, ev.Description)
	}
}
