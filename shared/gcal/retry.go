package gcal

import (
	"time"

	"github.com/citasync/citasync/shared/integration"
)

// StepAsked is in a booking's history when its event was asked for again.
const StepAsked = "asked"

// Retry is the delivery of a booking whose event is asked for again, after
// Google refused the booking or somebody deleted the event by hand: it is due
// at once. It reports false if neither is so, if there is to be no event now, if
// the booking has ended, or while somebody may still call for the delivery.
func Retry(t integration.Task) (integration.Delivery, bool) {
	d := t.Delivery
	refused := d.Status == integration.Failed
	missing := d.Status == integration.Done && d.Detail == DetailGone
	if !wanted(t) || !t.Booking.End.After(t.Now) || !d.Lease.Ended(t.Now) || !refused && !missing {
		return d, false
	}
	now := t.Now.UTC().Truncate(time.Microsecond)
	d.Status, d.Reason, d.Detail, d.Attempts = integration.Pending, integration.NoReason, "", 0
	d.NextAttemptAt, d.UpdatedAt = now, now
	return d, true
}

// Underway reports whether a booking that is to have an event has it, as far as
// is known, or will be sent without being asked for.
func Underway(t integration.Task) bool {
	d := t.Delivery
	there := d.Status == integration.Done && d.Written && d.Detail != DetailGone
	return wanted(t) && (there || d.Status == integration.Pending)
}
