package googleauth

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

// Disconnect turns the integration off for a company, whatever Google says to
// it, and may be called again. From its first commit on, no event is written.
//
// Without removeEvents the grant is given back at once, and the connection is
// returned as disconnected; or as disconnecting if something of it could not
// be cleared away, which [Grants.Finish] does later. With removeEvents it is
// returned as disconnecting: the future events are still to be removed, and
// Finish is called when they are. With a dead grant nothing can be removed, so
// that both are the same.
func (g *Grants) Disconnect(ctx context.Context, company booking.CompanyID, removeEvents bool, actor string) (integration.Connection, error) {
	c, err := g.update(ctx, company, func(c *integration.Connection) ([]store.Activity, error) {
		return g.turnOff(ctx, c, removeEvents, actor)
	})
	if err != nil {
		return c, err
	}
	g.info(ctx, "integration disabled", slog.Bool("remove_events", removeEvents))
	if c.Status != integration.Disconnecting || c.RemoveEvents && !c.Reason.GrantDead() {
		return c, nil
	}
	if err := g.Finish(ctx, company, c.Reason); err != nil {
		g.warn(ctx, "disconnection not finished", err)
	}
	return g.connection(ctx, company)
}

// turnOff makes the first commit's connection. The reason of a dead grant
// stays, so that Finish knows.
func (g *Grants) turnOff(ctx context.Context, c *integration.Connection, removeEvents bool, actor string) ([]store.Activity, error) {
	under := c.Status == integration.Disconnecting
	if c.Status == integration.Disconnected || under && (removeEvents || !c.RemoveEvents) {
		return nil, store.ErrUnchanged // a removal may be cut short, but what is being given back does not come back
	}
	now := g.Now()
	c.Status, c.Enabled, c.RemoveEvents = integration.Disconnecting, false, removeEvents
	c.ChangedAt, c.BackfillDue = now, time.Time{}
	c.ForgetNotices()
	if !c.Reason.GrantDead() {
		c.Reason = integration.NoReason
	}
	detail := "keep"
	if removeEvents {
		c.BackfillDue, detail = now, "remove"
	}
	return []store.Activity{g.activity(ctx, store.ActTurnedOff, actor, "ok", detail)}, nil
}

// finishTimeout bounds Finish. What did not end by then is finished by
// maintain, which waits longer than this, so that the two don't meet: a
// deletion that is late must not take the refresh token of the next connection.
const finishTimeout = 15 * time.Second

// Finish ends a connection that is being turned off: the grant is given back,
// the refresh token deleted and the connection emptied. Left is why a removal
// ended early, with events left behind, or NoReason. It may be called again,
// and does nothing unless the connection is disconnecting.
func (g *Grants) Finish(ctx context.Context, company booking.CompanyID, left integration.Reason) error {
	ctx, cancel := context.WithTimeout(ctx, finishTimeout)
	defer cancel()
	c, err := g.connection(ctx, company)
	if err != nil || c.Status != integration.Disconnecting {
		return err
	}
	g.release(ctx, company, &c)
	// Between here and there lies a call of up to ten seconds. Whoever was
	// faster may have finished, and the company have connected again.
	now, err := g.connection(ctx, company)
	if err != nil || now.Status != integration.Disconnecting || now.Data.SecretVersion != c.Data.SecretVersion {
		return err
	}
	if err := g.Secrets.Delete(ctx, company); err != nil {
		return fmt.Errorf("delete the refresh token of company %q: %w", company, err)
	}
	return g.empty(ctx, company, left)
}

// release gives the grant back, unless it is dead or another company holds the
// account too. Google may be slow or down: it stops nothing.
func (g *Grants) release(ctx context.Context, company booking.CompanyID, c *integration.Connection) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if c.Reason == integration.Revoked || c.Data.SecretVersion == "" || g.held(ctx, c.Data.AccountSubject, company) {
		return
	}
	token, err := g.Secrets.Access(ctx, company, c.Data.SecretVersion)
	if err != nil {
		g.warn(ctx, "grant not revoked", err)
		return
	}
	g.revoke(ctx, string(token))
}

// empty makes the last commit. Which calendars were used stays: a later
// connection of the account finds what lies there. What waited for this one is
// owed to be told that it is off.
func (g *Grants) empty(ctx context.Context, company booking.CompanyID, left integration.Reason) error {
	c, err := g.update(ctx, company, func(c *integration.Connection) ([]store.Activity, error) {
		if c.Status != integration.Disconnecting {
			return nil, store.ErrUnchanged
		}
		if c.RemoveEvents {
			c.Reason = cmp.Or(left, c.Reason)
		} else {
			c.Reason = integration.NoReason
		}
		c.Status, c.Enabled, c.RemoveEvents, c.Data = integration.Disconnected, false, false, integration.Data{}
		now := g.Now()
		c.ChangedAt, c.BackfillDue = now, now
		c.ForgetNotices()
		outcome := cmp.Or(string(c.Reason), "ok")
		return []store.Activity{g.activity(ctx, store.ActDisconnected, store.ActorSystem, outcome, "")}, nil
	})
	if err != nil {
		return err
	}
	g.info(ctx, "integration disconnected", slog.String("reason", string(c.Reason)))
	return nil
}
