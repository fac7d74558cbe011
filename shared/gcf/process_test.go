package gcf

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log" //nolint:depguard // as the main package that Google's build makes
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/GoogleCloudPlatform/functions-framework-go/funcframework"
	"github.com/GoogleCloudPlatform/functions-framework-go/functions"

	"github.com/citasync/citasync/shared/config"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/logging"
)

// TestMain lets the test binary stand for a function's, with the main that
// Google's build makes.
func TestMain(m *testing.M) {
	if os.Getenv("TEST_AS_FUNCTION") != "1" {
		os.Exit(m.Run())
	}
	functions.HTTP("probe", Serve("probe", []config.Need{config.Cloud, config.TokenKeyset}, open))
	functions.HTTP("other", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "other") })
	if err := funcframework.StartHostPort("127.0.0.1", os.Getenv("PORT")); err != nil {
		log.Fatalf("funcframework.StartHostPort: %v\n", err)
	}
}

// open opens a function that does what its requests ask for.
func open(_ context.Context, s Start) (http.Handler, error) {
	switch os.Getenv("OPEN") {
	case "fail":
		return nil, errors.New("no such database")
	case "panic":
		panic("hunter2")
	}
	for _, name := range []string{"first", "second"} {
		s.OnEnd(func() error {
			s.Log.Info("closed", "name", name)
			return nil
		})
	}
	if os.Getenv("OPEN") == "unclosable" {
		s.OnEnd(func() error { return errors.New("it will not close") })
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", fault.Health)
	mux.HandleFunc("GET /trace", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, logging.TraceOf(r.Context()).ID) })
	mux.HandleFunc("GET /slow/{time}/{size}", func(w http.ResponseWriter, r *http.Request) { slow(s.Log, w, r) })
	mux.HandleFunc("GET /panic/{what}", panicky)
	mux.HandleFunc("POST /read", read)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Method, " ", r.URL.Path) })
	return mux, nil
}

// slow says that it has a request, and begins its answer when it has waited.
func slow(log *slog.Logger, w http.ResponseWriter, r *http.Request) {
	d, err := time.ParseDuration(r.PathValue("time"))
	size, err2 := strconv.Atoi(r.PathValue("size"))
	if err != nil || err2 != nil {
		panic("a test's mistake")
	}
	log.Info("begun")
	time.Sleep(d)
	_, _ = w.Write(bytes.Repeat([]byte("x"), size)) // the test sees what arrives
}

func panicky(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Set-Cookie", "half=made")
	switch r.PathValue("what") {
	case "string":
		panic("hunter2")
	case "error":
		panic(fmt.Errorf("token hunter2"))
	case "index":
		_ = os.Args[len(r.URL.Path)+1000]
	case "begun":
		fmt.Fprint(w, "half an answer")
		panic("hunter2")
	case "flushed":
		_ = http.NewResponseController(w).Flush()
		panic("hunter2")
	case "abort":
		panic(http.ErrAbortHandler)
	}
}

func read(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	fmt.Fprint(w, len(b))
}

// function is a running process.
type function struct {
	t    *testing.T
	cmd  *exec.Cmd
	addr string
	out  *output
	done chan struct{}
}

// output keeps what a process writes.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// lines are the log's lines, each of which must be JSON unless it is empty.
func (f *function) lines() (all []map[string]any) {
	f.t.Helper()
	for line := range strings.Lines(f.out.String()) {
		var l map[string]any
		if strings.TrimSpace(line) == "" {
			continue
		}
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			f.t.Errorf("a line of the log is not JSON: %s", line)
		}
		all = append(all, l)
	}
	return all
}

// logged are the log's lines with that message.
func (f *function) logged(message string) (some []map[string]any) {
	f.t.Helper()
	for _, l := range f.lines() {
		if l["message"] == message {
			some = append(some, l)
		}
	}
	return some
}

// await waits until the log has so many lines with that message.
func (f *function) await(n int, message string) (some []map[string]any) {
	f.t.Helper()
	for range 1000 {
		if some = f.logged(message); len(some) >= n {
			return some
		}
		time.Sleep(10 * time.Millisecond)
	}
	f.t.Fatalf("%d lines with %q, want %d", len(some), message, n)
	return nil
}

// invoke starts the test binary as a function, on a port of its own and with
// a usable configuration unless env has another.
func invoke(t *testing.T, env ...string) *function {
	t.Helper()
	f := &function{t: t, addr: "127.0.0.1:" + strconv.Itoa(freePort(t)), out: &output{}, done: make(chan struct{})}
	_, port, _ := strings.Cut(f.addr, ":")
	f.cmd = exec.Command(os.Args[0])
	f.cmd.Env = append([]string{
		"TEST_AS_FUNCTION=1", "FUNCTION_TARGET=probe", "PORT=" + port,
		"GOOGLE_CLOUD_PROJECT=citasync-local", `TOKEN_KEYSET={"primaryKeyId":1}`, "GOCOVERDIR=" + t.TempDir(),
	}, env...)
	f.cmd.Stdout, f.cmd.Stderr = f.out, f.out
	if err := f.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = f.cmd.Wait() // how it ended is in ProcessState
		close(f.done)
	}()
	t.Cleanup(func() {
		_ = f.cmd.Process.Kill() // it may have ended
		<-f.done
		if t.Failed() {
			t.Logf("the process wrote:\n%s", f.out)
		}
	})
	return f
}

// serve starts a function and returns when it answers.
func serve(t *testing.T, env ...string) *function {
	t.Helper()
	f := invoke(t, env...)
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		conn, err := net.Dial("tcp", f.addr)
		if err == nil {
			_ = conn.Close() // it was to see that it can be had
			return f
		}
		select {
		case <-f.done:
			t.Fatal("the process ended at once")
		default:
		}
	}
	t.Fatal("the process did not open its port")
	return nil
}

func freePort(t *testing.T) int {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }() // only its port was wanted
	return ln.Addr().(*net.TCPAddr).Port
}

// wait returns the status with which the process ends; -1 if by a signal.
func (f *function) wait(patience time.Duration) int {
	f.t.Helper()
	select {
	case <-f.done:
	case <-time.After(patience):
		f.t.Fatalf("the process was still there after %v", patience)
	}
	return f.cmd.ProcessState.ExitCode()
}

func (f *function) signal(s syscall.Signal) {
	f.t.Helper()
	if err := f.cmd.Process.Signal(s); err != nil {
		f.t.Fatal(err)
	}
}

// reply is an answer that was read to its end, or the error that it ended
// with.
type reply struct {
	status int
	header http.Header
	body   string
	err    error
}

func (f *function) get(path string) reply {
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://"+f.addr+path, http.NoBody)
	if err != nil {
		return reply{err: err}
	}
	r.Header.Set("Traceparent", "00-"+traceID+"-b7ad6b7169203331-01")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return reply{err: err}
	}
	defer func() { _ = resp.Body.Close() }() // it was read
	b, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header, string(b), err}
}

const traceID = "0af7651916cd43dd8448eb211c80319c"
