package maintain

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/gcal"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

const (
	// checkEvery is how old a comparison of Google with the records may
	// become. Connections are compared in the order in which that happens, so
	// that their calls are spread over the day as their beginnings were.
	checkEvery = 24 * time.Hour

	// checkAgain is the wait after a comparison that met trouble at Google.
	checkAgain = 10 * time.Minute

	// maxChecks is about how many comparisons a run takes up, so that after a
	// long stop they don't all come at once: at a run a minute, 144,000 a day.
	maxChecks = 100

	// comparisons is how many are under way at a time. Each holds a company's
	// events in memory, half a kilobyte an event.
	comparisons = 8

	// maxLooks is how many pages of connections a run looks through for those
	// that can be compared.
	maxLooks = 10

	// forgetAfter is how long a comparison is kept that nobody goes on with.
	forgetAfter = time.Hour
)

// check is a comparison of one company's calendars with its records, as far as
// it has come. It is kept in memory: a new process begins it anew.
type check struct {
	began     time.Time
	changed   time.Time // the connection's ChangedAt: another one is another comparison
	events    listing
	found     map[booking.ID][]found
	cursor    string // of the bookings
	compared  bool   // the bookings are done; what is left in found belongs to none of them
	notBefore time.Time
	touched   time.Time // when it was last gone on with
}

// found is an event of ours with the calendar that it lies in.
type found struct {
	gcal.Found
	calendar string
}

// checks are those under way.
type checks struct {
	mu        sync.Mutex
	byCompany map[booking.CompanyID]*check
}

// of returns the company's comparison, and begins one if there is none for the
// connection as it is.
func (cs *checks) of(company booking.CompanyID, c integration.Connection, now time.Time) *check {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	ch := cs.byCompany[company]
	if ch == nil || !ch.changed.Equal(c.ChangedAt) {
		if cs.byCompany == nil {
			cs.byCompany = map[booking.CompanyID]*check{}
		}
		ch = newCheck(c, now)
		cs.byCompany[company] = ch
	}
	ch.touched = now
	return ch
}

func newCheck(c integration.Connection, now time.Time) *check {
	return &check{began: now, changed: c.ChangedAt, events: newListing(c, now), found: map[booking.ID][]found{}, touched: now}
}

// later reports whether the company's comparison is put off.
func (cs *checks) later(company booking.CompanyID, now time.Time) bool {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	ch := cs.byCompany[company]
	return ch != nil && now.Before(ch.notBefore)
}

func (cs *checks) end(company booking.CompanyID) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	delete(cs.byCompany, company)
}

// forget drops those that nobody goes on with, since the company is not
// connected any more or is owed passes, which do the same.
func (cs *checks) forget(now time.Time) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	maps.DeleteFunc(cs.byCompany, func(_ booking.CompanyID, ch *check) bool { return now.Sub(ch.touched) > forgetAfter })
}

// unchecked compares Google with the records for the connections for which
// that was last done more than a day ago. Beside the damage that it mends it
// uses every grant, and so finds a dead one. It reports whether it had to break
// one off.
//
// Those that can't be compared stay in the list, at its beginning: they are
// passed over, however many they are.
func (m *Maintainer) unchecked(ctx context.Context) (more bool, err error) {
	if on, err := m.Switches.Enabled(ctx, integration.GoogleCalendar); err != nil || !on {
		return false, err
	}
	m.checks.forget(m.Now())
	var pages int
	var begun atomic.Int32
	return m.goOver(ctx, m.comparing, func(cursor string) (store.Page[booking.CompanyID], error) {
		if pages++; pages > maxLooks || begun.Load() >= maxChecks {
			return store.Page[booking.CompanyID]{}, errEnough
		}
		return m.Connections.UncheckedConnections(ctx, integration.GoogleCalendar, m.Now().Add(-checkEvery), cursor, companyPage)
	}, func(ctx context.Context, company booking.CompanyID) error {
		if m.checks.later(company, m.Now()) {
			return nil
		}
		return m.check(ctx, company, &begun)
	})
}

// check goes on with the company's comparison to its end, and counts it.
func (m *Maintainer) check(ctx context.Context, company booking.CompanyID, begun *atomic.Int32) error {
	c, err := m.Connections.Connection(ctx, company, integration.GoogleCalendar)
	if err != nil || c.Access(true) != integration.On || !c.BackfillDue.IsZero() {
		return err // passes end with a comparison of their own
	}
	begun.Add(1)
	ch := m.checks.of(company, c, m.Now())
	for _, step := range []func(context.Context, booking.CompanyID, integration.Connection, *check) error{m.list, m.compare, m.unnamed} {
		if err := step(ctx, company, c, ch); err != nil {
			return m.checkFailed(ctx, company, c, ch, err)
		}
	}
	m.checks.end(company)
	m.Log.LogAttrs(ctx, slog.LevelInfo, "calendar compared with the records", slog.String("integration", string(c.ID)))
	return m.checked(ctx, company, c.ChangedAt, ch.began)
}

// checkFailed says what follows from a comparison that broke off. What was
// found by then is kept, unless the list itself is in doubt.
func (m *Maintainer) checkFailed(ctx context.Context, company booking.CompanyID, c integration.Connection, ch *check, err error) error {
	why := gcal.ReasonOf(err)
	switch {
	case ctx.Err() != nil:
		return err
	case errors.Is(err, errNoTurn):
		return errUnfinished
	case why == integration.Revoked: // who gives the tokens has recorded it
		m.checks.end(company)
		return nil
	case why.NeedsCompany():
		m.checks.end(company)
		return m.Grants.NeedReauth(ctx, company, c, why)
	}
	*ch = *newCheck(c, m.Now())
	ch.notBefore = m.Now().Add(checkAgain)
	return err
}

// list reads what is left of the calendars' events. A calendar that the
// company does not use any more may be gone.
func (m *Maintainer) list(ctx context.Context, company booking.CompanyID, c integration.Connection, ch *check) error {
	for !ch.events.done() {
		name := ch.events.calendars[0]
		page, err := m.look(ctx, company, c, &ch.events)
		if err != nil && (gcal.ReasonOf(err) != integration.CalendarMissing || name == c.Data.CalendarID) {
			return err
		}
		for _, f := range page.Events {
			ch.found[f.Booking] = append(ch.found[f.Booking], found{f, name})
		}
		ch.events.turnTo(page.Next)
	}
	return nil
}

// compare goes through what is left of the bookings that end in the future.
func (m *Maintainer) compare(ctx context.Context, company booking.CompanyID, c integration.Connection, ch *check) error {
	for !ch.compared {
		page, err := m.Bookings.ListBookings(ctx, company, store.Query{EndsAfter: ch.began, Cursor: ch.cursor, Limit: 2 * companyPage})
		if err != nil {
			return fmt.Errorf("bookings to compare: %w", err)
		}
		for _, b := range page.Items {
			if err := m.compareOne(ctx, c, ch, b); err != nil {
				return err
			}
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("bookings to compare: %w", err) // the page comes again, so its events are kept
		}
		for _, b := range page.Items {
			delete(ch.found, b.Booking.ID)
		}
		ch.cursor, ch.compared = page.Next, page.Next == ""
	}
	return nil
}

// compareOne compares a booking's record with the events that carry its id.
// What was written since the list began is not judged by it.
func (m *Maintainer) compareOne(ctx context.Context, c integration.Connection, ch *check, b *store.Booking) error {
	key, d := store.Key{Company: b.Company, Booking: b.Booking.ID}, b.Deliveries[c.ID]
	named := false
	for _, f := range ch.found[b.Booking.ID] {
		if !f.Named(d, f.calendar, c.Data.AccountSubject) {
			if _, err := m.stray(ctx, c, f.calendar, key, f.Found); err != nil {
				return err
			}
			continue
		}
		named = true
		if settled(b, d, ch.began) && f.Revision < d.Revision {
			m.Log.LogAttrs(ctx, slog.LevelInfo, "event shows an older state of its booking, written again", slog.String("booking", string(key.Booking)))
			if err := m.Engine.Redo(ctx, key, c.ID); err != nil {
				return err
			}
		}
	}
	if settled(b, d, ch.began) && named == (d.Detail == gcal.DetailGone) {
		return m.Engine.ReconcileAs(ctx, key, m.Pacer.Pace(m.Calendar.Witness()))
	}
	return nil
}

// settled reports whether the booking's event was written, as the booking is,
// before the list began.
func settled(b *store.Booking, d integration.Delivery, began time.Time) bool {
	return b.State == booking.Confirmed && d.Status == integration.Done && d.Written && !d.Place.None() &&
		d.Revision == b.Revision && d.UpdatedAt.Before(began)
}

// unnamed looks at the events that are left: of bookings that have ended, or
// that are not known here.
func (m *Maintainer) unnamed(ctx context.Context, company booking.CompanyID, c integration.Connection, ch *check) error {
	for id, events := range ch.found {
		for _, f := range events {
			if _, err := m.stray(ctx, c, f.calendar, store.Key{Company: company, Booking: id}, f.Found); err != nil {
				return err
			}
		}
		delete(ch.found, id)
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("events to compare: %w", err)
		}
	}
	return nil
}

// checked records when the comparison began, unless the connection has changed
// since.
func (m *Maintainer) checked(ctx context.Context, company booking.CompanyID, changed, began time.Time) error {
	return m.update(ctx, company, integration.GoogleCalendar, func(c *integration.Connection) bool {
		if !c.ChangedAt.Equal(changed) {
			return false
		}
		c.CheckedAt = began
		return true
	})
}

// update is [store.Change] for a change that nobody is told of, and that says
// whether to write.
func (m *Maintainer) update(
	ctx context.Context, company booking.CompanyID, id integration.ID, how func(*integration.Connection) bool,
) error {
	_, err := store.Change(ctx, m.Connections, company, id, m.Now, func(c *integration.Connection) ([]store.Activity, error) {
		if !how(c) {
			return nil, store.ErrUnchanged
		}
		return nil, nil
	})
	return err
}
