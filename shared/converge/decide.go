package converge

import (
	"context"
	"fmt"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

// keep is how long a booking's record outlives the booking.
const keep = 400 * 24 * time.Hour

// merge lays the event over the record if it is newer. A deletion changes
// state, time and revision; the content stays, as a tombstone.
func (a *attempt) merge() {
	ev, now := a.event, a.now()
	if ev == nil {
		return
	}
	kind := string(ev.Kind)
	switch r := a.rec; {
	case r == nil:
		a.rec = &store.Booking{
			Company: ev.Company, Booking: booking.Booking{ID: ev.Booking.ID}, CreatedAt: now,
			Deliveries: map[integration.ID]integration.Delivery{},
		}
	case !ev.Newer(r.At, r.State, r.Booking):
		return
	case r.State == booking.Confirmed && ev.Kind == booking.Confirmed:
		kind = "changed"
	}
	a.mergeInto(a.rec, now)
	a.fresh = append(a.fresh, store.Step{At: now, Kind: kind, Outcome: "ok"})
	a.dirty = true
}

func (a *attempt) mergeInto(r *store.Booking, now time.Time) {
	ev := a.event
	if ev.Kind != booking.Deleted {
		r.Booking = ev.Booking
	}
	r.State, r.At, r.Revision = ev.Kind, ev.At, r.Revision+1
	r.ExpireAt = ev.At.Add(keep)
	if end := r.Booking.End.Add(keep); end.After(r.ExpireAt) {
		r.ExpireAt = end.UTC()
	}
	for _, w := range a.work {
		d := a.delivery(w)
		a.outdate(&d)
		d.UpdatedAt = now
		r.Deliveries[w.ID()] = d
	}
}

// reopen makes the delivery pending that is to be done again, unless somebody
// has seen to it by now.
func (a *attempt) reopen() {
	for _, w := range a.work {
		d := a.delivery(w)
		if w.ID() != a.redo || w.acts > 0 || d.Status != integration.Done || a.another(d) {
			continue
		}
		d.Status, d.UpdatedAt = integration.Pending, a.now()
		a.rec.Deliveries[w.ID()] = d
		a.dirty = true
	}
}

// decide asks every integration that is not acting what its delivery needs,
// and lays the answers into rec.
func (a *attempt) decide(ctx context.Context) error {
	for _, w := range a.work {
		d := a.delivery(w)
		if w.busy || a.another(d) {
			continue
		}
		on, err := a.deps.Switches.Enabled(ctx, w.ID())
		if err != nil {
			return fmt.Errorf("catalogue entry of %s: %w", w.ID(), err)
		}
		a.decideOne(w, d, on)
	}
	return nil
}

// another reports whether the delivery is leased by another attempt. Its
// holder finds our merge when it next commits; if it has died, the sweep finds
// the booking when the lease has ended.
func (a *attempt) another(d integration.Delivery) bool {
	return d.Lease.Attempt != a.id && !d.Lease.Ended(a.now())
}

func (a *attempt) decideOne(w *work, d integration.Delivery, on bool) {
	w.holds = d.Lease.Attempt == a.id
	a.committed = a.committed || w.holds // also by a commit that was reported to have failed
	task := a.task(w, d, on)
	dec := w.Decide(task)
	next := dec.Delivery
	next.Revision = a.rec.Revision
	switch {
	case !dec.Call:
		if next.Status != integration.Pending {
			next.Attempts, next.NextAttemptAt = 0, time.Time{}
		}
		next.Lease = a.lease(w, d)
	case a.mayCall(w, task):
		next.Lease = integration.Lease{Attempt: a.id, Until: a.deadline}
		w.call = true
	default:
		next = a.later(w, task)
		next.Lease = a.lease(w, d)
	}
	w.task = task
	w.task.Delivery = next
	a.put(w, d, next, dec.Why)
}

func (a *attempt) task(w *work, d integration.Delivery, on bool) integration.Task {
	c := a.snap.Connections[w.ID()]
	return integration.Task{
		Company: a.snap.Company.Company, Connection: c, Access: c.Access(on),
		Booking: a.rec.Booking, State: a.rec.State, At: a.rec.At, Revision: a.rec.Revision, Delivery: d,
		Announced: d.Lease.Attempt == a.id && w.acts == 0, Now: a.now(),
	}
}

// lease is what becomes of the delivery's lease when no call follows: it is
// given back, unless a write under it may still arrive.
func (a *attempt) lease(w *work, d integration.Delivery) integration.Lease {
	if w.holds && !w.doubt {
		return integration.Lease{}
	}
	return d.Lease // ended, or ours to run out
}

// mayCall reports whether a call that is needed may begin now.
func (a *attempt) mayCall(w *work, t integration.Task) bool {
	if t.Access != integration.On && t.Access != integration.Removing {
		return false // no integration asks for it; that none can is decided here
	}
	return a.due(t) && !w.doubt && w.acts < maxActs && t.Now.Before(a.deadline.Add(-quiet))
}

// due reports whether the delivery's time has come. A delivery that failed for
// good is due again only after its connection has changed.
func (a *attempt) due(t integration.Task) bool {
	d := t.Delivery
	if a.standIn {
		return true
	}
	switch d.Status {
	case integration.Failed:
		return d.UpdatedAt.Before(t.Connection.ChangedAt)
	case integration.Pending:
		return !t.Now.Before(d.NextAttemptAt)
	case integration.Done, integration.Waiting, integration.Skipped:
	}
	return true
}

// later leaves a delivery that needs a call to the sweep.
func (a *attempt) later(w *work, t integration.Task) integration.Delivery {
	d := t.Delivery
	if a.standIn || !a.due(t) {
		return d
	}
	d.Status = integration.Pending
	if !w.doubt { // otherwise the end of the lease is the time
		d.Attempts++
		d.NextAttemptAt = t.Now.Add(backoff(d.Attempts))
	}
	return d
}

// put lays a delivery into rec if it has changed.
func (a *attempt) put(w *work, old, d integration.Delivery, why string) {
	if d == old {
		return
	}
	d.UpdatedAt = a.now()
	if d.Status != old.Status {
		a.note(w, d, why)
	}
	w.task.Delivery = d
	a.rec.Deliveries[w.ID()] = d
	a.dirty = true
}

// note adds to the history that a delivery came to rest without a call.
func (a *attempt) note(w *work, d integration.Delivery, why string) {
	if d.Status != integration.Skipped && d.Status != integration.Waiting {
		return // told by what the integration does
	}
	a.fresh = append(a.fresh, store.Step{At: d.UpdatedAt, Kind: store.StepDelivery, Integration: w.ID(), Outcome: string(d.Status), Detail: why})
}
