package sandbox

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	google "google.golang.org/api/calendar/v3"
)

func (w *world) list(svc *google.Service, f func(eventsList) eventsList) (ids []string, pages int, err error) {
	w.t.Helper()
	err = f(svc.Events.List("primary")).Pages(w.t.Context(), func(p *google.Events) error {
		pages++
		for _, e := range p.Items {
			ids = append(ids, e.Id)
		}
		return nil
	})
	return ids, pages, err
}

func TestListEvents(t *testing.T) {
	w := local(t, Options{})
	svc := w.api(w.connect(ana))
	for i := range 7 {
		e := haircut(fmt.Sprintf("event%d", i))
		e.Start.DateTime = fmt.Sprintf("2026-12-0%dT10:00:00", i+1)
		e.End.DateTime = fmt.Sprintf("2026-12-0%dT11:00:00", i+1)
		e.ExtendedProperties.Private["odd"] = strconv.Itoa(i % 2)
		w.mustInsert(svc, e)
	}
	foreign, err := w.s.AddEvent(ana, "primary", Event{Summary: "Dentista", Start: &EventTime{Date: "2026-12-03"}, End: &EventTime{Date: "2026-12-04"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.s.DeleteEvent(ana, "primary", "event1"); err != nil {
		t.Fatal(err)
	}
	at := func(day int, hour string) string { return fmt.Sprintf("2026-12-0%dT%s:00-05:00", day, hour) }
	type call = eventsList
	for _, tt := range []struct {
		name  string
		f     func(call) call
		want  []string
		pages int
	}{
		{"all", func(c call) call { return c }, []string{"event0", "event2", "event3", "event4", "event5", "event6", foreign.ID}, 1},
		{"by property", func(c call) call { return c.PrivateExtendedProperty("company=2") }, []string{"event0", "event2", "event3", "event4", "event5", "event6"}, 1},
		{"by two", func(c call) call { return c.PrivateExtendedProperty("company=2", "odd=1") }, []string{"event3", "event5"}, 1},
		{"by none", func(c call) call { return c.PrivateExtendedProperty("company=22") }, nil, 1},
		{"by a shared one", func(c call) call { return c.SharedExtendedProperty("company=2") }, nil, 1},
		{"in pages", func(c call) call { return c.PrivateExtendedProperty("company=2").MaxResults(4) }, []string{"event0", "event2", "event3", "event4", "event5", "event6"}, 2},
		{"in full pages", func(c call) call { return c.PrivateExtendedProperty("company=2").MaxResults(3) }, []string{"event0", "event2", "event3", "event4", "event5", "event6"}, 2},
		{"with the deleted", func(c call) call { return c.ShowDeleted(true).PrivateExtendedProperty("odd=1") }, []string{"event1", "event3", "event5"}, 1},
		{"still going on", func(c call) call { return c.TimeMin(at(6, "10:59")) }, []string{"event5", "event6"}, 1},
		{"just over", func(c call) call { return c.TimeMin(at(6, "11:00")) }, []string{"event6"}, 1},
		{"begun", func(c call) call { return c.TimeMax(at(3, "10:01")) }, []string{"event0", "event2", foreign.ID}, 1},
		{"about to begin", func(c call) call { return c.TimeMax(at(3, "10:00")) }, []string{"event0", foreign.ID}, 1},
		{"between", func(c call) call { return c.TimeMin(at(4, "00:00")).TimeMax(at(5, "00:00")).SingleEvents(true) }, []string{"event3"}, 1},
	} {
		got, pages, err := w.list(svc, tt.f)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" || pages != tt.pages {
			t.Errorf("%s: %d pages, want %d; %s", tt.name, pages, tt.pages, diff)
		}
	}
}

func TestListingRefused(t *testing.T) {
	w := local(t, Options{})
	svc := w.api(w.connect(ana))
	for i := range 3 {
		w.mustInsert(svc, haircut(fmt.Sprintf("event%d", i)))
	}
	page, err := svc.Events.List("primary").MaxResults(1).Do()
	if err != nil || page.NextPageToken == "" {
		t.Fatal(page, err)
	}
	type call = eventsList
	for name, tt := range map[string]struct {
		f      func(call) call
		reason string
	}{
		"page of another query": {func(c call) call { return c.PageToken(page.NextPageToken).ShowDeleted(true) }, "invalid"},
		"no page":               {func(c call) call { return c.PageToken("nonsense") }, "invalid"},
		"no property":           {func(c call) call { return c.PrivateExtendedProperty("company") }, "invalid"},
		"no time":               {func(c call) call { return c.TimeMin("2026-12-01T10:00:00") }, "badRequest"},
		"empty range":           {func(c call) call { return c.TimeMin("2026-12-01T10:00:00Z").TimeMax("2026-12-01T10:00:00Z") }, "timeRangeEmpty"},
		"no size":               {func(c call) call { return c.MaxResults(0) }, "invalid"},
		"not known":             {func(c call) call { return c.Q("Ana") }, "invalid"},
	} {
		_, err := tt.f(svc.Events.List("primary")).Do()
		t.Log(name)
		wantAPIError(t, err, http.StatusBadRequest, tt.reason)
	}
}

func TestCalendarList(t *testing.T) {
	w := local(t, Options{})
	svc := w.api(w.connect(luis))
	if _, err := w.s.AddCalendar(luis, Calendar{Summary: "Sala 2", TimeZone: "America/Lima", AccessRole: "writer"}); err != nil {
		t.Fatal(err)
	}
	var got []string
	err := svc.CalendarList.List().MaxResults(2).MinAccessRole("reader").Pages(t.Context(), func(p *google.CalendarList) error {
		for _, c := range p.Items {
			got = append(got, fmt.Sprintf("%s, %v, %s, %s", c.Summary, c.Primary, c.AccessRole, c.TimeZone))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"Luis Gómez, true, owner, America/Bogota", "Equipo, false, owner, America/Bogota",
		"Festivos en España, false, reader, America/Bogota", "Sala 2, false, writer, America/Lima",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	writers, err := svc.CalendarList.List().MinAccessRole("writer").Do()
	if err != nil || len(writers.Items) != 3 || !writers.Items[0].Primary || writers.Items[0].Id != luis {
		t.Errorf("got %+v, %v", writers, err)
	}
	entry, err := svc.CalendarList.Get("primary").Do()
	if err != nil || entry.Id != luis {
		t.Errorf("got %+v, %v", entry, err)
	}
}

// FuzzPaging: a page begins within the list or is refused.
func FuzzPaging(f *testing.F) {
	f.Add("MC4x", "5")
	f.Fuzz(func(t *testing.T, token, size string) {
		c := &call{query: map[string][]string{"pageToken": {token}, "maxResults": {size}}}
		p, err := c.paging(10, 20)
		if err == nil && (p.from < 0 || p.size < 1 || p.size > 20) {
			t.Errorf("got %+v", p)
		}
	})
}
