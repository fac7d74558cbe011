package converge

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
)

func TestBudget(t *testing.T) {
	bubble(t, true, func(f *fixture) {
		f.apply(ev(booking.Confirmed, 1, "a"))
		f.spent("a new booking", 1, 2)
		f.apply(ev(booking.Confirmed, 2, "b"))
		f.spent("a change", 1, 2)
		f.apply(ev(booking.Confirmed, 2, "b"))
		f.spent("a repeated event", 1, 0)
		f.apply(ev(booking.Confirmed, 1, "a"))
		f.spent("a stale event", 1, 0)
		f.want(integration.Done, "b", 2)
	})
	bubble(t, false, func(f *fixture) {
		f.apply(ev(booking.Confirmed, 1, "a"))
		f.spent("a company without connections", 1, 1)
		f.want(integration.Skipped, "", 0)
	})
	bubble(t, true, func(f *fixture) {
		f.engine = f.newEngine(f.calendar, f.notices)
		f.apply(ev(booking.Confirmed, 1, "a"))
		f.spent("two integrations", 1, 2)
	})
}

func (f *fixture) spent(what string, reads, commits int64) {
	f.t.Helper()
	r, c := f.store.reads.Swap(0), f.store.commits.Swap(0)
	if r != reads || c != commits {
		f.t.Errorf("%s cost %d reads and %d commits, not %d and %d", what, r, c, reads, commits)
	}
}

func TestSameEventTwentyTimesAtOnce(t *testing.T) {
	bubble(t, true, func(f *fixture) {
		f.calendar.will(func(task integration.Task) integration.Result {
			time.Sleep(3 * time.Second)
			return f.calendar.write(task)
		})
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() { f.apply(ev(booking.Confirmed, 1, "a")) })
		}
		wg.Wait()
		f.want(integration.Done, "a", 1)
	})
}

// TestOneIntegrationHangs sees to it that the other's result does not wait.
func TestOneIntegrationHangs(t *testing.T) {
	bubble(t, true, func(f *fixture) {
		f.engine = f.newEngine(f.calendar, f.notices)
		f.calendar.will(func(task integration.Task) integration.Result {
			time.Sleep(18 * time.Second)
			return f.calendar.write(task)
		})
		done := make(chan struct{})
		go func() { f.apply(ev(booking.Confirmed, 1, "a")); close(done) }()
		time.Sleep(1500 * time.Millisecond)
		r := f.record()
		if st := r.Deliveries[integration.WhatsApp]; st.Status != integration.Done || st.Lease.Attempt != "" {
			t.Errorf("after 1.5 s the notice is %s, leased by %q", st.Status, st.Lease.Attempt)
		}
		if st := r.Deliveries[integration.GoogleCalendar]; st.Status != integration.Pending || st.Lease.Attempt == "" {
			t.Errorf("after 1.5 s the calendar is %s, leased by %q", st.Status, st.Lease.Attempt)
		}
		<-done
		f.want(integration.Done, "a", 1)
	})
}

// TestNewerEventMeanwhile: the attempt that holds the lease finds what another
// merged, and brings it too.
func TestNewerEventMeanwhile(t *testing.T) {
	bubble(t, true, func(f *fixture) {
		f.calendar.will(func(task integration.Task) integration.Result {
			f.apply(ev(booking.Confirmed, 2, "b")) // merges only
			if _, n := f.calendar.line("1"); n != 1 {
				t.Errorf("%d acts at a time", n)
			}
			return f.calendar.write(task)
		})
		f.apply(ev(booking.Confirmed, 1, "a"))
		f.want(integration.Done, "b", 2)
		if r := f.record(); r.Revision != 2 || !r.NextAttemptAt.IsZero() {
			t.Errorf("revision %d, next attempt %v", r.Revision, r.NextAttemptAt)
		}
	})
}

// TestResultSurvivesConflict: what was done is not done again because the
// record was written by another meanwhile.
func TestResultSurvivesConflict(t *testing.T) {
	bubble(t, true, func(f *fixture) {
		f.calendar.will(func(task integration.Task) integration.Result {
			r := f.record()
			r.History = nil
			if err := f.store.Store.CommitBooking(context.Background(), r); err != nil {
				t.Error(err)
			}
			return f.calendar.write(task)
		})
		f.apply(ev(booking.Confirmed, 1, "a"))
		f.want(integration.Done, "a", 1)
		if h := f.record().History; len(h) != 1 || h[0].Kind != "written" {
			t.Errorf("history %+v", h)
		}
	})
}

// TestUnknownFate: the lease is not given back, nothing newer is written under
// it, and the sweep comes when it has ended.
func TestUnknownFate(t *testing.T) {
	bubble(t, true, func(f *fixture) {
		f.calendar.will(outcome(integration.Unsure, integration.Outage))
		begun := time.Now()
		f.apply(ev(booking.Confirmed, 1, "a"))
		f.want(integration.Pending, "", 1)
		r := f.record()
		if d := f.delivery(); d.Lease.Attempt == "" || !d.Lease.Until.Equal(begun.Add(Lifetime).UTC()) {
			t.Errorf("lease %+v", d.Lease)
		}
		if due := begun.Add(Lifetime + integration.LeaseMargin); !r.NextAttemptAt.Equal(due) {
			t.Errorf("next attempt at %v, not %v", r.NextAttemptAt, due)
		}
		time.Sleep(5 * time.Second)
		f.apply(ev(booking.Confirmed, 2, "b"))
		f.reconcile()
		f.want(integration.Pending, "", 1)
		time.Sleep(time.Until(f.record().NextAttemptAt))
		f.reconcile()
		f.want(integration.Done, "b", 2)
	})
}

// TestWrittenButInFlight: an act succeeded, but an earlier write of it may
// still arrive.
func TestWrittenButInFlight(t *testing.T) {
	bubble(t, true, func(f *fixture) {
		f.calendar.will(func(task integration.Task) integration.Result {
			r := f.calendar.write(task)
			r.InFlight = true
			return r
		})
		f.apply(ev(booking.Confirmed, 1, "a"))
		f.want(integration.Done, "a", 1)
		f.apply(ev(booking.Confirmed, 2, "b"))
		f.want(integration.Pending, "a", 1)
		time.Sleep(Lifetime + integration.LeaseMargin)
		f.reconcile()
		f.want(integration.Done, "b", 2)
	})
}

func TestRetryBacksOff(t *testing.T) {
	bubble(t, true, func(f *fixture) {
		for range 12 {
			f.calendar.will(outcome(integration.Retry, integration.Quota))
		}
		f.apply(ev(booking.Confirmed, 1, "a"))
		for n := 1; n <= 12; n++ {
			d := f.delivery()
			full := min(time.Hour, 5*time.Second<<(n-1))
			if wait := time.Until(d.NextAttemptAt); d.Attempts != n || wait > full || wait < full*3/4-time.Second {
				t.Fatalf("after %d failures: %d attempts, next in %v, not about %v", n, d.Attempts, wait, full)
			}
			if d.Lease.Attempt != "" {
				t.Fatal("the lease was not given back")
			}
			f.reconcile() // too early
			time.Sleep(time.Until(d.NextAttemptAt))
			f.reconcile()
		}
		f.want(integration.Done, "a", 13)
		if d := f.delivery(); d.Attempts != 0 || d.Reason != integration.NoReason {
			t.Errorf("success leaves %+v", d)
		}
	})
}

// TestRetryIsOverByNewerEvent: a newer event is tried at once.
func TestRetryIsOverByNewerEvent(t *testing.T) {
	bubble(t, true, func(f *fixture) {
		f.calendar.will(outcome(integration.Retry, integration.Quota))
		f.apply(ev(booking.Confirmed, 1, "a"))
		f.apply(ev(booking.Confirmed, 2, "b"))
		f.want(integration.Done, "b", 2)
	})
}

func TestRetryAfter(t *testing.T) {
	bubble(t, true, func(f *fixture) {
		f.calendar.will(func(task integration.Task) integration.Result {
			r := outcome(integration.Retry, integration.Quota)(task)
			r.RetryAfter = 10 * time.Minute
			return r
		})
		f.apply(ev(booking.Confirmed, 1, "a"))
		if wait := time.Until(f.delivery().NextAttemptAt); wait < 10*time.Minute-time.Second {
			t.Errorf("next attempt in %v", wait)
		}
	})
}
