package settings

import (
	"testing"
	"time"

	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

// When an event was written is told by the step that wrote it: the delivery's
// record changes for other reasons too.
func TestWritten(t *testing.T) {
	const google = integration.GoogleCalendar
	noon := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	recorded := noon.Add(hour)
	step := func(id integration.ID, kind string) store.Step {
		return store.Step{At: noon, Kind: kind, Integration: id}
	}
	for _, tc := range []struct {
		name    string
		history []store.Step
		want    time.Time
	}{
		{"created", []store.Step{step("", "confirmed"), step(google, "created")}, noon},
		{"updated, then waited", []store.Step{step(google, "updated"), step(google, "delivery")}, noon},
		{"updated, then changed", []store.Step{step(google, "updated"), step("", "changed")}, noon},
		{"elsewhere", []store.Step{step(integration.WhatsApp, "created")}, recorded},
		{"something else", []store.Step{step(google, "created"), step(google, "tickled")}, recorded},
		{"of an earlier confirmation", []store.Step{step(google, "created"), step("", "confirmed")}, recorded},
		{"forgotten", nil, recorded},
	} {
		got := written(&store.Booking{History: tc.history}, integration.Delivery{UpdatedAt: recorded}, google)
		if !got.Equal(tc.want) {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
}
