package bolt

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
	"github.com/citasync/citasync/shared/store/storetest"
)

func open(t testing.TB, opts ...Option) *Store {
	t.Helper()
	s, err := Open(filepath.Join(t.TempDir(), "store.db"), opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return checked(t) })
}

func TestStoreConcurrent(t *testing.T) {
	storetest.RunConcurrent(t, func(t *testing.T) store.Store { return checked(t) })
}

// checked is an open store whose indexes are compared with its records at the
// end.
func checked(t *testing.T) *Store {
	s := open(t, NoSync)
	t.Cleanup(func() { checkIndexes(t, s) })
	return s
}

// checkIndexes builds the indexes anew from the records.
func checkIndexes(t *testing.T, s *Store) {
	t.Helper()
	got, want := map[string][]string{}, map[string]map[string]bool{}
	expect := func(es []entry) {
		for _, e := range es {
			if want[e.bucket] == nil {
				want[e.bucket] = map[string]bool{}
			}
			want[e.bucket][string(e.key)] = true
		}
	}
	err := s.view(context.Background(), func(t tx) error {
		for _, name := range []string{byStart, byMark, byPhone, byName, byEnd, waiting, due, owed, connected, lookedAt, notices, holders, expiry} {
			_ = t.bucket(name).ForEach(func(k, _ []byte) error {
				got[name] = append(got[name], string(k))
				return nil
			})
		}
		return t.records(expect)
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, keys := range got {
		for _, k := range keys {
			if !want[name][k] {
				t.Errorf("index %s: %q belongs to no record", name, k)
			}
			delete(want[name], k)
		}
	}
	for name, keys := range want {
		for k := range keys {
			t.Errorf("index %s: %q is missing", name, k)
		}
	}
}

// records calls expect with the index entries of every record.
func (t tx) records(expect func([]entry)) error {
	each := func(bucket string, doc any, index func(k key) []entry) error {
		return t.bucket(bucket).ForEach(func(k, _ []byte) error {
			if _, err := t.read(bucket, k, doc); err != nil {
				return err
			}
			expect(index(k))
			return nil
		})
	}
	var b bookingDoc
	var c connectionDoc
	var o stateDoc
	var l linkDoc
	for _, err := range []error{
		each(bookings, &b, func(k key) []entry {
			company, _, _ := cutText(k)
			es := b.index(booking.CompanyID(company))
			b = bookingDoc{}
			return es
		}),
		each(connections, &c, func(k key) []entry {
			company, _, _ := cutText(k)
			es := c.index(booking.CompanyID(company))
			c = connectionDoc{}
			return es
		}),
		each(states, &o, func(k key) []entry { return expires(o.ExpireAt, states, k) }),
		each(links, &l, func(k key) []entry { return expires(l.ExpireAt, links, k) }),
	} {
		if err != nil {
			return err
		}
	}
	return nil
}

var now = time.Date(2026, 11, 23, 15, 4, 5, 0, time.UTC)

func newBooking(id booking.ID) *store.Booking {
	return &store.Booking{
		Company: "2",
		Booking: booking.Booking{ID: id, Start: now, End: now.Add(time.Hour), TimeZone: "America/Bogota"},
		State:   booking.Confirmed, At: now, Revision: 1,
		Deliveries: map[integration.ID]integration.Delivery{
			integration.GoogleCalendar: {Status: integration.Waiting, Revision: 1},
		},
		NextAttemptAt: now, ExpireAt: now.Add(400 * 24 * time.Hour),
	}
}

func commit(t testing.TB, s *Store, bs ...*store.Booking) {
	t.Helper()
	for _, b := range bs {
		if err := s.CommitBooking(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
}

func TestReopen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	b := newBooking("981")
	commit(t, s, b)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.CommitBooking(t.Context(), b); err == nil {
		t.Error("a closed store took a commit")
	}
	if s, err = Open(path); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	snap, err := s.ReadBooking(t.Context(), "2", "981")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(b, snap.Booking); diff != "" {
		t.Errorf("booking differs (-committed +read):\n%s", diff)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, error %v, want 0600", info.Mode(), err)
	}
}

func TestExpire(t *testing.T) {
	s, ctx := checked(t), t.Context()
	old, young := newBooking("old"), newBooking("young")
	old.ExpireAt, young.ExpireAt = now, now.Add(time.Second)
	never := newBooking("never")
	never.ExpireAt = time.Time{}
	commit(t, s, old, young, never)
	for i, at := range []time.Time{now.Add(-time.Hour), now, now.Add(time.Hour)} {
		if err := s.PutState(ctx, strconv.Itoa(i), store.OAuthState{Company: "2", ExpireAt: at}); err != nil {
			t.Fatal(err)
		}
		if err := s.UseLink(ctx, strconv.Itoa(i), now.Add(-2*time.Hour), at); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []int{3, 2, 0} { // five have expired: a booking, two states, two links
		if n, err := s.Expire(ctx, now, 3); err != nil || n != want {
			t.Errorf("call %d: %d, error %v, want %d", i, n, err, want)
		}
	}
	checkIndexes(t, s)
	var left []booking.ID
	for _, id := range []booking.ID{"old", "young", "never"} {
		if snap, err := s.ReadBooking(ctx, "2", id); err != nil {
			t.Error(err)
		} else if snap.Booking != nil {
			left = append(left, id)
		}
	}
	if diff := cmp.Diff([]booking.ID{"young", "never"}, left); diff != "" {
		t.Errorf("bookings left (-want +got):\n%s", diff)
	}
	if _, err := s.TakeState(ctx, "2", now); err != nil {
		t.Errorf("the state that had not expired: %v", err)
	}
}

// TestUnknownWords reads records that a later version may have written.
func TestUnknownWords(t *testing.T) {
	ctx := t.Context()
	tests := []struct{ name, bucket, data string }{
		{"state", bookings, `{"id":"981","state":"postponed","version":1}`},
		{"no state", bookings, `{"id":"981","version":1}`},
		{"delivery", bookings, `{"id":"981","state":"confirmed","deliveries":{"whatsapp":{"status":"lost"}},"version":1}`},
		{"zone", bookings, `{"id":"981","state":"confirmed","time_zone":"Moon/Tranquility","version":1}`},
		{"no JSON", bookings, `{"id":`},
		{"status", connections, `{"id":"981","status":"undecided","version":1}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t, NoSync)
			err := s.update(ctx, func(t tx) error { return t.put(tt.bucket, bookingKey("2", "981"), []byte(tt.data)) })
			if err != nil {
				t.Fatal(err)
			}
			if tt.bucket == bookings {
				_, err = s.ReadBooking(ctx, "2", "981")
			} else {
				_, err = s.Connection(ctx, "2", "981")
			}
			if err == nil || fault.Status(err) != 500 {
				t.Errorf("error %v, want one that is ours to mend", err)
			}
		})
	}
}

// TestUnknownWordsRefused writes what could not be read again.
func TestUnknownWordsRefused(t *testing.T) {
	s := open(t, NoSync)
	for name, change := range map[string]func(*store.Booking){
		"state":    func(b *store.Booking) { b.State = "postponed" },
		"delivery": func(b *store.Booking) { b.Deliveries[integration.WhatsApp] = integration.Delivery{Status: "lost"} },
		"zone":     func(b *store.Booking) { b.Booking.TimeZone = "Moon/Tranquility" },
		"year":     func(b *store.Booking) { b.Booking.End = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
	} {
		b := newBooking("981")
		change(b)
		if err := s.CommitBooking(t.Context(), b); fault.Status(err) != 400 {
			t.Errorf("%s: error %v, want an invalid one", name, err)
		}
	}
	c := integration.Connection{ID: integration.WhatsApp, Status: "undecided"}
	if err := s.PutConnection(t.Context(), "2", &c); fault.Status(err) != 400 {
		t.Errorf("status: error %v, want an invalid one", err)
	}
}

// TestBubble uses a store inside a bubble whose clock must stand still.
func TestBubble(t *testing.T) {
	outside := open(t, NoSync)
	synctest.Test(t, func(t *testing.T) {
		inside := open(t, NoSync)
		start := time.Now()
		for name, s := range map[string]*Store{"opened inside": inside, "opened outside": outside} {
			done := make(chan error)
			for i := range 20 {
				go func() { done <- s.CommitBooking(t.Context(), newBooking(booking.ID(strconv.Itoa(i)))) }()
			}
			for range 20 {
				if err := <-done; err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
		if d := time.Since(start); d != 0 {
			t.Errorf("the writes moved the clock by %v", d)
		}
	})
}

func BenchmarkCommit(b *testing.B) {
	for _, parallel := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("parallel=%d", parallel), func(b *testing.B) {
			s, work := open(b), make(chan int)
			var wg sync.WaitGroup
			for range parallel {
				wg.Go(func() {
					for n := range work {
						if err := s.CommitBooking(b.Context(), newBooking(booking.ID(strconv.Itoa(n)))); err != nil {
							b.Error(err)
						}
					}
				})
			}
			for n := 0; b.Loop(); n++ {
				work <- n
			}
			close(work)
			wg.Wait()
		})
	}
}

func BenchmarkRead(b *testing.B) {
	s := open(b, NoSync)
	commit(b, s, newBooking("981"))
	for b.Loop() {
		if _, err := s.ReadBooking(b.Context(), "2", "981", integration.GoogleCalendar, integration.WhatsApp); err != nil {
			b.Fatal(err)
		}
	}
}
