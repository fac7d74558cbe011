package gcal

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/api/calendar/v3"

	"github.com/citasync/citasync/shared/integration"
)

// Google's words for an event's status.
const (
	confirmed = "confirmed"
	cancelled = "cancelled"
)

// The calls, as errors and logs name them.
const (
	callInsert    = "insert"
	callUpdate    = "update"
	callPatch     = "patch"
	callDelete    = "delete"
	callGet       = "get"
	callList      = "list"
	callCalendars = "calendars"
)

var errAnswer = errors.New("not an answer of the Calendar API")

// insert returns the event with the id that Google gave it, which is the one to
// be used from then on.
func (s *session) insert(ctx context.Context, calendarID string, ev *calendar.Event) (*calendar.Event, *Error) {
	req := s.cal.api.Events.Insert(calendarID, ev).SendUpdates(sendUpdates(s.conn))
	var got *calendar.Event
	e := s.do(ctx, call{callInsert, true, func(ctx context.Context, authorization string) (err error) {
		req.Header().Set("Authorization", authorization)
		if got, err = req.Context(ctx).Do(); err != nil {
			return err
		}
		return check(got, "")
	}})
	return got, e
}

// update replaces the whole event. An answer that shows it cancelled is an
// error of class gone.
func (s *session) update(ctx context.Context, calendarID, id string, ev *calendar.Event) (*calendar.Event, *Error) {
	req := s.cal.api.Events.Update(calendarID, id, ev).SendUpdates(sendUpdates(s.conn))
	var got *calendar.Event
	e := s.do(ctx, call{callUpdate, true, func(ctx context.Context, authorization string) (err error) {
		req.Header().Set("Authorization", authorization)
		if got, err = req.Context(ctx).Do(); err != nil {
			return err
		}
		return check(got, id)
	}})
	return got, e
}

// patch replaces those fields of the event that ev has, and says whether its
// guests are written to. An event that turns out to be cancelled is an error
// of class gone. Google counts a patch as three calls.
func (s *session) patch(ctx context.Context, calendarID, id string, ev *calendar.Event, tell string) (*calendar.Event, *Error) {
	req := s.cal.api.Events.Patch(calendarID, id, ev).SendUpdates(tell)
	var got *calendar.Event
	e := s.do(ctx, call{callPatch, true, func(ctx context.Context, authorization string) (err error) {
		req.Header().Set("Authorization", authorization)
		if got, err = req.Context(ctx).Do(); err != nil {
			return err
		}
		return recognise(got, id) // a status that was set by hand is left alone
	}})
	return got, e
}

// remove deletes an event, and says whether its guests are written to: they
// would read that their appointment is cancelled.
func (s *session) remove(ctx context.Context, calendarID, id, tell string) *Error {
	req := s.cal.api.Events.Delete(calendarID, id).SendUpdates(tell)
	return s.do(ctx, call{callDelete, true, func(ctx context.Context, authorization string) error {
		req.Header().Set("Authorization", authorization)
		return req.Context(ctx).Do()
	}})
}

// get reads an event. A cancelled one, of which only the id is sure to be
// shown, is an error of class gone.
func (s *session) get(ctx context.Context, calendarID, id string) (*calendar.Event, *Error) {
	req := s.cal.api.Events.Get(calendarID, id)
	var got *calendar.Event
	e := s.do(ctx, call{callGet, false, func(ctx context.Context, authorization string) (err error) {
		req.Header().Set("Authorization", authorization)
		if got, err = req.Context(ctx).Do(); err != nil {
			return err
		}
		return recognise(got, id)
	}})
	return got, e
}

// recognise refuses an answer that is not the event, or any if the id is
// empty: whatever else answers on Google's behalf, a proxy for example, has
// neither read nor written it.
func recognise(got *calendar.Event, id string) error {
	switch {
	case got == nil, got.Id == "", id != "" && got.Id != id:
		return errAnswer
	case got.Status == cancelled:
		return errCancelled
	}
	return nil
}

// check looks at what a write was answered with.
func check(got *calendar.Event, id string) error {
	if err := recognise(got, id); err != nil {
		return err
	}
	if got.Status != confirmed {
		return fmt.Errorf("%w: status %q", errAnswer, got.Status)
	}
	return nil
}

// Whether Google writes to an event's guests.
const (
	tellGuests = "all"
	tellNobody = "none"
)

// sendUpdates says whether Google writes to the guests of an event that is
// written: only if the company invites them.
func sendUpdates(c integration.Connection) string {
	if c.Options.InviteCustomer {
		return tellGuests
	}
	return tellNobody
}
