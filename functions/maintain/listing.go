package maintain

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/gcal"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

// listing is how far the events in a company's calendars have been listed. It
// may take several runs: Google is asked for some hundred at a time, and a
// company may have tens of thousands.
type listing struct {
	from      time.Time // events that end later
	calendars []string  // still to be listed, the one under way first
	page      string    // of that one; empty: the first
}

// newListing begins with every calendar that the connection's account has been
// used with.
func newListing(c integration.Connection, from time.Time) listing {
	return listing{from: from, calendars: slices.Clone(c.Used[integration.AccountKey(c.Data.AccountSubject)])}
}

func (l *listing) done() bool { return len(l.calendars) == 0 }

// turnTo goes on to a page of the same calendar, or with none to the next
// calendar.
func (l *listing) turnTo(page string) {
	if l.page = page; page == "" {
		l.calendars = l.calendars[1:]
	}
}

// look waits for its turn and lists the page that the listing has come to,
// without turning it over: what is done about its events may break off.
func (m *Maintainer) look(ctx context.Context, company booking.CompanyID, c integration.Connection, l *listing) (gcal.Listing, error) {
	if err := m.Pacer.Wait(ctx, company); err != nil {
		return gcal.Listing{}, err
	}
	page, err := m.Calendar.List(ctx, gcal.Query{Company: company, Connection: c, Calendar: l.calendars[0], From: l.from, Page: l.page})
	if err != nil {
		return gcal.Listing{}, fmt.Errorf("list calendar: %w", err)
	}
	return page, nil
}

// strays looks at a page of our future events and removes those that no record
// names. It adds to the pass how many it met: none at all means that Google
// shows what the records say. In a removal every one of ours counts. It reports
// whether there are more pages.
//
// An event whose booking has no record here, from a restored backup perhaps,
// is reported and left alone, except in a removal.
func (m *Maintainer) strays(ctx context.Context, company booking.CompanyID, c integration.Connection, p *pass) (more bool, err error) {
	if p.events.done() {
		return false, nil
	}
	page, err := m.look(ctx, company, c, &p.events)
	if err != nil && gcal.ReasonOf(err) != integration.CalendarMissing { // deleted at Google, and its events with it
		return false, err
	}
	met, err := m.straysOn(ctx, company, c, p.events.calendars[0], page.Events)
	p.met += met
	if err != nil {
		return false, err
	}
	p.events.turnTo(page.Next)
	return !p.events.done(), nil
}

// leftovers removes what earlier connections have left at Google and no record
// names, before the bookings of a change get their events: who returns to an
// account by way of another would see each appointment twice until the last
// pass. What fails here is left to that pass. It reports whether there are more
// pages.
func (m *Maintainer) leftovers(ctx context.Context, company booking.CompanyID, c integration.Connection, p *pass) (more bool, err error) {
	if p.cleared || p.late || c.Status != integration.Connected || !c.CreatedAt.Before(c.ChangedAt) || !c.ChangedAt.Equal(c.BackfillDue) {
		return false, nil
	}
	if p.events.calendars == nil {
		p.events = newListing(c, m.Now())
	}
	more, err = m.strays(ctx, company, c, p)
	switch {
	case errors.Is(err, errNoTurn), ctx.Err() != nil:
		return true, errUnfinished
	case more:
		return true, nil
	case err != nil:
		m.Log.LogAttrs(ctx, slog.LevelInfo, "what earlier connections left is removed by the last pass", slog.String("error", err.Error()))
	}
	p.cleared, p.events, p.met = true, listing{}, 0
	return false, nil
}

// straysOn does what strays says with the events of a page.
func (m *Maintainer) straysOn(ctx context.Context, company booking.CompanyID, c integration.Connection, calendar string, events []gcal.Found) (int, error) {
	var mu sync.Mutex
	met, errs := 0, error(nil)
	each(ctx, perWorker, events, func(f gcal.Found) {
		n, err := m.stray(ctx, c, calendar, store.Key{Company: company, Booking: f.Booking}, f)
		mu.Lock()
		defer mu.Unlock()
		met, errs = met+n, errors.Join(errs, err)
	})
	return met, errors.Join(errs, ctx.Err())
}

func (m *Maintainer) stray(ctx context.Context, c integration.Connection, calendar string, key store.Key, f gcal.Found) (met int, err error) {
	attrs := []slog.Attr{slog.String("booking", string(key.Booking)), slog.String("calendar", gcal.CalendarName(calendar)), slog.String("event", f.ID)}
	removing, remover := c.Status == integration.Disconnecting, m.Pacer.Pace(m.Calendar.Remover(calendar, f))
	alone := integration.Task{Company: integration.Company{ID: key.Company}, Connection: c, Access: integration.Removing, Now: m.Now()}
	if key.Booking == "" {
		m.Log.LogAttrs(ctx, slog.LevelInfo, "event of a test of the connection, removed", attrs...)
		remover.Act(ctx, alone) // if it fails, the next listing finds it
		return 1, nil
	}
	snap, err := m.Bookings.ReadBooking(ctx, key.Company, key.Booking)
	if err != nil {
		return 0, err
	}
	b := snap.Booking
	switch {
	case b == nil && !removing:
		m.Log.LogAttrs(ctx, slog.LevelWarn, "event of a booking that is not known here, left alone", attrs...)
		return 0, nil
	case b == nil:
		m.Log.LogAttrs(ctx, slog.LevelInfo, "event of a booking that is not known here, removed with the connection", attrs...)
		remover.Act(ctx, alone)
		return 1, nil
	case f.Named(b.Deliveries[c.ID], calendar, c.Data.AccountSubject):
		if removing && b.Booking.End.After(m.Now()) {
			return 1, nil // its own delivery removes it
		}
		return 0, nil // as it should be, or of a past booking and moved into the future by hand
	}
	m.Log.LogAttrs(ctx, slog.LevelInfo, "event that its booking does not name, removed", attrs...)
	return 1, m.Engine.ReconcileAs(ctx, key, remover)
}
