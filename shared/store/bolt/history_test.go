package bolt

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
	"github.com/citasync/citasync/shared/store/storetest"
)

// load stores new bookings, many a transaction.
func load(t testing.TB, s *Store, n int) {
	t.Helper()
	var batch []*store.Booking
	flush := func() {
		if err := s.update(t.Context(), func(t tx) error { return t.load(batch) }); err != nil {
			t.Fatal(err)
		}
		batch = batch[:0]
	}
	for b := range storetest.ManyBookings(n) {
		if batch = append(batch, b); len(batch) == 500 {
			flush()
		}
	}
	flush()
}

func (t tx) load(bs []*store.Booking) error {
	for _, b := range bs {
		d := newBookingDoc(b, 1)
		data, err := json.Marshal(d)
		if err != nil {
			return err
		}
		if err := t.replace(bookings, bookingKey(b.Company, b.Booking.ID), &bookingDoc{}, b.Company, 1, data, d.index(b.Company)); err != nil {
			return err
		}
	}
	return nil
}

// cost is what a page costs: the steps of the cursor that reads the index, and
// the cursors that bbolt opened for the whole of it, two for each record that is
// read: for its bucket and for itself.
type cost struct{ Steps, Cursors int64 }

// counted counts the steps of a cursor.
type counted struct {
	cursor
	steps int64
}

func (c *counted) Seek(k []byte) (key, value []byte) {
	c.steps++
	return c.cursor.Seek(k)
}

func (c *counted) Next() (key, value []byte) {
	c.steps++
	return c.cursor.Next()
}

func costOf(t *testing.T, s *Store, f store.Filter, limit int) cost {
	t.Helper()
	q := store.Query{Filter: f, Limit: limit}
	r, err := bookingRange("2", q)
	if err != nil {
		t.Fatal(err)
	}
	var db *bbolt.DB
	var c counted
	err = s.view(t.Context(), func(t tx) error {
		db = t.DB()
		c.cursor = t.bucket(r.bucket).Cursor()
		start, err := r.start("")
		k := r.first(&c, start)
		for range limit { // as page does
			if !r.has(k) {
				break
			}
			k = r.next(&c)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	before := db.Stats()
	if _, err := s.ListBookings(t.Context(), "2", q); err != nil {
		t.Fatal(err)
	}
	after := db.Stats()
	return cost{Steps: c.steps, Cursors: after.TxStats.GetCursorCount() - before.TxStats.GetCursorCount()}
}

// TestPageCost counts what the first page costs with a thousand bookings and
// with fifty thousand, whatever is asked for: the same, which is a step and a
// record for each booking that it returns; and by name and dates a step more
// for each name.
func TestPageCost(t *testing.T) {
	const limit, names = 20, 101
	got := map[int]map[string]cost{}
	for _, n := range []int{1000, 50_000} {
		s := open(t, NoSync)
		load(t, s, n)
		got[n] = map[string]cost{}
		for what, f := range storetest.ManyFilters() {
			c := costOf(t, s, f, limit)
			most := int64(limit + 1)
			if f.Name != "" && (!f.From.IsZero() || !f.Until.IsZero()) {
				most += 2 * names
			}
			if c.Steps > most || c.Cursors > 2*(limit+1) {
				t.Errorf("%d bookings, %s: %+v", n, what, c)
			}
			got[n][what] = c
		}
	}
	if diff := cmp.Diff(got[1000], got[50_000]); diff != "" {
		t.Errorf("costs differ (-1,000 bookings +50,000):\n%s", diff)
	}
	t.Logf("of %d queries, with 50,000 bookings: all %+v, by name and dates that none has %+v",
		len(got[1000]), got[50_000]["all"], got[50_000]["none: name, from"])
}

// TestPast: past is after all keys that begin so, also where they end with the
// greatest byte, and before all others.
func TestPast(t *testing.T) {
	for _, tt := range []struct{ k, want string }{
		{"a", "b"}, {"a\xff", "b"}, {"\xff\xff", ""}, {"", ""}, {"a\x00\xff", "a\x01"},
	} {
		if got := key(tt.k).past(); string(got) != tt.want {
			t.Errorf("past %q: %q, want %q", tt.k, got, tt.want)
		}
	}
}

// BenchmarkUpdate changes a delivery's status of one booking among many.
func BenchmarkUpdate(b *testing.B) {
	s := open(b, NoSync)
	load(b, s, 20_000)
	for n := 0; b.Loop(); n++ {
		snap, err := s.ReadBooking(b.Context(), "2", booking.ID("7"))
		if err != nil {
			b.Fatal(err)
		}
		r := snap.Booking
		for id, d := range r.Deliveries {
			d.Status = []integration.DeliveryStatus{integration.Done, integration.Pending}[n%2]
			r.Deliveries[id] = d
		}
		commit(b, s, r)
	}
}
