package bolt

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

// Company implements [store.Connections].
func (s *Store) Company(ctx context.Context, id booking.CompanyID) (store.Company, error) {
	var c store.Company
	err := s.view(ctx, func(t tx) (err error) {
		c, err = t.company(id)
		return err
	})
	if err != nil {
		return store.Company{}, fmt.Errorf("company %q: %w", id, err)
	}
	return c, nil
}

func (t tx) company(id booking.CompanyID) (store.Company, error) {
	var d companyDoc
	found, err := t.read(companies, companyKey(id), &d)
	if err != nil {
		return store.Company{}, err
	}
	if !found {
		return store.DefaultCompany(id), nil
	}
	return d.company(), nil
}

// PutCompany implements [store.Connections].
func (s *Store) PutCompany(ctx context.Context, c *store.Company, acts ...store.Activity) error {
	next, err := successor(c.Version)
	if err == nil {
		err = s.replace(ctx, companies, companyKey(c.ID), next, newCompanyDoc(c, next), func(t tx) error { return t.addActivity(c.ID, acts) })
	}
	if err != nil {
		return fmt.Errorf("write company %q: %w", c.ID, err)
	}
	c.Version = versionText(next)
	return nil
}

// Entry implements [store.Connections].
func (s *Store) Entry(ctx context.Context, id integration.ID) (integration.Entry, error) {
	e := store.DefaultEntry(id)
	err := s.view(ctx, func(t tx) error {
		var d entryDoc
		found, err := t.read(catalogue, key(nil).text(string(id)), &d)
		if found {
			e = d.entry()
		}
		return err
	})
	if err != nil {
		return integration.Entry{}, fmt.Errorf("catalogue entry %q: %w", id, err)
	}
	return e, nil
}

// PutEntry implements [store.Connections].
func (s *Store) PutEntry(ctx context.Context, e *integration.Entry) error {
	next, err := successor(e.Version)
	if err == nil {
		err = s.replace(ctx, catalogue, key(nil).text(string(e.ID)), next, newEntryDoc(e, next))
	}
	if err != nil {
		return fmt.Errorf("write catalogue entry %q: %w", e.ID, err)
	}
	e.Version = versionText(next)
	return nil
}

// replace writes a record without index entries, if the stored one has the
// version before next, and does what else belongs to that.
func (s *Store) replace(ctx context.Context, bucket string, k key, next int64, doc any, also ...func(tx) error) error {
	data, err := json.Marshal(doc)
	if err != nil {
		return invalid(err)
	}
	return s.update(ctx, func(t tx) error {
		var old struct {
			Version int64 `json:"version"`
		}
		if _, err := t.read(bucket, k, &old); err != nil {
			return err
		}
		if err := unchanged(old.Version, next); err != nil {
			return err
		}
		if err := t.put(bucket, k, data); err != nil {
			return err
		}
		for _, do := range also {
			if err := do(t); err != nil {
				return err
			}
		}
		return nil
	})
}
