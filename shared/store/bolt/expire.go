package bolt

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/citasync/citasync/shared/booking"
)

// expired reports whether what expires at a time is gone by now. The zero time
// is never.
func expired(at, now time.Time) bool { return !at.IsZero() && !now.Before(at) }

// expires is the index entry of a record that expires; none if it never does.
func expires(at time.Time, bucket string, k key) []entry {
	if at.IsZero() {
		return nil
	}
	return []entry{{expiry, append(key(nil).ascending(at).text(bucket), k...)}}
}

// Expire deletes up to limit records that have expired, those first that did
// so first, and returns how many. It is to be called from time to time, until
// it returns less than limit; nothing depends on when.
func (s *Store) Expire(ctx context.Context, now time.Time, limit int) (int, error) {
	n := 0
	err := s.update(ctx, func(t tx) error {
		n = 0
		for _, k := range t.expired(now, limit) {
			if err := t.expire(k); err != nil {
				return err
			}
			n++
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("expire: %w", err)
	}
	return n, nil
}

// expired lists keys of the expiry index. They are copies: a cursor is not to
// be relied on while its bucket changes.
func (t tx) expired(now time.Time, limit int) []key {
	var keys []key
	after := key(nil).ascending(now.Add(time.Microsecond))
	c := t.bucket(expiry).Cursor()
	for k, _ := c.First(); k != nil && bytes.Compare(k, after) < 0 && len(keys) < limit; k, _ = c.Next() {
		keys = append(keys, append(key(nil), k...))
	}
	return keys
}

// expire deletes the record that an entry of the expiry index is of.
func (t tx) expire(e key) error {
	_, rest, _ := cutNumber(e)
	bucket, k, ok := cutText(rest)
	if !ok {
		return fmt.Errorf("malformed key %x", []byte(e))
	}
	if bucket == bookings {
		if err := t.unindexBooking(k); err != nil {
			return err
		}
	}
	if err := t.delete(bucket, k); err != nil {
		return err
	}
	return t.delete(expiry, e)
}

func (t tx) unindexBooking(k key) error {
	var d bookingDoc
	if _, err := t.read(bookings, k, &d); err != nil {
		return err
	}
	company, _, _ := cutText(k)
	return t.reindex(d.index(booking.CompanyID(company)), nil)
}
