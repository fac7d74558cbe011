package firestore

import (
	"context"
	"fmt"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

// ReadBooking implements [store.Bookings].
func (s *Store) ReadBooking(ctx context.Context, company booking.CompanyID, id booking.ID, of ...integration.ID) (store.Snapshot, error) {
	snap, err := s.snapshot(ctx, company, id, of)
	if err != nil {
		return store.Snapshot{}, fmt.Errorf("read booking %q of company %q: %w", id, company, err)
	}
	return snap, nil
}

func (s *Store) snapshot(ctx context.Context, company booking.CompanyID, id booking.ID, of []integration.ID) (store.Snapshot, error) {
	names := make([]string, 0, 2+len(of))
	names = append(names, s.bookingName(company, id), s.companyName(company))
	for _, i := range of {
		names = append(names, s.connectionName(company, i))
	}
	docs, err := s.get(ctx, names...)
	if err != nil {
		return store.Snapshot{}, err
	}
	snap := store.Snapshot{Connections: make(map[integration.ID]integration.Connection, len(of))}
	if doc := docs[names[0]]; doc != nil {
		if snap.Booking, err = readBooking(company, doc); err != nil {
			return store.Snapshot{}, err
		}
	}
	if snap.Company, err = readCompany(company, docs[names[1]]); err != nil {
		return store.Snapshot{}, fmt.Errorf("company: %w", err)
	}
	for n, i := range of {
		if snap.Connections[i], err = readConnection(i, docs[names[2+n]]); err != nil {
			return store.Snapshot{}, fmt.Errorf("connection to %q: %w", i, err)
		}
	}
	return snap, nil
}

// CommitBooking implements [store.Bookings].
func (s *Store) CommitBooking(ctx context.Context, b *store.Booking) error {
	version, err := s.commitBooking(ctx, b)
	if err != nil {
		return fmt.Errorf("commit booking %q of company %q: %w", b.Booking.ID, b.Company, err)
	}
	b.Version = version
	return nil
}

func (s *Store) commitBooking(ctx context.Context, b *store.Booking) (version string, err error) {
	if err := checkBooking(b); err != nil {
		return "", invalid(err)
	}
	w, err := putOn(b.Version, s.bookingName(b.Company, b.Booking.ID), bookingFields(b))
	if err != nil {
		return "", err
	}
	return s.commit(ctx, w)
}
