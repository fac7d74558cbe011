package converge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

// attempt is one execution of Apply or Reconcile. Only its own goroutine
// touches it; integrations act in others and send what they found.
type attempt struct {
	deps     *Deps
	id       string
	key      store.Key
	event    *booking.Event // nil: reconcile
	standIn  bool           // its integration acts in place of the delivery's own
	redo     integration.ID // whose delivery is not done, whatever the record says; empty: none
	deadline time.Time
	ids      []integration.ID
	work     []*work
	results  chan result

	snap  store.Snapshot
	rec   *store.Booking // the snapshot's booking with all that is to be committed
	fresh []store.Step   // merged and decided since the read
	did   []store.Step   // done at an integration: kept over a read

	dirty     bool // rec differs from what is stored
	committed bool // something was recorded
	trouble   int  // commits that failed without a conflict
}

// work is what an attempt does for one delivery.
type work struct {
	integration.Integration
	holds bool             // the stored record has this attempt's lease
	call  bool             // Act is the next thing to do, once rec is committed
	busy  bool             // Act is under way
	doubt bool             // a write under this lease may still arrive
	acts  int              // calls of Act so far
	task  integration.Task // of the Act under way or just ended
}

type result struct {
	work *work
	integration.Result
}

// run carries the attempt to its end. It hides an error that came after
// something was recorded: the record says when to try again.
func (a *attempt) run(ctx context.Context) error {
	ctx, cancel := a.bound(ctx)
	defer cancel()
	err := a.converge(ctx)
	if err == nil || !a.committed {
		return err
	}
	a.deps.Log.LogAttrs(ctx, slog.LevelError, "attempt broken off, the sweep goes on", slog.String("error", err.Error()))
	return nil
}

func (a *attempt) converge(ctx context.Context) error {
	if err := a.read(ctx); err != nil {
		return err
	}
	for a.rec != nil || a.event != nil {
		a.merge()
		a.reopen()
		if err := a.decide(ctx); err != nil {
			return err
		}
		a.dirty = a.dirty || a.overdue()
		if again, err := a.commit(ctx); err != nil {
			return err
		} else if again {
			continue
		}
		if !a.act(ctx) {
			return nil
		}
		if err := a.wait(ctx); err != nil {
			return err
		}
	}
	return nil
}

// read reads everything anew and lays over it what this attempt knows of the
// deliveries that are still its own.
func (a *attempt) read(ctx context.Context) error {
	snap, err := a.deps.Store.ReadBooking(ctx, a.key.Company, a.key.Booking, a.ids...)
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	before := a.rec
	a.snap, a.rec, a.fresh, a.dirty = snap, snap.Booking, nil, false
	for _, w := range a.work {
		w.call = false
		if w.holds {
			a.keepOwn(w, before)
		}
	}
	return nil
}

func (a *attempt) keepOwn(w *work, before *store.Booking) {
	stored := a.delivery(w)
	if stored.Lease.Attempt != a.id {
		w.holds, w.doubt = false, false // another has taken it: begin as anybody
		return
	}
	own := before.Deliveries[w.ID()]
	own.Lease, own.Receipt = stored.Lease, stored.Receipt
	if own == stored {
		return
	}
	a.outdate(&own)
	a.rec.Deliveries[w.ID()] = own
	a.dirty = true
}

// outdate makes pending what stands for an older revision of the booking.
func (a *attempt) outdate(d *integration.Delivery) {
	if d.Revision == a.rec.Revision {
		return
	}
	d.Status, d.Reason, d.Detail, d.Revision = integration.Pending, integration.NoReason, "", a.rec.Revision
	d.Attempts, d.NextAttemptAt = 0, time.Time{}
}

// delivery is the booking's delivery to the integration. One that the record
// does not have, since the integration was added later, is pending.
func (a *attempt) delivery(w *work) integration.Delivery {
	if a.rec != nil {
		if d, ok := a.rec.Deliveries[w.ID()]; ok {
			return d
		}
	}
	return integration.Delivery{Status: integration.Pending}
}

// commit stores rec if it has changed. It reports whether to go on from the
// merge instead of from the commit: the record had been changed by another, or
// the commit's fate is not known.
func (a *attempt) commit(ctx context.Context) (again bool, err error) {
	if !a.dirty {
		return false, nil
	}
	a.prepare()
	err = a.deps.Store.CommitBooking(ctx, a.rec)
	switch {
	case err == nil:
		a.logFresh(ctx)
		a.fresh, a.did, a.dirty, a.committed = nil, nil, false, true
		for _, w := range a.work {
			w.holds = a.delivery(w).Lease.Attempt == a.id
		}
		return false, nil
	case !errors.Is(err, fault.ErrConflict):
		if a.trouble++; a.trouble > 2 || !fault.Retryable(err) {
			return false, fmt.Errorf("commit: %w", err)
		}
		if err := pause(ctx, time.Duration(a.trouble)*100*time.Millisecond); err != nil {
			return false, err
		}
	}
	return true, a.read(ctx)
}

// prepare computes what every commit computes anew.
func (a *attempt) prepare() {
	a.rec.UpdatedAt = a.now()
	a.rec.NextAttemptAt = a.schedule()
	a.rec.AddSteps(a.did...)
	a.rec.AddSteps(a.fresh...)
}

// now is cut to what the store keeps, so that what is read back compares equal.
func (a *attempt) now() time.Time { return a.deps.Now().UTC().Truncate(time.Microsecond) }

// logFresh writes a line for each step that was just recorded.
func (a *attempt) logFresh(ctx context.Context) {
	for _, s := range a.fresh {
		msg := "booking " + s.Kind
		attrs := []slog.Attr{slog.Int64("revision", a.rec.Revision)}
		if s.Integration != "" {
			msg = "delivery " + s.Outcome
			attrs = append(attrs, slog.String("integration", string(s.Integration)), slog.String("reason", s.Detail))
		}
		a.deps.Log.LogAttrs(ctx, slog.LevelInfo, msg, attrs...)
	}
}

// schedule is when the booking is next to be looked at: the earliest, over its
// pending deliveries, of the later of their retry time and their lease's end.
func (a *attempt) schedule() time.Time {
	var at time.Time
	for _, i := range a.deps.Integrations {
		d, ok := a.rec.Deliveries[i.ID()]
		if !ok || d.Status != integration.Pending {
			continue
		}
		due := d.NextAttemptAt
		if due.IsZero() {
			due = a.rec.UpdatedAt
		}
		if end := d.Lease.End(); d.Lease.Attempt != "" && end.After(due) {
			due = end
		}
		if at.IsZero() || due.Before(at) {
			at = due
		}
	}
	return at
}

// overdue reports whether the record claims to be due though nothing is: it
// may be of a time when there was another integration.
func (a *attempt) overdue() bool {
	next := a.rec.NextAttemptAt
	return !next.IsZero() && next.Before(a.now()) && a.schedule().IsZero()
}

// act starts what was announced and reports whether anything is under way.
func (a *attempt) act(ctx context.Context) (busy bool) {
	for _, w := range a.work {
		if w.call {
			w.call, w.busy = false, true
			w.acts++
			go a.perform(ctx, w, w.task)
		}
		busy = busy || w.busy
	}
	return busy
}

func (a *attempt) perform(ctx context.Context, w *work, task integration.Task) {
	r := integration.Result{Outcome: integration.Unsure, Delivery: task.Delivery, Reason: integration.Internal}
	defer func() {
		if p := recover(); p != nil { // one booking's trouble must not end the process
			r.Err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
		a.results <- result{w, r}
	}()
	ctx, cancel := context.WithDeadline(ctx, a.deadline.Add(-quiet))
	defer cancel()
	r = w.Act(ctx, task)
}

// wait takes in at least one result, and those that come soon after it.
func (a *attempt) wait(ctx context.Context) error {
	var soon <-chan time.Time
	for {
		select {
		case r := <-a.results:
			if err := a.learn(ctx, r); err != nil {
				return err
			}
		case <-soon:
			return nil
		case <-ctx.Done():
			return fmt.Errorf("wait for an integration: %w", ctx.Err())
		}
		if !a.anyBusy() {
			return nil
		}
		if soon == nil {
			soon = time.After(patience)
		}
	}
}

func (a *attempt) anyBusy() bool {
	for _, w := range a.work {
		if w.busy {
			return true
		}
	}
	return false
}

// backoff is the wait after a number of failures in a row: 5 s, doubling to an
// hour, less up to a quarter by chance.
func backoff(failures int) time.Duration {
	d := time.Hour
	if failures < 11 {
		d = min(d, 5*time.Second<<max(0, failures-1))
	}
	return d - rand.N(d/4) //nolint:gosec // chance, no secret
}

// pause waits for about d.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d/2 + rand.N(d)) //nolint:gosec // chance, no secret
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("pause: %w", ctx.Err())
	}
}
