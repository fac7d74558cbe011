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

func companyKey(id booking.CompanyID) key { return key(nil).text(string(id)) }

func connectionKey(company booking.CompanyID, id integration.ID) key {
	return companyKey(company).text(string(id))
}

// Connection implements [store.Connections].
func (s *Store) Connection(ctx context.Context, company booking.CompanyID, id integration.ID) (integration.Connection, error) {
	var c integration.Connection
	err := s.view(ctx, func(t tx) (err error) {
		c, err = t.connection(company, id)
		return err
	})
	if err != nil {
		return integration.Connection{}, fmt.Errorf("connection of company %q to %q: %w", company, id, err)
	}
	return c, nil
}

func (t tx) connection(company booking.CompanyID, id integration.ID) (integration.Connection, error) {
	var d connectionDoc
	found, err := t.read(connections, connectionKey(company, id), &d)
	if err != nil {
		return integration.Connection{}, err
	}
	if !found {
		return store.DefaultConnection(id), nil
	}
	return d.connection()
}

// PutConnection implements [store.Connections].
func (s *Store) PutConnection(ctx context.Context, company booking.CompanyID, c *integration.Connection, acts ...store.Activity) error {
	next, err := s.putConnection(ctx, company, c, acts)
	if err != nil {
		return fmt.Errorf("write connection of company %q to %q: %w", company, c.ID, err)
	}
	c.Version = versionText(next)
	return nil
}

func (s *Store) putConnection(ctx context.Context, company booking.CompanyID, c *integration.Connection, acts []store.Activity) (version int64, err error) {
	next, err := successor(c.Version)
	if err != nil {
		return 0, err
	}
	d := newConnectionDoc(c, next)
	if err := d.check(); err != nil {
		return 0, invalid(err)
	}
	data, err := json.Marshal(d)
	if err != nil {
		return 0, invalid(err)
	}
	k, index := connectionKey(company, c.ID), d.index(company)
	return next, s.update(ctx, func(t tx) error {
		if err := t.replace(connections, k, &connectionDoc{}, company, next, data, index); err != nil {
			return err
		}
		return t.addActivity(company, acts)
	})
}

// Holders implements [store.Connections].
func (s *Store) Holders(ctx context.Context, id integration.ID, subject string, limit int) ([]booking.CompanyID, error) {
	var found []booking.CompanyID
	prefix := key(nil).text(string(id)).text(subject)
	err := s.view(ctx, func(t tx) error {
		c := t.bucket(holders).Cursor()
		for k, _ := c.Seek(prefix); bytes.HasPrefix(k, prefix) && len(found) < limit; k, _ = c.Next() {
			company, err := readCompany(t, k[len(prefix):])
			if err != nil {
				return err
			}
			found = append(found, company)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("holders of an account at %q: %w", id, err)
	}
	return found, nil
}

// OwedConnections implements [store.Connections].
func (s *Store) OwedConnections(ctx context.Context, id integration.ID, cursor string, limit int) (store.Page[booking.CompanyID], error) {
	r := span{bucket: owed, prefix: key(nil).text(string(id)), shape: "t"}
	p, err := page(ctx, s, r, cursor, limit, readCompany)
	if err != nil {
		return store.Page[booking.CompanyID]{}, fmt.Errorf("owed connections to %q: %w", id, err)
	}
	return p, nil
}

// StaleConnections implements [store.Connections].
func (s *Store) StaleConnections(
	ctx context.Context, id integration.ID, before time.Time, cursor string, limit int,
) (store.Page[booking.CompanyID], error) {
	return s.before(ctx, connected, id, before, cursor, limit)
}

// UncheckedConnections implements [store.Connections].
func (s *Store) UncheckedConnections(
	ctx context.Context, id integration.ID, before time.Time, cursor string, limit int,
) (store.Page[booking.CompanyID], error) {
	return s.before(ctx, lookedAt, id, before, cursor, limit)
}

// DueNotices implements [store.Connections].
func (s *Store) DueNotices(
	ctx context.Context, id integration.ID, now time.Time, cursor string, limit int,
) (store.Page[booking.CompanyID], error) {
	return s.before(ctx, notices, id, now.Truncate(time.Microsecond).Add(time.Microsecond), cursor, limit)
}

// before returns a page of an index by integration, time and company.
func (s *Store) before(
	ctx context.Context, bucket string, id integration.ID, at time.Time, cursor string, limit int,
) (store.Page[booking.CompanyID], error) {
	k := key(nil).text(string(id))
	r := span{bucket: bucket, prefix: k, until: k.ascending(at), shape: "nt"}
	p, err := page(ctx, s, r, cursor, limit, func(t tx, rest []byte) (booking.CompanyID, error) {
		_, rest, _ = cutNumber(rest)
		return readCompany(t, rest)
	})
	if err != nil {
		return store.Page[booking.CompanyID]{}, fmt.Errorf("connections to %q, %s: %w", id, bucket, err)
	}
	return p, nil
}

// readCompany reads the company that an index key ends with.
func readCompany(_ tx, rest []byte) (booking.CompanyID, error) {
	company, _, ok := cutText(rest)
	if !ok {
		return "", fmt.Errorf("malformed key %x", rest)
	}
	return booking.CompanyID(company), nil
}
