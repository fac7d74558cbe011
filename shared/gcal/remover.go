package gcal

import (
	"context"

	"github.com/citasync/citasync/shared/integration"
)

// Remover returns an integration that, in place of the booking's own delivery,
// removes the event that was found in the calendar, unless by then the
// delivery names it. It leaves the delivery as it is: whatever fails is found
// by the next listing. The integration serves one attempt.
func (c *Calendar) Remover(calendarID string, f Found) integration.Integration {
	return &remover{Calendar: c, calendarID: calendarID, found: f}
}

type remover struct {
	*Calendar
	calendarID string
	found      Found
	acted      bool // once is enough, whatever came of it
}

// Decide asks for a call if the event may and should be removed.
func (r *remover) Decide(t integration.Task) integration.Decision {
	named := r.found.Named(t.Delivery, r.calendarID, t.Connection.Data.AccountSubject)
	return integration.Decision{Call: callable(t.Access) && !named && !r.acted, Delivery: t.Delivery}
}

// Act removes the event.
func (r *remover) Act(ctx context.Context, t integration.Task) integration.Result {
	r.acted = true
	a := &attempt{session: r.session(t.Company.ID, t.Connection), task: t, d: t.Delivery}
	e := a.session.remove(ctx, r.calendarID, r.found.ID, tellNobody)
	if e == nil {
		a.done(ctx, StepRemoved, r.calendarID, r.found.ID)
	}
	if e != nil && (e.class == gone || e.class == absent) {
		e = nil
	}
	return a.result(integration.Settled, t.Delivery.Status, e)
}
