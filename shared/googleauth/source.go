package googleauth

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/logging"
	"github.com/citasync/citasync/shared/store"
)

const (
	// early is how long before its expiry a token is replaced, so that one
	// handed out outlives what it is used for.
	early = 5 * time.Minute

	// flightTimeout bounds a refresh with its commits. It goes on when whoever
	// began it has left, since others may wait for it.
	flightTimeout = 20 * time.Second

	// rotating is how long a new refresh token takes to be stored.
	rotating = time.Second
)

// Source hands out access tokens. It may be used by several goroutines. In a
// process, one refresh at a time is under way for a company; between processes
// the connection's record decides.
type Source struct {
	Deps
	flights singleflight.Group
}

// NewSource returns a Source.
func NewSource(d Deps) *Source { return &Source{Deps: d} }

// Token returns an access token for the account of the connection, as the
// caller read it. A stored one that is good for five minutes more costs
// nothing; otherwise it is refreshed and stored.
//
// A grant that Google no longer accepts is recorded in the connection, once,
// and [ReasonOf] the error is then [integration.Revoked]; from then on nobody
// is asked. An error of any other class has changed nothing.
func (s *Source) Token(ctx context.Context, company booking.CompanyID, c integration.Connection) (string, error) {
	return s.token(ctx, company, c, "")
}

// Renew is Token after Google refused bad, an unexpired token: it refreshes,
// unless somebody has done so already.
func (s *Source) Renew(ctx context.Context, company booking.CompanyID, c integration.Connection, bad string) (string, error) {
	return s.token(ctx, company, c, bad)
}

// fresh is a token with the account that it is for.
type fresh struct {
	token   string
	subject string
}

func (s *Source) token(ctx context.Context, company booking.CompanyID, c integration.Connection, bad string) (string, error) {
	if err := usable(&c); err != nil {
		return "", err
	}
	if t, ok := s.stored(company, &c); ok && t != bad {
		return t, nil
	}
	// The refresh that is joined may be one that did not know that the stored
	// token is bad. The next one is our own.
	for range 2 {
		f, err := s.join(ctx, company, bad)
		switch {
		case err != nil:
			return "", err
		case f.subject != c.Data.AccountSubject:
			return "", fmt.Errorf("token of company %q: %w", company, ErrOtherGrant)
		case f.token != bad:
			return f.token, nil
		}
	}
	return "", &TokenError{Op: "refresh the token", Reason: integration.Outage, cause: errors.New("the same token again")}
}

// usable reports why the connection has no token to give.
func usable(c *integration.Connection) error {
	switch {
	case c.Reason == integration.Revoked:
		return errDead
	case c.Access(true) == integration.Off, c.Data.SecretVersion == "":
		return ErrNotConnected
	}
	return nil
}

// stored returns the token in the connection, if it is good for long enough.
func (s *Source) stored(company booking.CompanyID, c *integration.Connection) (string, bool) {
	if c.Data.TokenExpiry.Before(s.Now().Add(early)) {
		return "", false
	}
	return s.Cipher.open(company, c.Data.AccessToken)
}

// join waits for the company's refresh, and begins it if none is under way.
// The refresh is not bound to the context of whoever happened to begin it.
func (s *Source) join(ctx context.Context, company booking.CompanyID, bad string) (fresh, error) {
	done := s.flights.DoChan(string(company), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flightTimeout)
		defer cancel()
		return s.renew(ctx, company, bad)
	})
	select {
	case <-ctx.Done():
		return fresh{}, fmt.Errorf("wait for a token of company %q: %w", company, ctx.Err())
	case r := <-done:
		f, _ := r.Val.(fresh)
		return f, r.Err
	}
}

// errChanged says that the connection's grant is not the one that a token was
// asked with any more.
var errChanged = errors.New("the grant changed meanwhile")

// renew returns the stored token if it became good meanwhile, or a new one.
func (s *Source) renew(ctx context.Context, company booking.CompanyID, bad string) (fresh, error) {
	for range maxTries {
		c, err := s.connection(ctx, company)
		if err != nil {
			return fresh{}, err
		}
		if err := usable(&c); err != nil {
			return fresh{}, err
		}
		if t, ok := s.stored(company, &c); ok && t != bad {
			return fresh{t, c.Data.AccountSubject}, nil
		}
		f, err := s.refresh(ctx, company, c.Data)
		if !errors.Is(err, errChanged) {
			return f, err
		}
	}
	return fresh{}, fmt.Errorf("token of company %q: %w", company, ErrOtherGrant)
}

// refresh gets a new token with the grant that used names.
func (s *Source) refresh(ctx context.Context, company booking.CompanyID, used integration.Data) (fresh, error) {
	refreshToken, err := s.Secrets.Access(ctx, company, used.SecretVersion)
	if errors.Is(err, fault.ErrNotFound) {
		return fresh{}, s.dead(ctx, company, used)
	}
	if err != nil {
		return fresh{}, fmt.Errorf("read the refresh token of company %q: %w", company, err)
	}
	g, err := s.Client.refresh(ctx, string(refreshToken))
	if ReasonOf(err) == integration.Revoked {
		return fresh{}, s.refused(ctx, company, used)
	}
	if err != nil {
		s.warn(ctx, "token not refreshed", err)
		return fresh{}, fmt.Errorf("company %q: %w", company, err)
	}
	s.info(ctx, "token refreshed")
	return fresh{g.AccessToken, used.AccountSubject}, s.keep(ctx, company, used, g)
}

// keep stores what a refresh brought. That it could not be stored is no error:
// the token is good all the same. That the grant changed is one, for the token
// may be of an account that the company left.
func (s *Source) keep(ctx context.Context, company booking.CompanyID, used integration.Data, g Grant) error {
	var err error
	if g.RefreshToken == "" {
		err = s.commit(ctx, company, used, g, used.SecretVersion)
	} else {
		err = s.rotate(ctx, company, used, g)
	}
	switch {
	case errors.Is(err, errChanged), errors.Is(err, ErrNotConnected), errors.Is(err, errDead):
		return err
	case err != nil:
		s.warn(ctx, "token not stored", err)
	}
	return nil
}

// rotate stores a refresh token that takes the place of the one used. It
// destroys that one alone, since an authorisation that ends at the same time
// may have added another; and it looks whether such a one destroyed ours.
func (s *Source) rotate(ctx context.Context, company booking.CompanyID, used integration.Data, g Grant) error {
	for range maxTries {
		version, err := s.Secrets.Add(ctx, company, []byte(g.RefreshToken))
		if err != nil {
			return fmt.Errorf("store the refresh token of company %q: %w", company, err)
		}
		old := used.SecretVersion
		err = s.commit(ctx, company, used, g, version)
		err = s.settle(ctx, company, version, err, func(ctx context.Context) error { return s.Secrets.Destroy(ctx, company, old) })
		if err != nil {
			return err
		}
		if now, there := s.named(ctx, company); there || now.SecretVersion != version {
			return nil
		}
		used.SecretVersion = version
	}
	return fmt.Errorf("store the refresh token of company %q: %w", company, fault.ErrConflict)
}

// commit writes the new token, and the version of the refresh token, into the
// connection, provided that it still has the account and the version that the
// token came from. A token without an expiry is for the call in hand only.
func (s *Source) commit(ctx context.Context, company booking.CompanyID, used integration.Data, g Grant, version string) error {
	sealed, err := s.Cipher.seal(company, g.AccessToken)
	if err != nil {
		return err
	}
	_, err = s.update(ctx, company, func(c *integration.Connection) ([]store.Activity, error) {
		acts := s.revive(ctx, c, used, version)
		if err := usable(c); err != nil {
			return nil, err
		}
		if !sameGrant(&c.Data, &used) {
			return nil, errChanged
		}
		if version == used.SecretVersion && (g.Expiry.IsZero() || s.overtaken(company, c, used)) {
			return nil, store.ErrUnchanged
		}
		c.Data.AccessToken, c.Data.TokenExpiry, c.Data.SecretVersion = sealed, g.Expiry, version
		return acts, nil
	})
	return err
}

// revive takes back that the grant is dead, if another process concluded it
// from a refresh token that this one has exchanged for the version that is
// about to be stored. What waited meanwhile is owed.
func (s *Source) revive(ctx context.Context, c *integration.Connection, used integration.Data, version string) []store.Activity {
	if c.Reason != integration.Revoked || version == used.SecretVersion || !sameGrant(&c.Data, &used) {
		return nil
	}
	c.Reason = integration.NoReason
	if c.Status != integration.NeedsReauth {
		return nil
	}
	now := s.Now()
	c.Status, c.ChangedAt, c.BackfillDue, c.NoticeDue = integration.Connected, now, now, time.Time{}
	return []store.Activity{s.activity(ctx, store.ActReconnected, store.ActorSystem, "ok", "")}
}

// sameGrant reports whether both name the same account and refresh token.
func sameGrant(a, b *integration.Data) bool {
	return a.AccountSubject == b.AccountSubject && a.SecretVersion == b.SecretVersion
}

// overtaken reports whether another process has stored a good token since used
// was read. One is enough.
func (s *Source) overtaken(company booking.CompanyID, c *integration.Connection, used integration.Data) bool {
	_, good := s.stored(company, c)
	return good && !bytes.Equal(c.Data.AccessToken, used.AccessToken)
}

// refused is called when Google does not accept the refresh token that used
// names. Another process may have got a new one in its place a moment ago, and
// is given the time to store it.
func (s *Source) refused(ctx context.Context, company booking.CompanyID, used integration.Data) error {
	t := time.NewTimer(rotating)
	defer t.Stop()
	select {
	case <-t.C:
		return s.dead(ctx, company, used)
	case <-ctx.Done():
		return fmt.Errorf("token of company %q: %w", company, ctx.Err())
	}
}

// dead records that the grant that used names has ended, and returns an error
// that says so. If the connection has another grant by now, or another process
// got a token with this one, it returns errChanged: then nothing is dead.
func (s *Source) dead(ctx context.Context, company booking.CompanyID, used integration.Data) error {
	_, err := s.update(ctx, company, func(c *integration.Connection) ([]store.Activity, error) {
		if err := usable(c); err != nil {
			return nil, err
		}
		if !sameGrant(&c.Data, &used) || !bytes.Equal(c.Data.AccessToken, used.AccessToken) {
			return nil, errChanged
		}
		return store.NeedReauth(c, integration.Revoked, s.Now(), logging.TraceOf(ctx).ID), nil
	})
	if err != nil {
		return err
	}
	s.warn(ctx, "grant is dead", errDead)
	return fmt.Errorf("company %q: %w", company, errDead)
}
