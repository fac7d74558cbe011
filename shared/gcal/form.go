package gcal

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strconv"
	"strings"

	"google.golang.org/api/calendar/v3"

	"github.com/citasync/citasync/shared/integration"
)

// An event's form is what the company's options make of it. A delivery keeps
// the form of the last confirmed write: a hash of those options, behind it
// whether the customer was invited, or nothing for the defaults. From before
// the first try to change that until one is confirmed, it says that she may or
// may not be.
//
// While an event that shows the booking as it is has only another form to get,
// its delivery's form carries a mark with that revision. The booking is then
// not written anew, but only what the options have a part in: an event that was
// deleted by hand, noticed or not, stays away until the booking changes. A
// newer revision makes the mark one of the past.
const (
	withGuest  = "+guest"
	maybeGuest = "+guest?"
	reshaped   = "@"
)

// form is that of the options.
func form(o integration.Options) string {
	if o.Summary == DefaultSummary {
		o.Summary = ""
	}
	o.Mute = integration.Mute{}
	if o == (integration.Options{}) {
		return ""
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %v %d %q %q", o.Summary, o.Description, o.Reminder.Own, o.Reminder.Before, o.Color, o.Language))
	f := hex.EncodeToString(sum[:6])
	if o.InviteCustomer {
		f += withGuest
	}
	return f
}

// reshaping marks the form of an event that shows that revision and is to get
// the form of the options.
func reshaping(form string, o integration.Options, revision int64) string {
	f := unmarked(form)
	if !guestUnsure(f) && strings.HasSuffix(f, withGuest) != o.InviteCustomer {
		f = strings.TrimSuffix(f, withGuest) + maybeGuest
	}
	return f + mark(revision)
}

func mark(revision int64) string { return reshaped + strconv.FormatInt(revision, 10) }

// isReshaping reports whether a form has the revision's mark.
func isReshaping(form string, revision int64) bool { return strings.HasSuffix(form, mark(revision)) }

// patchWeight is as what Google counts a patch (Events: patch, in the Calendar
// API's reference).
const patchWeight = 3

// Weight implements [integration.Weighed].
func (*Calendar) Weight(t integration.Task) int {
	if isReshaping(t.Delivery.Form, t.Revision) {
		return patchWeight
	}
	return 1
}

// unmarked is the form of the last confirmed write.
func unmarked(form string) string {
	f, _, _ := strings.Cut(form, reshaped)
	return f
}

// reshape gives the event the form that the company chose.
func (a *attempt) reshape(ctx context.Context) integration.Result {
	calendarID, id := a.d.Place.Calendar, a.eventID()
	tell := tellNobody // that a title looks otherwise is no news to a guest
	if guestUnsure(a.d.Form) {
		tell = sendUpdates(a.task.Connection)
	}
	got, e := a.patch(ctx, calendarID, id, a.shape(), tell)
	if e != nil && e.ambiguous() {
		e = a.lookInto(ctx, calendarID, id, e)
	}
	switch {
	case e == nil:
		return a.written(ctx, got, StepUpdated)
	case e.class == gone:
		return a.missed(ctx, id)
	case e.class == absent:
		if e := a.closed(ctx); e != nil {
			return a.failed(e)
		}
		return a.missed(ctx, id)
	}
	return a.failed(e)
}

// guestUnsure reports whether the customer may be invited by now, or not any
// more: that is being changed.
func guestUnsure(form string) bool { return strings.HasSuffix(unmarked(form), maybeGuest) }

// shape is what of the event the company's options have a part in. Its guests
// are only while that of the customer is being changed: what she answered, and
// whom the company invited by hand, would be lost. Neither is the status, by
// which an event that was deleted by hand would come back.
func (a *attempt) shape() *calendar.Event {
	whole := clearing(a.cal.event(a.task))
	ev := &calendar.Event{
		Summary: whole.Summary, Description: whole.Description, Source: whole.Source, Reminders: whole.Reminders, ColorId: whole.ColorId,
		ForceSendFields: []string{"Description"}, NullFields: whole.NullFields,
	}
	if guestUnsure(a.d.Form) {
		ev.Attendees, ev.ForceSendFields = whole.Attendees, append(ev.ForceSendFields, "Attendees")
	}
	return ev
}

// closed finds out whether an event is absent because its calendar is, or is
// closed to the account; nil if not.
func (a *attempt) closed(ctx context.Context) *Error {
	_, err := a.cal.list(ctx, a.session, Query{
		Company: a.company, Connection: a.task.Connection, Calendar: a.d.Place.Calendar, From: a.cal.deps.Now().AddDate(100, 0, 0),
	})
	return err
}

// missed leaves it at an event that was deleted by hand.
func (a *attempt) missed(ctx context.Context, id string) integration.Result {
	a.d.Form, a.d.Reason = unmarked(a.d.Form), integration.NoReason
	a.noteGone(ctx, id)
	return a.result(integration.Settled, integration.Done, nil)
}

// noteGone notes that the event was deleted at Google by hand.
func (a *attempt) noteGone(ctx context.Context, id string) {
	a.d.Detail = DetailGone
	a.steps = append(a.steps, StepVanished)
	a.cal.deps.Log.LogAttrs(ctx, slog.LevelInfo, "event deleted in Google Calendar by hand",
		slog.String("integration", string(integration.GoogleCalendar)), slog.String("event", id))
}
