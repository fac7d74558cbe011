package gcal

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
)

// TestRetry: only what was refused or deleted by hand can be asked for again,
// and is then due.
func TestRetry(t *testing.T) {
	now := fullBooking().Start.Add(-time.Hour)
	refused := integration.Delivery{Status: integration.Failed, Reason: integration.Rejected, Detail: "timeRangeEmpty (400)", Revision: 1, Attempts: 2}
	gone := integration.Delivery{Status: integration.Done, Detail: DetailGone, Revision: 1, Written: true, ExternalID: "e", Place: integration.Place{Account: "1", Calendar: primary}}
	there, underway := integration.Delivery{Status: integration.Done, Written: true}, integration.Delivery{Status: integration.Pending}
	due := func(d integration.Delivery) integration.Delivery {
		d.Status, d.Reason, d.Detail, d.Attempts = integration.Pending, integration.NoReason, "", 0
		d.NextAttemptAt, d.UpdatedAt = now.UTC(), now.UTC()
		return d
	}
	for _, tc := range []struct {
		name  string
		from  integration.Delivery
		set   func(*integration.Task)
		again bool
	}{
		{"refused", refused, nil, true},
		{"deleted by hand", gone, nil, true},
		{"there", there, nil, false},
		{"on its way", underway, nil, false},
		{"there, and reserved since", there, func(t *integration.Task) { t.State = booking.Reserved }, false},
		{"on its way, but turned off", underway, func(t *integration.Task) { t.Access = integration.Off }, false},
		{"waiting", integration.Delivery{Status: integration.Waiting}, nil, false},
		{"reserved", refused, func(t *integration.Task) { t.State = booking.Reserved }, false},
		{"deleted", gone, func(t *integration.Task) { t.State = booking.Deleted }, false},
		{"over", gone, func(t *integration.Task) { t.Now = t.Booking.End }, false},
		{"begun", gone, func(t *integration.Task) { t.Booking.Start = now.Add(-time.Minute) }, true},
		{"not connected", refused, func(t *integration.Task) { t.Access = integration.Off }, false},
		{"to be reconnected", refused, func(t *integration.Task) { t.Access = integration.Held }, false},
		{"in somebody's hands", refused, func(t *integration.Task) { t.Delivery.Lease = integration.Lease{Attempt: "a", Until: now} }, false},
	} {
		task := taskFor(booking.Confirmed)
		task.Now, task.Delivery = now, tc.from
		if tc.set != nil {
			tc.set(&task)
		}
		got, ok := Retry(task)
		want := task.Delivery
		if tc.again {
			want = due(want)
		}
		if diff := cmp.Diff(want, got); ok != tc.again || diff != "" {
			t.Errorf("%s: %t, delivery -want +got:\n%s", tc.name, ok, diff)
		}
		if got, want := Underway(task), tc.name == "there" || tc.name == "on its way"; got != want {
			t.Errorf("%s: under way: %t", tc.name, got)
		}
	}
}
