package firestore

import (
	"context"
	"fmt"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

// Company implements [store.Connections].
func (s *Store) Company(ctx context.Context, id booking.CompanyID) (store.Company, error) {
	name := s.companyName(id)
	docs, err := s.get(ctx, name)
	var c store.Company
	if err == nil {
		c, err = readCompany(id, docs[name])
	}
	if err != nil {
		return store.Company{}, fmt.Errorf("company %q: %w", id, err)
	}
	return c, nil
}

// PutCompany implements [store.Connections].
func (s *Store) PutCompany(ctx context.Context, c *store.Company, acts ...store.Activity) error {
	version, err := s.replace(ctx, c.Version, s.companyName(c.ID), companyFields(c), s.activityWrites(c.ID, acts)...)
	if err != nil {
		return fmt.Errorf("write company %q: %w", c.ID, err)
	}
	c.Version = version
	return nil
}

// Entry implements [store.Connections].
func (s *Store) Entry(ctx context.Context, id integration.ID) (integration.Entry, error) {
	name := s.top(integrations, string(id))
	docs, err := s.get(ctx, name)
	var e integration.Entry
	if err == nil {
		e, err = readEntry(id, docs[name])
	}
	if err != nil {
		return integration.Entry{}, fmt.Errorf("catalogue entry %q: %w", id, err)
	}
	return e, nil
}

// PutEntry implements [store.Connections].
func (s *Store) PutEntry(ctx context.Context, e *integration.Entry) error {
	version, err := s.replace(ctx, e.Version, s.top(integrations, string(e.ID)), entryFields(e))
	if err != nil {
		return fmt.Errorf("write catalogue entry %q: %w", e.ID, err)
	}
	e.Version = version
	return nil
}

// replace writes one document, if the stored one has the version, and with it
// what else belongs to that.
func (s *Store) replace(ctx context.Context, version, name string, f fields, also ...*pb.Write) (next string, err error) {
	w, err := putOn(version, name, f)
	if err != nil {
		return "", err
	}
	return s.commit(ctx, append([]*pb.Write{w}, also...)...)
}
