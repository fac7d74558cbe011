// Package served gives tests the real installation: the command citasync,
// built from this repository and run as a process that serves everything.
package served

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
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
)

// Command is the command citasync, built when it is first wanted. The zero
// value is ready; a test binary has one, for all its tests, and closes it when
// they are done:
//
//	var citasync served.Command
//
//	func TestMain(m *testing.M) { os.Exit(citasync.Main(m)) }
type Command struct {
	once sync.Once
	dir  string
	err  error
}

// Main runs the tests, removes what was built for them, and returns their
// status.
func (c *Command) Main(m *testing.M) int {
	status := m.Run()
	if err := os.RemoveAll(c.dir); err != nil { // "" if nothing was built
		_, _ = fmt.Fprintln(os.Stderr, err)
	}
	return status
}

// Run runs the command and returns what it printed; one that fails fails the
// test. Of the environment it has only PATH, HOME, TMPDIR and env.
func (c *Command) Run(t testing.TB, env []string, stdin string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), c.path(t), args...) //nolint:gosec // what was built
	cmd.Env = append(cleanEnv(), env...)
	cmd.Stdin = strings.NewReader(stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("citasync %s: %v\n%s%s", strings.Join(args[:min(1, len(args))], ""), err, &out, &errs)
	}
	return out.String()
}

// path is where the command is.
func (c *Command) path(t testing.TB) string {
	t.Helper()
	c.once.Do(c.build)
	if c.err != nil {
		t.Fatal(c.err)
	}
	return filepath.Join(c.dir, "citasync")
}

func (c *Command) build() {
	root, err := Root()
	if err == nil {
		c.dir, err = os.MkdirTemp("", "citasync-bin-")
	}
	if err != nil {
		c.err = err
		return
	}
	cmd := exec.Command("go", "build", "-o", filepath.Join(c.dir, "citasync"), ".") //nolint:gosec,noctx // it ends by itself; every test wants it
	cmd.Dir = filepath.Join(root, "cmd", "citasync")
	if out, err := cmd.CombinedOutput(); err != nil {
		c.err = fmt.Errorf("build the command: %w\n%s", err, out)
	}
}

// Root is the repository's folder: the nearest one above the working directory
// that has a go.work.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("no go.work above the working directory")
		}
	}
}

// cleanEnv is the environment without what would configure the command.
func cleanEnv() (env []string) {
	for _, name := range []string{"PATH", "HOME", "TMPDIR"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// Server is a process that serves an installation with the built-in sandbox,
// unless its environment says otherwise.
type Server struct {
	URL  string // PUBLIC_URL, without a slash at the end
	Demo string // address of the sandbox, which also is the demo platform; empty if there is none
	Dir  string // its data directory
	Log  *Log   // its log, of all its starts

	t    testing.TB
	bin  *Command
	env  []string
	addr string
	cmd  *exec.Cmd // nil: it is stopped
}

// Serve starts an installation on a free port with an empty data directory. It
// ends with the test, whose log then has the process's, if the test has failed.
// The environment is given as for [Command.Run].
func (c *Command) Serve(t testing.TB, env ...string) *Server {
	t.Helper()
	s := &Server{Dir: t.TempDir(), Log: &Log{}, t: t, bin: c, env: env, addr: "localhost:0"}
	t.Cleanup(func() {
		s.Stop()
		if t.Failed() {
			t.Logf("log of the process:\n%s", s.Log)
		}
	})
	s.Start()
	return s
}

// Start starts the installation again, at the address that it had, and returns
// when it serves.
func (s *Server) Start() {
	s.t.Helper()
	cmd := exec.Command(s.bin.path(s.t), "serve", "--addr", s.addr, "--data", s.Dir) //nolint:gosec,noctx // what was built; Stop ends it
	cmd.Env = append(cleanEnv(), s.env...)
	cmd.Stderr = s.Log
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		s.t.Fatal(err)
	}
	s.cmd = cmd
	s.awaitReady(out)
}

// awaitReady reads from what the process prints where it serves.
func (s *Server) awaitReady(out io.Reader) {
	s.t.Helper()
	ready := make(chan [2]string, 1)
	go func() {
		ready <- announced(out, s.sandboxed())
		_, _ = io.Copy(io.Discard, out) // or the process would wait for a reader
	}()
	select {
	case at := <-ready:
		u, err := url.Parse(at[0])
		if err != nil || u.Host == "" {
			s.t.Fatalf("the process has ended, or said that it is at %q:\n%s", at[0], s.Log)
		}
		s.URL, s.addr, s.Demo = at[0], u.Host, at[1]
	case <-time.After(2 * time.Minute):
		s.t.Fatal("the installation was not ready within two minutes")
	}
}

// sandboxed reports whether the process has a sandbox of its own: nothing says
// who else is Google.
func (s *Server) sandboxed() bool {
	return !slices.ContainsFunc(s.env, func(v string) bool { return strings.HasPrefix(v, "GOOGLE_") })
}

// announced returns the addresses of the installation and of its sandbox as the
// process prints them.
func announced(out io.Reader, sandboxed bool) (at [2]string) {
	for sc := bufio.NewScanner(out); (at[0] == "" || sandboxed && at[1] == "") && sc.Scan(); {
		if u, ok := strings.CutPrefix(sc.Text(), "ready "); ok {
			at[0] = u
		} else if u, ok := strings.CutSuffix(sc.Text(), "/demo"); ok {
			at[1] = u[strings.LastIndexByte(u, ' ')+1:]
		}
	}
	return at
}

// Stop asks the process to end, and demands that it does so in order. A stopped
// one stays so.
func (s *Server) Stop() {
	s.t.Helper()
	if s.cmd == nil {
		return
	}
	cmd := s.cmd
	s.cmd = nil
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Errorf("stop the process: %v", err)
	}
	if err := cmd.Wait(); err != nil {
		s.t.Errorf("the process ended with %v", err)
	}
}

// Run runs another command on the installation's data directory.
func (s *Server) Run(stdin, name string, args ...string) string {
	s.t.Helper()
	return s.bin.Run(s.t, s.env, stdin, append([]string{name, "--data", s.Dir}, args...)...)
}

// Send signs an event, a JSON object, and posts it as the platform does.
func (s *Server) Send(event string) {
	s.t.Helper()
	s.Run(event, "send", "-")
}

// Link is a signed link to the company's panel, as the platform makes it. The
// flags are those of citasync link.
func (s *Server) Link(company string, flags ...string) string {
	s.t.Helper()
	return strings.TrimSpace(s.Run("", "link", append([]string{"--company", company}, flags...)...))
}

// Bearer is a token for the API, good for ten minutes, in the company's name.
func (s *Server) Bearer(company string, flags ...string) string {
	s.t.Helper()
	return s.Link(company, append(flags, "--bearer")...)
}

// Log keeps what a process writes, line by line JSON.
type Log struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write adds to the log.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

// String is the log so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}
