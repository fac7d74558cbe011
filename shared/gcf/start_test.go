package gcf

import (
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestServes(t *testing.T) {
	t.Parallel()
	f := serve(t)
	for path, want := range map[string]string{
		"/":                  "GET /",
		"/health":            "ok",
		"/robots.txt":        "GET /robots.txt",
		"/favicon.ico":       "GET /favicon.ico",
		"/settings/a%2Fb":    "GET /settings/a/b",
		"/probe":             "GET /probe",
		"/trace":             traceID,
		"/webhooks/bookings": "GET /webhooks/bookings",
	} {
		if got := f.get(path); got.status != 200 || got.body != want || got.err != nil {
			t.Errorf("%s: %+v, want %q", path, got, want)
		}
	}
	lines := f.lines()
	if len(lines) != 1 || lines[0]["message"] != "serving" || lines[0]["function"] != "probe" || lines[0]["severity"] != "INFO" {
		t.Errorf("logged %v", lines)
	}
}

func TestBadConfiguration(t *testing.T) {
	t.Parallel()
	f := invoke(t, "GOOGLE_CLOUD_PROJECT=", "TOKEN_KEYSET=hunter2", "WEBHOOK_SECRETS=hunter2 whsec_hunter2", "PUBLIC_URL=http://user:hunter2@example.com")
	if status := f.wait(20 * time.Second); status != 1 {
		t.Errorf("ended with status %d", status)
	}
	lines := f.lines()
	if len(lines) != 1 || lines[0]["message"] != "the function cannot start" || lines[0]["severity"] != "ERROR" || lines[0]["function"] != "probe" {
		t.Fatalf("logged %v", lines)
	}
	problems, _ := lines[0]["problems"].([]any)
	var variables []string
	for _, p := range problems {
		name, _, _ := strings.Cut(p.(string), " ")
		variables = append(variables, name)
	}
	if diff := cmp.Diff([]string{"PUBLIC_URL", "WEBHOOK_SECRETS", "WEBHOOK_SECRETS", "TOKEN_KEYSET", "GOOGLE_CLOUD_PROJECT"}, variables); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	if strings.Contains(f.out.String(), "hunter2") {
		t.Error("a value is in the log")
	}
}

func TestCannotOpen(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ env, want string }{
		{"OPEN=fail", "no such database"},
		{"OPEN=panic", "panic: string"},
	} {
		f := invoke(t, tt.env)
		if status := f.wait(20 * time.Second); status != 1 {
			t.Errorf("%s: ended with status %d", tt.env, status)
		}
		lines := f.lines()
		if len(lines) != 1 || lines[0]["message"] != "the function cannot start" || lines[0]["severity"] != "ERROR" || lines[0]["error"] != tt.want {
			t.Errorf("%s: logged %v", tt.env, lines)
		}
		stack, _ := lines[0]["stack_trace"].(string)
		if strings.Contains(stack, "gcf.open(") != (tt.env == "OPEN=panic") || strings.Contains(f.out.String(), "hunter2") {
			t.Errorf("%s: logged %s", tt.env, f.out)
		}
	}
}

// TestPortTaken has the line of the main package's own logger made one of
// Cloud Logging's.
func TestPortTaken(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }() // nobody connected
	_, port, _ := strings.Cut(ln.Addr().String(), ":")
	f := invoke(t, "PORT="+port)
	if status := f.wait(20 * time.Second); status != 1 {
		t.Errorf("ended with status %d", status)
	}
	lines := f.lines()
	if len(lines) != 2 || lines[1]["severity"] != "ERROR" || !strings.Contains(lines[1]["message"].(string), "address already in use") {
		t.Errorf("logged %v", lines)
	}
}

// TestOtherTarget serves another function of the same binary.
func TestOtherTarget(t *testing.T) {
	t.Parallel()
	f := serve(t, "FUNCTION_TARGET=other", "OPEN=fail", "GOOGLE_CLOUD_PROJECT=")
	if got := f.get("/probe"); got.body != "other" {
		t.Errorf("%+v", got)
	}
	if lines := f.lines(); len(lines) > 0 {
		t.Errorf("logged %v", lines)
	}
}

// TestNoTarget has the framework serve all functions, each at its name.
func TestNoTarget(t *testing.T) {
	t.Parallel()
	f := serve(t, "FUNCTION_TARGET=", "OPEN=fail", "GOOGLE_CLOUD_PROJECT=")
	if got := f.get("/probe"); got.status != http.StatusServiceUnavailable || !strings.Contains(got.body, "FUNCTION_TARGET=probe") {
		t.Errorf("%+v", got)
	}
	if got := f.get("/other"); got.body != "other" {
		t.Errorf("%+v", got)
	}
}

// TestUnknownTarget is a misspelt target, which the framework refuses.
func TestUnknownTarget(t *testing.T) {
	t.Parallel()
	f := invoke(t, "FUNCTION_TARGET=prob")
	if status := f.wait(20 * time.Second); status != 1 || !strings.Contains(f.out.String(), `"prob"`) {
		t.Errorf("ended with status %d: %s", status, f.out)
	}
}

func TestOnEndOfNobody(t *testing.T) {
	Start{}.OnEnd(func() error { t.Error("called"); return nil })
}
