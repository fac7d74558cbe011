package settings

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/gcal"
	"github.com/citasync/citasync/shared/googleauth"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/session"
	"github.com/citasync/citasync/shared/store"
)

const (
	retryPath = historyPath + "/retry"

	// resultRetried is in the address of a booking that was asked for again.
	resultRetried = "retried"
)

var errNoRetry = fmt.Errorf(
	"%w: only a confirmed booking to come, that Google refused or whose event was deleted by hand, can be sent again, while Google Calendar is connected",
	fault.ErrState,
)

// taskOf is a booking as Google Calendar sees it, while that is not switched off
// for everyone.
func taskOf(rec *store.Booking, c integration.Connection, now time.Time) integration.Task {
	return integration.Task{
		Company: integration.Company{ID: rec.Company}, Connection: c, Access: c.Access(true), Booking: rec.Booking, State: rec.State,
		At: rec.At, Revision: rec.Revision, Delivery: rec.Deliveries[integration.GoogleCalendar], Now: now,
	}
}

// buttonOf is the button that sends the event of a booking to Google again, or of
// one that is there the button that looks whether it is; nil if neither can be.
func (v *visit) buttonOf(rec *store.Booking, e entry) *button {
	if !e.events || !e.Entry.Enabled {
		return nil
	}
	out := button{Company: v.company.ID, Booking: rec.Booking.ID}
	task := taskOf(rec, e.Connection, v.now)
	switch _, again := gcal.Retry(task); {
	case again && task.Delivery.Detail == gcal.DetailGone:
		out.Action, out.Words = retryPath, v.say.T("delivery.gone.button", e.Name)
	case again:
		out.Action, out.Words = retryPath, v.say.T("delivery.retry.button")
	case gcal.Visible(task):
		out.Action, out.Words = lookPath, v.say.T("delivery.look.button", e.Name)
	default:
		return nil
	}
	return &out
}

// retry sends the event of a booking to Google again, and leads to its page.
func (h *handler) retry(w http.ResponseWriter, r *http.Request, v *visit) error {
	if err := v.form(w, r); err != nil {
		return err
	}
	id := booking.ID(r.PostForm.Get("booking"))
	to := bookingURL(id) // which says how it stands by now
	switch _, err := h.sendAgain(r.Context(), v.company.ID, id); {
	case err == nil:
		to += "&result=" + resultRetried
	case errors.Is(err, errPaused):
		to += "&result=" + string(googleauth.ResultPaused)
	case !errors.Is(err, errNoRetry):
		return err
	}
	http.Redirect(w, r, to, http.StatusSeeOther) //nolint:gosec // a path of ours, with the id in its query
	return nil
}

// retryBooking does so for the API.
func (h *handler) retryBooking(r *http.Request, c session.Claims) (any, error) {
	rec, err := h.sendAgain(r.Context(), c.Company, booking.ID(r.PathValue("id")))
	if err != nil {
		return nil, err
	}
	v, entries, err := h.callerOf(r, c)
	if err != nil {
		return nil, err
	}
	return v.bookingJSON(rec, entries), nil
}

// sendAgain makes a booking's delivery to Google Calendar due, and wakes who
// does what is due. One that is under way, or whose event is there, stays as it
// is: the same may have been asked before. The errors are errNoRetry, errPaused
// and fault.ErrNotFound, beside those of the store.
func (h *handler) sendAgain(ctx context.Context, company booking.CompanyID, id booking.ID) (*store.Booking, error) {
	entry, err := h.Store.Entry(ctx, integration.GoogleCalendar)
	if err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	if !entry.Enabled {
		return nil, errPaused
	}
	var rec *store.Booking
	err = store.Again(ctx, func() (err error) {
		rec, err = h.askAgain(ctx, company, id)
		return err
	})
	return rec, err
}

// askAgain writes it into the booking's record.
func (h *handler) askAgain(ctx context.Context, company booking.CompanyID, id booking.ID) (*store.Booking, error) {
	rec, c, err := h.withConnection(ctx, store.Key{Company: company, Booking: id})
	if err != nil {
		return nil, err
	}
	task := taskOf(rec, c, h.Now())
	d, ok := gcal.Retry(task)
	switch {
	case ok:
	case gcal.Underway(task):
		return rec, nil
	default:
		return nil, errNoRetry
	}
	rec.Deliveries[integration.GoogleCalendar], rec.UpdatedAt = d, d.UpdatedAt
	rec.DueBy(d.NextAttemptAt)
	rec.AddSteps(store.Step{At: d.UpdatedAt, Kind: gcal.StepAsked, Integration: integration.GoogleCalendar, Outcome: "ok"})
	if err := h.Store.CommitBooking(ctx, rec); err != nil {
		return nil, fmt.Errorf("ask for the event again: %w", err)
	}
	h.Log.LogAttrs(ctx, slog.LevelInfo, "event asked for again", slog.String("integration", string(integration.GoogleCalendar)), slog.String("booking", string(id)))
	h.wake(ctx, "booking", company)
	return rec, nil
}
