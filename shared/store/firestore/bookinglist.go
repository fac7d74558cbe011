package firestore

import (
	"context"
	"fmt"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/store"
)

// ListBookings implements [store.Bookings].
func (s *Store) ListBookings(ctx context.Context, company booking.CompanyID, q store.Query) (store.Page[*store.Booking], error) {
	var p store.Page[*store.Booking]
	r, err := s.bookingSpan(company, q)
	if err == nil {
		p, err = page(ctx, s, r, q.Cursor, q.Limit, func(doc *pb.Document) (*store.Booking, error) {
			b, err := readBooking(company, doc)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", doc.GetName(), err)
			}
			return b, nil
		})
	}
	if err != nil {
		return store.Page[*store.Booking]{}, fmt.Errorf("list bookings of company %q: %w", company, err)
	}
	return p, nil
}

func (s *Store) bookingSpan(company booking.CompanyID, q store.Query) (span, error) {
	r := span{
		parent: s.companyName(company), query: from(bookings),
		name: func(id string) string { return s.bookingName(company, booking.ID(id)) },
		id: func(name string) (string, error) {
			key, err := s.bookingKey(name)
			return string(key.Booking), err
		},
	}
	if err := q.Check(); err != nil {
		return span{}, invalid(err)
	}
	switch {
	case q.Waiting != "":
		r.kind = "waiting"
		where(r.query, filter(fieldWaiting, pb.StructuredQuery_FieldFilter_ARRAY_CONTAINS, text(string(q.Waiting))))
		ascending(r.query, fieldName)
	case !q.EndsAfter.IsZero():
		r.kind, r.by = "ends_after", fieldEnd
		where(r.query, filter(fieldEnd, pb.StructuredQuery_FieldFilter_GREATER_THAN, moment(q.EndsAfter)))
		ascending(r.query, fieldEnd)
	default:
		r.history(q.Filter)
	}
	return r, nil
}

// DueBookings implements [store.Bookings].
func (s *Store) DueBookings(ctx context.Context, now time.Time, limit int) ([]store.Key, error) {
	if limit < 1 {
		return nil, nil
	}
	q := fromAll(bookings)
	where(q, filter(fieldNextAttempt, pb.StructuredQuery_FieldFilter_LESS_THAN_OR_EQUAL, moment(now)))
	ascending(q, fieldNextAttempt)
	limited(q, limit)
	namesOnly(q)
	docs, err := s.query(ctx, s.root(), q)
	if err != nil {
		return nil, fmt.Errorf("due bookings: %w", err)
	}
	var keys []store.Key
	for _, doc := range docs {
		key, err := s.bookingKey(doc.GetName())
		if err != nil {
			return nil, fmt.Errorf("due bookings: %w", err)
		}
		keys = append(keys, key)
	}
	return keys, nil
}
