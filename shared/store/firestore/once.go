package firestore

import (
	"context"
	"errors"
	"fmt"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

// fieldExpireAt is when a record is of no use any more. Firestore deletes it
// within a day of that.
const fieldExpireAt = "expire_at"

// expired reports whether what expires at a time is gone by now. The zero time
// is never.
func expired(at, now time.Time) bool { return !at.IsZero() && !now.Before(at) }

// PutState implements [store.Once].
func (s *Store) PutState(ctx context.Context, hash string, o store.OAuthState) error {
	if _, err := s.commit(ctx, put(s.top(oauthStates, hash), stateFields(o))); err != nil {
		return fmt.Errorf("write authorisation state: %w", err)
	}
	return nil
}

// TakeState implements [store.Once].
func (s *Store) TakeState(ctx context.Context, hash string, now time.Time) (store.OAuthState, error) {
	var o store.OAuthState
	err := settle(func() (err error) {
		o, err = s.takeState(ctx, s.top(oauthStates, hash), now)
		return err
	})
	if err != nil {
		return store.OAuthState{}, fmt.Errorf("take authorisation state: %w", err)
	}
	return o, nil
}

// takeState returns fault.ErrConflict if another may just have taken it.
func (s *Store) takeState(ctx context.Context, name string, now time.Time) (store.OAuthState, error) {
	docs, err := s.get(ctx, name)
	if err != nil {
		return store.OAuthState{}, err
	}
	doc := docs[name]
	o, err := readState(doc)
	switch {
	case err != nil:
		return store.OAuthState{}, err
	case doc == nil, expired(o.ExpireAt, now):
		return store.OAuthState{}, fault.ErrNotFound
	}
	_, err = s.commit(ctx, remove(name, doc.GetUpdateTime()))
	return o, err
}

// UseLink implements [store.Once].
func (s *Store) UseLink(ctx context.Context, jti string, now, expireAt time.Time) error {
	used := false
	err := settle(func() (err error) {
		used, err = s.useLink(ctx, s.top(usedLinks, jti), now, expireAt)
		return err
	})
	if err == nil && used {
		err = fault.ErrConflict
	}
	if err != nil {
		return fmt.Errorf("use link: %w", err)
	}
	return nil
}

// useLink tries to mark a link that nobody has used, or somebody long ago, as
// used. It returns fault.ErrConflict if another may just have done so.
func (s *Store) useLink(ctx context.Context, name string, now, expireAt time.Time) (used bool, err error) {
	f := fields{fieldExpireAt: moment(expireAt)}
	if _, err := s.replace(ctx, "", name, f); !errors.Is(err, fault.ErrConflict) {
		return false, err
	}
	docs, err := s.get(ctx, name)
	if err != nil {
		return false, err
	}
	doc := docs[name]
	switch used, err := linkUsed(doc, now); {
	case err != nil, used:
		return used, err
	case doc == nil: // deleted between the two calls
		return false, fault.ErrConflict
	}
	_, err = s.replace(ctx, version(doc.GetUpdateTime()), name, f)
	return false, err
}

// settle calls try until it does not meet a conflict. Who does looks again,
// and finds what the other made of it; three times only if the service itself
// is in trouble.
func settle(try func() error) error {
	var err error
	for range attempts {
		if err = try(); !errors.Is(err, fault.ErrConflict) {
			return err
		}
	}
	return fmt.Errorf("%w: others come in between, again and again", fault.ErrUnavailable)
}

// LinkUsed implements [store.Once].
func (s *Store) LinkUsed(ctx context.Context, jti string, now time.Time) (bool, error) {
	name := s.top(usedLinks, jti)
	docs, err := s.get(ctx, name)
	var used bool
	if err == nil {
		used, err = linkUsed(docs[name], now)
	}
	if err != nil {
		return false, fmt.Errorf("look up link: %w", err)
	}
	return used, nil
}

func linkUsed(doc *pb.Document, now time.Time) (bool, error) {
	f := newReader(doc.GetFields())
	return doc != nil && !expired(f.time(fieldExpireAt), now), f.err()
}

func stateFields(o store.OAuthState) fields {
	f := make(fields, 6)
	f["company"] = text(string(o.Company))
	f["integration"] = text(string(o.Integration))
	f["verifier"] = text(o.Verifier)
	f["session"] = text(o.Session)
	f.flag("replace", o.Replace)
	f.time(fieldExpireAt, o.ExpireAt)
	return f
}

func readState(doc *pb.Document) (store.OAuthState, error) {
	f := newReader(doc.GetFields())
	return store.OAuthState{
		Company: booking.CompanyID(f.text("company")), Integration: integration.ID(f.text("integration")),
		Verifier: f.text("verifier"), Session: f.text("session"), Replace: f.flag("replace"), ExpireAt: f.time(fieldExpireAt),
	}, f.err()
}
