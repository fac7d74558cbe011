package gcf

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestPanic(t *testing.T) {
	t.Parallel()
	f := serve(t, "K_SERVICE=probe")
	panics := 0
	for what, text := range map[string]string{
		"string": "panic: string",
		"error":  "panic: *errors.errorString",
		"index":  "panic: runtime error: index out of range [",
	} {
		got := f.get("/panic/" + what)
		if got.status != http.StatusInternalServerError || got.header.Get("Content-Type") != "application/problem+json" || got.header.Get("Set-Cookie") != "" {
			t.Errorf("%s: answered %+v", what, got)
		}
		panics++
		l := f.await(panics, "the handler panicked")[panics-1]
		stack, _ := l["stack_trace"].(string)
		if !strings.HasPrefix(l["error"].(string), text) || l["severity"] != "ERROR" || l["path"] != "GET /panic/{what}" || l["method"] != "GET" ||
			l["logging.googleapis.com/trace"] != "projects/citasync-local/traces/"+traceID || !strings.Contains(stack, "gcf.panicky(") {
			t.Errorf("%s: logged %v", what, l)
		}
	}
	testStillServing(t, f, panics)
}

// TestPanicBroken demands that the client sees that an answer is not whole.
func TestPanicBroken(t *testing.T) {
	t.Parallel()
	f := serve(t)
	for _, what := range []string{"begun", "flushed", "abort"} {
		got := f.get("/panic/" + what)
		if !errors.Is(got.err, io.EOF) && !errors.Is(got.err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: answered %+v", what, got)
		}
	}
	testStillServing(t, f, 2)
}

// testStillServing also demands that the log has a line for each panic and
// nothing else.
func testStillServing(t *testing.T, f *function, panics int) {
	t.Helper()
	if got := f.get("/health"); got.body != "ok" {
		t.Errorf("afterwards: %+v", got)
	}
	f.signal(syscall.SIGTERM)
	f.wait(5 * time.Second)
	if n, all := len(f.logged("the handler panicked")), len(f.lines()); n != panics || all != panics+5 {
		t.Errorf("logged %d panics in %d lines, want %d", n, all, panics)
	}
	if strings.Contains(f.out.String(), "hunter2") {
		t.Error("a panic's value is in the log")
	}
}
