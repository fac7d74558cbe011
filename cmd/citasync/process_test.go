package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/citasync/citasync/shared/sandbox"
)

// TestMain lets the test binary stand for the command, so that the tests run
// what they were built with.
func TestMain(m *testing.M) {
	if os.Getenv("TEST_AS_CITASYNC") == "1" {
		main()
		return
	}
	status := m.Run()
	cloud.stop()
	os.Exit(status)
}

// invoke runs the command and returns what it printed.
func invoke(t *testing.T, env []string, stdin string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(append(cleanEnv(), "TEST_AS_CITASYNC=1"), env...)
	cmd.Stdin = strings.NewReader(stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	return out.String(), errs.String(), err
}

// cleanEnv is the environment without what would configure the command.
func cleanEnv() (env []string) {
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		switch name {
		case "PATH", "HOME", "TMPDIR", "GOCOVERDIR":
			env = append(env, v)
		}
	}
	return env
}

// process is an installation that runs on this machine.
type process struct {
	t     *testing.T
	shape shape
	dir   string
	env   []string
	cmd   *exec.Cmd
	url   string // PUBLIC_URL
	addr  string // where it listens, for the next start
	demo  string // the sandbox's address, if it has its own
	logs  *lines

	secretsDir string // of a Secret Manager stand-in outside; empty: it has its own

	tokens map[string]string // for the API, by company
}

// lines keeps what a process writes to its log.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// entries are the log's whole lines, each of which must be JSON.
func (l *lines) entries(t *testing.T) (out []map[string]any) {
	t.Helper()
	for line := range strings.Lines(l.String()) {
		if !strings.HasSuffix(line, "\n") {
			break
		}
		var e map[string]any
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Errorf("a line of the log is not JSON: %s", line)
			continue
		}
		for key := range e {
			if strings.Count(line, fmt.Sprintf("%q:", key)) > 1 {
				t.Errorf("a line of the log has %q twice: %s", key, line)
			}
		}
		out = append(out, e)
	}
	return out
}

func newProcess(t *testing.T, s shape, env ...string) *process {
	t.Helper()
	p := &process{t: t, shape: s, dir: t.TempDir(), env: append(env, s.environ(t)...), addr: "localhost:0", logs: &lines{}}
	p.start()
	t.Cleanup(func() {
		if p.cmd != nil {
			p.stop()
		}
		if t.Failed() {
			t.Logf("log of the process:\n%s", p.logs)
		}
	})
	return p
}

// start runs the installation until it is ready.
func (p *process) start() {
	p.t.Helper()
	p.cmd = exec.Command(os.Args[0], append(p.shape.args(), "--addr", p.addr, "--data", p.dir)...)
	p.cmd.Env = append(append(cleanEnv(), "TEST_AS_CITASYNC=1"), p.env...)
	p.cmd.Stderr = p.logs
	out, err := p.cmd.StdoutPipe()
	must(p.t, err)
	must(p.t, p.cmd.Start())
	said := p.awaitReady(out)
	u, err := url.Parse(said["ready"])
	must(p.t, err)
	p.url, p.addr, p.demo = said["ready"], u.Host, said["demo"]
}

// awaitReady returns the addresses that the process prints, when it serves.
func (p *process) awaitReady(out io.Reader) map[string]string {
	p.t.Helper()
	said, done := map[string]string{}, make(chan struct{})
	go func() {
		defer func() { _, _ = io.Copy(io.Discard, out) }()
		defer close(done)
		google := slices.ContainsFunc(p.env, isGoogle)
		for s := bufio.NewScanner(out); (said["ready"] == "" || !google && said["demo"] == "") && s.Scan(); {
			if u, ok := strings.CutPrefix(s.Text(), "ready "); ok {
				said["ready"] = u
			} else if f := strings.Fields(s.Text()); len(f) > 0 && strings.HasSuffix(f[len(f)-1], "/demo") {
				said["demo"] = strings.TrimSuffix(f[len(f)-1], "/demo")
			}
		}
	}()
	select {
	case <-done:
	case <-time.After(2 * time.Minute):
		p.t.Fatal("it was not ready within two minutes")
	}
	if said["ready"] == "" {
		_ = p.cmd.Wait()
		p.cmd = nil
		p.t.Fatalf("it ended at once:\n%s", p.logs)
	}
	return said
}

// isGoogle reports whether a variable says that there is a Google outside.
func isGoogle(v string) bool { return strings.HasPrefix(v, "GOOGLE_EMULATOR_URL=") }

// kill ends the process as a power cut does.
func (p *process) kill() {
	p.t.Helper()
	must(p.t, p.cmd.Process.Signal(syscall.SIGKILL))
	_ = p.cmd.Wait() // it says that it was killed
	p.cmd = nil
}

// stop asks the process to end, and demands that it does so in order.
func (p *process) stop() {
	p.t.Helper()
	must(p.t, p.cmd.Process.Signal(syscall.SIGTERM))
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("it ended with %v", err)
	}
	p.cmd = nil
}

func (p *process) citasync(stdin string, args ...string) string {
	p.t.Helper()
	out, errs, err := invoke(p.t, p.env, stdin, append(args, "--data", p.dir)...)
	if err != nil {
		p.t.Fatalf("citasync %s: %v\n%s%s", args[0], err, out, errs)
	}
	return out
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// browser is somebody at a browser: cookies, and redirects followed.
type browser struct {
	t    *testing.T
	http *http.Client
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	must(t, err)
	return &browser{t, &http.Client{Jar: jar, Timeout: 30 * time.Second}}
}

// page is an answer, after all redirects.
type page struct {
	url    *url.URL
	status int
	body   string
}

func (b *browser) get(u string) page { return b.do(http.MethodGet, u, nil) }

func (b *browser) post(u string, form url.Values) page { return b.do(http.MethodPost, u, form) }

func (b *browser) do(method, u string, form url.Values) page {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, u, strings.NewReader(form.Encode()))
	must(b.t, err)
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	resp, err := b.http.Do(req)
	must(b.t, err)
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	must(b.t, err)
	return page{resp.Request.URL, resp.StatusCode, string(body)}
}

// bearer returns a token for the company, the same each time: a test takes less
// time than the ten minutes that one lasts.
func (p *process) bearer(company string) string {
	p.t.Helper()
	if p.tokens[company] == "" {
		if p.tokens == nil {
			p.tokens = map[string]string{}
		}
		p.tokens[company] = strings.TrimSpace(p.citasync("", "link", "--company", company, "--bearer"))
	}
	return p.tokens[company]
}

// api calls the JSON API as the company.
func (p *process) api(company, method, path, body string, into any) int {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), method, p.url+path, strings.NewReader(body))
	must(p.t, err)
	req.Header.Set("Authorization", "Bearer "+p.bearer(company))
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	must(p.t, err)
	defer func() { _ = resp.Body.Close() }()
	if into != nil {
		must(p.t, json.NewDecoder(resp.Body).Decode(into))
	}
	return resp.StatusCode
}

// eventually waits for a state that others bring about.
func eventually(t *testing.T, patience time.Duration, what string, ok func() error) {
	t.Helper()
	var err error
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if err = ok(); err == nil {
			return
		}
	}
	t.Fatalf("%s: %v", what, err)
}

// stored are the events in an account's primary calendar, as the sandbox keeps
// them on the disk.
func (p *process) stored(account string) ([]sandbox.Event, error) {
	s, err := sandbox.New(sandbox.Options{Dir: filepath.Join(p.dir, "sandbox")})
	if err != nil {
		return nil, err
	}
	all, err := s.Events(account, "primary")
	var live []sandbox.Event
	for _, e := range all {
		if e.Status != "cancelled" {
			live = append(live, e)
		}
	}
	return live, err
}

// requests are the calls to Google that the sandbox has logged.
func (p *process) requests() []sandbox.Request {
	p.t.Helper()
	var log struct{ Requests []sandbox.Request }
	must(p.t, json.Unmarshal([]byte(newBrowser(p.t).get(p.demo+"/sandbox/requests.json").body), &log))
	return log.Requests
}

func bookingJSON(kind, company, id, start, end string, at time.Time) string {
	return fmt.Sprintf(`{"type":"booking.%s","timestamp":%q,"data":{"company_id":%q,"booking":{"id":%q,"service":"Corte","start":%q,"end":%q,
		"time_zone":"America/Bogota","customer":{"name":"Marta Secreta","phone":"+573009998877","email":"marta.secreta@example.com"}}}}`,
		kind, at.UTC().Format(time.RFC3339Nano), company, id, start, end)
}
