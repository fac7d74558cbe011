package settings

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/citasync/citasync/shared/booking"
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

// A booking whose event is in the calendar as it was before is not said to be
// missing there.
func TestBehind(t *testing.T) {
	for _, tc := range []struct {
		state   booking.Kind
		status  integration.DeliveryStatus
		written bool
		want    string
	}{
		{booking.Confirmed, integration.Pending, false, "Todavía no está en Google Calendar: "},
		{booking.Confirmed, integration.Pending, true, "El último cambio todavía no está en Google Calendar: "},
		{booking.Deleted, integration.Pending, true, "Todavía no se quitó de Google Calendar: "},
		{booking.Confirmed, integration.Failed, false, "No está en Google Calendar: "},
		{booking.Confirmed, integration.Failed, true, "El último cambio no está en Google Calendar: "},
		{booking.Deleted, integration.Failed, true, "No se quitó de Google Calendar: "},
	} {
		s := newSite(t)
		s.connect(salon, nil)
		s.book(salon, "1", hour, func(b *store.Booking) {
			b.State = tc.state
			deliver(func(d *integration.Delivery) {
				d.Status, d.Written, d.Attempts, d.Reason = tc.status, tc.written, 1, integration.Rejected
				if !tc.written {
					d.ExternalID, d.Link = "", ""
				}
			})(b)
		})
		res := s.enter(s.claims(salon)).get("/settings/history?booking=1")
		if res.StatusCode != http.StatusOK {
			t.Fatalf("status %d", res.StatusCode)
		}
		page := body(t, res)
		if !strings.Contains(page, "<strong>"+tc.want) {
			t.Errorf("%s, %s, written %t: the page does not say %q:\n%s", tc.state, tc.status, tc.written, tc.want, page)
		}
		if got := strings.Contains(page, "Abrir el evento"); got != tc.written {
			t.Errorf("%s, %s, written %t: the event is linked: %t", tc.state, tc.status, tc.written, got)
		}
	}
}
