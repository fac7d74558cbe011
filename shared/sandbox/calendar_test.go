package sandbox

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"
	google "google.golang.org/api/calendar/v3"
	"google.golang.org/api/googleapi"
)

func TestInsertAndGet(t *testing.T) {
	c := newClock()
	w := local(t, Options{Now: c.now})
	svc := w.api(w.connect(ana))
	in := haircut("event1")
	in.Description, in.Source = "Primera visita", &google.EventSource{Title: "Reserva", Url: "https://example.com/1"}
	in.Attendees = []*google.EventAttendee{{Email: "cliente@example.com"}}
	if _, err := svc.Events.Insert("primary", in).SendUpdates("all").Do(); err != nil {
		t.Fatal(err)
	}
	got, err := svc.Events.Get(ana, "event1").Do() // the primary calendar under its other name
	if err != nil {
		t.Fatal(err)
	}
	me := "ana@example.com"
	want := &google.Event{
		Kind: "calendar#event", Id: "event1", Status: "confirmed", ICalUID: "event1@google.com", EventType: "default",
		Created: "2026-11-23T15:04:05.000Z", Updated: "2026-11-23T15:04:05.000Z",
		Summary: in.Summary, Description: in.Description, Location: in.Location, Source: in.Source,
		HtmlLink: "http://google.test/sandbox/calendar?account=ana%40example.com&calendar=ana%40example.com#event1",
		Creator:  &google.EventCreator{Email: me, Self: true}, Organizer: &google.EventOrganizer{Email: me, Self: true},
		Start:              &google.EventDateTime{DateTime: "2026-12-01T16:00:00+01:00", TimeZone: "America/Bogota"}, // Madrid's hours: the calendar's
		End:                &google.EventDateTime{DateTime: "2026-12-01T16:45:00+01:00", TimeZone: "America/Bogota"},
		Attendees:          []*google.EventAttendee{{Email: "cliente@example.com", ResponseStatus: "needsAction"}},
		ExtendedProperties: in.ExtendedProperties,
	}
	if got.Etag == "" {
		t.Error("no etag")
	}
	want.Etag, want.ServerResponse = got.Etag, got.ServerResponse
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	wantLog := []Request{
		{Time: c.at, Operation: "auth", Account: ana, Status: 302},
		{Time: c.at, Operation: "token", Account: ana, GrantType: "authorization_code", Status: 200},
		{Time: c.at, Operation: "events.insert", Account: ana, Calendar: "primary", Event: "event1", SendUpdates: "all", Status: 200},
		{Time: c.at, Operation: "events.get", Account: ana, Calendar: ana, Event: "event1", Status: 200},
	}
	if diff := cmp.Diff(wantLog, w.s.Requests()); diff != "" {
		t.Error(diff)
	}
}

func TestEventIDs(t *testing.T) {
	w := local(t, Options{})
	svc := w.api(w.connect(ana))
	for _, id := range []string{"abcd", "ABCDE", "abcdw", "abc-e", "abcdé", strings.Repeat("a", 1025)} {
		_, err := svc.Events.Insert("primary", haircut(id)).Do()
		wantAPIError(t, err, http.StatusBadRequest, "invalid")
	}
	for _, id := range []string{"abcde", "0123456789abcdefghijklmnopqrstuv", strings.Repeat("a", 1024)} {
		w.mustInsert(svc, haircut(id))
	}
	if made := w.mustInsert(svc, haircut("")); checkEventID(made.Id) != nil {
		t.Errorf("made id %q", made.Id)
	}
}

func TestIDsStayBurnt(t *testing.T) {
	w := local(t, Options{})
	tok := w.connect(ana)
	svc := w.api(tok)
	w.mustInsert(svc, haircut("event1"))
	_, err := svc.Events.Insert("primary", haircut("event1")).Do()
	wantAPIError(t, err, http.StatusConflict, "duplicate")
	if err := svc.Events.Delete("primary", "event1").Do(); err != nil {
		t.Fatal(err)
	}
	_, err = svc.Events.Insert("primary", haircut("event1")).Do()
	wantAPIError(t, err, http.StatusConflict, "duplicate")
	if _, err := svc.Events.Insert(w.s.Calendars(ana)[1].ID, haircut("event1")).Do(); err != nil {
		t.Errorf("in another calendar: %v", err)
	}
}

func TestMissingEvent(t *testing.T) {
	w := local(t, Options{})
	svc := w.api(w.connect(ana))
	_, err := svc.Events.Get("primary", "event1").Do()
	wantAPIError(t, err, http.StatusNotFound, "notFound")
	_, err = svc.Events.Update("primary", "event1", haircut("")).Do()
	wantAPIError(t, err, http.StatusNotFound, "notFound")
	_, err = svc.Events.Patch("primary", "event1", &google.Event{Summary: "x"}).Do()
	wantAPIError(t, err, http.StatusNotFound, "notFound")
	wantAPIError(t, svc.Events.Delete("primary", "event1").Do(), http.StatusNotFound, "notFound")
}

// TestCancelled: what is left of an event after its deletion.
func TestCancelled(t *testing.T) {
	for _, tt := range []struct {
		behaviour Behaviour
		status    int // of an update
		reason    string
		summary   string // in an answer to get
	}{
		{Behaviour{}, http.StatusForbidden, "forbidden", ""},
		{Behaviour{UpdateOfCancelled: Gone, CancelledDetails: true}, http.StatusGone, "deleted", "Corte – Ana"},
		{Behaviour{UpdateOfCancelled: Restored}, http.StatusOK, "", ""},
	} {
		w := local(t, Options{Behaviour: tt.behaviour})
		svc := w.api(w.connect(ana))
		w.mustInsert(svc, haircut("event1"))
		if err := svc.Events.Delete("primary", "event1").Do(); err != nil {
			t.Fatal(err)
		}
		wantAPIError(t, svc.Events.Delete("primary", "event1").Do(), http.StatusGone, "deleted")
		got, err := svc.Events.Get("primary", "event1").Do()
		if err != nil || got.Status != "cancelled" || got.Id != "event1" || got.Summary != tt.summary {
			t.Errorf("%+v: got %+v, %v", tt.behaviour, got, err)
		}
		restored, err := svc.Events.Update("primary", "event1", haircut("")).Do()
		if tt.reason != "" {
			wantAPIError(t, err, tt.status, tt.reason)
			continue
		}
		if err != nil || restored.Status != "confirmed" || restored.Sequence != 2 {
			t.Errorf("got %+v, %v", restored, err)
		}
	}
}

func TestUpdateReplaces(t *testing.T) {
	w := local(t, Options{})
	svc := w.api(w.connect(ana))
	first := w.mustInsert(svc, haircut("event1"))
	change := haircut("")
	change.Location, change.Summary, change.ExtendedProperties = "", "Color", nil
	got, err := svc.Events.Update("primary", "event1", change).Do()
	if err != nil {
		t.Fatal(err)
	}
	if got.Location != "" || got.Summary != "Color" || got.ExtendedProperties != nil {
		t.Errorf("got %+v", got)
	}
	if got.Id != "event1" || got.ICalUID != first.ICalUID || got.Created != first.Created || got.Etag == first.Etag || got.Sequence != 0 {
		t.Errorf("got %+v", got)
	}
	change.Start.DateTime, change.End.DateTime = "2026-12-01T11:00:00-05:00", "2026-12-01T11:45:00-05:00"
	if got, err = svc.Events.Update("primary", "event1", change).Do(); err != nil || got.Sequence != 1 {
		t.Errorf("moved: got %+v, %v", got, err)
	}
	change.Status = "cancelled"
	if got, err = svc.Events.Update("primary", "event1", change).Do(); err != nil || got.Status != "cancelled" || w.has(ana, "event1") {
		t.Errorf("cancelled: got %+v, %v", got, err)
	}
}

func TestPatchMerges(t *testing.T) {
	w := local(t, Options{})
	svc := w.api(w.connect(ana))
	w.mustInsert(svc, haircut("event1"))
	patch := &google.Event{
		Summary: "Color", NullFields: []string{"Location"},
		Start:              &google.EventDateTime{DateTime: "2026-12-01T10:15:00"}, // the zone stays
		ExtendedProperties: &google.EventExtendedProperties{Private: map[string]string{"revision": "2"}},
	}
	got, err := svc.Events.Patch("primary", "event1", patch).Do()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"company": "2", "booking": "event1", "revision": "2"}
	if got.Location != "" || got.Summary != "Color" || got.Start.DateTime != "2026-12-01T16:15:00+01:00" {
		t.Errorf("got %+v", got)
	}
	if diff := cmp.Diff(want, got.ExtendedProperties.Private); diff != "" {
		t.Error(diff)
	}
}

func TestIfMatch(t *testing.T) {
	w := local(t, Options{})
	svc := w.api(w.connect(ana))
	first := w.mustInsert(svc, haircut("event1"))
	call := svc.Events.Update("primary", "event1", haircut(""))
	call.Header().Set("If-Match", first.Etag)
	if _, err := call.Do(); err != nil {
		t.Fatal(err)
	}
	_, err := call.Do()
	wantAPIError(t, err, http.StatusPreconditionFailed, "conditionNotMet")
}

func TestEventTimes(t *testing.T) {
	w := local(t, Options{})
	svc := w.api(w.connect(ana))
	at := func(dateTime, zone string) *google.EventDateTime {
		return &google.EventDateTime{DateTime: dateTime, TimeZone: zone}
	}
	const zone = "Europe/Madrid"
	for _, tt := range []struct {
		name       string
		start, end *google.EventDateTime
		reason     string // empty: accepted
	}{
		{"offset", at("2026-12-01T10:00:00+01:00", ""), at("2026-12-01T11:00:00+01:00", ""), ""},
		{"offset and zone", at("2026-12-01T10:00:00-05:00", zone), at("2026-12-01T11:00:00-05:00", zone), ""},
		{"all day", &google.EventDateTime{Date: "2026-12-01"}, &google.EventDateTime{Date: "2026-12-02"}, ""},
		{"no start", nil, at("2026-12-01T11:00:00", zone), "required"},
		{"no end", at("2026-12-01T11:00:00", zone), nil, "required"},
		{"no zone", at("2026-12-01T10:00:00", ""), at("2026-12-01T11:00:00", ""), "invalid"},
		{"unknown zone", at("2026-12-01T10:00:00", "Mars/Olympus"), at("2026-12-01T11:00:00", "Mars/Olympus"), "invalid"},
		{"local zone", at("2026-12-01T10:00:00", "Local"), at("2026-12-01T11:00:00", "Local"), "invalid"},
		{"no time", at("mañana", zone), at("2026-12-01T11:00:00", zone), "invalid"},
		{"end before start", at("2026-12-01T12:00:00", zone), at("2026-12-01T11:00:00", zone), "timeRangeEmpty"},
		{"end at start", at("2026-12-01T11:00:00", zone), at("2026-12-01T11:00:00", zone), "timeRangeEmpty"},
		{"date and hour", at("2026-12-01T12:00:00", zone), &google.EventDateTime{Date: "2026-12-02"}, "invalid"},
		{"both in one", &google.EventDateTime{Date: "2026-12-01", DateTime: "2026-12-01T12:00:00Z"}, &google.EventDateTime{Date: "2026-12-02"}, "invalid"},
		{"no date", &google.EventDateTime{Date: "2026-13-01"}, &google.EventDateTime{Date: "2026-12-02"}, "invalid"},
	} {
		_, err := svc.Events.Insert("primary", &google.Event{Start: tt.start, End: tt.end}).Do()
		if tt.reason != "" {
			wantAPIError(t, err, http.StatusBadRequest, tt.reason)
		} else if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	for name, e := range map[string]*google.Event{
		"status":   {Status: "done", Start: at("2026-12-01T10:00:00Z", ""), End: at("2026-12-01T11:00:00Z", "")},
		"attendee": {Attendees: []*google.EventAttendee{{DisplayName: "x"}}, Start: at("2026-12-01T10:00:00Z", ""), End: at("2026-12-01T11:00:00Z", "")},
	} {
		if _, err := svc.Events.Insert("primary", e).Do(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestOversizedPropertiesAreDropped(t *testing.T) {
	w := local(t, Options{})
	svc := w.api(w.connect(ana))
	e := haircut("event1")
	e.ExtendedProperties.Private = map[string]string{
		strings.Repeat("ñ", 44): strings.Repeat("ñ", 1024), strings.Repeat("k", 45): "v", "k": strings.Repeat("v", 1025),
	}
	got := w.mustInsert(svc, e).ExtendedProperties.Private
	if len(got) != 1 || got[strings.Repeat("ñ", 44)] == "" {
		t.Errorf("%d properties are left", len(got))
	}
}

func TestReadOnlyAndDeletedCalendars(t *testing.T) {
	w := local(t, Options{})
	svc := w.api(w.connect(ana))
	calendars := w.s.Calendars(ana)
	team, holidays := calendars[1].ID, calendars[2].ID
	_, err := svc.Events.Insert(holidays, haircut("event1")).Do()
	wantAPIError(t, err, http.StatusForbidden, "requiredAccessLevel")
	if _, err := svc.Events.List(holidays).Do(); err != nil {
		t.Errorf("an id with odd characters: %v", err)
	}
	if _, err := svc.Events.Insert(team, haircut("event1")).Do(); err != nil {
		t.Fatal(err)
	}
	if err := w.s.SetAccessRole(ana, team, "reader"); err != nil {
		t.Fatal(err)
	}
	wantAPIError(t, svc.Events.Delete(team, "event1").Do(), http.StatusForbidden, "requiredAccessLevel")
	if err := w.s.DeleteCalendar(ana, team); err != nil {
		t.Fatal(err)
	}
	_, err = svc.Events.Get(team, "event1").Do()
	wantAPIError(t, err, http.StatusNotFound, "notFound")
	_, err = svc.Events.Insert(team, haircut("event2")).Do()
	wantAPIError(t, err, http.StatusNotFound, "notFound")
	_, err = svc.Events.List(luis).Do() // another user's
	wantAPIError(t, err, http.StatusNotFound, "notFound")
}

func TestScopes(t *testing.T) {
	w := local(t, Options{})
	events, list := w.api(w.connect(ana, ScopeCalendarList)), w.api(w.connect(ana, ScopeEvents))
	w.mustInsert(events, haircut("event1"))
	_, err := events.CalendarList.List().Do()
	wantAPIError(t, err, http.StatusForbidden, "insufficientPermissions")
	if _, err := list.CalendarList.List().Do(); err != nil {
		t.Error(err)
	}
	_, err = list.Events.Insert("primary", haircut("event2")).Do()
	wantAPIError(t, err, http.StatusForbidden, "insufficientPermissions")
	_, err = events.Events.Get("primary", "event1").Fields("id").Do() // not known: what it leaves out would be there
	wantAPIError(t, err, http.StatusBadRequest, "invalid")
	_, err = w.api(&oauth2.Token{AccessToken: "nonsense"}).Events.List("primary").Do()
	wantAPIError(t, err, http.StatusUnauthorized, "authError")
	if status, body := w.get("/calendar/v3/calendars/primary/events"); status != http.StatusUnauthorized || !strings.Contains(body, `"UNAUTHENTICATED"`) {
		t.Errorf("without a token: %d %s", status, body)
	}
}

func TestByHand(t *testing.T) {
	w := local(t, Options{URL: "http://127.0.0.1:8081/"})
	in := Event{
		Summary: "Dentista", Start: &EventTime{DateTime: "2026-12-03T10:00:00Z"}, End: &EventTime{DateTime: "2026-12-03T11:00:00Z"},
		ExtendedProperties: &ExtendedProperties{Private: map[string]string{"k": "v"}},
	}
	e, err := w.s.AddEvent(ana, "primary", in)
	if err != nil || e.Status != "confirmed" || in.Start.DateTime != "2026-12-03T10:00:00Z" {
		t.Fatalf("got %+v, %v; in %+v", e, err, in)
	}
	in.ExtendedProperties.Private["k"] = "changed"
	events, err := w.s.Events(ana, "primary")
	if err != nil || len(events) != 1 || events[0].ExtendedProperties.Private["k"] != "v" {
		t.Errorf("got %+v, %v", events, err)
	}
	if err := w.s.DeleteEvent(ana, "primary", e.ID); err != nil || w.has(ana, e.ID) {
		t.Errorf("not deleted: %v", err)
	}
	for name, err := range map[string]error{
		"again":       w.s.DeleteEvent(ana, "primary", e.ID),
		"no calendar": w.s.DeleteEvent(ana, "other", e.ID),
		"no account":  w.s.DeleteCalendar("nobody@example.com", "primary"),
		"no role":     w.s.SetAccessRole(ana, "primary", "king"),
		"no zone":     w.s.AddAccount(Account{Email: "x@example.com"}),
		"twice":       w.s.AddAccount(Account{Email: ana, TimeZone: "Europe/Madrid"}),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestSameInsertAtOnce: of many at once exactly one succeeds.
func TestSameInsertAtOnce(t *testing.T) {
	w := local(t, Options{})
	svc := w.api(w.connect(ana))
	codes := make(chan int, 20)
	var wg sync.WaitGroup
	for range cap(codes) {
		wg.Go(func() {
			_, err := svc.Events.Insert("primary", haircut("event1")).Do()
			var e *googleapi.Error
			if asError(err, &e) {
				codes <- e.Code
			} else if err == nil {
				codes <- http.StatusOK
			}
		})
	}
	wg.Wait()
	close(codes)
	got := map[int]int{}
	for code := range codes {
		got[code]++
	}
	if diff := cmp.Diff(map[int]int{http.StatusOK: 1, http.StatusConflict: cap(codes) - 1}, got); diff != "" {
		t.Error(diff)
	}
}

// FuzzEventTimes: what is accepted is shown with the same instant.
func FuzzEventTimes(f *testing.F) {
	f.Add("2026-12-01T10:00:00", "Europe/Madrid")
	f.Add("2026-03-29T02:30:00", "Europe/Madrid")
	f.Add("2026-12-01T10:00:00.5-05:00", "")
	var zones zoneCache
	home, err := zones.load("America/Bogota")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, dateTime, zone string) {
		e := EventTime{DateTime: dateTime, TimeZone: zone}
		at, err := e.settle("start", &zones, home)
		if err != nil {
			return
		}
		shown, err := time.Parse(time.RFC3339, e.DateTime)
		if err != nil || !shown.Equal(at) || e.TimeZone == "" {
			t.Errorf("%q %q: shown as %+v, %v; want %v", dateTime, zone, e, err, at)
		}
	})
}
