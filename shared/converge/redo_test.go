package converge

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

// TestRedo: what is recorded as done is done again, once; what is not is left
// to its own time.
func TestRedo(t *testing.T) {
	bubble(t, true, func(f *fixture) {
		redo := func(e *Engine) {
			f.t.Helper()
			if err := e.Redo(context.Background(), store.Key{Company: acme, Booking: "1"}, integration.GoogleCalendar); err != nil {
				f.t.Fatal(err)
			}
		}
		f.apply(ev(booking.Confirmed, 1, "cut"))
		f.want(integration.Done, "cut", 1)
		f.calendar.lines["1"] = "damaged"
		redo(f.engine)
		f.want(integration.Done, "cut", 2)

		f.calendar.will(outcome(integration.Retry, integration.Outage), outcome(integration.Retry, integration.Outage))
		redo(f.engine)
		f.want(integration.Pending, "cut", 3) // it is kept that something is to be done
		redo(f.engine)
		f.want(integration.Pending, "cut", 3)
		time.Sleep(time.Minute)
		f.reconcile()
		time.Sleep(time.Minute)
		f.reconcile()
		f.want(integration.Done, "cut", 5)
	})
}

// TestRefusalIsTold: a booking that is refused for good is noted in its
// connection, each time once.
func TestRefusalIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, true)
		refuse := func(t integration.Task) integration.Result {
			d := t.Delivery
			d.Status, d.Reason = integration.Failed, integration.Rejected
			return integration.Result{Outcome: integration.Settled, Delivery: d, Reason: integration.Rejected}
		}
		for i := range 3 {
			f.calendar.will(refuse)
			f.apply(ev(booking.Confirmed, i+1, "cut"))
			f.reconcile()
			c, err := f.store.Connection(t.Context(), acme, integration.GoogleCalendar)
			if err != nil || c.Refused != i+1 || c.NoticeDue.IsZero() {
				t.Errorf("after %d: %d refused, notice due %v, %v", i+1, c.Refused, c.NoticeDue, err)
			}
		}
		f.want(integration.Failed, "", 3)
	})
}
