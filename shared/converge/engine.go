package converge

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/logging"
	"github.com/citasync/citasync/shared/store"
)

const (
	// Lifetime is how long an attempt lives after its first read, and so how
	// long a lease lasts at most. Who changes a connection may rely on every
	// attempt that knew the old one having ended after it.
	Lifetime = 40 * time.Second

	// quiet is the last part of a lifetime, in which no call is under way, so
	// that what was sent has arrived when the lease ends.
	quiet = 20 * time.Second

	// patience is how long a result waits to be committed with another's.
	patience = time.Second

	// maxActs bounds the calls of Act for one delivery in one attempt.
	maxActs = 5
)

// Store is what the engine needs of the store.
type Store interface {
	ReadBooking(ctx context.Context, company booking.CompanyID, id booking.ID, of ...integration.ID) (store.Snapshot, error)
	CommitBooking(ctx context.Context, b *store.Booking) error
	PutConnection(ctx context.Context, company booking.CompanyID, c *integration.Connection, acts ...store.Activity) error
}

// Switches says whether an integration is switched on for everyone.
type Switches interface {
	Enabled(ctx context.Context, id integration.ID) (bool, error)
}

// Deps are what an Engine is made of.
type Deps struct {
	Store        Store
	Switches     Switches
	Integrations []integration.Integration
	Now          func() time.Time
	Log          *slog.Logger
}

// Engine brings integrations to what the platform says. It may be used by
// several goroutines, and by several processes on one store.
type Engine struct{ deps Deps }

// New returns an Engine.
func New(deps Deps) *Engine { return &Engine{deps: deps} }

// Apply merges the event into its booking's record and brings the company's
// integrations to it. It returns nil once the event is recorded: what could
// not be done at an integration then is tried again by [Engine.Reconcile]. An
// error means that nothing was recorded and the event must be delivered again.
func (e *Engine) Apply(ctx context.Context, ev booking.Event) error {
	a := e.attempt(store.Key{Company: ev.Company, Booking: ev.Booking.ID}, e.deps.Integrations)
	a.event = &ev
	if err := a.run(ctx); err != nil {
		return fmt.Errorf("apply %s of booking %q of company %q: %w", ev.Kind.EventType(), ev.Booking.ID, ev.Company, err)
	}
	return nil
}

// Reconcile brings the company's integrations to the booking's record. It does
// nothing for a booking without one.
func (e *Engine) Reconcile(ctx context.Context, key store.Key) error {
	return reconcile(ctx, e.attempt(key, e.deps.Integrations))
}

// ReconcileAs is Reconcile with one integration standing in for the one of the
// same ID: it acts under the lease of the booking's delivery, whenever it asks
// to, and leaves the delivery's state to the one that it stands for.
func (e *Engine) ReconcileAs(ctx context.Context, key store.Key, as integration.Integration) error {
	a := e.attempt(key, []integration.Integration{as})
	a.standIn = true
	return reconcile(ctx, a)
}

// Redo is Reconcile of a booking whose delivery to an integration is recorded
// as done, though what is there is not what the booking says: it is made
// pending first.
func (e *Engine) Redo(ctx context.Context, key store.Key, id integration.ID) error {
	a := e.attempt(key, e.deps.Integrations)
	a.redo = id
	return reconcile(ctx, a)
}

func reconcile(ctx context.Context, a *attempt) error {
	if err := a.run(ctx); err != nil {
		key := a.key
		return fmt.Errorf("reconcile booking %q of company %q: %w", key.Booking, key.Company, err)
	}
	return nil
}

func (e *Engine) attempt(key store.Key, as []integration.Integration) *attempt {
	a := &attempt{deps: &e.deps, id: rand.Text(), key: key, results: make(chan result, len(as))}
	for _, i := range as {
		a.work = append(a.work, &work{Integration: i})
		a.ids = append(a.ids, i.ID())
	}
	return a
}

// bound gives an attempt its own life: from here on it ends by itself and not
// with the request that began it, for a call that is broken off has an unknown
// fate.
func (a *attempt) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	a.deadline = a.now().Add(Lifetime)
	ctx = logging.With(context.WithoutCancel(ctx),
		slog.String("company", string(a.key.Company)), slog.String("booking", string(a.key.Booking)))
	return context.WithDeadline(ctx, a.deadline)
}
