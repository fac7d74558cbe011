package maintain

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/gcal"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/logging"
	"github.com/citasync/citasync/shared/store"
)

const (
	// settle is how long after a change of a connection every attempt that
	// knew the old one has ended, the catalogue's cache included.
	settle = time.Minute

	// pause is the time between two looks at a connection whose passes could
	// not be completed.
	pause = 20 * time.Second

	// patience is how long a removal is tried before the company is told
	// what is left.
	patience = 24 * time.Hour

	// inHand is how long whoever turned a connection off has to finish it
	// before it is finished here.
	inHand = 20 * time.Second

	companyPage = 100
	bookingPage = 200
)

// owed works through the connections to which something is owed since they
// changed.
func (m *Maintainer) owed(ctx context.Context) error {
	return m.each(ctx, func(cursor string) (store.Page[booking.CompanyID], error) {
		return m.Connections.OwedConnections(ctx, integration.GoogleCalendar, cursor, companyPage)
	}, m.company)
}

// switchedOn owes passes to every connection that has had none since the
// integration was switched on for everyone: what was told meanwhile waits.
// Passes that began before do not count, since they may have met the switch
// off, or a process that still believed so.
func (m *Maintainer) switchedOn(ctx context.Context) error {
	e, err := m.Connections.Entry(ctx, integration.GoogleCalendar)
	if err != nil {
		return fmt.Errorf("catalogue: %w", err)
	}
	if !e.Enabled || e.ChangedAt.IsZero() {
		return nil
	}
	return m.each(ctx, func(cursor string) (store.Page[booking.CompanyID], error) {
		return m.Connections.StaleConnections(ctx, e.ID, e.ChangedAt, cursor, companyPage)
	}, func(ctx context.Context, company booking.CompanyID) error { return m.owe(ctx, company, e.ChangedAt) })
}

func (m *Maintainer) owe(ctx context.Context, company booking.CompanyID, since time.Time) error {
	c, err := m.Connections.Connection(ctx, company, integration.GoogleCalendar)
	if err != nil || c.Status != integration.Connected || !c.BackfillDue.Before(since) {
		return err
	}
	c.BackfillDue = m.Now()
	c.UpdatedAt = c.BackfillDue
	if err := m.Connections.PutConnection(ctx, company, &c); err != nil && !errors.Is(err, fault.ErrConflict) {
		return fmt.Errorf("owe passes: %w", err)
	}
	return nil // changed meanwhile: it is still stale the next time
}

// each calls do for every company on the pages. Trouble with one is logged,
// and the others go on.
func (m *Maintainer) each(
	ctx context.Context, list func(cursor string) (store.Page[booking.CompanyID], error), do func(context.Context, booking.CompanyID) error,
) error {
	for cursor := ""; ; {
		page, err := list(cursor)
		if err != nil {
			return fmt.Errorf("list connections: %w", err)
		}
		for _, company := range page.Items {
			cctx := logging.With(ctx, slog.String("company", string(company)), slog.String("integration", string(integration.GoogleCalendar)))
			if err := do(cctx, company); err != nil && ctx.Err() == nil {
				m.warn(cctx, "connection not maintained", err)
			}
			if err := ctx.Err(); err != nil {
				return fmt.Errorf("maintain connections: %w", err)
			}
		}
		if cursor = page.Next; cursor == "" {
			return nil
		}
	}
}

// company does what is due for one connection:
//
// Turned off, but its grant not yet given back: that. Being removed, with a
// dead grant or for too long: its end. Otherwise the passes: the bookings that
// end in the future and those that wait, at once and again when a minute has
// passed, and then the events at Google that no record names.
func (m *Maintainer) company(ctx context.Context, company booking.CompanyID) error {
	c, err := m.Connections.Connection(ctx, company, integration.GoogleCalendar)
	if err != nil {
		return err
	}
	removing := c.Status == integration.Disconnecting && c.RemoveEvents
	switch {
	case c.Status == integration.Disconnecting && !c.RemoveEvents && m.Now().Sub(c.ChangedAt) < inHand:
		return nil
	case c.Status == integration.Disconnecting && !c.RemoveEvents:
		return m.Grants.Finish(ctx, company, integration.NoReason)
	case removing && c.Reason.NeedsCompany():
		return m.Grants.Finish(ctx, company, c.Reason)
	case removing && m.Now().Sub(c.BackfillDue) > patience:
		return m.Grants.Finish(ctx, company, integration.Outage)
	case !removing && c.Status != integration.Connected, c.BackfillDue.IsZero():
		return nil // it waits for the company
	}
	on, err := m.Switches.Enabled(ctx, c.ID)
	if err != nil || !on {
		return err // switched off for everyone: later
	}
	return m.pass(ctx, company, c)
}

func (m *Maintainer) pass(ctx context.Context, company booking.CompanyID, c integration.Connection) error {
	now := m.Now()
	first := c.PassedAt.Before(c.BackfillDue)
	late := !now.Before(c.BackfillDue.Add(settle))
	if !first && (!late || now.Before(c.PassedAt.Add(pause))) {
		return nil
	}
	if err := m.reconcileAll(ctx, company, c.ID); err != nil {
		return err
	}
	if !late {
		return m.mark(ctx, company, c, false)
	}
	left, err := m.strays(ctx, company, c)
	if why := gcal.ReasonOf(err); why.NeedsCompany() && why != integration.Revoked { // that, who gives the tokens has recorded
		return m.needReauth(ctx, company, c, why)
	}
	if err != nil {
		return err
	}
	if left > 0 {
		return m.mark(ctx, company, c, false)
	}
	if c.Status == integration.Disconnecting {
		return m.Grants.Finish(ctx, company, integration.NoReason)
	}
	return m.mark(ctx, company, c, true)
}

// needReauth records that the connection is not good for what it is for. If it
// has changed meanwhile, that is not known of it.
func (m *Maintainer) needReauth(ctx context.Context, company booking.CompanyID, c integration.Connection, why integration.Reason) error {
	acts := store.NeedReauth(&c, why, m.Now(), logging.TraceOf(ctx).ID)
	if err := m.Connections.PutConnection(ctx, company, &c, acts...); err != nil && !errors.Is(err, fault.ErrConflict) {
		return fmt.Errorf("record that the connection needs re-authorisation: %w", err)
	}
	return nil
}

// reconcileAll reconciles the company's bookings that end in the future, and
// those whose delivery is waiting.
func (m *Maintainer) reconcileAll(ctx context.Context, company booking.CompanyID, id integration.ID) error {
	for _, q := range []store.Query{{EndsAfter: m.Now()}, {Waiting: id}} {
		q.Limit = bookingPage
		for {
			page, err := m.Bookings.ListBookings(ctx, company, q)
			if err != nil {
				return fmt.Errorf("bookings to reconcile: %w", err)
			}
			keys := make([]store.Key, 0, len(page.Items))
			for _, b := range page.Items {
				keys = append(keys, store.Key{Company: company, Booking: b.Booking.ID})
			}
			m.reconcile(ctx, keys)
			if err := ctx.Err(); err != nil {
				return fmt.Errorf("bookings to reconcile: %w", err)
			}
			if q.Cursor = page.Next; q.Cursor == "" {
				break
			}
		}
	}
	return nil
}

// mark records that a pass has ended, and with done that nothing more is owed
// for the change that c was read with. A connection that has changed since is
// owed its own passes.
func (m *Maintainer) mark(ctx context.Context, company booking.CompanyID, c integration.Connection, done bool) error {
	for due := c.BackfillDue; ; {
		c.PassedAt = m.Now()
		c.UpdatedAt = c.PassedAt
		if done {
			c.ReconciledAt, c.BackfillDue = c.BackfillDue, time.Time{}
		}
		err := m.Connections.PutConnection(ctx, company, &c)
		if err == nil {
			m.Log.LogAttrs(ctx, slog.LevelInfo, "bookings reconciled after a change of connection", slog.Bool("complete", done))
			return nil
		}
		if !errors.Is(err, fault.ErrConflict) {
			return fmt.Errorf("mark pass: %w", err)
		}
		if c, err = m.Connections.Connection(ctx, company, c.ID); err != nil {
			return err
		}
		if !c.BackfillDue.Equal(due) {
			return nil
		}
	}
}
