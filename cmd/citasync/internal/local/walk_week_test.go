package local

import (
	"fmt"
	"testing"
	"time"

	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/sandbox"
)

// TestWeekOfTrouble: a failure that passes by itself lasts a week. It is tried on
// to the end, at a bounded rate, and at no time the company is asked for anything.
func TestWeekOfTrouble(t *testing.T) {
	const (
		tries  = 12 + 7*24*4/3 // of a booking: waits that double to an hour, and then up to a quarter less
		checks = 7 * 24 * 6    // of the daily check, ten minutes after one that met trouble
		again  = 2             // calls of a try: one more at once
	)
	seen := map[string]bool{}
	for _, tr := range troubles() {
		kind := tr.fault.Operation + string(tr.reason)
		if seen[kind] {
			continue // one of a kind is enough for so long
		}
		seen[kind] = true
		t.Run(tr.name, func(t *testing.T) {
			walk(t, func(v *visitor) {
				evs := bookings(3)
				time.Sleep(time.Hour) // a token is needed
				v.spoil(tr.fault)
				v.apply(evs...)
				v.maintain(7*day-2*time.Hour, 20*time.Minute)
				before := v.attempts(len(evs))
				v.maintain(2*time.Hour, 20*time.Minute)
				for i, n := range v.attempts(len(evs)) {
					if n <= before[i] || n > tries {
						v.t.Errorf("booking %d was tried %d times, of which %d in the last two hours", i, n, n-before[i])
					}
				}
				all := 0
				for _, n := range v.calls() {
					all += n
				}
				if most := again * (len(evs)*tries + checks); all > most {
					v.t.Errorf("%d calls in a week, want at most %d: %v", all, most, v.calls())
				}
				v.patient(tr.reason, evs)
				v.wantNotices("of it")
				if acts := v.needs(); acts > 0 {
					v.t.Errorf("the company was asked for something %d times", acts)
				}
			})
		})
	}
}

// attempts are how often each of the bookings was tried since it last succeeded.
func (v *visitor) attempts(bookings int) (n []int) {
	v.t.Helper()
	for i := range bookings {
		n = append(n, v.delivery(bookingID(i)).Attempts)
	}
	return n
}

// needs is how often the connection came to need its company.
func (v *visitor) needs() (n int) {
	v.t.Helper()
	var list struct{ Activity []struct{ Kind string } }
	v.api("/v1/activity", &list)
	for _, a := range list.Activity {
		if a.Kind == "needs_reauth" {
			n++
		}
	}
	return n
}

// TestWeekOfNeed: a failure that only the company can mend lasts a week. From when
// it is found nobody calls Google, whatever comes, and the company is reminded.
func TestWeekOfNeed(t *testing.T) {
	for _, tc := range []struct {
		name  string
		spoil func(*visitor)
		need
	}{
		{"revoked", func(v *visitor) {
			_, err := v.google.RevokeGrants(ana)
			check(v.t, err)
		}, revoked()},
		{"scope missing", func(v *visitor) {
			v.spoil(sandbox.Fault{Operation: "events.*", Status: 403, Reason: "ACCESS_TOKEN_SCOPE_INSUFFICIENT"})
		}, scopeMissing()},
		{"calendar missing", func(v *visitor) { v.loseCalendar("", nil) }, calendarMissing()},
	} {
		t.Run(tc.name, func(t *testing.T) {
			walk(t, func(v *visitor) {
				tc.spoil(v)
				evs := bookings(8)
				v.apply(evs[0])
				if s := v.connection(acme).Status; s != integration.NeedsReauth {
					v.t.Fatalf("the connection is %s", s)
				}
				v.google.ClearRequests()
				for i := range evs {
					v.apply(changed(evs[i]))
					evs[i] = changed(evs[i])
					v.maintain(day, time.Hour)
				}
				v.noCalls("in a week")
				v.asked(tc.need, evs...)
				var want []string
				for reminder := range 4 { // at once, after 1, 3 and 7 days
					want = append(want, fmt.Sprintf("integration.needs_reauth %s %d 0", tc.reason, reminder))
				}
				v.wantNotices("in a week", want...)
				if acts := v.needs(); acts != 1 {
					v.t.Errorf("noted %d times", acts)
				}
			})
		})
	}
}
