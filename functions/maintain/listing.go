package maintain

import (
	"context"
	"log/slog"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/gcal"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

// strays lists our future events in every calendar that the connection's
// account has been used with, removes those that no record names, and returns
// how many it met: none means that Google shows what the records say. In a
// removal every one of ours counts.
//
// An event whose booking has no record here, from a restored backup perhaps,
// is reported and left alone, except in a removal.
func (m *Maintainer) strays(ctx context.Context, company booking.CompanyID, c integration.Connection) (met int, err error) {
	for _, calendar := range c.Used[integration.AccountKey(c.Data.AccountSubject)] {
		q := gcal.Query{Company: company, Connection: c, Calendar: calendar, From: m.Now()}
		for {
			page, err := m.listPage(ctx, q)
			if gcal.ReasonOf(err) == integration.CalendarMissing {
				break // deleted at Google, and its events with it
			}
			if err != nil {
				return met, err
			}
			for _, f := range page.Events {
				n, err := m.stray(ctx, c, calendar, store.Key{Company: company, Booking: f.Booking}, f)
				if err != nil {
					return met, err
				}
				met += n
			}
			if q.Page = page.Next; q.Page == "" {
				break
			}
		}
	}
	return met, nil
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
