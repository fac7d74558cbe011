package logging

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

const (
	traceID = "0af7651916cd43dd8448eb211c80319c"
	spanID  = "b7ad6b7169203331"
)

func TestTraceparent(t *testing.T) {
	good := []string{
		"00-" + traceID + "-" + spanID + "-01",
		"00-" + traceID + "-" + spanID + "-00",
		"cc-" + traceID + "-" + spanID + "-01-what-the-future-will-be-like",
	}
	for _, s := range good {
		if got := TraceOf(WithTrace(t.Context(), s)); got != (Trace{ID: traceID, Span: spanID}) {
			t.Errorf("%q: got %+v", s, got)
		}
	}
	bad := []string{
		"", "x", traceID, "00-" + traceID + "-" + spanID, "00-" + traceID + "-" + spanID + "-1",
		"00-" + traceID + "-" + spanID + "-01-more", "00-" + traceID + "-" + spanID + "-01x",
		"ff-" + traceID + "-" + spanID + "-01", "00-" + strings.ToUpper(traceID) + "-" + spanID + "-01",
		"00-" + strings.Repeat("0", 32) + "-" + spanID + "-01", "00-" + traceID + "-" + strings.Repeat("0", 16) + "-01",
		" 00-" + traceID + "-" + spanID + "-01", "00-" + traceID + "-" + spanID + "-01\n", "00-" + traceID[1:] + "-" + spanID + "-01",
	}
	fresh := regexp.MustCompile(`^00-[0-9a-f]{32}-[0-9a-f]{16}-01$`)
	for _, s := range bad {
		a, b := TraceOf(WithTrace(t.Context(), s)), TraceOf(WithTrace(t.Context(), s))
		if a.ID == traceID || a == b || !fresh.MatchString(a.String()) {
			t.Errorf("%q: got %s, then %s", s, a, b)
		}
	}
}

func TestNoTrace(t *testing.T) {
	if got := TraceOf(t.Context()); got != (Trace{}) || got.String() != "" {
		t.Errorf("got %q", got)
	}
}

func TestTraced(t *testing.T) {
	var got Trace
	h := Traced(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = TraceOf(r.Context()) }))
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	h.ServeHTTP(httptest.NewRecorder(), r)
	if got.ID == "" {
		t.Error("a request without a trace gets none")
	}
	r.Header.Set("traceparent", "00-"+traceID+"-"+spanID+"-01")
	h.ServeHTTP(httptest.NewRecorder(), r)
	if got.ID != traceID {
		t.Errorf("got %+v", got)
	}
}

func FuzzTraceparent(f *testing.F) {
	f.Add("00-" + traceID + "-" + spanID + "-01")
	f.Add("cc-" + traceID + "-" + spanID + "-01-x")
	f.Fuzz(func(t *testing.T, s string) {
		got := TraceOf(WithTrace(t.Context(), s))
		if again, ok := parseTrace(got.String()); !ok || again != got {
			t.Errorf("%q: %s is no traceparent", s, got)
		}
	})
}

// TestTracedTwice: the outer trace is the request's.
func TestTracedTwice(t *testing.T) {
	var outer, inner Trace
	h := Traced(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		outer = TraceOf(r.Context())
		Traced(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { inner = TraceOf(r.Context()) })).ServeHTTP(w, r)
	}))
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
	if outer.ID == "" || outer != inner {
		t.Errorf("traces %v and %v", outer, inner)
	}
}
