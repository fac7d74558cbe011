package gcf

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/logging"
)

// limits are how long things may take.
type limits struct {
	read  time.Duration // a request's body, to arrive
	work  time.Duration // the handler's context
	write time.Duration // all of a request, to the last byte of its answer
	stop  time.Duration // the requests in hand, after the signal to end
	end   time.Duration // what OnEnd was given, together
}

// cloudRunLimits fit Pub/Sub's acknowledgement deadline of 60 seconds, its
// longest attempt, and the 10 seconds that Cloud Run leaves between SIGTERM
// and SIGKILL ("Container runtime contract" in its documentation). Elsewhere
// there is time for whatever a request may take in practice.
func cloudRunLimits(cloudRun bool) limits {
	l := limits{read: 15 * time.Second, work: 55 * time.Second, write: time.Minute, stop: 45 * time.Second, end: time.Second}
	if cloudRun {
		l.stop = 8 * time.Second
	}
	return l
}

// process is a function that serves.
type process struct {
	handler http.Handler
	log     *slog.Logger
	limits  limits
	ends    *[]func() error

	mu       sync.Mutex
	stopping bool
	inHand   int           // requests
	idle     chan struct{} // closed once stopping with no request in hand
}

func newProcess(h http.Handler, log *slog.Logger, ends *[]func() error, l limits) *process {
	p := &process{log: log, limits: l, ends: ends, idle: make(chan struct{})}
	p.handler = logging.Traced(p.guarded(h))
	return p
}

// ServeHTTP implements [http.Handler].
func (p *process) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !p.begin() {
		w.Header().Set("Connection", "close")
		fault.WriteProblem(w, fault.ErrUnavailable)
		return
	}
	defer p.done()
	p.handler.ServeHTTP(w, r)
}

// begin reports whether a request may still begin. One that may is in hand
// until done is called.
func (p *process) begin() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopping {
		return false
	}
	p.inHand++
	return true
}

func (p *process) done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.inHand--
	if p.stopping && p.inHand == 0 {
		close(p.idle)
	}
}

// guarded wraps a handler with time limits and the recovery of its panics.
func (p *process) guarded(h http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), p.limits.work)
		defer cancel()
		r = r.WithContext(ctx)
		p.limit(rw, r)
		w := &answer{ResponseWriter: rw}
		defer func() {
			if v := recover(); v != nil {
				p.recovered(w, r, v)
			}
		}()
		h.ServeHTTP(w, r)
	})
}

// limit sets the deadlines of a request's connection. net/http clears both
// before the connection's next request, and that for reading once it has read
// the body. Without a body it is reading already, to learn whether the client
// goes away, and would take a deadline for that.
func (p *process) limit(w http.ResponseWriter, r *http.Request) {
	c := http.NewResponseController(w)
	now := time.Now()
	_ = c.SetWriteDeadline(now.Add(p.limits.write)) // only a test's recorder has none
	if r.ContentLength != 0 {
		_ = c.SetReadDeadline(now.Add(p.limits.read)) // likewise
	}
}
