package maintain

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
	"github.com/citasync/citasync/shared/store/bolt"
)

// asked is a store that keeps what bookings were asked for.
type asked struct {
	*bolt.Store
	mu      sync.Mutex
	queries []store.Query
}

func (a *asked) ListBookings(ctx context.Context, company booking.CompanyID, q store.Query) (store.Page[*store.Booking], error) {
	a.mu.Lock()
	a.queries = append(a.queries, q)
	a.mu.Unlock()
	return a.Store.ListBookings(ctx, company, q)
}

// disconnected turns the company off, owed what waits for it.
func disconnected(t *testing.T, s *bolt.Store) {
	t.Helper()
	connect(t, s, 1, func(_ int, c *integration.Connection) {
		c.Status, c.Enabled, c.Data = integration.Disconnected, false, integration.Data{}
		c.ChangedAt, c.BackfillDue = time.Now(), time.Now()
	})
}

func wait(t *testing.T, s *bolt.Store, id booking.ID, status integration.DeliveryStatus) {
	t.Helper()
	snap, err := s.ReadBooking(t.Context(), company(0), id)
	if err != nil {
		t.Fatal(err)
	}
	b := snap.Booking
	b.Deliveries = map[integration.ID]integration.Delivery{integration.GoogleCalendar: {Status: status}}
	if err := s.CommitBooking(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}

// TestOffWithNothingWaiting costs a query in each of the two passes, and nobody
// is called: there is no calendar here.
func TestOffWithNothingWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine := &slow{done: map[store.Key]int{}}
		m, s := newMaintainer(t, engine, &topic{})
		a := &asked{Store: s}
		m.Bookings = a
		disconnected(t, s)
		put(t, s, company(0), 3, time.Time{})
		for range 20 {
			runs(t, m, 1)
			time.Sleep(10 * time.Second)
		}
		if len(a.queries) != 2 || a.queries[0].Waiting != integration.GoogleCalendar || a.queries[1].Waiting != integration.GoogleCalendar {
			t.Errorf("asked for %+v", a.queries)
		}
		if c := connectionOf(t, s, 0); !c.BackfillDue.IsZero() || c.Status != integration.Disconnected || len(engine.done) != 0 {
			t.Errorf("due since %v, %s, reconciled %v", c.BackfillDue, c.Status, engine.done)
		}
	})
}

// TestOffUntilNothingWaits: what could not be written stays owed, with pauses,
// and what does not wait is left alone.
func TestOffUntilNothingWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine := &slow{done: map[store.Key]int{}} // which writes nothing
		m, s := newMaintainer(t, engine, &topic{})
		disconnected(t, s)
		put(t, s, company(0), 3, time.Time{})
		wait(t, s, "1", integration.Waiting)
		for range 300 {
			runs(t, m, 1)
			time.Sleep(time.Second)
		}
		if n := engine.done[store.Key{Company: company(0), Booking: "1"}]; len(engine.done) != 1 || n < 5 || n > 15 {
			t.Errorf("reconciled %v in five minutes", engine.done)
		}
		if connectionOf(t, s, 0).BackfillDue.IsZero() {
			t.Error("nothing is owed, though a booking waits")
		}
		wait(t, s, "1", integration.Skipped)
		runs(t, m, 1)
		time.Sleep(pause)
		runs(t, m, 1)
		if c := connectionOf(t, s, 0); !c.BackfillDue.IsZero() {
			t.Errorf("due since %v", c.BackfillDue)
		}
	})
}
