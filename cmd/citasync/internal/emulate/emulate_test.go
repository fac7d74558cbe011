package emulate

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestEnvironment: a function is given what Terraform gives it, and nothing
// else of what the installation knows.
func TestEnvironment(t *testing.T) {
	t.Setenv("TMPDIR", "/tmp")
	all := strings.Fields(everywhere + " " + emulators + " " + inBrowsers + " WEBHOOK_SECRETS SMTP_URL NOTIFY_FROM AWS_KEY" +
		" WHATSAPP_TOKEN WHATSAPP_PHONE_NUMBER_ID WHATSAPP_TEMPLATES WHATSAPP_APP_SECRET WHATSAPP_VERIFY_TOKEN")
	getenv := func(name string) string {
		for _, n := range all {
			if n == name && n != "FIRESTORE_DATABASE" {
				return "x"
			}
		}
		return ""
	}
	const (
		common = "PORT FUNCTION_TARGET LOCAL_ONLY PATH HOME TMPDIR GOOGLE_CLOUD_PROJECT INSTALLATION_ID" +
			" FIRESTORE_EMULATOR_HOST PUBSUB_EMULATOR_HOST SECRET_MANAGER_EMULATOR_HOST GOOGLE_EMULATOR_URL WHATSAPP_EMULATOR_URL"
		sender  = " WHATSAPP_TOKEN WHATSAPP_PHONE_NUMBER_ID WHATSAPP_TEMPLATES"
		google  = " GOOGLE_CLIENT_ID GOOGLE_CLIENT_SECRET TOKEN_KEYSET"
		browser = google + " PUBLIC_URL SESSION_SECRETS ALLOWED_RETURN_ORIGINS PLATFORM_SETTINGS_URL"
	)
	want := map[string]string{
		"webhook":   common + " WEBHOOK_SECRETS WHATSAPP_APP_SECRET WHATSAPP_VERIFY_TOKEN",
		"onreserve": common + google + sender, "onconfirm": common + google + sender, "ondelete": common + google + sender,
		"oauthstart": common + browser, "oauthcallback": common + browser, "settings": common + browser + sender,
		"maintain": common + google + sender + " PLATFORM_SETTINGS_URL SMTP_URL NOTIFY_FROM",
	}
	got := map[string]string{}
	for _, f := range functions() {
		var names []string
		for _, v := range f.environ(getenv, "1234") {
			name, _, _ := strings.Cut(v, "=")
			names = append(names, name)
		}
		got[f.name] = strings.Join(names, " ")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("environments (-want +got):\n%s", diff)
	}
}

// TestRoute: the public paths, and no other.
func TestRoute(t *testing.T) {
	for path, want := range map[string]string{
		"/webhooks/bookings": "webhook", "/webhooks/whatsapp": "webhook", "/webhooks": "",
		"/oauth/start": "oauthstart", "/oauth/callback": "oauthcallback", "/oauth/start/": "", "/oauth/": "",
		"/settings": "settings", "/settings/history": "settings", "/settings//x": "settings", "/settingsx": "",
		"/v1/bookings/a//b": "settings", "/v1": "settings", "/v1x": "", "/feeds/x.ics": "settings", "/health": "settings", "/health/": "",
		"/": "", "": "", "/onconfirm": "", "/maintain": "",
	} {
		if got := route(path); got != want {
			t.Errorf("%s goes to %q, want %q", path, got, want)
		}
	}
}

// TestForward: a function sees a request as the load balancer sends it.
func TestForward(t *testing.T) {
	var got *http.Request
	fn := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r }))
	defer fn.Close()
	router := httptest.NewServer(oneFunction(t, "settings", fn.Listener.Addr().String()).Router())
	defer router.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, router.URL+"/v1/bookings/2%2F9//81?a=1;b=%zz", strings.NewReader("body"))
	check(t, err)
	r.Host = "citasync.example.com"
	r.Header.Set("X-Forwarded-For", "203.0.113.7")
	r.Header.Set("X-Forwarded-Proto", "https")
	resp, err := http.DefaultClient.Do(r)
	check(t, err)
	check(t, resp.Body.Close())
	if got == nil {
		t.Fatalf("answered %s", resp.Status)
	}
	is := map[string]string{
		"uri": got.RequestURI, "host": got.Host, "for": got.Header.Get("X-Forwarded-For"), "proto": got.Header.Get("X-Forwarded-Proto"), "via": got.Header.Get("Via"),
	}
	want := map[string]string{
		"uri": "/v1/bookings/2%2F9//81?a=1;b=%zz", "host": "citasync.example.com", "for": "203.0.113.7,127.0.0.1,127.0.0.1", "proto": "http", "via": "1.1 google",
	}
	if diff := cmp.Diff(want, is); diff != "" {
		t.Errorf("the function sees (-want +got):\n%s", diff)
	}
	if len(got.Header.Get("Traceparent")) != 55 {
		t.Errorf("traceparent %q", got.Header.Get("Traceparent"))
	}
}

func oneFunction(t *testing.T, name string, addr string) *Functions {
	t.Helper()
	_, number, err := net.SplitHostPort(addr)
	check(t, err)
	p := &process{function: function{name: name}, port: &port{number: number}}
	return &Functions{log: slog.New(slog.DiscardHandler), procs: map[string]*process{name: p}}
}

// TestColdStart: a request waits for a function that is being started.
func TestColdStart(t *testing.T) {
	p, err := reservePort()
	check(t, err)
	defer p.release()
	router := httptest.NewServer(oneFunction(t, "settings", "127.0.0.1:"+p.number).Router())
	defer router.Close()
	answered := make(chan int)
	go func() {
		resp, err := http.Get(router.URL + "/settings")
		if err != nil {
			answered <- 0
			return
		}
		_ = resp.Body.Close()
		answered <- resp.StatusCode
	}()
	select {
	case status := <-answered:
		t.Fatalf("answered %d with nobody there", status)
	case <-time.After(300 * time.Millisecond):
	}
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", ":"+p.String()) // as the framework does
	check(t, err)
	srv := &http.Server{Handler: http.NotFoundHandler()}
	go func() { _ = srv.Serve(ln) }()
	defer func() { _ = srv.Close() }()
	if status := <-answered; status != http.StatusNotFound {
		t.Errorf("answered %d", status)
	}
}

// TestLines: each line goes on whole, as JSON.
func TestLines(t *testing.T) {
	var out writes
	l := &lines{function: "webhook", out: &out}
	for _, part := range []string{`{"message":"a`, `"}` + "\n{\"mess", `age":"b"}` + "\n\npanic: x\n{not JSON}\n", "\tgoroutine 1\r\nend"} {
		_, err := io.WriteString(l, part)
		check(t, err)
	}
	l.flush()
	l.flush()
	want := []string{`{"message":"a"}`, `{"message":"b"}`, "webhook: panic: x", "webhook: {not JSON}", "webhook: \tgoroutine 1", "webhook: end"}
	if diff := cmp.Diff(want, out.read(t)); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	if last := l.last(); !strings.HasSuffix(last, "end") {
		t.Errorf("the last that was said: %q", last)
	}
}

// writes are what was written, call by call.
type writes []string

func (w *writes) Write(p []byte) (int, error) {
	*w = append(*w, string(p))
	return len(p), nil
}

// read returns lines of the functions as they are, and others as "function:
// message".
func (w *writes) read(t *testing.T) (lines []string) {
	t.Helper()
	for _, line := range *w {
		var e struct{ Function, Message, Severity string }
		check(t, json.Unmarshal([]byte(line), &e))
		text, whole := strings.CutSuffix(line, "\n")
		if !whole {
			t.Errorf("no whole line: %q", line)
		}
		if e.Severity == "DEFAULT" {
			text = e.Function + ": " + e.Message
		}
		lines = append(lines, text)
	}
	return lines
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// scripts makes programs of all functions that run a shell script; the webhook's
// is another.
func scripts(t *testing.T, all, webhook string) (bin string) {
	t.Helper()
	bin = t.TempDir()
	for _, f := range functions() {
		text := all
		if f.name == "webhook" {
			text = webhook
		}
		check(t, os.WriteFile(filepath.Join(bin, f.name), []byte("#!/bin/sh\n"+text+"\n"), 0o700))
	}
	return bin
}

// TestRefusal: a function that ends at its start ends the others, also those
// that don't want to, and what it said is told.
func TestRefusal(t *testing.T) {
	bin := scripts(t, `trap "" TERM; while :; do sleep 1; done`, `echo "PUBLIC_URL is not set" >&2; exit 7`)
	var out bytes.Buffer
	began := time.Now()
	_, err := StartFunctions(t.Context(), Options{Bin: bin, Getenv: func(string) string { return "" }, Log: slog.New(slog.DiscardHandler), Output: &out})
	if err == nil || !strings.Contains(err.Error(), "webhook") || !strings.Contains(err.Error(), "exit status 7") || !strings.Contains(err.Error(), "PUBLIC_URL is not set") {
		t.Errorf("error %v", err)
	}
	if d := time.Since(began); d > 20*time.Second {
		t.Errorf("it took %v", d)
	}
}

// TestSupervise: who has served and ends is started again, and ends for good
// when asked to.
func TestSupervise(t *testing.T) {
	var out writes
	dir := t.TempDir()
	p := &process{
		function: function{name: "webhook"}, path: filepath.Join(scripts(t, "", "echo started; sleep 0.1; exit 3"), "webhook"),
		port: &port{number: "1"}, out: &lines{function: "webhook", out: &out}, log: slog.New(slog.DiscardHandler), env: []string{"DIR=" + dir, "PATH=" + os.Getenv("PATH")},
	}
	p.served.Store(true)
	life, end := context.WithTimeout(t.Context(), 2*time.Second)
	defer end()
	check(t, p.supervise(life, t.Context()))
	if n := len(out); n < 2 || n > 8 {
		t.Errorf("it was started %d times within two seconds", n)
	}
}

// TestCheck names every program that is missing.
func TestCheck(t *testing.T) {
	bin := scripts(t, "", "")
	check(t, Check(bin))
	check(t, os.Remove(filepath.Join(bin, "settings")))
	check(t, os.Chmod(filepath.Join(bin, "maintain"), 0o600))
	if err := Check(bin); err == nil || !strings.Contains(err.Error(), "settings, maintain") {
		t.Errorf("error %v", err)
	}
}
