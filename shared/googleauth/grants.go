package googleauth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/logging"
	"github.com/citasync/citasync/shared/store"
)

// Grants connects and disconnects companies: only here does a connection begin
// and end. It may be used by several goroutines.
type Grants struct {
	Deps
}

// NewGrants returns Grants.
func NewGrants(d Deps) *Grants { return &Grants{Deps: d} }

// refusedError is a grant that is not kept, with the reason.
type refusedError Result

func (e refusedError) Error() string { return "the grant is refused: " + string(e) }

// Connect makes a grant the company's connection, whole or not at all. The
// same account as before is replaced in place: calendar and options stay. A
// grant that is refused, as the result says, or that could not be stored is
// given back; only the latter is an error.
//
// The connection is committed together with BackfillDue, so that the bookings
// missed so far are owed from the same moment.
func (g *Grants) Connect(ctx context.Context, company booking.CompanyID, grant Grant) (Result, error) {
	result, err := g.connect(ctx, company, grant)
	var no refusedError
	switch {
	case errors.As(err, &no):
		g.GiveBack(ctx, grant)
		return Result(no), nil
	case err != nil:
		g.GiveBack(ctx, grant)
		return ResultFailed, err
	}
	g.info(ctx, "integration enabled", slog.String("result", string(result)))
	return result, nil
}

func (g *Grants) connect(ctx context.Context, company booking.CompanyID, grant Grant) (Result, error) {
	switch {
	case !grant.Allows(ScopeEvents):
		return "", refusedError(ResultScopeMissing)
	case grant.RefreshToken == "":
		return "", refusedError(ResultNoRefreshToken)
	case grant.Subject == "":
		return "", errIDToken
	}
	c, err := g.connection(ctx, company)
	if err != nil {
		return "", err
	}
	if err := refusal(&c, grant); err != nil {
		return "", err
	}
	sealed, err := g.Cipher.seal(company, grant.AccessToken)
	if err != nil {
		return "", err
	}
	return g.store(ctx, company, grant.RefreshToken, integration.Data{
		AccountEmail: grant.Email, AccountSubject: grant.Subject, Scopes: grant.Scopes,
		CalendarID: "primary", CalendarName: grant.Email, // as Google names it
		AccessToken: sealed, TokenExpiry: grant.Expiry,
	})
}

// store keeps the refresh token, commits the connection that data makes,
// naming it, and destroys every other version, also what a crash has left.
//
// That may hit the version of another authorisation of the company that ends
// at the same time. So whoever destroyed others looks afterwards whether what
// is named is there, and if not, writes its own again. Then it destroys no more
// than what it replaced, so that two who mend do not undo each other.
func (g *Grants) store(ctx context.Context, company booking.CompanyID, refreshToken string, data integration.Data) (Result, error) {
	for try := range maxTries {
		version, err := g.Secrets.Add(ctx, company, []byte(refreshToken))
		if err != nil {
			return "", fmt.Errorf("store the refresh token of company %q: %w", company, err)
		}
		data.SecretVersion = version
		result, replaced, err := g.commit(ctx, company, data)
		err = g.settle(ctx, company, version, err, func(ctx context.Context) error {
			if try > 0 {
				return g.Secrets.Destroy(ctx, company, replaced)
			}
			return g.Secrets.Keep(ctx, company, version)
		})
		if err != nil {
			return "", err
		}
		if now, there := g.named(ctx, company); there || now.AccountSubject != data.AccountSubject {
			return result, nil
		}
	}
	return "", fmt.Errorf("store the refresh token of company %q: %w", company, fault.ErrConflict)
}

// refusal is why the connection, as it stands, does not take the grant.
func refusal(c *integration.Connection, grant Grant) error {
	switch c.Status {
	case integration.Disconnecting:
		return refusedError(ResultBusy)
	case integration.Connected, integration.NeedsReauth:
		if c.Data.AccountSubject != grant.Subject {
			return refusedError(ResultOtherAccount)
		}
	case integration.Disconnected:
	}
	return nil
}

// commit writes the connection that data makes, and returns the secret version
// that it names no more.
func (g *Grants) commit(ctx context.Context, company booking.CompanyID, data integration.Data) (result Result, replaced string, err error) {
	_, err = g.update(ctx, company, func(c *integration.Connection) ([]store.Activity, error) {
		if c.Data.SecretVersion == data.SecretVersion {
			return nil, store.ErrUnchanged // carried out, though it was reported as a conflict
		}
		if err := refusal(c, Grant{Subject: data.AccountSubject}); err != nil {
			return nil, err
		}
		kind, old := store.ActConnected, c.Data
		result, replaced, c.Data = ResultConnected, old.SecretVersion, data
		if c.Status != integration.Disconnected {
			result, kind = ResultReconnected, store.ActReconnected
			c.Data.CalendarID, c.Data.CalendarName = old.CalendarID, old.CalendarName
		} else {
			c.CheckedAt = time.Time{} // it was of another connection
		}
		now := g.Now()
		c.Enabled, c.Status, c.Reason, c.RemoveEvents = true, integration.Connected, integration.NoReason, false
		c.UseCalendar(c.Data.AccountSubject, c.Data.CalendarID)
		c.ChangedAt, c.BackfillDue, c.NoticeDue = now, now, time.Time{} // what is left to tell follows the passes
		return []store.Activity{g.activity(ctx, kind, store.ActorCompany, "ok", data.AccountEmail)}, nil
	})
	return result, replaced, err
}

// GiveBack ends a grant that is not kept, unless a connection holds that
// account: ending one grant ends all that the account gave to this client. A
// grant of an unknown account is left alone for the same reason.
func (g *Grants) GiveBack(ctx context.Context, grant Grant) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
	defer cancel()
	token := cmp.Or(grant.RefreshToken, grant.AccessToken)
	if token == "" || grant.Subject == "" || g.held(ctx, grant.Subject) {
		return
	}
	g.revoke(ctx, token)
}

// held reports whether a connection, but for those of the companies excepted,
// holds the account. If that cannot be told, it does: a grant whose tokens
// nobody keeps does less harm than another company's connection cut off.
func (g *Grants) held(ctx context.Context, subject string, except ...booking.CompanyID) bool {
	holders, err := g.Connections.Holders(ctx, calendar, subject, len(except)+1)
	if err != nil {
		g.warn(ctx, "holders of the account unknown", err)
		return true
	}
	return slices.ContainsFunc(holders, func(c booking.CompanyID) bool { return !slices.Contains(except, c) })
}

// revoke ends a grant at Google. Nothing waits for its success.
func (g *Grants) revoke(ctx context.Context, token string) {
	if err := g.Client.Revoke(ctx, token); err != nil {
		g.warn(ctx, "grant not revoked", err)
		return
	}
	g.info(ctx, "grant revoked")
}

// Ready returns the company's connection before an authorisation, and false
// if none can be taken now because the old one is still being turned off.
func (g *Grants) Ready(ctx context.Context, company booking.CompanyID) (integration.Connection, bool, error) {
	c, err := g.connection(ctx, company)
	return c, c.Status != integration.Disconnecting, err
}

// NeedReauth records that the connection, which was met as it is given, is not
// good for what it is for, and that only the company can mend it. One that has
// changed since stays: that is not known of it. A token that was renewed
// meanwhile does not make it another one.
func (g *Grants) NeedReauth(ctx context.Context, company booking.CompanyID, met integration.Connection, why integration.Reason) error {
	var wrote bool
	_, err := g.update(ctx, company, func(c *integration.Connection) ([]store.Activity, error) {
		if wrote = c.Status == met.Status && c.ChangedAt.Equal(met.ChangedAt); !wrote {
			return nil, store.ErrUnchanged
		}
		return store.NeedReauth(c, why, g.Now(), logging.TraceOf(ctx).ID), nil
	})
	if err != nil {
		return fmt.Errorf("record that the connection needs re-authorisation: %w", err)
	}
	if wrote {
		g.Log.LogAttrs(ctx, slog.LevelWarn, "connection needs re-authorisation",
			slog.String("integration", string(calendar)), slog.String("reason", string(why)))
	}
	return nil
}
