package boltqueue

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/citasync/citasync/shared/bus"
	"github.com/citasync/citasync/shared/fault"
)

// running is a queue whose Run can be ended.
type running struct {
	*Queue
	stop func()
}

func openAt(t testing.TB, path string, opts Options) *Queue {
	t.Helper()
	q, err := Open(path, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = q.Close() })
	return q
}

// run opens a queue that delivers to the handler. It is stopped, and closed,
// when the test ends, or earlier by stop.
func run(t *testing.T, path string, opts Options, h http.Handler) *running {
	t.Helper()
	opts.NoSync = true
	q := openAt(t, path, opts)
	q.Subscribe(bus.Confirmed, h)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- q.Run(ctx) }()
	r := &running{Queue: q, stop: sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		if err := q.Close(); err != nil {
			t.Error(err)
		}
	})}
	t.Cleanup(r.stop)
	return r
}

func temp(t testing.TB) string { return filepath.Join(t.TempDir(), "queue.db") }

func (r *running) publish(t *testing.T, data string) (id string) {
	t.Helper()
	id, err := r.Publish(t.Context(), bus.Confirmed, bus.Message{Data: []byte(data), Attributes: map[string]string{bus.AttrCompany: "2"}})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func (r *running) wantDepth(t *testing.T, want int) {
	t.Helper()
	if got, err := r.Depth(t.Context(), bus.Confirmed); err != nil || got != want {
		t.Errorf("depth %d, error %v, want %d", got, err, want)
	}
}

// pushedData is the data of the message that a request pushes.
func pushedData(r *http.Request) string {
	var e envelope
	if err := json.NewDecoder(r.Body).Decode(&e); err != nil {
		panic(err)
	}
	return string(e.Message.Data)
}

func TestEnvelope(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []map[string]any
		q := run(t, temp(t), Options{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			var e map[string]any
			if err := json.Unmarshal(body, &e); err != nil {
				t.Error(err)
			}
			got = append(got, e)
			if r.Method != http.MethodPost || r.URL.Path != "/" || r.Header.Get("Content-Type") != "application/json" {
				t.Errorf("%s %s with %v", r.Method, r.URL, r.Header)
			}
			if d, ok := r.Context().Deadline(); !ok || time.Until(d) != time.Minute {
				t.Errorf("deadline %v, %v, want in a minute", d, ok)
			}
			w.WriteHeader([]int{500, 204}[len(got)-1])
		}))
		id := q.publish(t, "hola\xff")
		time.Sleep(time.Minute)
		synctest.Wait()
		want := func(attempt float64) map[string]any {
			return map[string]any{
				"message": map[string]any{
					"data": "aG9sYf8=", "attributes": map[string]any{"company_id": "2"},
					"messageId": id, "message_id": id,
					"publishTime": "2000-01-01T00:00:00Z", "publish_time": "2000-01-01T00:00:00Z",
				},
				"subscription":    "projects/local/subscriptions/booking-confirmed",
				"deliveryAttempt": attempt,
			}
		}
		if diff := cmp.Diff([]map[string]any{want(1), want(2)}, got); diff != "" {
			t.Errorf("pushes differ (-want +got):\n%s", diff)
		}
		q.wantDepth(t, 0)
	})
}

func TestAnswers(t *testing.T) {
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	tests := []struct {
		name    string
		handler http.HandlerFunc
		acked   bool
		status  int
		reason  string
	}{
		{"200", status(200), true, 0, ""},
		{"204", status(204), true, 0, ""},
		{"299", status(299), true, 0, ""},
		{"nothing", func(http.ResponseWriter, *http.Request) {}, true, 0, ""},
		{"body alone", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok")) }, true, 0, ""},
		{"interim", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(102); w.WriteHeader(503) }, false, 503, "Service Unavailable"},
		{"second thoughts", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503); w.WriteHeader(200) }, false, 503, "Service Unavailable"},
		{"302", status(302), false, 302, "Found"},
		{"400", status(400), false, 400, "Bad Request"},
		{"500 with words", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "Ana Ruiz", 500) }, false, 500, "Internal Server Error"},
		{"panic", func(http.ResponseWriter, *http.Request) { panic("Ana Ruiz") }, false, 0, "panic"},
		{"panic after an answer", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(200); panic(http.ErrAbortHandler) }, false, 0, "panic"},
		{"too late", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, false, 0, "deadline exceeded"},
		{"too late with words", func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done(); w.WriteHeader(504) }, false, 504, "deadline exceeded"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := run(t, temp(t), Options{MaxAttempts: 1}, tt.handler)
				id := q.publish(t, "hola")
				time.Sleep(2 * time.Minute)
				synctest.Wait()
				q.wantDepth(t, 0)
				letters, err := q.Dead(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if tt.acked {
					if len(letters) > 0 {
						t.Errorf("dead letters: %+v", letters)
					}
					return
				}
				for i := range letters {
					letters[i].FailedAt = time.Time{}
				}
				want := []DeadLetter{{
					ID: id, Topic: bus.Confirmed, Attributes: map[string]string{"company_id": "2"},
					PublishedAt: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), Attempts: 1, Status: tt.status, Reason: tt.reason,
				}}
				if diff := cmp.Diff(want, letters); diff != "" {
					t.Errorf("dead letters differ (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var at []time.Time
		opts := Options{MinBackoff: time.Second, MaxBackoff: 10 * time.Second, MaxAttempts: 8}
		q := run(t, temp(t), opts, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			at = append(at, time.Now())
			w.WriteHeader(503)
		}))
		id := q.publish(t, "hola")
		time.Sleep(time.Hour)
		synctest.Wait()
		if len(at) != 8 {
			t.Fatalf("%d attempts, want 8", len(at))
		}
		for i, longest := range []float64{2, 4, 8, 10, 10, 10, 10} {
			if got := at[i+1].Sub(at[i]).Seconds(); got < longest/2 || got > longest {
				t.Errorf("wait %d is %v s, want %v to %v s", i, got, longest/2, longest)
			}
		}
		q.wantDepth(t, 0)
		testRedrive(t, q, id, func() int {
			mu.Lock()
			defer mu.Unlock()
			return len(at)
		})
	})
}

// testRedrive sends a dead letter again: it has all its attempts anew.
func testRedrive(t *testing.T, q *running, id string, attempts func() int) {
	t.Helper()
	for _, unknown := range []string{"", "x", "-1", "999"} {
		if err := q.Redrive(t.Context(), unknown); !errors.Is(err, fault.ErrNotFound) {
			t.Errorf("redrive of %q: error %v, want %v", unknown, err, fault.ErrNotFound)
		}
	}
	before := attempts()
	if err := q.Redrive(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if err := q.Redrive(t.Context(), id); !errors.Is(err, fault.ErrNotFound) {
		t.Errorf("redrive twice: error %v, want %v", err, fault.ErrNotFound)
	}
	synctest.Wait()
	if got := attempts() - before; got != 1 {
		t.Errorf("%d attempts at once after a redrive, want 1", got)
	}
	time.Sleep(time.Hour)
	synctest.Wait()
	if got := attempts() - before; got != 8 {
		t.Errorf("%d attempts after a redrive, want 8", got)
	}
	q.publish(t, "another")
	time.Sleep(time.Hour)
	synctest.Wait()
	if n, err := q.RedriveAll(t.Context()); err != nil || n != 2 {
		t.Errorf("redriven %d, error %v, want 2", n, err)
	}
	if letters, err := q.Dead(t.Context()); err != nil || len(letters) > 0 {
		t.Errorf("dead letters %v, error %v, want none", letters, err)
	}
}

// TestBackoffBounds draws waits for all counts of failures.
func TestBackoffBounds(t *testing.T) {
	for _, opts := range []Options{{}, {MinBackoff: time.Nanosecond, MaxBackoff: time.Nanosecond}, {MinBackoff: time.Hour}} {
		q := &Queue{opts: opts.withDefaults()}
		for failures := range 1000 {
			d := q.backoff(failures)
			if d < min(q.opts.MinBackoff, q.opts.MaxBackoff) || d > q.opts.MaxBackoff {
				t.Errorf("after %d failures: %v, want %v to %v", failures, d, q.opts.MinBackoff, q.opts.MaxBackoff)
			}
		}
	}
}

// TestNotHeldUp has one message fail for good in front of others, with a
// single worker.
func TestNotHeldUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var got []string
		q := run(t, temp(t), Options{Workers: 1}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			d := pushedData(r)
			if d == "bad" {
				w.WriteHeader(500)
				return
			}
			got = append(got, d)
		}))
		q.publish(t, "bad")
		for i := range 5 {
			q.publish(t, strconv.Itoa(i))
		}
		synctest.Wait()
		if want := []string{"0", "1", "2", "3", "4"}; !slices.Equal(got, want) || time.Since(start) != 0 {
			t.Errorf("delivered %q after %v, want %q at once", got, time.Since(start), want)
		}
		q.wantDepth(t, 1)
	})
}

func TestWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var busy, most atomic.Int32
		q := run(t, temp(t), Options{Workers: 4}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			most.Store(max(most.Load(), busy.Add(1)))
			time.Sleep(time.Second)
			busy.Add(-1)
		}))
		start := time.Now()
		for i := range 12 {
			q.publish(t, strconv.Itoa(i))
		}
		time.Sleep(3*time.Second - time.Nanosecond)
		q.wantDepth(t, 4)
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		q.wantDepth(t, 0)
		if most.Load() != 4 || time.Since(start) != 3*time.Second {
			t.Errorf("at most %d at a time, in %v; want 4, in 3s", most.Load(), time.Since(start))
		}
	})
}
