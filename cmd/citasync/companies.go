package main

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/googleauth"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/logging"
	"github.com/citasync/citasync/shared/secret"
	"github.com/citasync/citasync/shared/store"
)

// companies operates on what is kept of single companies.
type companies struct {
	store store.Store
	vault func(context.Context) (*vault, error)
	now   func() time.Time
	log   *slog.Logger
}

// vault is what only a removal needs: where the companies' secrets are, and
// what gives back the grants that they belong to.
type vault struct {
	secrets secret.Store
	grants  *googleauth.Grants
	close   func()
}

// kept is what is kept of a company.
type kept struct {
	Any      bool             `json:"any"` // false: the company is not known, or was removed
	Name     string           `json:"name"`
	On       []integration.ID `json:"on"` // not disconnected
	Bookings int              `json:"bookings"`
	Activity int              `json:"activity"`
	More     bool             `json:"more"` // not all were counted
}

// erased is what became of what was kept.
type erased struct {
	On       []integration.ID `json:"on"` // not empty: these are on again, and the rest was left alone
	Bookings int              `json:"bookings"`
	Late     int              `json:"late"` // of these, what was told of while the others were deleted
	Activity int              `json:"activity"`
	Arriving bool             `json:"arriving"` // bookings were told of to the last; the latest are kept
}

const (
	countedAtMost = 1000
	listPage      = 200
	erasePage     = 400

	// erasePasses is how often what arrives meanwhile is deleted as well.
	erasePasses = 5

	// actorOperator acts by these commands.
	actorOperator = "operator"
)

// Kept counts no more than some of a company's bookings and activities.
func (c *companies) Kept(ctx context.Context, id booking.CompanyID) (kept, error) {
	return c.look(ctx, id, countedAtMost)
}

// TurnOff turns off what is on, keeping the events that are written, and
// returns what was on. An attempt that knew it on may go on for a minute. If a
// grant or secret could not be given back, the integration is off all the same,
// and counts as on for Kept and Erase until TurnOff, or maintain, has done it.
func (c *companies) TurnOff(ctx context.Context, id booking.CompanyID) ([]integration.ID, error) {
	ctx = about(ctx, id)
	on, _, err := c.connections(ctx, id)
	if err != nil || len(on) == 0 {
		return nil, err
	}
	v, err := c.vault(ctx)
	if err != nil {
		return nil, err
	}
	defer v.close()
	for _, i := range on {
		if i == integration.GoogleCalendar {
			_, err = v.grants.Disconnect(ctx, id, false, actorOperator)
		} else {
			err = c.disconnect(ctx, id, i)
		}
		if err != nil {
			return nil, fmt.Errorf("turn off %s: %w", i, err)
		}
	}
	return on, nil
}

// Erase destroys the secret and then the documents of a company that was turned
// off a minute ago, and what is told of it meanwhile. It may be called again,
// and goes on where it was broken off.
func (c *companies) Erase(ctx context.Context, id booking.CompanyID) (erased, error) {
	ctx = about(ctx, id)
	v, err := c.vault(ctx)
	if err != nil {
		return erased{}, err
	}
	defer v.close()
	var e erased
	err = c.erase(ctx, v.secrets, id, &e)
	if err != nil {
		err = fmt.Errorf("remove company %q: %w", id, err)
	}
	// Its activity is gone, so this line is what is left to tell of it.
	c.log.LogAttrs(ctx, slog.LevelInfo, "company removed", slog.Int("bookings", e.Bookings), slog.Int("late", e.Late),
		slog.Int("activity", e.Activity), slog.Bool("whole", err == nil && len(e.On) == 0 && !e.Arriving))
	return e, err
}

func (c *companies) erase(ctx context.Context, secrets secret.Store, id booking.CompanyID, e *erased) error {
	for pass := 0; ; pass++ {
		k, err := c.look(ctx, id, math.MaxInt)
		switch {
		case err != nil:
			return err
		case !k.Any:
			return nil
		case len(k.On) > 0:
			e.On = k.On
			return nil
		case pass == erasePasses:
			e.Arriving = true
			return nil
		}
		e.Bookings += k.Bookings
		e.Activity += k.Activity
		if pass > 0 {
			e.Late += k.Bookings
		}
		if err := c.delete(ctx, secrets, id); err != nil {
			return err
		}
	}
}

// delete makes one pass. It ends early if the company connects meanwhile, whose
// grant would be lost with the record of it.
func (c *companies) delete(ctx context.Context, secrets secret.Store, id booking.CompanyID) error {
	if err := secrets.Delete(ctx, id); err != nil {
		return err
	}
	for more := true; more; {
		on, _, err := c.connections(ctx, id)
		if err != nil || len(on) > 0 {
			return err
		}
		if more, err = c.store.DeleteCompany(ctx, id, erasePage); err != nil {
			return err
		}
	}
	return nil
}

// look finds out what is kept, and counts up to so many of a kind.
func (c *companies) look(ctx context.Context, id booking.CompanyID, atMost int) (kept, error) {
	company, err := c.store.Company(ctx, id)
	if err != nil {
		return kept{}, err
	}
	on, connected, err := c.connections(ctx, id)
	if err != nil {
		return kept{}, err
	}
	bookings, moreBookings, err := count(atMost, func(cursor string) (store.Page[*store.Booking], error) {
		return c.store.ListBookings(ctx, id, store.Query{Cursor: cursor, Limit: listPage})
	})
	if err != nil {
		return kept{}, err
	}
	activity, moreActivity, err := count(atMost, func(cursor string) (store.Page[store.Activity], error) {
		return c.store.ListActivity(ctx, id, cursor, listPage)
	})
	return kept{
		Any:  company.Version != "" || connected || bookings+activity > 0,
		Name: company.Name, On: on, Bookings: bookings, Activity: activity, More: moreBookings || moreActivity,
	}, err
}

// count counts what is on the pages, and leaves off once there are more than
// so many.
func count[T any](atMost int, page func(cursor string) (store.Page[T], error)) (n int, more bool, err error) {
	for cursor := ""; ; {
		p, err := page(cursor)
		if err != nil {
			return n, false, err
		}
		n += len(p.Items)
		if n > atMost {
			return atMost, true, nil
		}
		if cursor = p.Next; cursor == "" {
			return n, false, nil
		}
	}
}

// connections returns which of the company's are not disconnected, and whether
// there ever was one.
func (c *companies) connections(ctx context.Context, company booking.CompanyID) (on []integration.ID, known bool, err error) {
	for _, id := range integrationIDs() {
		conn, err := c.store.Connection(ctx, company, id)
		if err != nil {
			return nil, false, err
		}
		known = known || conn.Version != ""
		if conn.Status != integration.Disconnected {
			on = append(on, id)
		}
	}
	return on, known, nil
}

// disconnect empties a connection that has no grant of the company's own.
func (c *companies) disconnect(ctx context.Context, company booking.CompanyID, id integration.ID) error {
	_, err := store.Change(ctx, c.store, company, id, c.now, func(conn *integration.Connection) ([]store.Activity, error) {
		if conn.Status == integration.Disconnected {
			return nil, store.ErrUnchanged
		}
		now := c.now()
		conn.TurnOff(now)
		return []store.Activity{{
			At: now, Kind: store.ActDisconnected, Integration: id, Actor: actorOperator, Outcome: "ok", Trace: logging.TraceOf(ctx).ID,
		}}, nil
	})
	return err
}

// about returns a context whose log lines name the company.
func about(ctx context.Context, id booking.CompanyID) context.Context {
	return logging.WithTrace(logging.With(ctx, slog.String("company", string(id))), "")
}
