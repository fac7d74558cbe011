package bolt

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/store"
)

// AddActivity implements [store.Connections].
func (s *Store) AddActivity(ctx context.Context, company booking.CompanyID, a store.Activity) error {
	err := s.update(ctx, func(t tx) error { return t.addActivity(company, []store.Activity{a}) })
	if err != nil {
		return fmt.Errorf("add activity of company %q: %w", company, err)
	}
	return nil
}

// addActivity numbers the acts in the order in which they are given.
func (t tx) addActivity(company booking.CompanyID, acts []store.Activity) error {
	for _, a := range acts {
		n, err := t.bucket(activity).NextSequence()
		if err != nil {
			return fmt.Errorf("number an activity: %w", err)
		}
		a.ID, a.At = fmt.Sprintf("%016x", n), utc(a.At)
		data, err := json.Marshal(activityDoc(a))
		if err != nil {
			return invalid(err)
		}
		if err := t.put(activity, companyKey(company).number(^n), data); err != nil {
			return err
		}
	}
	return nil
}

// ListActivity implements [store.Connections].
func (s *Store) ListActivity(ctx context.Context, company booking.CompanyID, cursor string, limit int) (store.Page[store.Activity], error) {
	prefix := companyKey(company)
	r := span{bucket: activity, prefix: prefix, shape: "n"}
	p, err := page(ctx, s, r, cursor, limit, func(t tx, rest []byte) (store.Activity, error) {
		var d activityDoc
		n, _, _ := cutNumber(rest)
		_, err := t.read(activity, prefix.number(n), &d)
		return store.Activity(d), err
	})
	if err != nil {
		return store.Page[store.Activity]{}, fmt.Errorf("list activity of company %q: %w", company, err)
	}
	return p, nil
}
