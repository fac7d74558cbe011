package local

import (
	"context"
	"encoding/json"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/googleauth"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/sandbox"
)

// TestFiftyAtOnce: fifty bookings of one company come at once when a token is
// needed, since its time is over or since Google took it back early. One process
// asks for one.
func TestFiftyAtOnce(t *testing.T) {
	for name, spoil := range map[string]func(*visitor){
		"its time is over":  func(*visitor) { time.Sleep(2 * time.Hour) },
		"its time is close": func(*visitor) { time.Sleep(53 * time.Minute) },
		"taken back early":  func(v *visitor) { check(v.t, v.google.ExpireAccessTokens(ana)) },
	} {
		t.Run(name, func(t *testing.T) {
			walk(t, func(v *visitor) {
				spoil(v)
				v.spoil(sandbox.Fault{Operation: "token", Latency: time.Second}) // long enough for all to ask
				evs := bookings(50)
				var wg sync.WaitGroup
				for _, ev := range evs {
					wg.Go(func() { v.apply(ev) })
				}
				wg.Wait()
				if n := v.calls()["token"]; n != 1 {
					v.t.Errorf("%d token calls, not one", n)
				}
				for _, ev := range evs {
					v.right(ev)
				}
			})
		})
	}
}

// keyring is a keyset of Tink's in JSON, as an operator edits one.
type keyring struct {
	PrimaryKeyID uint32            `json:"primaryKeyId"`
	Key          []json.RawMessage `json:"key"`
}

// rotated returns the installation's keyset as it is, with a new key in front,
// and with the new one alone.
func (w *world) rotated() (old, both, alone string) {
	w.t.Helper()
	alone, err := googleauth.NewKeyset()
	check(w.t, err)
	var front, behind keyring
	check(w.t, json.Unmarshal([]byte(alone), &front))
	check(w.t, json.Unmarshal([]byte(w.keyset), &behind))
	front.Key = append(front.Key, behind.Key...)
	data, err := json.Marshal(front)
	check(w.t, err)
	return w.keyset, string(data), alone
}

// rotation is a company of two processes that goes on while their keysets change.
type rotation struct {
	*visitor
	evs    []booking.Event
	before integration.Connection
}

// restart starts a process anew with a keyset.
func (r *rotation) restart(process int, keyset string) {
	r.t.Helper()
	r.keyset = keyset
	r.procs[process] = r.process()
}

// use has each process, one after the other, add a booking's event. It demands
// that all events are there, that so many tokens were asked for, and that of the
// connection nothing else changed than the token.
func (r *rotation) use(step string, tokens int) {
	r.t.Helper()
	r.google.ClearRequests()
	for _, p := range r.procs {
		ev := event(booking.Confirmed, acme, bookingID(len(r.evs)), 1, service(len(r.evs)))
		r.evs = append(r.evs, ev)
		check(r.t, p.Engine.Apply(context.Background(), ev))
	}
	for _, ev := range r.evs {
		r.right(ev)
	}
	if n := r.calls()["token"]; n != tokens {
		r.t.Errorf("%s: %d token calls, want %d", step, n, tokens)
	}
	onlyTheToken := cmp.Options{
		cmpopts.IgnoreFields(integration.Data{}, "AccessToken", "TokenExpiry"),
		cmpopts.IgnoreFields(integration.Connection{}, "UpdatedAt", "Version"),
	}
	if d := cmp.Diff(r.before, r.connection(acme), onlyTheToken); d != "" {
		r.t.Errorf("%s: the connection (-before +after):\n%s", step, d)
	}
}

// TestKeysetRotation: a new key is put in front of the old one, and later the old
// one is taken out, one process after the other, while bookings come and tokens
// end. Nothing waits and nothing fails; a token whose key is gone counts as
// expired, and once it is replaced all read it.
func TestKeysetRotation(t *testing.T) {
	walk(t, func(v *visitor) {
		v.procs = append(v.procs, v.process())
		r := &rotation{visitor: v, before: v.connection(acme)}
		old, both, alone := v.rotated()
		r.use("before", 0)
		r.restart(0, both)
		r.use("one process has the new key in front", 0)
		time.Sleep(2 * time.Hour)
		r.use("a token ends meanwhile: the other process does not read the new one", 2)
		r.use("and then goes on with what they have", 0)
		r.restart(0, old)
		r.restart(1, both)
		time.Sleep(2 * time.Hour)
		r.use("the same, and the process with the old key is the first", 1)
		r.restart(0, both)
		r.use("all have the new key in front", 0)
		r.restart(0, alone)
		r.use("one process has the old key no more: its token counts as expired", 1)
		r.restart(1, alone)
		r.use("none has it", 0)
		v.maintain(2*day, time.Hour)
		v.well(r.evs...)
		v.wantNotices("of it")
		if n := v.logged.count(v.t, func(line) bool { return true }); n > 0 {
			v.t.Errorf("%d warnings or errors were logged", n)
		}
	})
}
