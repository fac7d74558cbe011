package gcal

import (
	"context"

	"github.com/citasync/citasync/shared/integration"
)

// DetailGone is the detail of a delivery whose event was deleted at Google by
// hand. It stays away until the booking changes.
const DetailGone = integration.DetailGone

// Witness returns an integration that, in place of the booking's own delivery,
// looks whether the event that the delivery names is there, and notes in the
// delivery and its history if it is not, or is again. It changes nothing at
// Google. The integration serves one attempt.
func (c *Calendar) Witness() integration.Integration { return &witness{Calendar: c} }

type witness struct {
	*Calendar
	acted bool
}

// Decide asks for a call if the booking is to have an event and is recorded to
// have one.
func (v *witness) Decide(t integration.Task) integration.Decision {
	return integration.Decision{Call: wanted(t) && upToDate(t) && !v.acted, Delivery: t.Delivery}
}

// Act looks for the event.
func (v *witness) Act(ctx context.Context, t integration.Task) integration.Result {
	v.acted = true
	a := &attempt{session: v.session(t.Company.ID, t.Connection), task: t, d: t.Delivery}
	id := a.eventID()
	_, e := a.get(ctx, a.d.Place.Calendar, id)
	missing := e != nil && (e.class == gone || e.class == absent)
	switch {
	case e == nil:
		a.d.Detail = ""
	case missing && a.d.Detail != DetailGone:
		a.noteGone(ctx, id)
	}
	if missing {
		e = nil
	}
	return a.result(integration.Settled, t.Delivery.Status, e)
}
