package gcal

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/retry"
	"github.com/citasync/citasync/shared/sandbox"
)

// operations are the three writes, each with a task that leads to it.
var operations = map[string]func(w *world) integration.Task{
	callInsert: func(w *world) integration.Task { return w.task(booking.Confirmed) },
	callUpdate: func(w *world) integration.Task {
		t := w.created()
		change(&t, booking.Confirmed)
		return t
	},
	callDelete: func(w *world) integration.Task {
		t := w.created()
		change(&t, booking.Deleted)
		return t
	},
}

// Every answer that does not let up, to every write: what follows from it, how
// often it was called, and that the place is kept.
func TestAnswers(t *testing.T) {
	type want struct {
		outcome  integration.Outcome
		reason   integration.Reason
		inFlight bool
		calls    int
	}
	var (
		refused = want{integration.Settled, integration.Rejected, false, 1}
		quota   = want{integration.Retry, integration.Quota, false, 2}
		unsure  = want{integration.Unsure, integration.Outage, true, 2}
		lost    = want{integration.Unsure, integration.Network, true, 2}
		reauth  = func(why integration.Reason) want { return want{integration.Unauthorised, why, false, 1} }
		answer  = func(status int, reason string) sandbox.Fault { return sandbox.Fault{Status: status, Reason: reason} }
	)
	tests := []struct {
		fault sandbox.Fault
		want
	}{
		{answer(400, "invalid"), refused},
		{answer(401, "authError"), want{integration.Retry, integration.Outage, false, 2}}, // once with a new token
		{answer(403, "rateLimitExceeded"), quota},
		{answer(403, "userRateLimitExceeded"), quota},
		{answer(403, "quotaExceeded"), quota},
		{answer(429, "rateLimitExceeded"), quota},
		{answer(429, "odd"), quota},
		{answer(403, "insufficientPermissions"), reauth(integration.ScopeMissing)},
		{answer(403, "accessNotConfigured"), want{integration.Retry, integration.Internal, false, 1}},
		{answer(403, "forbidden"), reauth(integration.CalendarMissing)},
		{answer(403, "requiredAccessLevel"), reauth(integration.CalendarMissing)},
		{answer(403, "forbiddenForNonOrganizer"), refused},
		{answer(412, "conditionNotMet"), refused},
		{answer(408, "timeout"), unsure},
		{answer(500, "backendError"), unsure},
		{answer(502, "badGateway"), unsure},
		{answer(503, "backendError"), unsure},
		{sandbox.Fault{Action: sandbox.Garbage}, unsure},
		{sandbox.Fault{Action: sandbox.Garbage, Status: 403}, unsure},
		{sandbox.Fault{Action: sandbox.Garbage, Status: 404}, unsure},
		{sandbox.Fault{Action: sandbox.Garbage, Status: 410}, unsure},
		{sandbox.Fault{Action: sandbox.Garbage, Status: 503}, unsure},
		{sandbox.Fault{Action: sandbox.DropBefore}, lost},
		{sandbox.Fault{Action: sandbox.AnswerLate, Late: time.Hour}, unsure},
	}
	for op, begin := range operations {
		for _, tc := range tests {
			t.Run(fmt.Sprintf("%s/%s%d%s", op, tc.fault.Action, tc.fault.Status, tc.fault.Reason), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t)
					task := begin(w)
					place := w.cal.Decide(task).Delivery.Place
					tc.fault.Operation = "events." + op
					w.fault(tc.fault)
					r := w.run(&task)
					wantResult(t, r, tc.outcome, tc.reason, tc.inFlight)
					if n := count(w, "events."+op); n != tc.calls {
						t.Errorf("%d calls, want %d: %q", n, tc.calls, w.calls())
					}
					if task.Delivery.Place != place {
						t.Errorf("place %+v, want %+v", task.Delivery.Place, place)
					}
					if r.Err == nil || ReasonOf(r.Err) != tc.reason {
						t.Errorf("error %v", r.Err)
					}
				})
			})
		}
	}
}

func count(w *world, operation string) (n int) {
	for _, r := range w.google.Requests() {
		if r.Operation == operation {
			n++
		}
	}
	return n
}

// A fault of one call only is made good at once, and whether something may
// still be under way is told.
func TestRepeatedAtOnce(t *testing.T) {
	for _, tc := range []struct {
		fault    sandbox.Fault
		inFlight bool
		after    map[string][]string // the calls that follow, by operation
	}{
		{sandbox.Fault{Status: 429, Reason: "rateLimitExceeded"}, false, nil},
		{sandbox.Fault{Status: 403, Reason: "quotaExceeded", RetryAfter: 2 * time.Second}, false, nil},
		{sandbox.Fault{Status: 500}, true, nil},
		{sandbox.Fault{Action: sandbox.DropBefore}, true, nil},
		{sandbox.Fault{Action: sandbox.Garbage}, true, nil},
		{sandbox.Fault{Status: 503, Applied: true}, true, map[string][]string{
			callInsert: {"insert 409", "get 200", "update 200"}, callDelete: {"delete 410"},
		}},
		{sandbox.Fault{Action: sandbox.DropAfter}, true, map[string][]string{
			callInsert: {"insert 409", "get 200", "update 200"}, callDelete: {"delete 410"},
		}},
		{sandbox.Fault{Action: sandbox.AnswerLate, Late: 11 * time.Second}, true, map[string][]string{
			callInsert: {"insert 409", "get 200", "update 200"}, callDelete: {"delete 410"},
		}},
	} {
		for op, begin := range operations {
			t.Run(fmt.Sprintf("%s/%s%d%s", op, tc.fault.Action, tc.fault.Status, tc.fault.Reason), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t)
					task := begin(w)
					tc.fault.Operation, tc.fault.Times = "events."+op, 1
					w.fault(tc.fault)
					began := time.Now()
					r := w.run(&task)
					wantResult(t, r, integration.Settled, integration.NoReason, tc.inFlight)
					if waited := time.Since(began); waited < tc.fault.RetryAfter || waited > 12*time.Second {
						t.Errorf("took %v", waited)
					}
					after := tc.after[op]
					if after == nil {
						after = []string{op + map[string]string{callDelete: " 204"}[op]}
						if op != callDelete {
							after[0] += " 200"
						}
					}
					w.wantCalls(append(w.calls()[:1], after...)...)
					if want := map[bool]int{true: 0, false: 1}[op == callDelete]; len(w.live(primary)) != want {
						t.Errorf("%d events, want %d", len(w.live(primary)), want)
					}
				})
			})
		}
	}
}

func TestRetryAfterIsLeftToTheEngine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, status := range []int{429, 503} {
			w := newWorld(t)
			w.fault(sandbox.Fault{Operation: "events.*", Status: status, Reason: "rateLimitExceeded", RetryAfter: 5 * time.Second})
			task := w.task(booking.Confirmed)
			if r := w.run(&task); r.RetryAfter != 5*time.Second {
				t.Errorf("retry after %v", r.RetryAfter)
			}
			w.wantCalls(fmt.Sprintf("insert %d", status))
		}
	})
}

// A read that fails leaves nothing in flight, but what a write left before it
// still is.
func TestReadFails(t *testing.T) {
	for _, doubt := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.created()
			if doubt {
				w.fault(sandbox.Fault{Operation: "events.insert", Action: sandbox.DropBefore, Times: 1})
			}
			w.fault(sandbox.Fault{Operation: "events.get", Status: 503})
			task := w.task(booking.Confirmed)
			r := w.run(&task)
			want := integration.Retry
			if doubt {
				want = integration.Unsure
			}
			wantResult(t, r, want, integration.Outage, doubt)
			if n := count(w, "events.get"); n != 2 {
				t.Errorf("%d reads", n)
			}
		})
	}
}

func TestTokenRenewed(t *testing.T) {
	for op, begin := range operations {
		t.Run(op, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				task := begin(w)
				if err := w.google.ExpireAccessTokens(account); err != nil {
					t.Fatal(err)
				}
				r := w.run(&task)
				wantResult(t, r, integration.Settled, integration.NoReason, false)
				if w.tokens.renewed != 1 || count(w, "events."+op) != 2 || len(w.calls()) != 3 {
					t.Errorf("renewed %d times, calls %q", w.tokens.renewed, w.calls())
				}
			})
		})
	}
}

func TestGrantRevoked(t *testing.T) {
	w := newWorld(t)
	task := w.created()
	if _, err := w.google.RevokeGrants(account); err != nil {
		t.Fatal(err)
	}
	change(&task, booking.Confirmed)
	r := w.run(&task)
	wantResult(t, r, integration.Unauthorised, integration.Revoked, false)
	w.wantCalls("update 401", "token 400")
	if !task.Delivery.Written {
		t.Error("the place was lost")
	}
}

// Trouble at the token endpoint is no reason to reconnect.
func TestTokenEndpointFails(t *testing.T) {
	w := newWorld(t)
	if err := w.google.ExpireAccessTokens(account); err != nil {
		t.Fatal(err)
	}
	w.fault(sandbox.Fault{Operation: "token", Status: 503})
	task := w.task(booking.Confirmed)
	wantResult(t, w.run(&task), integration.Retry, integration.Network, false)
}

func TestNoTimeForASecondTry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.fault(sandbox.Fault{Operation: "events.*", Status: 500, Latency: 1900 * time.Millisecond})
		task := w.task(booking.Confirmed)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		wantResult(t, w.runIn(ctx, &task), integration.Unsure, integration.Outage, true)
		w.wantCalls("insert 500")
	})
}

// No answer at all: the first call ends after ten seconds, the second when the
// attempt's time for calls is over.
func TestTimeOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.fault(sandbox.Fault{Operation: "events.*", Latency: time.Hour})
		task := w.task(booking.Confirmed)
		began := time.Now()
		wantResult(t, w.run(&task), integration.Unsure, integration.Outage, true)
		if took := time.Since(began); took != 20*time.Second {
			t.Errorf("took %v", took)
		}
		requests := w.google.Requests()
		if len(requests) != 2 {
			t.Fatalf("calls %q", w.calls())
		}
		if gap := requests[1].Time.Sub(requests[0].Time); gap < callTime || gap > callTime+retry.Jitter {
			t.Errorf("the second call came after %v", gap)
		}
	})
}

func TestSwitchedOffBeforeTheSecondTry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.fault(sandbox.Fault{Operation: "events.*", Status: 500})
		w.allowed = func() bool { return len(w.google.Requests()) == 0 }
		task := w.task(booking.Confirmed)
		wantResult(t, w.run(&task), integration.Unsure, integration.Outage, true)
		w.wantCalls("insert 500")
	})
}
