package converge

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/logging"
	"github.com/citasync/citasync/shared/store"
)

// learn takes in what an integration found out.
func (a *attempt) learn(ctx context.Context, r result) error {
	w := r.work
	w.busy = false
	d := a.delivery(w)
	if d.Lease.Attempt != a.id {
		a.deps.Log.LogAttrs(ctx, slog.LevelWarn, "lease lost, result left to its new holder", slog.String("integration", string(w.ID())))
		return nil
	}
	w.doubt = w.doubt || r.InFlight || r.Outcome == integration.Unsure
	next := r.Delivery
	next.Lease, next.Receipt, next.Revision, next.UpdatedAt = d.Lease, d.Receipt, w.task.Revision, a.now()
	a.settle(&next, r)
	a.report(ctx, w, next, r)
	a.outdate(&next)
	a.rec.Deliveries[w.ID()] = next
	a.dirty = true
	switch {
	case r.Outcome == integration.Unauthorised:
		return a.unauthorised(ctx, w, r.Reason)
	case next.Status == integration.Failed && !a.standIn:
		return a.refused(ctx, w)
	}
	return nil
}

// settle gives the delivery the status, reason and time that the outcome
// means.
func (a *attempt) settle(d *integration.Delivery, r result) {
	switch r.Outcome {
	case integration.Settled:
		if a.standIn {
			return // the delivery is as its own integration left it
		}
		d.Attempts, d.NextAttemptAt = 0, time.Time{}
	case integration.Again:
		d.Status, d.NextAttemptAt = integration.Pending, time.Time{}
	case integration.Unauthorised:
		d.Status, d.Reason, d.NextAttemptAt = integration.Pending, r.Reason, time.Time{}
	case integration.Retry, integration.Unsure:
		d.Status, d.Reason = integration.Pending, r.Reason
		d.Attempts++
		d.NextAttemptAt = d.UpdatedAt.Add(max(backoff(d.Attempts), r.RetryAfter))
	}
}

// report adds what was done to the history, and logs what went wrong. Failures
// in a row for one reason are one step of the history.
func (a *attempt) report(ctx context.Context, w *work, d integration.Delivery, r result) {
	for _, s := range r.Steps {
		a.did = append(a.did, store.Step{At: d.UpdatedAt, Kind: s, Integration: w.ID(), Outcome: "ok"})
	}
	failed := r.Outcome == integration.Retry || r.Outcome == integration.Unsure || d.Status == integration.Failed
	if !failed {
		return
	}
	before := w.task.Delivery
	if d.Reason != before.Reason || d.Status != before.Status {
		detail := string(d.Reason)
		if d.Detail != "" {
			detail += ": " + d.Detail
		}
		a.did = append(a.did, store.Step{At: d.UpdatedAt, Kind: store.StepDelivery, Integration: w.ID(), Outcome: string(d.Status), Detail: detail})
	}
	a.deps.Log.LogAttrs(ctx, level(d.Reason), "delivery "+string(d.Status), failure(w, d, r)...)
}

func failure(w *work, d integration.Delivery, r result) []slog.Attr {
	attrs := []slog.Attr{
		slog.String("integration", string(w.ID())), slog.Int64("revision", w.task.Revision), slog.String("reason", string(d.Reason)),
		slog.Int("attempts", d.Attempts), slog.Bool("in_flight", r.InFlight || r.Outcome == integration.Unsure),
	}
	if !d.NextAttemptAt.IsZero() {
		attrs = append(attrs, slog.Time("next_attempt_at", d.NextAttemptAt))
	}
	if r.Err != nil {
		attrs = append(attrs, slog.String("error", r.Err.Error()))
	}
	return attrs
}

func level(r integration.Reason) slog.Level {
	if r == integration.Internal {
		return slog.LevelError
	}
	return slog.LevelWarn
}

// unauthorised records that the connection that was used is not good any more,
// unless it has changed meanwhile; then the new one is tried.
func (a *attempt) unauthorised(ctx context.Context, w *work, why integration.Reason) error {
	used := w.task.Connection
	wrote, err := a.write(ctx, w, func(c *integration.Connection) ([]store.Activity, bool) {
		if c.Version != used.Version {
			return nil, false
		}
		return store.NeedReauth(c, why, a.now(), logging.TraceOf(ctx).ID), true
	})
	if err != nil {
		return fmt.Errorf("record that %s needs re-authorisation: %w", w.ID(), err)
	}
	if wrote {
		a.deps.Log.LogAttrs(ctx, slog.LevelWarn, "connection needs re-authorisation",
			slog.String("integration", string(w.ID())), slog.String("reason", string(why)))
	}
	return nil
}

// refused records in the connection that the company is to be told. It comes
// before the delivery's own commit: a crash in between tells of a refusal that
// the next attempt meets again, and not of none.
func (a *attempt) refused(ctx context.Context, w *work) error {
	_, err := a.write(ctx, w, func(c *integration.Connection) ([]store.Activity, bool) {
		c.Refuse(a.now())
		return nil, c.Status == integration.Connected
	})
	if err != nil {
		return fmt.Errorf("record that %s refused a booking: %w", w.ID(), err)
	}
	return nil
}

// write changes the connection as change says, which is called again with what
// is stored by then if somebody else was faster, and says whether to write.
func (a *attempt) write(ctx context.Context, w *work, change func(*integration.Connection) ([]store.Activity, bool)) (wrote bool, err error) {
	err = store.Again(ctx, func() error {
		if err := a.read(ctx); err != nil {
			return err
		}
		c := a.snap.Connections[w.ID()]
		acts, ok := change(&c)
		if wrote = ok; !ok {
			return nil
		}
		if err := a.deps.Store.PutConnection(ctx, a.key.Company, &c, acts...); err != nil {
			return err
		}
		a.snap.Connections[w.ID()] = c
		return nil
	})
	return wrote && err == nil, err
}
