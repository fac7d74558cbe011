package gcal

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/sandbox"
)

func (w *world) probe() ([]Trial, integration.Reason) {
	w.t.Helper()
	done, err := w.cal.Probe(w.t.Context(), company, w.conn, "Prueba")
	return done, ReasonOf(err)
}

func TestProbe(t *testing.T) {
	w := newWorld(t)
	if done, why := w.probe(); why != integration.NoReason || !cmp.Equal(done, Trials()) {
		t.Errorf("steps %v, %s", done, why)
	}
	if got := w.left(); got != 0 {
		t.Errorf("%d events left", got)
	}
}

func (w *world) left() (n int) {
	w.t.Helper()
	events, err := w.google.Events(account, primary)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, e := range events {
		if e.Status != cancelled {
			n++
		}
	}
	return n
}

func TestProbeFails(t *testing.T) {
	for _, tc := range []struct {
		name  string
		fault sandbox.Fault
		done  []Trial
		why   integration.Reason
		left  int
	}{
		{"list", sandbox.Fault{Operation: "events.list", Status: 404, Reason: "notFound"}, nil, integration.CalendarMissing, 0},
		{"insert", sandbox.Fault{Operation: "events.insert", Status: 403, Reason: "insufficientPermissions"}, Trials()[:1], integration.ScopeMissing, 0},
		{"delete", sandbox.Fault{Operation: "events.delete", Status: 500}, Trials()[:2], integration.Outage, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t)
			if _, err := w.google.AddFault(tc.fault); err != nil {
				t.Fatal(err)
			}
			if done, why := w.probe(); why != tc.why || !cmp.Equal(done, tc.done) {
				t.Errorf("steps %v, %q", done, why)
			}
			if got := w.left(); got != tc.left {
				t.Errorf("%d events left", got)
			}
		})
	}
}

// TestProbeLeftBehind: a listing shows it as an event of ours without a
// booking.
func TestProbeLeftBehind(t *testing.T) {
	w := newWorld(t)
	if _, err := w.google.AddFault(sandbox.Fault{Operation: "events.delete", Status: 500}); err != nil {
		t.Fatal(err)
	}
	w.probe()
	got, err := w.cal.List(t.Context(), w.query())
	if err != nil || len(got.Events) != 1 || got.Events[0].Booking != "" {
		t.Errorf("listing %+v, %v", got, err)
	}
}
