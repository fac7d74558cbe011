package settings

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
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
	lookPath = historyPath + "/look"

	// What is in the address of a booking whose event was looked for.
	resultLooked   = "looked"
	resultUnlooked = "unlooked"

	// A company may look so often, in one process, and so many times at once:
	// each time is a call to Google, of which all companies share a number.
	lookEvery = time.Second
	lookBurst = 10
)

var (
	errNoLook = fmt.Errorf("%w: only the event of a confirmed booking to come can be looked for, once it was written, while Google Calendar is connected", fault.ErrState)

	errLookedOften = fmt.Errorf("%w: looked too often; wait %d s", fault.ErrState, lookEvery/time.Second)

	// errUnseen: Google did not say whether the event is there, or somebody is at
	// work for the booking.
	errUnseen = fault.Tell(fmt.Errorf("%w: whether the event is there could not be seen just now; try again later", fault.ErrUnavailable))
)

// Engine acts for a booking; see converge.Engine.
type Engine interface {
	ReconcileAs(ctx context.Context, key store.Key, as integration.Integration) error
}

// look asks Google whether the event of a booking is there, and leads to the
// booking's page, which tells.
func (h *handler) look(w http.ResponseWriter, r *http.Request, v *visit) error {
	if err := v.form(w, r); err != nil {
		return err
	}
	id := booking.ID(r.PostForm.Get("booking"))
	to := bookingURL(id)
	switch _, err := h.lookFor(r.Context(), v.company.ID, id); {
	case err == nil:
		to += h.answered(resultLooked)
	case errors.Is(err, errUnseen), errors.Is(err, errLookedOften):
		to += h.answered(resultUnlooked)
	case errors.Is(err, errPaused):
		to += "&result=" + string(googleauth.ResultPaused)
	case !errors.Is(err, errNoLook): // of which the page tells
		return err
	}
	http.Redirect(w, r, to, http.StatusSeeOther) //nolint:gosec // a path of ours, with the id in its query
	return nil
}

// answered is in the address of a page that says how something just went, and
// when that was.
func (h *handler) answered(result string) string {
	return "&" + url.Values{"result": {result}, "at": {strconv.FormatInt(h.Now().Unix(), 10)}}.Encode()
}

// just reports whether what the address tells of happened within the last minute.
func (v *visit) just(q url.Values) bool {
	at, err := strconv.ParseInt(q.Get("at"), 10, 64)
	ago := v.now.Sub(time.Unix(at, 0))
	return err == nil && ago >= 0 && ago < time.Minute
}

// asked says what became of what was asked about a booking's event, as long as
// it is so.
func (v *visit) asked(q url.Values, rec *store.Booking, e entry) *notice {
	d, result := rec.Deliveries[e.id], q.Get("result")
	switch {
	case result == resultRetried && d.Status == integration.Pending:
		return &notice{waiting, v.say.T("result.retried")}
	case result == string(googleauth.ResultPaused) && !e.Entry.Enabled:
		return &notice{bad, v.say.T("result.paused")}
	case !v.just(q):
	case result == resultUnlooked:
		return &notice{bad, v.say.T("result.unlooked")}
	case result == resultLooked && d.Detail == gcal.DetailGone:
		return &notice{bad, v.say.T("result.looked.gone")}
	case result == resultLooked && gcal.Visible(taskOf(rec, e.Connection, v.now)):
		return &notice{good, v.say.T("result.looked.there")}
	}
	return nil
}

// lookForBooking does so for the API.
func (h *handler) lookForBooking(r *http.Request, c session.Claims) (any, error) {
	rec, err := h.lookFor(r.Context(), c.Company, booking.ID(r.PathValue("id")))
	if err != nil {
		return nil, err
	}
	v, entries, err := h.callerOf(r, c)
	if err != nil {
		return nil, err
	}
	return v.bookingJSON(rec, entries), nil
}

// lookFor looks at Google whether the event of a booking is there, and returns
// the booking's record, which says so by then. Who asks twice at the same time
// gets one answer. The errors are errNoLook, errPaused, errLookedOften,
// errUnseen and fault.ErrNotFound, beside those of the store.
func (h *handler) lookFor(ctx context.Context, company booking.CompanyID, id booking.ID) (*store.Booking, error) {
	key := store.Key{Company: company, Booking: id}
	rec, err, _ := h.looking.Do(fmt.Sprintf("%q %q", company, id), func() (any, error) {
		// Who asked first may leave while others wait for the answer.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), testTimeout)
		defer cancel()
		return h.lookOnce(ctx, key)
	})
	if err != nil {
		return nil, err
	}
	return rec.(*store.Booking), nil
}

func (h *handler) lookOnce(ctx context.Context, key store.Key) (*store.Booking, error) {
	entry, err := h.Store.Entry(ctx, integration.GoogleCalendar)
	if err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	rec, c, err := h.withConnection(ctx, key)
	switch {
	case err != nil:
		return nil, err
	case !entry.Enabled:
		return nil, errPaused
	case !gcal.Visible(taskOf(rec, c, h.Now())):
		return nil, errNoLook
	case !h.looks.allow(key.Company, integration.GoogleCalendar):
		return nil, errLookedOften
	}
	witness := h.Calendar.Witness()
	if err := h.Engine.ReconcileAs(ctx, key, witness); err != nil {
		return nil, fmt.Errorf("look for the event: %w", err)
	}
	saw, why := witness.Saw()
	h.logLook(ctx, key.Booking, saw, why)
	switch reason := gcal.ReasonOf(why); {
	case saw:
		rec, _, err = h.withConnection(ctx, key)
		return rec, err
	case reason == integration.Revoked: // which who gives the tokens has recorded
		return nil, errNoLook
	case reason.NeedsCompany():
		if err := h.Grants.NeedReauth(ctx, key.Company, c, reason); err != nil {
			return nil, err
		}
		return nil, errNoLook
	}
	return nil, errUnseen
}

// logLook tells of what is ours to mend as an error: whoever looked is told only
// that Google did not say.
func (h *handler) logLook(ctx context.Context, id booking.ID, saw bool, why error) {
	reason := gcal.ReasonOf(why)
	level, attrs := slog.LevelInfo, []slog.Attr{
		slog.String("integration", string(integration.GoogleCalendar)), slog.String("booking", string(id)),
		slog.Bool("answered", saw), slog.String("reason", string(reason)),
	}
	if why != nil {
		attrs = append(attrs, slog.String("error", why.Error()))
	}
	if reason == integration.Internal {
		level = slog.LevelError
	}
	h.Log.LogAttrs(ctx, level, "event looked for", attrs...)
}

// withConnection reads a booking and the connection that its event is by.
func (h *handler) withConnection(ctx context.Context, key store.Key) (*store.Booking, integration.Connection, error) {
	snap, err := h.read(ctx, key, integration.GoogleCalendar)
	return snap.Booking, snap.Connections[integration.GoogleCalendar], err
}
