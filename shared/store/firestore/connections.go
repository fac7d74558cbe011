package firestore

import (
	"context"
	"fmt"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

// Connection implements [store.Connections].
func (s *Store) Connection(ctx context.Context, company booking.CompanyID, id integration.ID) (integration.Connection, error) {
	name := s.connectionName(company, id)
	docs, err := s.get(ctx, name)
	var c integration.Connection
	if err == nil {
		c, err = readConnection(id, docs[name])
	}
	if err != nil {
		return integration.Connection{}, fmt.Errorf("connection of company %q to %q: %w", company, id, err)
	}
	return c, nil
}

// PutConnection implements [store.Connections].
func (s *Store) PutConnection(ctx context.Context, company booking.CompanyID, c *integration.Connection, acts ...store.Activity) error {
	version, err := s.putConnection(ctx, company, c, acts)
	if err != nil {
		return fmt.Errorf("write connection of company %q to %q: %w", company, c.ID, err)
	}
	c.Version = version
	return nil
}

func (s *Store) putConnection(ctx context.Context, company booking.CompanyID, c *integration.Connection, acts []store.Activity) (version string, err error) {
	if err := checkConnection(c); err != nil {
		return "", invalid(err)
	}
	w, err := putOn(c.Version, s.connectionName(company, c.ID), connectionFields(c))
	if err != nil {
		return "", err
	}
	return s.commit(ctx, append([]*pb.Write{w}, s.activityWrites(company, acts)...)...)
}

// Holders implements [store.Connections].
func (s *Store) Holders(ctx context.Context, id integration.ID, subject string, limit int) ([]booking.CompanyID, error) {
	if limit < 1 {
		return nil, nil
	}
	q := fromAll(connections)
	where(q, equal(fieldHolder, holder(id, subject)))
	ascending(q, fieldName)
	limited(q, limit)
	namesOnly(q)
	docs, err := s.query(ctx, s.root(), q)
	if err != nil {
		return nil, fmt.Errorf("holders of an account at %q: %w", id, err)
	}
	var found []booking.CompanyID
	for _, doc := range docs {
		company, err := s.company(doc)
		if err != nil {
			return nil, fmt.Errorf("holders of an account at %q: %w", id, err)
		}
		found = append(found, company)
	}
	return found, nil
}

// OwedConnections implements [store.Connections].
func (s *Store) OwedConnections(ctx context.Context, id integration.ID, cursor string, limit int) (store.Page[booking.CompanyID], error) {
	p, err := page(ctx, s, s.owedSpan(id), cursor, limit, s.company)
	if err != nil {
		return store.Page[booking.CompanyID]{}, fmt.Errorf("owed connections to %q: %w", id, err)
	}
	return p, nil
}

func (s *Store) owedSpan(id integration.ID) span {
	r := s.connectionSpan("owed", id)
	where(r.query, equal(fieldOwed, string(id)))
	ascending(r.query, fieldName)
	namesOnly(r.query)
	return r
}

// StaleConnections implements [store.Connections].
func (s *Store) StaleConnections(
	ctx context.Context, id integration.ID, before time.Time, cursor string, limit int,
) (store.Page[booking.CompanyID], error) {
	p, err := page(ctx, s, s.connectedSpan("stale", id, fieldReconciledAt, before), cursor, limit, s.company)
	if err != nil {
		return store.Page[booking.CompanyID]{}, fmt.Errorf("stale connections to %q: %w", id, err)
	}
	return p, nil
}

// UncheckedConnections implements [store.Connections].
func (s *Store) UncheckedConnections(
	ctx context.Context, id integration.ID, before time.Time, cursor string, limit int,
) (store.Page[booking.CompanyID], error) {
	p, err := page(ctx, s, s.connectedSpan("unchecked", id, fieldCheckedAt, before), cursor, limit, s.company)
	if err != nil {
		return store.Page[booking.CompanyID]{}, fmt.Errorf("unchecked connections to %q: %w", id, err)
	}
	return p, nil
}

// connectedSpan is of the connections in force whose field is a time before
// one, or null, longest ago first.
func (s *Store) connectedSpan(kind string, id integration.ID, by string, before time.Time) span {
	r := s.connectionSpan(kind, id)
	r.by, r.null = by, true
	where(r.query, equal(fieldIntegration, string(id)), equal(fieldStatus, string(integration.Connected)))
	ascending(r.query, by)
	// An end and not a filter, which null would not pass.
	r.query.EndAt = &pb.Cursor{Values: []*pb.Value{moment(before)}, Before: true}
	selected(r.query, by)
	return r
}

// DueNotices implements [store.Connections].
func (s *Store) DueNotices(
	ctx context.Context, id integration.ID, now time.Time, cursor string, limit int,
) (store.Page[booking.CompanyID], error) {
	p, err := page(ctx, s, s.noticeSpan(id, now), cursor, limit, s.company)
	if err != nil {
		return store.Page[booking.CompanyID]{}, fmt.Errorf("due notices of %q: %w", id, err)
	}
	return p, nil
}

func (s *Store) noticeSpan(id integration.ID, now time.Time) span {
	r := s.connectionSpan("notices", id)
	r.by = fieldNoticeDue
	where(r.query, equal(fieldIntegration, string(id)), filter(fieldNoticeDue, pb.StructuredQuery_FieldFilter_LESS_THAN_OR_EQUAL, moment(now)))
	ascending(r.query, fieldNoticeDue)
	selected(r.query, fieldNoticeDue)
	return r
}

// connectionSpan is of every company's connection to the integration.
func (s *Store) connectionSpan(kind string, id integration.ID) span {
	return span{
		kind: kind, parent: s.root(), query: fromAll(connections),
		name: func(company string) string { return s.connectionName(booking.CompanyID(company), id) },
		id: func(name string) (string, error) {
			company, _, err := s.key(name)
			return string(company), err
		},
	}
}

// company is the one that a connection belongs to.
func (s *Store) company(doc *pb.Document) (booking.CompanyID, error) {
	company, _, err := s.key(doc.GetName())
	return company, err
}
