package gcal

import (
	"context"
	"log/slog"

	"google.golang.org/api/calendar/v3"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
)

// What is done or found at Google, for the booking's history.
const (
	StepCreated  = "created"
	StepUpdated  = "updated"
	StepRemoved  = "removed"
	StepVanished = "vanished" // deleted by hand: seen by Witness
)

// attempt is one run of Act.
type attempt struct {
	*session
	task  integration.Task
	d     integration.Delivery // what is known by now
	steps []string
}

// Act takes a task whose delivery is as Decide returned it. It comes back with
// [integration.Again] as soon as the event has a new place, which must be
// committed before an insert may use it.
func (c *Calendar) Act(ctx context.Context, t integration.Task) integration.Result {
	a := &attempt{session: c.session(t.Company.ID, t.Connection), task: t, d: t.Delivery}
	switch {
	case !wanted(t):
		return a.takeOut(ctx)
	case a.d.Place.None():
		return a.again()
	case a.d.Place.Calendar != target(t.Connection):
		return a.move(ctx)
	case a.d.Written && isReshaping(a.d.Form, t.Revision):
		return a.reshape(ctx)
	case a.d.Written:
		return a.update(ctx, StepUpdated)
	}
	return a.insert(ctx)
}

// takeOut removes the event of a booking that is to have none. Its guest is
// told only if there is no appointment any more either.
func (a *attempt) takeOut(ctx context.Context) integration.Result {
	if !a.d.Place.None() {
		tell := tellNobody
		if a.task.State != booking.Confirmed {
			tell = sendUpdates(a.task.Connection)
		}
		if e := a.remove(ctx, tell); e != nil {
			return a.failed(e)
		}
	}
	return a.settled(ended(a.task))
}

// move removes the event from the calendar that was chosen before. If that
// calendar is closed to the account by now, its event is beyond reach and must
// not keep the booking out of the new one.
func (a *attempt) move(ctx context.Context) integration.Result {
	e := a.remove(ctx, tellNobody)
	switch {
	case e == nil:
	case e.class == shut || e.class == refused:
		burn(&a.d)
	default:
		return a.failed(e)
	}
	return a.again()
}

// remove empties the delivery's place.
func (a *attempt) remove(ctx context.Context, tell string) *Error {
	calendarID, id := a.d.Place.Calendar, a.eventID()
	e := a.session.remove(ctx, calendarID, id, tell)
	switch {
	case e == nil:
		a.done(ctx, StepRemoved, calendarID, id)
		burn(&a.d)
	case e.class == gone, e.class == absent && a.d.Written:
		burn(&a.d)
	case e.class == absent: // the insert never arrived
		vacate(&a.d)
	default:
		return e
	}
	return nil
}

func (a *attempt) insert(ctx context.Context) integration.Result {
	id := a.eventID()
	ev := a.cal.event(a.task)
	ev.Id = id
	got, e := a.session.insert(ctx, a.d.Place.Calendar, ev)
	switch {
	case e == nil:
		return a.written(ctx, got, StepCreated)
	case e.class == exists:
		return a.claim(ctx, id)
	}
	return a.failed(e)
}

// claim looks at the event that has our id already. If it is ours, an earlier
// insert arrived whose answer did not, and it is brought up to date.
func (a *attempt) claim(ctx context.Context, id string) integration.Result {
	got, e := a.get(ctx, a.d.Place.Calendar, id)
	switch {
	case e == nil && a.cal.ours(got, a.company):
		return a.update(ctx, StepCreated)
	case e == nil, e.class == gone, e.class == absent:
		return a.burnt()
	}
	return a.failed(e)
}

// update writes the booking over the event. The step says what that is to the
// company.
func (a *attempt) update(ctx context.Context, step string) integration.Result {
	calendarID, id := a.d.Place.Calendar, a.eventID()
	got, e := a.session.update(ctx, calendarID, id, clearing(a.cal.event(a.task)))
	if e != nil && e.ambiguous() {
		e = a.lookInto(ctx, calendarID, id, e)
	}
	switch {
	case e == nil:
		return a.written(ctx, got, step)
	case e.class == gone, e.class == absent:
		return a.burnt()
	}
	return a.failed(e)
}

// lookInto finds out what a 403 to an update means: Google documents none for
// a deleted event, yet gives it. It returns the refusal itself unless the
// event turns out to be gone or can't be looked at now.
func (a *attempt) lookInto(ctx context.Context, calendarID, id string, refusal *Error) *Error {
	if _, e := a.get(ctx, calendarID, id); e != nil && !e.ambiguous() {
		return e
	}
	return refusal
}

// eventID is the id at the delivery's place: the one that Google answered
// with, or until then the one that is asked for.
func (a *attempt) eventID() string {
	if a.d.Written && a.d.ExternalID != "" {
		return a.d.ExternalID
	}
	return EventID(a.cal.deps.Installation, a.company, a.task.Booking.ID, a.d.Place.Generation)
}

func (a *attempt) written(ctx context.Context, got *calendar.Event, step string) integration.Result {
	a.d.Written, a.d.Form, a.d.ExternalID, a.d.Link = true, form(a.task.Connection.Options), got.Id, got.HtmlLink
	a.done(ctx, step, a.d.Place.Calendar, got.Id)
	return a.settled(integration.Done)
}

func (a *attempt) done(ctx context.Context, step, calendarID, id string) {
	a.steps = append(a.steps, step)
	a.cal.deps.Log.LogAttrs(ctx, slog.LevelInfo, "event "+step,
		slog.String("integration", string(integration.GoogleCalendar)), slog.Int64("revision", a.task.Revision),
		slog.String("calendar", CalendarName(calendarID)), slog.String("event", id))
}

func (a *attempt) burnt() integration.Result {
	burn(&a.d)
	return a.again()
}

// again names the event's new place.
func (a *attempt) again() integration.Result {
	settleAt(&a.d, a.task.Connection)
	return a.result(integration.Again, integration.Pending, nil)
}

func (a *attempt) settled(s integration.DeliveryStatus) integration.Result {
	a.d.Reason, a.d.Detail = integration.NoReason, ""
	return a.result(integration.Settled, s, nil)
}

// failed says what follows from a failure that leaves the place as it is.
func (a *attempt) failed(e *Error) integration.Result {
	a.d.Reason, a.d.Detail = e.Reason, ""
	switch {
	case e.Reason == integration.Rejected:
		a.d.Detail = e.detail()
		return a.result(integration.Settled, integration.Failed, e)
	case e.Reason.NeedsCompany():
		return a.result(integration.Unauthorised, integration.Pending, e)
	case a.inFlight:
		return a.result(integration.Unsure, integration.Pending, e)
	}
	return a.result(integration.Retry, integration.Pending, e)
}

func (a *attempt) result(o integration.Outcome, s integration.DeliveryStatus, e *Error) integration.Result {
	a.d.Status = s
	r := integration.Result{Outcome: o, Delivery: a.d, InFlight: a.inFlight, Steps: a.steps}
	if e != nil {
		r.Reason, r.RetryAfter, r.Err = e.Reason, e.RetryAfter, e
	}
	return r
}
