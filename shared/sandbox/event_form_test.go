package sandbox

import (
	"net/http"
	"testing"

	google "google.golang.org/api/calendar/v3"
)

// Colours and reminders are kept as they are written, if Google has such, and
// a patch of others leaves the rest as it is.
func TestColorsAndReminders(t *testing.T) {
	w := local(t, Options{})
	svc := w.api(w.connect(ana))
	w.mustInsert(svc, haircut("event1"))
	many := make([]*google.EventReminder, 6)
	for i := range many {
		many[i] = &google.EventReminder{Method: "popup", Minutes: int64(i)}
	}
	before := &google.EventReminders{Overrides: []*google.EventReminder{{Method: "popup", Minutes: 30}}, ForceSendFields: []string{"UseDefault"}}
	for _, tt := range []struct {
		name   string
		event  *google.Event
		reason string // empty: taken
	}{
		{"colour", &google.Event{ColorId: "11"}, ""},
		{"reminder", &google.Event{Reminders: before}, ""},
		{"colour 0", &google.Event{ColorId: "0"}, "invalid"},
		{"colour 12", &google.Event{ColorId: "12"}, "invalid"},
		{"a colour's name", &google.Event{ColorId: "tomato"}, "invalid"},
		{"default and own", &google.Event{Reminders: &google.EventReminders{UseDefault: true, Overrides: many[:1]}}, "cannotUseDefaultRemindersAndSpecifyOverride"},
		{"too many", &google.Event{Reminders: &google.EventReminders{Overrides: many}}, "invalid"},
		{"too early", &google.Event{Reminders: &google.EventReminders{Overrides: []*google.EventReminder{{Method: "popup", Minutes: 40_321}}}}, "invalid"},
		{"by pigeon", &google.Event{Reminders: &google.EventReminders{Overrides: []*google.EventReminder{{Method: "pigeon"}}}}, "invalid"},
	} {
		_, err := svc.Events.Patch("primary", "event1", tt.event).Do()
		if tt.reason != "" {
			wantAPIError(t, err, http.StatusBadRequest, tt.reason)
		} else if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	got, err := svc.Events.Get("primary", "event1").Do()
	if err != nil {
		t.Fatal(err)
	}
	if got.ColorId != "11" || got.Reminders.UseDefault || len(got.Reminders.Overrides) != 1 || got.Reminders.Overrides[0].Minutes != 30 || got.Summary != haircut("event1").Summary {
		t.Errorf("event %+v, reminders %+v", got, got.Reminders)
	}
	if got, err = svc.Events.Patch("primary", "event1", &google.Event{NullFields: []string{"ColorId"}, Reminders: &google.EventReminders{UseDefault: true, NullFields: []string{"Overrides"}}}).Do(); err != nil || got.ColorId != "" || !got.Reminders.UseDefault || len(got.Reminders.Overrides) != 0 {
		t.Errorf("after taking both away: %+v, %v", got, err)
	}
}
