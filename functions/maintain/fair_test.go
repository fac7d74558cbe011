package maintain

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/gcal"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
	"github.com/citasync/citasync/shared/store/bolt"
)

// What must hold however many there are: nobody waits for all the others.

// empty is Google with nothing in any calendar, on so many pages, and trouble
// with some.
type empty struct {
	Calendar
	broken func(booking.CompanyID) bool
	pages  int

	mu     sync.Mutex
	listed map[booking.CompanyID]int
}

func (e *empty) List(_ context.Context, q gcal.Query) (gcal.Listing, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.listed[q.Company]++
	if e.broken != nil && e.broken(q.Company) {
		return gcal.Listing{}, errors.New("trouble")
	}
	if page, _ := strconv.Atoi(q.Page); page+1 < e.pages {
		return gcal.Listing{Next: strconv.Itoa(page + 1)}, nil
	}
	return gcal.Listing{}, nil
}

// slowStore takes its time for each connection that it reads.
type slowStore struct {
	*bolt.Store
	takes time.Duration
}

func (s slowStore) Connection(ctx context.Context, company booking.CompanyID, id integration.ID) (integration.Connection, error) {
	time.Sleep(s.takes)
	return s.Store.Connection(ctx, company, id)
}

func company(i int) booking.CompanyID { return booking.CompanyID(fmt.Sprintf("c%05d", i)) }

// connect connects companies, last in the order of the lists the last one.
func connect(t *testing.T, s *bolt.Store, n int, change func(i int, c *integration.Connection)) {
	t.Helper()
	for i := range n {
		c := integration.Connection{
			ID: integration.GoogleCalendar, Enabled: true, Status: integration.Connected,
			Data: integration.Data{AccountSubject: "1", CalendarID: "primary"}, ChangedAt: time.Now().Add(-48 * time.Hour),
		}
		c.ReconciledAt, c.PassedAt, c.CheckedAt = c.ChangedAt, c.ChangedAt, time.Now()
		c.UseCalendar("1", "primary")
		change(i, &c)
		if err := s.PutConnection(t.Context(), company(i), &c); err != nil {
			t.Fatal(err)
		}
	}
}

func connectionOf(t *testing.T, s *bolt.Store, i int) integration.Connection {
	t.Helper()
	c, err := s.Connection(t.Context(), company(i), integration.GoogleCalendar)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func put(t *testing.T, s *bolt.Store, company booking.CompanyID, n int, due time.Time) {
	t.Helper()
	for i := range n {
		b := store.Booking{
			Company: company, State: booking.Confirmed, NextAttemptAt: due,
			Booking: booking.Booking{ID: booking.ID(strconv.Itoa(i)), Start: time.Now().Add(time.Hour), End: time.Now().Add(2 * time.Hour), TimeZone: "UTC"},
		}
		if err := s.CommitBooking(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
	}
}

func runs(t *testing.T, m *Maintainer, n int) {
	t.Helper()
	for range n {
		begun := time.Now()
		if _, err := m.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begun); took > 50*time.Second {
			t.Errorf("a run of %v", took)
		}
	}
}

// TestSweepIsFair: pages of bookings of one company that are due keep
// nobody's waiting who became due after them.
func TestSweepIsFair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine := &slow{takes: time.Second, done: map[store.Key]int{}}
		m, s := newMaintainer(t, engine, &topic{})
		put(t, s, "acme", 3*sweepPage, time.Now().Add(-time.Hour))
		put(t, s, "zeta", 1, time.Now())
		runs(t, m, 1)
		if engine.done[store.Key{Company: "zeta", Booking: "0"}] != 1 {
			t.Error("the other company's booking still waits")
		}
		if n := len(engine.done); n < 80 {
			t.Errorf("%d bookings in a run", n)
		}
	})
}

// TestEveryCompanyHasItsTurn: many companies with long passes, and the last of
// them has some of its bookings reconciled within minutes.
func TestEveryCompanyHasItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine := &slow{takes: time.Second, done: map[store.Key]int{}}
		m, s := newMaintainer(t, engine, &topic{})
		m.Calendar = &empty{listed: map[booking.CompanyID]int{}}
		const n = 60
		connect(t, s, n, func(i int, c *integration.Connection) {
			c.BackfillDue = time.Now()
			put(t, s, company(i), 3*turnSize, time.Time{})
		})
		runs(t, m, 4)
		had := map[booking.CompanyID]bool{}
		for k := range engine.done {
			had[k.Company] = true
		}
		if len(had) != n {
			t.Errorf("in four runs %d of %d companies had a turn", len(had), n)
		}
	})
}

// TestSwitchedOnForMany: when the integration is switched on again, finding
// out who is owed passes keeps nobody's passes waiting, though those owed stay
// in the list until their passes are done.
func TestSwitchedOnForMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, s := newMaintainer(t, &slow{done: map[store.Key]int{}}, &topic{})
		m.Calendar = &empty{listed: map[booking.CompanyID]int{}}
		m.Connections = slowStore{s, 200 * time.Millisecond}
		const n = 1000 // to read them all takes a run's whole time
		connect(t, s, n, func(int, *integration.Connection) {})
		e, err := s.Entry(t.Context(), integration.GoogleCalendar)
		if err != nil {
			t.Fatal(err)
		}
		e.ChangedAt = time.Now()
		if err := s.PutEntry(t.Context(), &e); err != nil {
			t.Fatal(err)
		}
		for begun := time.Now(); time.Since(begun) < 15*time.Minute; time.Sleep(time.Second) {
			runs(t, m, 1)
		}
		for i := range n {
			if c := connectionOf(t, s, i); c.ReconciledAt.Before(e.ChangedAt) || !c.BackfillDue.IsZero() {
				t.Fatalf("company %d of %d: passes due since %v, done for %v", i, n, c.BackfillDue, c.ReconciledAt)
			}
		}
	})
}

// TestTroubleKeepsNobodyFromTheCheck: connections that can't be compared stay
// first in the list and are passed over, however many they are.
func TestTroubleKeepsNobodyFromTheCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, s := newMaintainer(t, &slow{done: map[store.Key]int{}}, &topic{})
		const n = 3 * maxChecks
		google := &empty{listed: map[booking.CompanyID]int{}, broken: func(c booking.CompanyID) bool { return c != company(n-1) }}
		m.Calendar = google
		connect(t, s, n, func(i int, c *integration.Connection) {
			c.CheckedAt = time.Now().Add(-30*time.Hour + time.Duration(i)*time.Second)
		})
		for range 5 {
			runs(t, m, 1)
			time.Sleep(time.Minute)
		}
		if c := connectionOf(t, s, n-1); time.Since(c.CheckedAt) > time.Hour {
			t.Errorf("last checked at %v", c.CheckedAt)
		}
		for c, calls := range google.listed {
			if calls > 1 {
				t.Errorf("company %s was asked for %d times in five minutes", c, calls)
			}
		}
	})
}

// TestChecksAreSpread: after a long stop they don't all come at once.
func TestChecksAreSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, s := newMaintainer(t, &slow{done: map[store.Key]int{}}, &topic{})
		google := &empty{listed: map[booking.CompanyID]int{}}
		m.Calendar = google
		const n = 1000
		connect(t, s, n, func(_ int, c *integration.Connection) { c.CheckedAt = time.Now().Add(-48 * time.Hour) })
		runs(t, m, 1)
		if len(google.listed) > 2*maxChecks {
			t.Errorf("%d compared in a run", len(google.listed))
		}
		for range n/maxChecks + 1 {
			runs(t, m, 1)
		}
		if len(google.listed) != n {
			t.Errorf("%d compared in all", len(google.listed))
		}
		if left := len(m.checks.byCompany); left > 0 {
			t.Errorf("%d comparisons are remembered", left)
		}
	})
}

// TestForgottenChecks: a comparison that was broken off, and whose company is
// turned off then, is not kept for ever.
func TestForgottenChecks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, s := newMaintainer(t, &slow{done: map[store.Key]int{}}, &topic{})
		m.Calendar = &empty{listed: map[booking.CompanyID]int{}, broken: func(booking.CompanyID) bool { return true }}
		connect(t, s, 1, func(_ int, c *integration.Connection) { c.CheckedAt = time.Time{} })
		runs(t, m, 1)
		if len(m.checks.byCompany) != 1 {
			t.Fatal("nothing is remembered: this tests nothing")
		}
		c := connectionOf(t, s, 0)
		c.Status = integration.Disconnected
		if err := s.PutConnection(t.Context(), company(0), &c); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Hour)
		runs(t, m, 1)
		if len(m.checks.byCompany) != 0 {
			t.Error("it is still remembered")
		}
	})
}

// TestPassesAreNoComparison: passes look for what no record names, not for what is
// missing, so they don't put off the comparison of a connection that had one.
func TestPassesAreNoComparison(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, s := newMaintainer(t, &slow{done: map[store.Key]int{}}, &topic{})
		m.Calendar = &empty{listed: map[booking.CompanyID]int{}}
		before := time.Now().Add(-20 * time.Hour).UTC()
		connect(t, s, 1, func(_ int, c *integration.Connection) {
			c.CheckedAt, c.BackfillDue = before, time.Now().Add(-time.Hour)
		})
		runs(t, m, 1)
		if c := connectionOf(t, s, 0); !c.BackfillDue.IsZero() || !c.CheckedAt.Equal(before) {
			t.Errorf("due since %v, compared at %v, want %v", c.BackfillDue, c.CheckedAt, before)
		}
	})
}

// TestLongListing: a listing that takes longer than a run is gone on with, at
// the end of passes and in the daily check.
func TestLongListing(t *testing.T) {
	for name, change := range map[string]func(*integration.Connection){
		"passes": func(c *integration.Connection) { c.BackfillDue = time.Now().Add(-time.Hour) },
		"check":  func(c *integration.Connection) { c.CheckedAt = time.Time{} },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, s := newMaintainer(t, &slow{done: map[store.Key]int{}}, &topic{})
				google := &empty{listed: map[booking.CompanyID]int{}, pages: 300} // a minute at the company's pace
				m.Calendar = google
				connect(t, s, 1, func(_ int, c *integration.Connection) { change(c) })
				more, runs := true, 0
				for ; more && runs < 5; runs++ {
					var err error
					if more, err = m.Run(context.Background()); err != nil {
						t.Fatal(err)
					}
				}
				if c := connectionOf(t, s, 0); !c.BackfillDue.IsZero() || time.Since(c.CheckedAt) > time.Hour || more {
					t.Errorf("due since %v, checked at %v, more %t", c.BackfillDue, c.CheckedAt, more)
				}
				// A page whose turn and the run's end are at the same instant may come again.
				if n := google.listed[company(0)]; n < google.pages || n > google.pages+runs {
					t.Errorf("%d pages of %d in %d runs", n, google.pages, runs)
				}
			})
		})
	}
}
