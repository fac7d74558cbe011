package bolt

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

// earlier makes a file as an earlier version left it, without the young
// indexes, of bookings of several companies.
func earlier(t *testing.T, n int) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "store.db")
	s, err := Open(path, NoSync)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		b := newBooking(booking.ID(strconv.Itoa(i)))
		b.Company = booking.CompanyID(strconv.Itoa(i % 3))
		b.Booking.Customer = booking.Customer{Name: "Ana", Phone: "+573001112233"}
		commit(t, s, b)
	}
	err = s.update(t.Context(), func(t tx) error {
		for _, name := range append(youngIndexes(), built) {
			if err := t.DeleteBucket([]byte(name)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// reopened opens a file and compares its indexes with its records.
func reopened(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(path, NoSync)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	checkIndexes(t, s)
	return s
}

func TestBuild(t *testing.T) {
	s := reopened(t, earlier(t, 50))
	for what, f := range map[string]store.Filter{
		"state": {State: booking.Confirmed}, "phone": {Phone: "+573001112233"}, "name": {Name: "an"},
	} {
		p, err := s.ListBookings(t.Context(), "1", store.Query{Filter: f, Limit: 100})
		if err != nil || len(p.Items) != 17 {
			t.Errorf("by %s: %d bookings, error %v, want 17", what, len(p.Items), err)
		}
	}
}

// TestBuildInterrupted stops after some transactions, each of which has a few
// records, in a version that knew one index less.
func TestBuildInterrupted(t *testing.T) {
	for steps := 1; steps <= 4; steps++ {
		path := earlier(t, 20)
		db, err := bbolt.Open(path, 0o600, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := range steps {
			if more := buildStep(t, db, 5); more != (i < 3) {
				t.Errorf("transaction %d: more: %t", i, more)
			}
			if n := entries(t, db, byPhone); n != 5*6*(i+1) {
				t.Errorf("transaction %d: %d entries", i, n)
			}
		}
		forget(t, db, youngIndexes()[steps%3])
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		reopened(t, path)
	}
}

// buildStep does what Open does, but for one transaction only.
func buildStep(t *testing.T, db *bbolt.DB, batch int) (more bool) {
	t.Helper()
	err := db.Update(func(b *bbolt.Tx) (err error) {
		for _, name := range append(youngIndexes(), built) {
			if _, err := b.CreateBucketIfNotExists([]byte(name)); err != nil {
				return err
			}
		}
		more, err = tx{b}.build(batch)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return more
}

func entries(t *testing.T, db *bbolt.DB, bucket string) (n int) {
	t.Helper()
	err := db.View(func(b *bbolt.Tx) error {
		n = b.Bucket([]byte(bucket)).Stats().KeyN
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// forget leaves a file as if an index were younger than it.
func forget(t *testing.T, db *bbolt.DB, index string) {
	t.Helper()
	err := db.Update(func(b *bbolt.Tx) error {
		return errors.Join(b.DeleteBucket([]byte(index)), b.Bucket([]byte(built)).Delete([]byte(index)))
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestBuildAnew: indexes of another version are built again, without what was
// in them, whether they were complete or not.
func TestBuildAnew(t *testing.T) {
	for _, state := range []string{"d", "d\x01", "a2\x00\x01", "a\x01" + string(bookingKey("1", "3"))} {
		path := earlier(t, 20)
		s := reopened(t, path)
		err := s.update(t.Context(), func(t tx) error {
			for _, name := range youngIndexes() {
				err := errors.Join(t.put(name, key(nil).text("1").text("stale").descending(now).text("gone"), nil), t.put(built, key(name), []byte(state)))
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		reopened(t, path)
	}
}

var update = flag.Bool("update", false, "write what young indexes have of a booking")

// TestIndexVersion: what young indexes have of a booking does not change
// without their version.
func TestIndexVersion(t *testing.T) {
	var got strings.Builder
	for _, name := range []string{"", "Ana", "MARÍA  José Núñez", "ﬁona ß", "李 小龍", "Ǆenan"} {
		b := newBooking("1")
		b.Booking.Customer = booking.Customer{Name: name, Phone: "+573001112233"}
		b.Deliveries[integration.WhatsApp] = integration.Delivery{Status: integration.Failed, Revision: 1}
		b.Deliveries[integration.GoogleCalendar] = integration.Delivery{Status: integration.Done, Revision: 1, Detail: integration.DetailGone}
		var entries []string
		d := newBookingDoc(b, 1)
		for _, e := range d.index(b.Company) {
			if slices.Contains(youngIndexes(), e.bucket) {
				entries = append(entries, fmt.Sprintf("%s %q\n", e.bucket, string(e.key)))
			}
		}
		slices.Sort(entries)
		fmt.Fprintf(&got, "%q\n%s", name, strings.Join(entries, ""))
	}
	path := fmt.Sprintf("testdata/index.%d.txt", indexVersion)
	if *update {
		if err := os.WriteFile(path, []byte(got.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("give indexVersion another number, and run with -update; -want +got:\n%s", diff)
	}
}

// TestBuildOnce: when the indexes are complete, records are not looked at.
func TestBuildOnce(t *testing.T) {
	s := reopened(t, earlier(t, 20))
	err := s.update(t.Context(), func(t tx) error {
		missing, _ := t.unbuilt()
		if more, err := t.build(1); len(missing) > 0 || more || err != nil {
			return fmt.Errorf("missing: %q, more: %t, error %w", missing, more, err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// TestBuildUnreadable: a record that can't be read does not make the file
// useless.
func TestBuildUnreadable(t *testing.T) {
	path := earlier(t, 20)
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(b *bbolt.Tx) error {
		return b.Bucket([]byte(bookings)).Put(bookingKey("1", "100"), []byte("{"))
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := Open(path, NoSync)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	p, err := s.ListBookings(t.Context(), "2", store.Query{Filter: store.Filter{Name: "ana"}, Limit: 100})
	if err != nil || len(p.Items) != 6 {
		t.Errorf("%d bookings after it, error %v, want 6", len(p.Items), err)
	}
}
