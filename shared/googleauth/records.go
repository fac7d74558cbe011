package googleauth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/logging"
	"github.com/citasync/citasync/shared/secret"
	"github.com/citasync/citasync/shared/store"
)

// Connections is what this package reads and writes of connections.
// store.Connections is one.
type Connections interface {
	store.ConnectionWriter
	Holders(ctx context.Context, id integration.ID, subject string, limit int) ([]booking.CompanyID, error)
}

// Deps are what a Source and Grants work with.
type Deps struct {
	Client      *Client
	Connections Connections
	Secrets     secret.Store
	Cipher      *Cipher
	Now         func() time.Time
	Log         *slog.Logger
}

// calendar is the integration that all of this is for.
const calendar = integration.GoogleCalendar

const (
	maxTries = 5 // with a token that another replaces meanwhile

	// cleanupTimeout bounds what has to be put in order after a failure, which
	// may be that the caller's context has ended.
	cleanupTimeout = 10 * time.Second
)

// update is [store.Change] for the company's connection.
func (d *Deps) update(
	ctx context.Context, company booking.CompanyID, how func(*integration.Connection) ([]store.Activity, error),
) (integration.Connection, error) {
	return store.Change(ctx, d.Connections, company, calendar, d.Now, how)
}

func (d *Deps) connection(ctx context.Context, company booking.CompanyID) (integration.Connection, error) {
	c, err := d.Connections.Connection(ctx, company, calendar)
	if err != nil {
		return c, fmt.Errorf("read the connection of company %q: %w", company, err)
	}
	return c, nil
}

// settle ends the writing of a new version of the secret: committed says how
// the commit that names it went. If the connection names it, which it may do
// although the commit reported a failure, clear destroys what is not needed any
// more; if it does not, or not any more, the new version is destroyed. If that
// can't be told, both stay until the next Keep: a connection whose token is
// gone would be dead though Google still accepts it. It returns the commit's
// error if nothing is known to be committed.
func (d *Deps) settle(
	ctx context.Context, company booking.CompanyID, version string, committed error, clear func(context.Context) error,
) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
	defer cancel()
	c, err := d.connection(ctx, company)
	switch {
	case err == nil && c.Data.SecretVersion == version:
		if err := clear(ctx); err != nil {
			d.warn(ctx, "old secret versions not destroyed", err)
		}
		return nil
	case err != nil:
		d.warn(ctx, "secret versions left until the next authorisation", err)
	default:
		if err := d.Secrets.Destroy(ctx, company, version); err != nil {
			d.warn(ctx, "secret version not destroyed", err)
		}
	}
	return committed
}

// named returns what the connection names, and whether its secret version is
// there as far as is known. It is looked at after a write: others who write at
// the same time may destroy a version that was not named yet when they looked.
func (d *Deps) named(ctx context.Context, company booking.CompanyID) (integration.Data, bool) {
	c, err := d.connection(ctx, company)
	if err != nil || c.Data.SecretVersion == "" {
		return c.Data, true
	}
	_, err = d.Secrets.Access(ctx, company, c.Data.SecretVersion)
	return c.Data, !errors.Is(err, fault.ErrNotFound)
}

// activity is an act that is committed with a connection.
func (d *Deps) activity(ctx context.Context, kind, actor, outcome, detail string) store.Activity {
	return store.Activity{
		At: d.Now(), Kind: kind, Integration: calendar, Actor: actor, Outcome: outcome, Detail: detail,
		Trace: logging.TraceOf(ctx).ID,
	}
}

// info and warn log under a context that names the company already.
func (d *Deps) info(ctx context.Context, msg string, attrs ...slog.Attr) {
	d.Log.LogAttrs(ctx, slog.LevelInfo, msg, append(attrs, slog.String("integration", string(calendar)))...)
}

func (d *Deps) warn(ctx context.Context, msg string, err error) {
	d.Log.LogAttrs(ctx, slog.LevelWarn, msg, slog.String("integration", string(calendar)),
		slog.String("reason", string(ReasonOf(err))), slog.String("error", err.Error()))
}
