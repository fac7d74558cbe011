package settings

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/gcal"
	"github.com/citasync/citasync/shared/googleauth"
	"github.com/citasync/citasync/shared/integration"
)

// primary names an account's own calendar.
const primary = "primary"

// listTimeout bounds the listing of an account's calendars: somebody waits.
const listTimeout = 20 * time.Second

// googleError is a question to Google that was not answered, of a class for
// which there are words.
type googleError struct {
	why integration.Reason
	err error
}

// Error says what failed; see gcal.Error.
func (e *googleError) Error() string { return "ask Google: " + e.err.Error() }

// Unwrap says how it is to be answered. Only a class that is ours to mend is not
// for the ears of whoever asked.
func (e *googleError) Unwrap() error {
	if e.why == integration.Internal {
		return fault.ErrUnavailable
	}
	return errNoAnswer
}

var (
	errPaused       = fault.Tell(fmt.Errorf("%w: the integration is paused for every company", fault.ErrUnavailable))
	errNoAnswer     = fault.Tell(fmt.Errorf("%w: Google Calendar did not answer; try again later", fault.ErrUnavailable))
	errNotConnected = fmt.Errorf("%w: the integration is not connected, or needs to be reconnected first", fault.ErrState)
	errNoCalendars  = fmt.Errorf("%w: the integration has no calendars", fault.ErrNotFound)
	errNothing      = fmt.Errorf("%w: name at least one of calendar, title, description, reminder, color, invite_customer and language", fault.ErrUnprocessable)
)

// calendars are those that a company may choose among.
type calendars struct {
	list    []gcal.Choice
	limited bool // the account does not let us see its list: its own is all there is
}

// find returns the calendar with the id. The name that it is to be known by is
// Google's, never the caller's.
func (cs calendars) find(id string) (gcal.Choice, bool) {
	i := slices.IndexFunc(cs.list, func(c gcal.Choice) bool { return c.ID == id })
	if i < 0 {
		return gcal.Choice{}, false
	}
	return cs.list[i], true
}

// ready reports why nothing can be chosen now.
func (e entry) ready() error {
	switch {
	case !e.Entry.Enabled:
		return errPaused
	case !e.choosable():
		return errNotConnected
	}
	return nil
}

// calendars asks Google for the account's calendars. The errors are errPaused,
// errNotConnected, which it also is if the grant turns out to be dead, and a
// googleError.
func (h *handler) calendars(ctx context.Context, company booking.CompanyID, e entry) (calendars, error) {
	if err := e.ready(); err != nil {
		return calendars{}, err
	}
	own := calendars{list: []gcal.Choice{{ID: primary, Name: e.Data.AccountEmail}}, limited: true}
	if !slices.Contains(e.Data.Scopes, googleauth.ScopeCalendarList) {
		return own, nil
	}
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	list, err := h.Calendar.Calendars(ctx, company, e.Connection)
	switch why := class(ctx, gcal.ReasonOf(err), err); {
	case err == nil:
		return calendars{list: list}, nil
	case why == integration.ScopeMissing:
		return own, nil
	case why == integration.Revoked: // who gives the tokens has recorded it
		return calendars{}, fmt.Errorf("%w: %w", errNotConnected, err)
	case why == switchedOff:
		return calendars{}, errPaused
	default:
		return calendars{}, &googleError{why, err}
	}
}

// switchedOff is the class of a call that was not made because the integration
// is switched off for everyone.
const switchedOff integration.Reason = "switched_off"

// class is the class of a call's error, of which the integration says why. One
// for which it says nothing is a call that was never to begin: for lack of
// time, since the calls before it took so long, or because everything was
// switched off meanwhile.
func class(ctx context.Context, why integration.Reason, err error) integration.Reason {
	switch {
	case err == nil || why != integration.NoReason:
		return why
	case ctx.Err() != nil, errors.Is(err, context.DeadlineExceeded), late(ctx):
		return integration.Outage
	}
	return switchedOff
}

// late reports whether too little of the context's time is left for a call.
func late(ctx context.Context) bool {
	end, ok := ctx.Deadline()
	return ok && time.Until(end) < 2*time.Second
}

// changed is what a change of the events' options came to.
type changed struct {
	calendar bool
	options  string                 // their names; empty: none
	now      integration.Connection // with them
}

// changeEvents makes the change the company's, whole or not at all. Google is
// asked only if another calendar is named. Beside the errors of calendars there
// is an optionsError.
func (h *handler) changeEvents(ctx context.Context, company booking.CompanyID, e entry, ch eventChange, actor string) (changed, error) {
	if err := e.ready(); err != nil {
		return changed{}, err
	}
	faults := ch.faults()
	want := googleauth.Choice{Subject: e.Data.AccountSubject}
	if ch.Calendar != nil && (*ch.Calendar != e.Data.CalendarID || e.calendarGone()) {
		cs, err := h.calendars(ctx, company, e)
		if err != nil {
			return changed{}, err
		}
		chosen, ok := cs.find(*ch.Calendar)
		if !ok {
			faults = append([]optionFault{{Field: optCalendar, Why: "choice"}}, faults...)
		}
		want.Calendar, want.Name = chosen.ID, chosen.Name
	}
	if len(faults) > 0 {
		return changed{}, &optionsError{faults}
	}
	done := changed{calendar: want.Calendar != ""}
	want.Options = func(o *integration.Options) string {
		done.options = ch.apply(o)
		return done.options
	}
	var err error
	done.now, err = h.Grants.Choose(ctx, company, want, actor)
	switch {
	case errors.Is(err, googleauth.ErrNotConnected), errors.Is(err, googleauth.ErrOtherGrant): // it was a moment ago
		return changed{}, fmt.Errorf("%w: %w", errNotConnected, err)
	case err != nil:
		return changed{}, fmt.Errorf("change the options: %w", err)
	}
	if done.calendar || done.options != "" {
		h.wake(ctx, "calendar", company)
	}
	return done, nil
}
