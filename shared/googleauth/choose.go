package googleauth

import (
	"context"
	"log/slog"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

// Choice is what a company chooses of its connection: a calendar, options, or
// both.
type Choice struct {
	// Calendar is the id of one of the account's calendars, Name what it is
	// known by, Subject the account that it is of. An empty Calendar is no
	// choice.
	Calendar, Name, Subject string
	// Options changes the options as they are stored, and names what it
	// changed. If that is nothing, they stay. It may be called several times;
	// nil is no choice.
	Options func(*integration.Options) (what string)
}

// Choose makes the choice the company's, whole or not at all. Another calendar
// is the one that events go to from then on, and what is in the one before
// follows; it also mends a connection whose calendar was missing. Other options
// reach the events of upcoming bookings, and those that were refused are tried
// once more. The error is [ErrNotConnected] if the connection has no grant to
// act with, and [ErrOtherGrant] if its account is not the one that the calendar
// is of.
func (g *Grants) Choose(ctx context.Context, company booking.CompanyID, ch Choice, actor string) (integration.Connection, error) {
	var acts []store.Activity
	c, err := g.update(ctx, company, func(c *integration.Connection) ([]store.Activity, error) {
		acts = nil
		if err := choosable(c, ch); err != nil {
			return nil, err
		}
		if ch.Calendar != "" && (ch.Calendar != c.Data.CalendarID || calendarGone(c)) {
			take(c, ch)
			acts = append(acts, g.activity(ctx, store.ActCalendarChosen, actor, "ok", ch.Name))
		}
		if what := ch.set(c); what != "" {
			acts = append(acts, g.activity(ctx, store.ActOptionsChanged, actor, "ok", what))
		}
		if len(acts) == 0 {
			return nil, store.ErrUnchanged
		}
		if c.Status == integration.Connected { // otherwise it is owed by what mends it
			now := g.Now()
			c.ChangedAt, c.BackfillDue = now, now
		}
		return acts, nil
	})
	if err != nil {
		return c, err
	}
	for _, a := range acts {
		g.info(ctx, "connection changed", slog.String("kind", a.Kind))
	}
	return c, nil
}

// choosable reports why the choice can't be made.
func choosable(c *integration.Connection, ch Choice) error {
	switch {
	case c.Status != integration.Connected && !calendarGone(c):
		return ErrNotConnected
	case ch.Calendar != "" && c.Data.AccountSubject != ch.Subject:
		return ErrOtherGrant
	}
	return nil
}

func calendarGone(c *integration.Connection) bool {
	return c.Status == integration.NeedsReauth && c.Reason == integration.CalendarMissing
}

// take makes the calendar the connection's, and the connection sound.
func take(c *integration.Connection, ch Choice) {
	c.Data.CalendarID, c.Data.CalendarName = ch.Calendar, ch.Name
	c.UseCalendar(c.Data.AccountSubject, ch.Calendar)
	c.Status, c.Reason, c.NoticeDue = integration.Connected, integration.NoReason, time.Time{} // what is left to tell follows the passes
}

// set changes the connection's options, and names what of them changed.
func (ch Choice) set(c *integration.Connection) string {
	if ch.Options == nil {
		return ""
	}
	o := c.Options
	what := ch.Options(&o)
	if what == "" || o == c.Options {
		return ""
	}
	c.Options = o
	return what
}
