package gcal

import (
	"context"

	"github.com/citasync/citasync/shared/integration"
)

// DetailGone is the detail of a delivery whose event was deleted at Google by
// hand. It stays away until the booking changes.
const DetailGone = integration.DetailGone

// Witness looks, in place of the booking's own delivery, whether the event that
// the delivery names is there, and notes in the delivery and its history if it
// is not, or is again. It changes nothing at Google, and serves one attempt.
type Witness struct {
	*Calendar
	acted bool
	saw   bool
	err   *Error
}

// Witness returns a witness.
func (c *Calendar) Witness() *Witness { return &Witness{Calendar: c} }

// Saw reports whether the witness was asked to look and could: what it saw is in
// the delivery that it returned. The error, an [*Error], is why it could not.
func (v *Witness) Saw() (bool, error) {
	if v.err != nil {
		return false, v.err
	}
	return v.saw, nil
}

// Decide asks for a call if the booking is to have an event and is recorded to
// have one.
func (v *Witness) Decide(t integration.Task) integration.Decision {
	return integration.Decision{Call: expected(t) && !v.acted, Delivery: t.Delivery}
}

// Act looks for the event.
func (v *Witness) Act(ctx context.Context, t integration.Task) integration.Result {
	v.acted = true
	a := &attempt{session: v.session(t.Company.ID, t.Connection), task: t, d: t.Delivery}
	id := a.eventID()
	_, e := a.get(ctx, a.d.Place.Calendar, id)
	if e != nil && e.class == absent { // or the whole calendar is, which its list tells
		q := Query{Company: t.Company.ID, Connection: t.Connection, Calendar: a.d.Place.Calendar, From: t.Now}
		if _, shut := v.list(ctx, a.session, q); shut != nil {
			e = shut
		}
	}
	missing := e != nil && e.Call == callGet && (e.class == gone || e.class == absent)
	switch {
	case e == nil:
		a.d.Detail = ""
	case missing && a.d.Detail != DetailGone:
		a.noteGone(ctx, id)
	}
	if missing {
		e = nil
	}
	v.saw, v.err = e == nil, e
	return a.result(integration.Settled, t.Delivery.Status, e)
}

// Visible reports whether a booking that has yet to end has its event, or had it
// until somebody deleted it by hand, so that a [Witness] would look for it.
func Visible(t integration.Task) bool { return expected(t) && t.Booking.End.After(t.Now) }

// expected reports whether the event should be where the delivery says, as far
// as is known: in the account that is connected, for nobody can look into another.
func expected(t integration.Task) bool {
	return wanted(t) && upToDate(t) && t.Delivery.Place.Account == t.Connection.Data.AccountSubject
}
