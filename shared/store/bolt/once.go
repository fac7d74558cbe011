package bolt

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

// stateDoc is a stored authorisation under way.
type stateDoc struct {
	Company     booking.CompanyID `json:"company"`
	Integration integration.ID    `json:"integration"`
	Verifier    string            `json:"verifier"`
	Session     string            `json:"session"`
	Replace     bool              `json:"replace,omitempty"`
	ExpireAt    time.Time         `json:"expire_at,omitzero"`
}

// linkDoc is a link that was used.
type linkDoc struct {
	ExpireAt time.Time `json:"expire_at,omitzero"`
}

// PutState implements [store.Once].
func (s *Store) PutState(ctx context.Context, hash string, o store.OAuthState) error {
	o.ExpireAt = utc(o.ExpireAt)
	data, err := json.Marshal(stateDoc(o))
	if err == nil {
		err = s.update(ctx, func(t tx) error {
			return t.putExpiring(states, key(nil).text(hash), data, o.ExpireAt)
		})
	}
	if err != nil {
		return fmt.Errorf("write authorisation state: %w", err)
	}
	return nil
}

// TakeState implements [store.Once].
func (s *Store) TakeState(ctx context.Context, hash string, now time.Time) (store.OAuthState, error) {
	var d stateDoc
	k := key(nil).text(hash)
	err := s.update(ctx, func(t tx) error {
		d = stateDoc{}
		found, err := t.read(states, k, &d)
		if err != nil {
			return err
		}
		if !found || expired(d.ExpireAt, now) {
			return fault.ErrNotFound
		}
		if err := t.delete(states, k); err != nil {
			return err
		}
		return t.reindex(expires(d.ExpireAt, states, k), nil)
	})
	if err != nil {
		return store.OAuthState{}, fmt.Errorf("take authorisation state: %w", err)
	}
	return store.OAuthState(d), nil
}

// UseLink implements [store.Once].
func (s *Store) UseLink(ctx context.Context, jti string, now, expireAt time.Time) error {
	expireAt = utc(expireAt)
	data, err := json.Marshal(linkDoc{expireAt})
	if err == nil {
		err = s.update(ctx, func(t tx) error {
			if used, err := t.linkUsed(jti, now); err != nil {
				return err
			} else if used {
				return fault.ErrConflict
			}
			return t.putExpiring(links, key(nil).text(jti), data, expireAt)
		})
	}
	if err != nil {
		return fmt.Errorf("use link: %w", err)
	}
	return nil
}

// LinkUsed implements [store.Once].
func (s *Store) LinkUsed(ctx context.Context, jti string, now time.Time) (bool, error) {
	var used bool
	err := s.view(ctx, func(t tx) (err error) {
		used, err = t.linkUsed(jti, now)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("look up link: %w", err)
	}
	return used, nil
}

func (t tx) linkUsed(jti string, now time.Time) (bool, error) {
	var d linkDoc
	found, err := t.read(links, key(nil).text(jti), &d)
	return found && !expired(d.ExpireAt, now), err
}

// putExpiring writes a record that expires over the one that may be there.
func (t tx) putExpiring(bucket string, k key, data []byte, expireAt time.Time) error {
	var old struct {
		ExpireAt time.Time `json:"expire_at"`
	}
	if _, err := t.read(bucket, k, &old); err != nil {
		return err
	}
	if err := t.reindex(expires(old.ExpireAt, bucket, k), expires(expireAt, bucket, k)); err != nil {
		return err
	}
	return t.put(bucket, k, data)
}
