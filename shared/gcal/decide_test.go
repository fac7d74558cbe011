package gcal

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
)

func TestDecide(t *testing.T) {
	here := integration.Place{Account: "1", Calendar: primary, Generation: 3}
	free := integration.Place{Generation: 3}
	there := integration.Place{Account: "2", Calendar: primary, Generation: 3}
	other := integration.Place{Account: "1", Calendar: "team", Generation: 3}
	const (
		off, held, removing, on                 = integration.Off, integration.Held, integration.Removing, integration.On
		reserved, yes, deleted                  = booking.Reserved, booking.Confirmed, booking.Deleted
		pending, done, waiting, failed, skipped = integration.Pending, integration.Done, integration.Waiting, integration.Failed, integration.Skipped
	)
	type given struct {
		access  integration.Access
		state   booking.Kind
		status  integration.DeliveryStatus
		place   integration.Place
		written bool
	}
	type want struct {
		call    bool
		status  integration.DeliveryStatus
		place   integration.Place
		written bool
	}
	for _, tc := range []struct {
		name string
		given
		want
	}{
		{"not connected", given{off, yes, pending, free, false}, want{false, skipped, free, false}},
		{"not connected, reserved", given{off, reserved, pending, free, false}, want{false, skipped, free, false}},
		{"not connected, deleted", given{off, deleted, pending, free, false}, want{false, done, free, false}},
		{"not connected any more", given{off, yes, done, here, true}, want{false, skipped, here, true}},
		{"not connected any more, deleted", given{off, deleted, pending, here, true}, want{false, skipped, here, true}},

		{"held", given{held, yes, pending, free, false}, want{false, waiting, free, false}},
		{"held with an event", given{held, yes, pending, here, true}, want{false, waiting, here, true}},
		{"held, reserved", given{held, reserved, pending, free, false}, want{false, skipped, free, false}},
		{"held, reserved with an event", given{held, reserved, pending, here, true}, want{false, waiting, here, true}},
		{"held, deleted", given{held, deleted, pending, free, false}, want{false, done, free, false}},
		{"held, deleted with an event", given{held, deleted, pending, here, true}, want{false, waiting, here, true}},

		{"new", given{on, yes, pending, free, false}, want{true, pending, here, false}},
		{"connected since", given{on, yes, skipped, free, false}, want{true, pending, here, false}},
		{"no longer held", given{on, yes, waiting, free, false}, want{true, pending, here, false}},
		{"insert cut short", given{on, yes, pending, here, false}, want{true, pending, here, false}},
		{"changed", given{on, yes, pending, here, true}, want{true, pending, here, true}},
		{"as it should be", given{on, yes, done, here, true}, want{false, done, here, true}},
		{"failed", given{on, yes, failed, here, false}, want{true, pending, here, false}},
		{"in the calendar chosen before", given{on, yes, done, other, true}, want{true, pending, other, true}},
		{"in another account", given{on, yes, done, there, true}, want{true, pending, here, false}},

		{"reserved", given{on, reserved, pending, free, false}, want{false, skipped, free, false}},
		{"reserved again", given{on, reserved, pending, here, true}, want{true, pending, here, true}},
		{"deleted", given{on, deleted, pending, here, true}, want{true, pending, here, true}},
		{"deleted, perhaps inserted", given{on, deleted, pending, here, false}, want{true, pending, here, false}},
		{"deleted, never sent", given{on, deleted, pending, free, false}, want{false, done, free, false}},
		{"deleted in another account", given{on, deleted, pending, there, true}, want{false, done, free, false}},
		{"reserved in another account", given{on, reserved, pending, there, true}, want{false, skipped, free, false}},

		{"removing", given{removing, yes, done, here, true}, want{true, pending, here, true}},
		{"removing, never sent", given{removing, yes, pending, free, false}, want{false, skipped, free, false}},
		{"removing, deleted", given{removing, deleted, pending, here, true}, want{true, pending, here, true}},
		{"removing from another calendar", given{removing, yes, done, other, true}, want{true, pending, other, true}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			task := taskFor(tc.state)
			task.Access, task.Revision = tc.access, 7
			task.Delivery = integration.Delivery{Status: tc.given.status, Revision: 7, Place: tc.given.place, Written: tc.given.written}
			if tc.given.written {
				task.Delivery.ExternalID, task.Delivery.Link = "id", "link"
			}
			d := (*Calendar)(nil).Decide(task)
			if got := (want{d.Call, d.Delivery.Status, d.Delivery.Place, d.Delivery.Written}); got != tc.want {
				t.Errorf("decided %+v, want %+v", got, tc.want)
			}
			if kept := d.Delivery.ExternalID == "id" && d.Delivery.Link == "link"; kept != tc.want.written {
				t.Errorf("id %q and link %q", d.Delivery.ExternalID, d.Delivery.Link)
			}
			if d.Delivery.Revision != 7 {
				t.Errorf("revision %d", d.Delivery.Revision)
			}
			again := task
			again.Delivery = d.Delivery
			if diff := cmp.Diff(d, (*Calendar)(nil).Decide(again)); diff != "" {
				t.Errorf("decides otherwise the second time:\n%s", diff)
			}
		})
	}
}

func TestDecideReasons(t *testing.T) {
	for _, tc := range []struct {
		name   string
		status integration.DeliveryStatus
		access integration.Access
		want   integration.Reason
	}{
		{"held for the company's sake", integration.Pending, integration.Held, integration.Revoked},
		{"tried again", integration.Pending, integration.On, integration.Quota},
		{"another try after a refusal", integration.Failed, integration.On, integration.NoReason},
		{"turned off", integration.Pending, integration.Off, integration.NoReason},
	} {
		task := taskFor(booking.Confirmed)
		task.Access = tc.access
		task.Connection.Reason = integration.Revoked
		task.Delivery = integration.Delivery{Status: tc.status, Reason: integration.Quota, Detail: "x"}
		if got := (*Calendar)(nil).Decide(task).Delivery.Reason; got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}

// An event is up to date only for the revision that it shows.
func TestDecideOldRevision(t *testing.T) {
	task := taskFor(booking.Confirmed)
	task.Revision = 2
	task.Delivery = integration.Delivery{
		Status: integration.Done, Revision: 1, Written: true, Place: integration.Place{Account: "1", Calendar: primary},
	}
	if !(*Calendar)(nil).Decide(task).Call {
		t.Error("revision 1 passes for 2")
	}
}
