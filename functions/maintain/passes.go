package maintain

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/gcal"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/logging"
	"github.com/citasync/citasync/shared/store"
)

const (
	// settle is how long after a change of a connection every attempt that
	// knew the old one has ended, the catalogue's cache included.
	settle = time.Minute

	// pause is the time between two looks at a connection after its first
	// pass, whatever keeps it from being done with.
	pause = 20 * time.Second

	// patience is how long a removal is tried before the company is told
	// what is left.
	patience = 24 * time.Hour

	// inHand is how long whoever turned a connection off has to finish it
	// before it is finished here: longer than googleauth's Finish can take.
	inHand = time.Minute

	// owingTime is how much of a run may go into finding out who is owed
	// passes since the integration was switched on for everyone.
	owingTime = budget / 5

	companyPage = 100

	// bookingPage is how many bookings are listed at a time. To find a page may
	// cost as much as the company is large, so that a page is more than a turn.
	bookingPage = 200
)

// owed works through the connections to which something is owed since they
// changed: some bookings of each of them in turn, so that a company with many
// keeps nobody waiting, until all passes that are due have ended. It reports
// whether some are left to the next run.
func (m *Maintainer) owed(ctx context.Context) (more bool, err error) {
	// Who is owed something since a lap began may stand before its place.
	for again := m.owing.begun(); ; again = false {
		var unfinished atomic.Bool
		more, err := m.goOver(ctx, m.owing, func(cursor string) (store.Page[booking.CompanyID], error) {
			return m.Connections.OwedConnections(ctx, integration.GoogleCalendar, cursor, companyPage)
		}, func(ctx context.Context, company booking.CompanyID) error {
			more, err := m.company(ctx, company)
			if more {
				unfinished.Store(true)
			}
			return err
		})
		if err != nil || more || !again && !unfinished.Load() {
			return more, err
		}
	}
}

// switchedOn owes passes to every connection that has had none since the
// integration was switched on for everyone: what was told meanwhile waits.
// Passes that began before do not count, since they may have met the switch
// off, or a process that still believed so.
//
// It takes the time that it may of a run, and reports whether it owed somebody
// something and there may be more. The passes themselves need the rest of the
// run: until they are done, all those connections are looked at again and
// again.
func (m *Maintainer) switchedOn(ctx context.Context) (more bool, err error) {
	e, err := m.Connections.Entry(ctx, integration.GoogleCalendar)
	if err != nil {
		return false, fmt.Errorf("catalogue: %w", err)
	}
	if !e.Enabled || e.ChangedAt.IsZero() {
		return false, nil
	}
	var some atomic.Bool
	share, cancel := context.WithTimeout(ctx, owingTime)
	defer cancel()
	_, err = m.goOver(share, m.stale, func(cursor string) (store.Page[booking.CompanyID], error) {
		return m.Connections.StaleConnections(share, e.ID, e.ChangedAt, cursor, companyPage)
	}, func(ctx context.Context, company booking.CompanyID) error {
		owed, err := m.owe(ctx, company, e.ChangedAt)
		if owed {
			some.Store(true)
		}
		return err
	})
	if share.Err() != nil && ctx.Err() == nil {
		return some.Load(), nil
	}
	return false, err
}

func (m *Maintainer) owe(ctx context.Context, company booking.CompanyID, since time.Time) (owed bool, err error) {
	err = m.update(ctx, company, integration.GoogleCalendar, func(c *integration.Connection) bool {
		if owed = c.Status == integration.Connected && c.BackfillDue.Before(since); owed {
			c.BackfillDue = c.UpdatedAt
		}
		return owed
	})
	return owed && err == nil, err
}

// company does what is due for one connection:
//
// Turned off, but its grant not yet given back: that. Being removed, with a
// dead grant or for too long: its end. Disconnected: the passes over those
// bookings that waited for it. Otherwise the passes: the bookings that end in
// the future and those that wait, at once and again when a minute has passed,
// and then the events at Google that no record names.
func (m *Maintainer) company(ctx context.Context, company booking.CompanyID) (unfinished bool, err error) {
	c, err := m.Connections.Connection(ctx, company, integration.GoogleCalendar)
	if err != nil {
		return false, err
	}
	if c.PassedAt.After(c.ChangedAt) && m.Now().Before(c.PassedAt.Add(pause)) {
		return false, nil // it was looked at a moment ago
	}
	if c.Status == integration.Disconnecting && !c.RemoveEvents {
		if m.Now().Sub(c.ChangedAt) < inHand {
			return false, nil
		}
		return false, m.finish(ctx, company, c, integration.NoReason)
	}
	if c.Status == integration.Disconnected && !c.BackfillDue.IsZero() {
		return m.pass(ctx, company, c) // it calls nobody, so that the switch does not matter
	}
	if a := c.Access(true); a == integration.Off || c.BackfillDue.IsZero() || c.Status == integration.NeedsReauth {
		return false, nil // it waits for the company
	}
	on, err := m.Switches.Enabled(ctx, c.ID)
	if err != nil || !on {
		return false, err // switched off for everyone: later
	}
	if c.Status == integration.Disconnecting {
		left, err := m.hopeless(ctx, &c)
		if err != nil {
			return false, err
		}
		if left != integration.NoReason {
			return false, m.finish(ctx, company, c, left)
		}
	}
	return m.pass(ctx, company, c)
}

// hopeless is why a removal is to end although events are left: its grant is
// dead, or it has been tried for long enough. While the integration was
// switched off for everyone nothing was tried.
func (m *Maintainer) hopeless(ctx context.Context, c *integration.Connection) (integration.Reason, error) {
	if c.Reason.NeedsCompany() {
		return c.Reason, nil
	}
	e, err := m.Connections.Entry(ctx, c.ID)
	if err != nil {
		return integration.NoReason, fmt.Errorf("catalogue: %w", err)
	}
	tried := c.BackfillDue
	if e.ChangedAt.After(tried) {
		tried = e.ChangedAt
	}
	if m.Now().Sub(tried) > patience {
		return integration.Outage, nil
	}
	return integration.NoReason, nil
}

// finish ends a disconnection. If it can't, that is noted, so that it is not
// tried again at once.
func (m *Maintainer) finish(ctx context.Context, company booking.CompanyID, c integration.Connection, left integration.Reason) error {
	err := m.Grants.Finish(ctx, company, left)
	if err != nil {
		err = errors.Join(err, m.mark(ctx, company, c, false, 0))
	}
	return err
}

// pass does a turn of the pass that is due for a connection, if one is, and
// with the last one what comes after it. It reports whether there are more
// turns.
func (m *Maintainer) pass(ctx context.Context, company booking.CompanyID, c integration.Connection) (unfinished bool, err error) {
	now := m.Now()
	first := c.PassedAt.Before(c.BackfillDue)
	late := !now.Before(c.BackfillDue.Add(settle))
	if !first && !late {
		return false, nil
	}
	p := m.passes.of(company, c, now, late)
	if more, err := m.leftovers(ctx, company, c, p); err != nil || more {
		return more, err
	}
	if !p.reconciled {
		if more, err := m.bookings(ctx, company, c.ID, p); err != nil || more {
			return more, err
		}
		p.reconciled, p.events = true, newListing(c, m.Now())
		m.Log.LogAttrs(ctx, slog.LevelInfo, "bookings reconciled after a change of connection", slog.Bool("last_pass", p.late), slog.Int("added", p.added))
	}
	if p.late && !p.off {
		more, err := m.strays(ctx, company, c, p)
		if errors.Is(err, errNoTurn) || ctx.Err() != nil {
			return true, errUnfinished
		}
		if more {
			return true, nil
		}
		if err != nil {
			m.passes.end(company)
			return false, m.strayTrouble(ctx, company, c, err)
		}
	}
	m.passes.end(company)
	return false, m.passed(ctx, company, c, p)
}

// strayTrouble says what follows from a listing that failed.
func (m *Maintainer) strayTrouble(ctx context.Context, company booking.CompanyID, c integration.Connection, err error) error {
	switch why := gcal.ReasonOf(err); {
	case why == integration.Revoked:
		err = nil // who gives the tokens has recorded it, and the company has to mend it
	case why.NeedsCompany():
		return m.Grants.NeedReauth(ctx, company, c, why)
	}
	return errors.Join(err, m.mark(ctx, company, c, false, 0)) // marked, so that it is not tried again at once
}

// passed ends a pass. Once one that began late enough met no event at Google
// that no record names, or of a connection that is off no booking that waits,
// nothing is owed any more.
func (m *Maintainer) passed(ctx context.Context, company booking.CompanyID, c integration.Connection, p *pass) error {
	clean := p.late && p.met == 0
	if clean && c.Status == integration.Disconnecting {
		return m.finish(ctx, company, c, integration.NoReason)
	}
	return m.mark(ctx, company, c, clean, p.added)
}

// bookings reconciles the bookings of a turn of the pass: first those that end
// in the future, unless the connection is off, then those whose delivery is
// waiting. It reports whether there are more.
func (m *Maintainer) bookings(ctx context.Context, company booking.CompanyID, id integration.ID, p *pass) (more bool, err error) {
	for left := turnSize; left > 0; {
		if len(p.ahead) == 0 {
			if p.listed {
				return false, nil
			}
			if err := m.readAhead(ctx, company, id, p); err != nil {
				return false, err
			}
			continue
		}
		n := min(left, len(p.ahead))
		m.reconcile(ctx, p.ahead[:n])
		if err := ctx.Err(); err != nil {
			return false, fmt.Errorf("bookings to reconcile: %w", err) // they come again
		}
		p.ahead, left = p.ahead[n:], left-n
	}
	return len(p.ahead) > 0 || !p.listed, nil
}

// readAhead lists the next page of the pass's bookings.
func (m *Maintainer) readAhead(ctx context.Context, company booking.CompanyID, id integration.ID, p *pass) error {
	q := store.Query{EndsAfter: p.began, Cursor: p.cursor, Limit: bookingPage}
	if p.waiting {
		q.EndsAfter, q.Waiting = time.Time{}, id
	}
	page, err := m.Bookings.ListBookings(ctx, company, q)
	if err != nil {
		return fmt.Errorf("bookings to reconcile: %w", err)
	}
	p.count(page.Items, id)
	if p.off {
		p.met += len(page.Items)
	}
	p.ahead, p.cursor = keys(page.Items), page.Next
	if page.Next == "" {
		p.listed, p.waiting = p.waiting, true
	}
	return nil
}

func keys(bs []*store.Booking) []store.Key {
	ks := make([]store.Key, 0, len(bs))
	for _, b := range bs {
		ks = append(ks, store.Key{Company: b.Company, Booking: b.Booking.ID})
	}
	return ks
}

// missed reports whether the booking, as it was told before a change of the
// connection, got its event since. In the pass that ends a change nearly all
// have: the first pass wrote them.
func missed(b *store.Booking, id integration.ID, since time.Time) bool {
	if !b.At.Before(since) {
		return false
	}
	return slices.ContainsFunc(b.History, func(s store.Step) bool {
		return s.Integration == id && s.Kind == gcal.StepCreated && !s.At.Before(since)
	})
}

// mark records that a pass has ended, and with done that nothing more is owed
// for the change that c was read with, which added so many bookings. A
// connection that has changed since is owed its own passes.
func (m *Maintainer) mark(ctx context.Context, company booking.CompanyID, c integration.Connection, done bool, added int) error {
	_, err := store.Change(ctx, m.Connections, company, c.ID, m.Now, func(stored *integration.Connection) ([]store.Activity, error) {
		if !stored.BackfillDue.Equal(c.BackfillDue) {
			return nil, store.ErrUnchanged
		}
		if stored.PassedAt = stored.UpdatedAt; !done {
			return nil, nil
		}
		stored.CaughtUp(added, stored.PassedAt)
		if stored.CheckedAt.IsZero() { // all of its events are new: there is nothing to compare yet
			stored.CheckedAt = stored.PassedAt
		}
		return caughtUp(*stored, added, logging.TraceOf(ctx).ID), nil
	})
	if err != nil {
		return fmt.Errorf("mark pass: %w", err)
	}
	return nil
}

// caughtUp is the activity that tells of the bookings that a change added.
func caughtUp(c integration.Connection, added int, trace string) []store.Activity {
	if added == 0 || c.Status != integration.Connected {
		return nil
	}
	return []store.Activity{{
		At: c.PassedAt, Kind: store.ActCaughtUp, Integration: c.ID, Actor: store.ActorSystem, Outcome: "ok", Detail: strconv.Itoa(added), Trace: trace,
	}}
}
