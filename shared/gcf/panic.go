package gcf

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"runtime/debug"

	"github.com/citasync/citasync/shared/fault"
)

// panicError is what is told of a panic: where it was, and of its value the
// type alone, since anything may be in that. The runtime's own errors, such as
// an index out of range, hold no data and are told whole.
type panicError struct {
	what  string
	stack string
}

// newPanicError is called where the panic was recovered.
func newPanicError(v any) *panicError {
	p := &panicError{what: fmt.Sprintf("%T", v), stack: string(debug.Stack())}
	var own runtime.Error
	if err, ok := v.(error); ok && errors.As(err, &own) {
		p.what = own.Error()
	}
	return p
}

// Error implements error.
func (p *panicError) Error() string { return "panic: " + p.what }

// recovered answers a request whose handler panicked, and logs it. The key of
// the stack is the one that Error Reporting looks for.
func (p *process) recovered(w *answer, r *http.Request, v any) {
	if v == http.ErrAbortHandler { //nolint:errorlint // the value itself, by net/http's contract
		abort(w)
		return
	}
	err := newPanicError(v)
	p.log.LogAttrs(r.Context(), slog.LevelError, "the handler panicked",
		slog.String("method", r.Method), slog.String("path", r.Pattern), slog.String("error", err.Error()), slog.String("stack_trace", err.stack))
	if w.begun {
		abort(w)
		return
	}
	clear(w.Header()) // they were meant for another answer
	fault.WriteProblem(w, err)
}

// abort closes the connection, so that the client sees that the answer is not
// whole. A panic, which is how a handler asks for this, would reach the
// framework, which would end the answer in good order.
func abort(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	_ = conn.Close() // nothing more is to be done with it
}

// answer knows whether anything of it has been sent, or is about to be.
type answer struct {
	http.ResponseWriter
	begun bool
}

// WriteHeader implements [http.ResponseWriter].
func (a *answer) WriteHeader(status int) {
	a.begun = a.begun || status >= http.StatusOK // others only announce one
	a.ResponseWriter.WriteHeader(status)
}

// Write implements [http.ResponseWriter].
func (a *answer) Write(b []byte) (int, error) {
	a.begun = true
	return a.ResponseWriter.Write(b)
}

// FlushError is for [http.ResponseController].
func (a *answer) FlushError() error {
	a.begun = true
	return http.NewResponseController(a.ResponseWriter).Flush()
}

// Unwrap is for [http.ResponseController].
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
