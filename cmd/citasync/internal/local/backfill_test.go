package local

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/sandbox"
)

// TestBackfill connects a company that has thousands of bookings, with Google
// answering as slowly and limiting as strictly as it does. The passes meet no
// limit, and a booking that is told meanwhile, also one that is in the passes'
// hands just then, is in the calendar within seconds.
func TestBackfill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackfill(t, backfillSize)
		w, begun := b.world, time.Now()
		done := make(chan time.Duration)
		go func() { done <- b.maintain() }()
		b.fresh()
		took := <-done
		b.wg.Wait()

		slices.Sort(b.delays)
		median, p99, most := b.delays[len(b.delays)/2], b.delays[len(b.delays)*99/100], b.delays[len(b.delays)-1]
		t.Logf("%d bookings reconciled in %v; %d fresh ones meanwhile (%d in hand just then), in the calendar after %v (median), %v (p99), %v (most)",
			b.n, took, len(b.delays), b.contested, median, p99, most)
		if len(b.delays) < b.n/50 || b.contested < b.n/200 {
			t.Errorf("%d fresh bookings, %d of them in hand: this shows little", len(b.delays), b.contested)
		}
		if p99 > 3*time.Second || most > 5*time.Second {
			t.Errorf("fresh bookings were in the calendar after %v (p99), %v (most)", p99, most)
		}
		for _, r := range w.google.Requests() {
			if r.Status >= 400 {
				t.Fatalf("%v after the connection: %+v", r.Time.Sub(begun), r)
			}
		}
		b.exact()
	})
}

// backfill is a company with many bookings that has just connected.
type backfill struct {
	*world
	n         int
	wg        sync.WaitGroup
	mu        sync.Mutex
	newest    map[booking.ID]booking.Event
	delays    []time.Duration
	at        int // how far the first pass has come, about
	contested int // changes of bookings under a lease
}

func newBackfill(t *testing.T, n int) *backfill {
	b := &backfill{world: newWorld(t, 2, sandbox.Options{}), n: n, newest: map[booking.ID]booking.Event{}}
	for i := range n {
		ev := event(booking.Confirmed, acme, b.id(i), 1, "corte")
		b.newest[ev.Booking.ID] = ev
		b.apply(ev)
	}
	b.mustConnect(acme, ana)
	_, err := b.google.AddFault(sandbox.Fault{Operation: "events.*", Action: sandbox.Delay, Latency: 250 * time.Millisecond})
	check(t, err)
	return b
}

// id sorts as the passes go.
func (*backfill) id(i int) booking.ID { return booking.ID(fmt.Sprintf("%05d", i)) }

// maintain runs as it is triggered in a deployment, every minute and at once if
// there is more to do, until nothing is owed, and returns how long that took.
func (b *backfill) maintain() time.Duration {
	begun := time.Now()
	for !b.connection(acme).BackfillDue.IsZero() {
		more, err := b.procs[0].Maintainer.Run(context.Background())
		if err != nil {
			b.t.Error(err)
		}
		if !more {
			time.Sleep(time.Minute)
		}
	}
	return time.Since(begun)
}

// fresh tells another process of new bookings, sometimes of several at once, and
// of changes to those that the passes have come to, for as long as they take.
func (b *backfill) fresh() {
	for i := 0; !b.connection(acme).BackfillDue.IsZero(); i++ {
		time.Sleep(7 * time.Second)
		for range 1 + 4*(i%5/4) {
			b.tell(event(booking.Confirmed, acme, booking.ID(fmt.Sprint("new ", len(b.newest))), 2, "nuevo"))
		}
		b.tell(event(booking.Confirmed, acme, b.inHand(), 10+i, fmt.Sprint("cambio ", i)))
	}
}

// inHand is a booking that is leased just now, or the one that the first pass
// comes to next.
func (b *backfill) inHand() booking.ID {
	for b.at < b.n-1 && b.there(b.newest[b.id(b.at)]) {
		b.at++
	}
	for i := b.at; i < min(b.at+8, b.n); i++ {
		if b.record(acme, b.id(i)).Deliveries[calendarID].Lease.Attempt != "" {
			b.contested++
			return b.id(i)
		}
	}
	return b.id(b.at)
}

// tell delivers an event, and keeps how long it took to be in the calendar.
func (b *backfill) tell(ev booking.Event) {
	b.newest[ev.Booking.ID] = ev
	b.wg.Go(func() {
		told := time.Now()
		check(b.t, b.procs[1].Engine.Apply(context.Background(), ev))
		for !b.there(ev) {
			if time.Since(told) > time.Minute {
				b.t.Errorf("booking %s is not in the calendar a minute after it was told", ev.Booking.ID)
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		b.delays = append(b.delays, time.Since(told))
	})
}

// there reports whether the event, or a newer one, is in the calendar, as the
// record has it. What is in it indeed, exact tells.
func (b *backfill) there(ev booking.Event) bool {
	r := b.record(acme, ev.Booking.ID)
	return !r.At.Before(ev.At) && r.Deliveries[calendarID].Status == integration.Done
}

// exact demands that each booking has one event, with its newest content, and
// that there is no other.
func (b *backfill) exact() {
	b.t.Helper()
	events, err := b.google.Events(ana, "primary")
	check(b.t, err)
	want := map[string]int{}
	for _, ev := range b.newest {
		want[string(ev.Booking.ID)+" "+ev.Booking.Service+" – "+ev.Booking.Customer.Name]++
	}
	got := map[string]int{}
	for _, e := range events {
		if e.Status != "cancelled" {
			got[e.ExtendedProperties.Private["citasync_booking"]+" "+e.Summary]++
		}
	}
	if !maps.Equal(got, want) {
		b.t.Errorf("%d events are not those of the %d bookings", len(events), len(want))
	}
}
