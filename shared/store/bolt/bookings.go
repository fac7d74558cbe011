package bolt

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

// ReadBooking implements [store.Bookings].
func (s *Store) ReadBooking(ctx context.Context, company booking.CompanyID, id booking.ID, of ...integration.ID) (store.Snapshot, error) {
	snap := store.Snapshot{Connections: make(map[integration.ID]integration.Connection, len(of))}
	err := s.view(ctx, func(t tx) (err error) {
		if snap.Booking, err = t.booking(company, id); err != nil {
			return err
		}
		if snap.Company, err = t.company(company); err != nil {
			return err
		}
		for _, i := range of {
			if snap.Connections[i], err = t.connection(company, i); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return store.Snapshot{}, fmt.Errorf("read booking %q of company %q: %w", id, company, err)
	}
	return snap, nil
}

// booking returns nil if there is no such booking.
func (t tx) booking(company booking.CompanyID, id booking.ID) (*store.Booking, error) {
	var d bookingDoc
	found, err := t.read(bookings, bookingKey(company, id), &d)
	if err != nil || !found {
		return nil, err
	}
	return d.record(company)
}

// CommitBooking implements [store.Bookings].
func (s *Store) CommitBooking(ctx context.Context, b *store.Booking) error {
	next, err := s.commitBooking(ctx, b)
	if err != nil {
		return fmt.Errorf("commit booking %q of company %q: %w", b.Booking.ID, b.Company, err)
	}
	b.Version = versionText(next)
	return nil
}

func (s *Store) commitBooking(ctx context.Context, b *store.Booking) (version int64, err error) {
	next, err := successor(b.Version)
	if err != nil {
		return 0, err
	}
	d := newBookingDoc(b, next)
	if err := d.check(); err != nil {
		return 0, invalid(err)
	}
	data, err := json.Marshal(d)
	if err != nil {
		return 0, invalid(err)
	}
	company, k, index := b.Company, bookingKey(b.Company, b.Booking.ID), d.index(b.Company)
	return next, s.update(ctx, func(t tx) error {
		return t.replace(bookings, k, &bookingDoc{}, company, next, data, index)
	})
}

// ListBookings implements [store.Bookings].
func (s *Store) ListBookings(ctx context.Context, company booking.CompanyID, q store.Query) (store.Page[*store.Booking], error) {
	var p store.Page[*store.Booking]
	r, err := bookingRange(company, q)
	if err == nil {
		p, err = page(ctx, s, r, q.Cursor, q.Limit, func(t tx, rest []byte) (*store.Booking, error) {
			return t.indexed(company, r, rest)
		})
	}
	if err != nil {
		return store.Page[*store.Booking]{}, fmt.Errorf("list bookings of company %q: %w", company, err)
	}
	return p, nil
}

// bookingRange chooses the index by which a query is answered.
func bookingRange(company booking.CompanyID, q store.Query) (span, error) {
	if err := q.Check(); err != nil {
		return span{}, invalid(err)
	}
	c := key(nil).text(string(company))
	switch {
	case q.Waiting != "":
		return span{bucket: waiting, prefix: c.text(string(q.Waiting)), shape: "t"}, nil
	case !q.EndsAfter.IsZero():
		later := q.EndsAfter.Truncate(time.Microsecond).Add(time.Microsecond)
		return span{bucket: byEnd, prefix: c, from: c.ascending(later), shape: "nt"}, nil
	}
	return historySpan(c, q.Filter), nil
}

// indexed reads the booking that an index entry of the span names.
func (t tx) indexed(company booking.CompanyID, r span, rest []byte) (*store.Booking, error) {
	id, _ := r.cut(rest)
	b, err := t.booking(company, booking.ID(id))
	if err != nil {
		return nil, fmt.Errorf("booking %q: %w", id, err)
	}
	if b == nil {
		return nil, fmt.Errorf("booking %q is in an index but not stored", id)
	}
	return b, nil
}

// DueBookings implements [store.Bookings].
func (s *Store) DueBookings(ctx context.Context, now time.Time, limit int) ([]store.Key, error) {
	var keys []store.Key
	after := key(nil).ascending(now.Add(time.Microsecond))
	err := s.view(ctx, func(t tx) error {
		keys = nil
		c := t.bucket(due).Cursor()
		for k, _ := c.First(); k != nil && len(keys) < limit && bytes.Compare(k, after) < 0; k, _ = c.Next() {
			_, rest, _ := cutNumber(k)
			company, rest, _ := cutText(rest)
			id, _, ok := cutText(rest)
			if !ok {
				return fmt.Errorf("malformed key %x", k)
			}
			keys = append(keys, store.Key{Company: booking.CompanyID(company), Booking: booking.ID(id)})
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("due bookings: %w", err)
	}
	return keys, nil
}
