package storetest

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

// writers is how many goroutines meet in each test.
const writers = 8

// together runs f in several goroutines, begun as one, and waits for them.
func together(f func(i int)) {
	var wg sync.WaitGroup
	begin := make(chan struct{})
	for i := range writers {
		wg.Go(func() {
			<-begin
			f(i)
		})
	}
	close(begin)
	wg.Wait()
}

// oneWins runs try in several goroutines: one must succeed, and the others
// fail with the error.
func oneWins(t *testing.T, failure error, try func(i int) error) {
	t.Helper()
	var won atomic.Int32
	together(func(i int) {
		switch err := try(i); {
		case err == nil:
			won.Add(1)
		case !errors.Is(err, failure):
			t.Errorf("writer %d: error %v, want %v", i, err, failure)
		}
	})
	if won.Load() != 1 {
		t.Errorf("%d writers succeeded, want 1", won.Load())
	}
}

func testCreateOnce(t *testing.T, s store.Store) {
	for n := range 5 {
		id := booking.ID(strconv.Itoa(n))
		oneWins(t, fault.ErrConflict, func(i int) error {
			b := newBooking("2", id, base())
			b.Revision = int64(i)
			return s.CommitBooking(t.Context(), b)
		})
	}
}

func testUpdateOnce(t *testing.T, s store.Store) {
	b := newBooking("2", "981", base())
	commit(t, s, b)
	for range 5 {
		read := *b
		var winner atomic.Int64
		oneWins(t, fault.ErrConflict, func(i int) error {
			mine := read
			mine.Revision = int64(i)
			err := s.CommitBooking(t.Context(), &mine)
			if err == nil {
				winner.Store(mine.Revision)
			}
			return err
		})
		b = get[store.Snapshot](t)(s.ReadBooking(t.Context(), "2", "981")).Booking
		if b.Revision != winner.Load() {
			t.Errorf("stored is what writer %d wrote, but %d was told that it had", b.Revision, winner.Load())
		}
	}
}

// rounds is how often each writer increments.
const rounds = 5

// increment calls one, which adds one, as often as there are rounds.
func increment(t *testing.T, one func() error) {
	t.Helper()
	together(func(int) {
		for range rounds {
			if err := one(); err != nil {
				t.Error(err)
			}
		}
	})
}

func testIncrements(t *testing.T, s store.Store) {
	b := newBooking("2", "981", base())
	b.Revision = 0
	commit(t, s, b)
	var mu sync.Mutex
	from := map[string]bool{} // versions that a writer succeeded on
	try := func() error {
		snap, err := s.ReadBooking(t.Context(), "2", "981")
		if err != nil {
			return err
		}
		was := snap.Booking.Version
		snap.Booking.Revision++
		if err := s.CommitBooking(t.Context(), snap.Booking); err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		if from[was] {
			t.Errorf("two writers succeeded on version %q", was)
		}
		from[was] = true
		return nil
	}
	increment(t, func() error { return store.Again(t.Context(), try) })
	if got := read(t, s, "2", "981").Revision; got != writers*rounds {
		t.Errorf("%d increments are left of %d", got, writers*rounds)
	}
}

func testConnectionIncrements(t *testing.T, s store.Store) {
	ctx := t.Context()
	increment(t, func() error {
		_, err := store.Change(ctx, s, "2", integration.GoogleCalendar, base, func(c *integration.Connection) ([]store.Activity, error) {
			c.Status = integration.Connected
			c.Data.Scopes = append(c.Data.Scopes, "scope")
			return []store.Activity{{At: base(), Kind: "added"}}, nil
		})
		return err
	})
	c := get[integration.Connection](t)(s.Connection(ctx, "2", integration.GoogleCalendar))
	if got := len(c.Data.Scopes); got != writers*rounds {
		t.Errorf("%d increments are left of %d", got, writers*rounds)
	}
	acts := get[store.Page[store.Activity]](t)(s.ListActivity(ctx, "2", "", 1000)).Items
	if len(acts) != writers*rounds {
		t.Errorf("%d activities for %d writes", len(acts), writers*rounds)
	}
}

// testManyBookings has each writer at bookings of its own, among writers that
// fail: no failure may reach another.
func testManyBookings(t *testing.T, s store.Store) {
	taken := newBooking("2", "taken", base())
	commit(t, s, taken)
	together(func(i int) {
		for n := range rounds {
			b := newBooking("2", booking.ID(fmt.Sprintf("%d-%d", i, n)), base())
			b.NextAttemptAt = base()
			if err := s.CommitBooking(t.Context(), b); err != nil {
				t.Errorf("writer %d: %v", i, err)
			}
			err := s.CommitBooking(t.Context(), newBooking("2", "taken", base()))
			wantError(t, "create twice", err, fault.ErrConflict)
		}
	})
	due := get[[]store.Key](t)(s.DueBookings(t.Context(), base(), 1000))
	if len(due) != writers*rounds {
		t.Errorf("%d bookings are due, want %d", len(due), writers*rounds)
	}
	if got := len(listAll(t, s, "2", store.Query{})); got != writers*rounds+1 {
		t.Errorf("%d bookings are stored, want %d", got, writers*rounds+1)
	}
}

func testTakeOnce(t *testing.T, s store.Store) {
	for n := range 5 {
		hash := strconv.Itoa(n)
		must(t, s.PutState(t.Context(), hash, store.OAuthState{Company: "2", ExpireAt: base().AddDate(0, 0, 1)}))
		oneWins(t, fault.ErrNotFound, func(int) error {
			o, err := s.TakeState(t.Context(), hash, base())
			if err == nil && o.Company != "2" {
				t.Errorf("took %+v", o)
			}
			return err
		})
	}
}

func testUseOnce(t *testing.T, s store.Store) {
	for n := range 5 {
		jti := strconv.Itoa(n)
		oneWins(t, fault.ErrConflict, func(int) error {
			return s.UseLink(t.Context(), jti, base(), base().AddDate(0, 0, 1))
		})
	}
}

// testWholeSnapshots reads bookings while they are written: a reader never
// sees one half written.
func testWholeSnapshots(t *testing.T, s store.Store) {
	commit(t, s, newBooking("2", "981", base()))
	together(func(i int) {
		for range rounds {
			snap, err := s.ReadBooking(t.Context(), "2", "981")
			if err != nil {
				t.Error(err)
				return
			}
			b := snap.Booking
			if n := len(b.History); int64(n) != b.Revision-1 || len(b.Deliveries) != min(n, 1) {
				t.Errorf("revision %d with %d steps and %d deliveries", b.Revision, n, len(b.Deliveries))
			}
			b.Revision++
			b.History = append(b.History, store.Step{At: base(), Kind: "changed"})
			b.Deliveries[integration.WhatsApp] = integration.Delivery{Status: integration.Pending, Revision: b.Revision}
			if err := s.CommitBooking(t.Context(), b); err != nil && !errors.Is(err, fault.ErrConflict) {
				t.Errorf("writer %d: %v", i, err)
			}
		}
	})
}
