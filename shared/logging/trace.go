package logging

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"regexp"
	"strings"
)

// Trace says which request something belongs to, across processes.
type Trace struct {
	ID   string // 32 hexadecimal digits
	Span string // 16 hexadecimal digits
}

type traceKey struct{}

// TraceOf returns the context's trace; zero if it has none.
func TraceOf(ctx context.Context) Trace {
	t, _ := ctx.Value(traceKey{}).(Trace)
	return t
}

// WithTrace returns a context with the trace of a traceparent (W3C Trace
// Context), or with a new one if that is unusable.
func WithTrace(ctx context.Context, traceparent string) context.Context {
	t, ok := parseTrace(traceparent)
	if !ok {
		var b [24]byte
		_, _ = rand.Read(b[:]) // crypto/rand never fails: it would crash the program
		t = Trace{ID: hex.EncodeToString(b[:16]), Span: hex.EncodeToString(b[16:])}
	}
	return context.WithValue(ctx, traceKey{}, t)
}

// String is the trace as a traceparent.
func (t Trace) String() string {
	if t.ID == "" {
		return ""
	}
	return "00-" + t.ID + "-" + t.Span + "-01"
}

// traceparent has version, trace id and parent id, and flags; versions after 00
// may have more after that (W3C Trace Context, "Versioning of traceparent").
var traceparent = regexp.MustCompile(`^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?$`)

func parseTrace(s string) (Trace, bool) {
	m := traceparent.FindStringSubmatch(s)
	if m == nil || m[1] == "ff" || m[1] == "00" && m[4] != "" || zeros(m[2]) || zeros(m[3]) {
		return Trace{}, false
	}
	return Trace{ID: m[2], Span: m[3]}, true
}

func zeros(s string) bool { return strings.Trim(s, "0") == "" }

// Traced puts the request's trace into its context, unless somebody before it
// has.
func Traced(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if TraceOf(r.Context()).ID == "" {
			r = r.WithContext(WithTrace(r.Context(), r.Header.Get("Traceparent")))
		}
		next.ServeHTTP(w, r)
	})
}
