package maintain

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/bus"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
	"github.com/citasync/citasync/shared/store/bolt"
)

// What the passes and sweeps bring about is tested with the whole system, in
// cmd/citasync/internal/local. Here is what only the function itself can show.

// slow is an engine whose bookings take their time.
type slow struct {
	takes time.Duration
	mu    sync.Mutex
	done  map[store.Key]int
}

func (s *slow) Reconcile(_ context.Context, k store.Key) error {
	time.Sleep(s.takes)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done[k]++
	return nil
}

func (s *slow) ReconcileAs(ctx context.Context, k store.Key, _ integration.Integration) error {
	return s.Reconcile(ctx, k)
}

func (s *slow) Redo(ctx context.Context, k store.Key, _ integration.ID) error {
	return s.Reconcile(ctx, k)
}

// topic keeps what is published.
type topic struct {
	mu       sync.Mutex
	messages []bus.Message
}

func (p *topic) Publish(_ context.Context, name bus.Topic, m bus.Message) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if name == bus.Maintenance {
		p.messages = append(p.messages, m)
	}
	return "1", nil
}

type always struct{}

func (always) Enabled(context.Context, integration.ID) (bool, error) { return true, nil }

func newMaintainer(t *testing.T, engine *slow, p *topic) (*Maintainer, *bolt.Store) {
	t.Helper()
	s, err := bolt.Open(filepath.Join(t.TempDir(), "store.db"), bolt.NoSync)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return New(Deps{
		Bookings: s, Connections: s, Engine: engine, Pacer: NewPacer(), Switches: always{}, Publisher: p, Now: time.Now, Log: slog.New(slog.DiscardHandler),
	}), s
}

func due(t *testing.T, s *bolt.Store, n int) {
	t.Helper()
	for i := range n {
		b := store.Booking{Company: "acme", Booking: booking.Booking{ID: booking.ID(strings.Repeat("x", i+1))}, State: booking.Deleted, NextAttemptAt: time.Now()}
		if err := s.CommitBooking(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
	}
}

const push = `{"message":{"data":"e30=","messageId":"1"},"subscription":"s"}`

// TestRunEndsInTime: what a run can't do in its time is for the next one, which
// a message asks for; nothing is done twice in a run.
func TestRunEndsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine, p := &slow{takes: 20 * time.Second, done: map[store.Key]int{}}, &topic{}
		m, s := newMaintainer(t, engine, p)
		due(t, s, 60)
		begun := time.Now()
		w := httptest.NewRecorder()
		m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(push)))
		if took := time.Since(begun); w.Code != http.StatusNoContent || took > 50*time.Second {
			t.Errorf("answered %d after %v", w.Code, took)
		}
		if n := len(engine.done); n == 0 || n == 60 {
			t.Errorf("%d of 60 bookings reconciled in one run", n)
		}
		for k, n := range engine.done {
			if n > 1 {
				t.Errorf("%s reconciled %d times", k.Booking, n)
			}
		}
		if len(p.messages) != 1 {
			t.Errorf("%d messages to go on", len(p.messages))
		}
	})
}

// TestOneRunAtATime: a second message finds a run under way and leaves it be.
func TestOneRunAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine, p := &slow{takes: time.Second, done: map[store.Key]int{}}, &topic{}
		m, s := newMaintainer(t, engine, p)
		due(t, s, 5)
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				if _, err := m.Run(context.Background()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for k, n := range engine.done {
			if n != 1 {
				t.Errorf("%s reconciled %d times", k.Booking, n)
			}
		}
	})
}

func TestHandlerRefuses(t *testing.T) {
	m, _ := newMaintainer(t, &slow{done: map[store.Key]int{}}, &topic{})
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{http.MethodPost, "/", "hello", http.StatusBadRequest},
		{http.MethodPost, "/", push, http.StatusNoContent},
		{http.MethodGet, "/health", "", http.StatusOK},
		{http.MethodGet, "/", "", http.StatusMethodNotAllowed},
	} {
		w := httptest.NewRecorder()
		m.Handler().ServeHTTP(w, httptest.NewRequest(c.method, c.path, bytes.NewBufferString(c.body)))
		if w.Code != c.status {
			t.Errorf("%s %s %q: %d, want %d", c.method, c.path, c.body, w.Code, c.status)
		}
	}
}

// TestSweepLooksPastWhatStaysDue: bookings that are due and stay so, more than
// a page of them, keep nobody behind them waiting, and none is done twice.
func TestSweepLooksPastWhatStaysDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine, p := &slow{done: map[store.Key]int{}}, &topic{}
		m, s := newMaintainer(t, engine, p)
		const n = sweepPage + 100
		for i := range n {
			b := store.Booking{Company: "acme", Booking: booking.Booking{ID: booking.ID(strconv.Itoa(i))}, State: booking.Deleted, NextAttemptAt: time.Now()}
			if err := s.CommitBooking(t.Context(), &b); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := m.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		if len(engine.done) != n {
			t.Errorf("%d of %d bookings reconciled", len(engine.done), n)
		}
		for k, times := range engine.done {
			if times != 1 {
				t.Errorf("%s reconciled %d times", k.Booking, times)
			}
		}
	})
}
