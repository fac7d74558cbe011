package gcal

import (
	"cmp"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
)

// primary names an account's own calendar, whatever its address.
const primary = "primary"

// Decide looks at what the booking, its delivery and the connection say, and
// nothing else. For an event that is to be inserted, the decision's delivery
// names its place.
func (*Calendar) Decide(t integration.Task) integration.Decision {
	d := t.Delivery
	d.Revision = t.Revision
	if !callable(t.Access) || spared(t) {
		return rest(t, d, idle(t))
	}
	here := !d.Place.None() && d.Place.Account == t.Connection.Data.AccountSubject
	want := wanted(t)
	if !here {
		vacate(&d) // nowhere, or in an account that is out of reach
	}
	switch {
	case !want && !here:
		return rest(t, d, ended(t))
	case want && here && upToDate(t):
		return integration.Decision{Delivery: d}
	case want && here && (shown(t) || isReshaping(d.Form, t.Revision)):
		d.Form = reshaping(d.Form, t.Connection.Options, t.Revision)
	case want && !here:
		settleAt(&d, t.Connection)
	}
	if d.Status != integration.Pending { // while it is, the reason of the last failure stands
		d.Status, d.Reason, d.Detail = integration.Pending, integration.NoReason, ""
	}
	return integration.Decision{Call: true, Delivery: d}
}

func callable(a integration.Access) bool {
	return a == integration.On || a == integration.Removing
}

// spared reports whether a removal leaves the event alone: it takes the future
// ones, and what is past stays as a record.
func spared(t integration.Task) bool {
	return t.Access == integration.Removing && t.State == booking.Confirmed && !t.Booking.End.After(t.Now)
}

// wanted reports whether there is to be an event.
func wanted(t integration.Task) bool {
	return t.State == booking.Confirmed && t.Access == integration.On
}

// upToDate reports whether Google has confirmed the booking as it is, in the
// chosen calendar and, while it is not past, in the form that the company
// chose. An event that was deleted there by hand is not missed until the
// booking changes.
func upToDate(t integration.Task) bool {
	d := t.Delivery
	return shown(t) && (d.Form == form(t.Connection.Options) || d.Detail == DetailGone || !t.Booking.End.After(t.Now))
}

// shown reports whether Google has confirmed the booking as it is, in the
// chosen calendar, in whatever form.
func shown(t integration.Task) bool {
	d := t.Delivery
	return d.Status == integration.Done && d.Revision == t.Revision && d.Written && d.Place.Calendar == target(t.Connection)
}

// idle is the status of a delivery while nothing may be called.
func idle(t integration.Task) integration.DeliveryStatus {
	nowhere := t.Delivery.Place.None()
	switch {
	case nowhere && t.State == booking.Deleted:
		return integration.Done
	case t.Access == integration.Held && (!nowhere || t.State == booking.Confirmed):
		return integration.Waiting
	}
	return integration.Skipped
}

// ended is the status of a delivery once there is no event and none is wanted.
func ended(t integration.Task) integration.DeliveryStatus {
	if t.State == booking.Deleted {
		return integration.Done
	}
	return integration.Skipped
}

func rest(t integration.Task, d integration.Delivery, s integration.DeliveryStatus) integration.Decision {
	d.Status, d.Reason, d.Detail = s, integration.NoReason, ""
	dec := integration.Decision{Why: integration.NotConfirmed}
	switch {
	case s == integration.Waiting:
		d.Reason = t.Connection.Reason
		dec.Why = cmp.Or(string(d.Reason), integration.SwitchedOff)
	case t.Access == integration.Off:
		dec.Why = integration.NotConnected
	}
	dec.Delivery = d
	return dec
}

// target is the calendar that the company chose.
func target(c integration.Connection) string {
	return cmp.Or(c.Data.CalendarID, primary)
}

// settleAt names the place of the next event.
func settleAt(d *integration.Delivery, c integration.Connection) {
	d.Place.Account, d.Place.Calendar = c.Data.AccountSubject, target(c)
}

// vacate records that there is no event and none can appear.
func vacate(d *integration.Delivery) {
	d.Place.Account, d.Place.Calendar = "", ""
	d.Written, d.Form, d.ExternalID, d.Link = false, "", "", ""
}

// burn records that the event is gone and its id can never be used again.
func burn(d *integration.Delivery) {
	vacate(d)
	d.Place.Generation++
}
