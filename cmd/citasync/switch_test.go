package main

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/citasync/citasync/shared/integration"
)

// TestKillSwitch: switched off for everyone, nothing at all asks Google for
// anything after ten seconds, and bookings go on being taken. Switched on,
// nothing was lost.
func TestKillSwitch(t *testing.T) { onShapes(t, killSwitch) }

func killSwitch(t *testing.T, s shape) {
	g := newOutside(t)
	p := newProcess(t, s, "GOOGLE_EMULATOR_URL="+g.url)
	p.connect(g, luna, lunaAccount)
	p.settle()
	f := newFlow(p)
	f.keepOn(t, 2*time.Second)
	eventually(t, 20*time.Second, "bookings that flow", func() error { return g.wants(f.starts) })

	p.citasync("", "integrations", "disable", "google-calendar")
	off := time.Now()
	f.keepOn(t, 11*time.Second)
	unseen := f.told
	f.keepOn(t, 2*time.Second)
	f.tell(t, "confirmed", 1, "2026-12-24T10:00:00")
	f.tell(t, "deleted", 2, "")
	p.api(luna, http.MethodPost, "/v1/integrations/google-calendar/test", "", nil)
	p.api(luna, http.MethodGet, "/v1/integrations/google-calendar/calendars", "", nil)
	p.api(luna, http.MethodPost, "/v1/integrations/google-calendar/enable", "", nil)
	for n := unseen; n < f.told; n++ {
		p.wantDelivery(fmt.Sprint(n), "waiting")
	}
	p.wantDelivery("1", "waiting")
	p.wantDelivery("2", "waiting")
	for _, r := range g.Requests() {
		if late := r.Time.Sub(off); late > 10*time.Second+time.Second { // a second for a busy machine
			t.Errorf("%v after it was switched off, Google was asked %+v", late, r)
		}
	}

	p.citasync("", "integrations", "enable", "google-calendar")
	f.keepOn(t, time.Second)
	eventually(t, time.Minute, "every booking, once", func() error { return g.wants(f.starts) })
	t.Logf("%d bookings, all there %v after it was switched off", f.told, time.Since(off).Round(time.Second))
	for n := range f.told {
		p.wantDelivery(fmt.Sprint(n), "done")
	}
	must(t, g.wants(f.starts))
}

// settle makes the connection as it is once the passes over the bookings are
// done that every new one gets: those would make up for much.
func (p *process) settle() {
	p.t.Helper()
	kept := p.shape.stores(p)
	eventually(p.t, 20*time.Second, "a settled connection", func() error {
		c, err := kept.Connection(p.t.Context(), luna, integration.GoogleCalendar)
		if err != nil {
			return err
		}
		c.CaughtUp(0, time.Now())
		c.CheckedAt = c.ReconciledAt
		return kept.PutConnection(p.t.Context(), luna, &c)
	})
	must(p.t, kept.close())
	if p.cmd == nil {
		p.start()
	}
}

// flow is bookings that are confirmed one after the other, each an hour after
// the one before.
type flow struct {
	*platform
	starts map[int]string // of those that are to have an event
	told   int
}

func newFlow(p *process) *flow {
	return &flow{newPlatform(p, 0), map[int]string{}, 0}
}

// keepOn confirms a new booking four times a second.
func (f *flow) keepOn(t *testing.T, d time.Duration) {
	t.Helper()
	first := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(250 * time.Millisecond) {
		f.tell(t, "confirmed", f.told, first.Add(time.Duration(f.told)*time.Hour).Format("2006-01-02T15:04:05"))
		f.told++
	}
}

// tell demands that the event is taken at once.
func (f *flow) tell(t *testing.T, kind string, n int, start string) {
	t.Helper()
	if kind == "confirmed" {
		f.starts[n] = start
	} else {
		delete(f.starts, n)
	}
	f.clock = f.clock.Add(time.Millisecond)
	body := bookingJSON(kind, luna, fmt.Sprint(n), start, strings.Replace(start, ":00:00", ":45:00", 1), f.clock)
	must(t, f.try(t.Context(), fmt.Sprintf("msg_%d_%s", n, kind), body))
}

// wants reports how the account's calendar differs from one event for each of
// the starts.
func (g *outside) wants(starts map[int]string) error {
	events, err := g.Events(lunaAccount, "primary")
	if err != nil {
		return err
	}
	var got []string
	for _, e := range events {
		if e.Status != "cancelled" {
			got = append(got, strings.TrimSuffix(e.Start.DateTime, "-05:00"))
		}
	}
	slices.Sort(got)
	if want := slices.Sorted(maps.Values(starts)); !slices.Equal(got, want) {
		return fmt.Errorf("events at %v, want %v", got, want)
	}
	return nil
}
