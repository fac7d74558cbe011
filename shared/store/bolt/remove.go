package bolt

import (
	"bytes"
	"context"
	"fmt"

	"github.com/citasync/citasync/shared/booking"
)

// DeleteCompany implements [store.Connections].
func (s *Store) DeleteCompany(ctx context.Context, company booking.CompanyID, limit int) (more bool, err error) {
	err = s.update(ctx, func(t tx) error {
		more, err = t.deleteCompany(company, limit)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("delete company %q: %w", company, err)
	}
	return more, nil
}

func (t tx) deleteCompany(company booking.CompanyID, limit int) (more bool, err error) {
	for _, bucket := range []string{bookings, connections, activity, companies} {
		keys := t.below(bucket, companyKey(company), limit)
		for _, k := range keys {
			if err := t.remove(bucket, company, k); err != nil {
				return false, err
			}
		}
		if limit -= len(keys); limit <= 0 {
			return true, nil
		}
	}
	return false, nil
}

// below lists up to limit keys that begin with the prefix. They are copies: a
// cursor is not to be relied on while its bucket changes.
func (t tx) below(bucket string, prefix key, limit int) []key {
	var keys []key
	c := t.bucket(bucket).Cursor()
	for k, _ := c.Seek(prefix); bytes.HasPrefix(k, prefix) && len(keys) < limit; k, _ = c.Next() {
		keys = append(keys, append(key(nil), k...))
	}
	return keys
}

// remove deletes a record with its index entries.
func (t tx) remove(bucket string, company booking.CompanyID, k key) error {
	var old indexed
	switch bucket {
	case bookings:
		old = &bookingDoc{}
	case connections:
		old = &connectionDoc{}
	default:
		return t.delete(bucket, k)
	}
	if _, err := t.read(bucket, k, old); err != nil {
		return err
	}
	if err := t.reindex(old.index(company), nil); err != nil {
		return err
	}
	return t.delete(bucket, k)
}
