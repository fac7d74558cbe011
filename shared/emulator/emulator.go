// Package emulator starts Google's own emulators of Firestore and Pub/Sub, as
// they come with the gcloud command, on this machine.
//
// The emulators differ from the services: Firestore's needs no indexes, never
// clears away what has expired and is slow on contended documents; Pub/Sub's
// sends no Authorization header with a push.
package emulator

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// Kind is one of the emulators.
type Kind string

// The emulators.
const (
	Firestore Kind = "firestore"
	PubSub    Kind = "pubsub"
)

const (
	startTimeout = 2 * time.Minute
	stopTimeout  = 10 * time.Second
)

// ErrMissing says that this machine has no such emulator.
var ErrMissing = errors.New("the gcloud command is not installed; see the Google Cloud CLI's documentation, and install the components cloud-firestore-emulator and pubsub-emulator")

// Process is a running emulator.
type Process struct {
	// Addr is its host:port on loopback.
	Addr string

	cmd  *exec.Cmd
	done chan struct{}
	out  *tail
}

// Start starts an emulator on a free port and returns when it serves. The
// error wraps [ErrMissing] if this machine has none.
func Start(ctx context.Context, kind Kind) (*Process, error) {
	gcloud, err := exec.LookPath("gcloud")
	if err != nil {
		return nil, fmt.Errorf("%s emulator: %w", kind, ErrMissing)
	}
	addr, err := freeAddr(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s emulator: %w", kind, err)
	}
	p := &Process{Addr: addr, done: make(chan struct{}), out: &tail{}}
	p.cmd = exec.Command(gcloud, arguments(kind, addr)...) //nolint:gosec,noctx // it outlives the context of its start, until Stop
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // gcloud starts Java, and both must end
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s emulator: %w", kind, err)
	}
	go func() {
		_ = p.cmd.Wait() // how it ended is in what it printed
		close(p.done)
	}()
	if err := p.await(ctx); err != nil {
		p.Stop()
		return nil, fmt.Errorf("%s emulator: %w\n%s", kind, err, p.out)
	}
	return p, nil
}

func arguments(kind Kind, addr string) []string {
	args := []string{"emulators", string(kind), "start", "--host-port=" + addr, "--quiet"}
	if kind == PubSub {
		return append([]string{"beta"}, append(args, "--project=citasync-local")...)
	}
	return args
}

// await returns once the emulator answers.
func (p *Process) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-p.done:
			return errors.New("it ended at once")
		case <-ctx.Done():
			return fmt.Errorf("it does not answer: %w", ctx.Err())
		case <-tick.C:
			if answers(ctx, p.Addr) {
				return nil
			}
		}
	}
}

// answers asks for the root, which both emulators answer with 200 over
// HTTP/1.1.
func answers(ctx context.Context, addr string) bool {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/", http.NoBody)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return false
	}
	_ = resp.Body.Close() // nothing in it is wanted
	return resp.StatusCode == http.StatusOK
}

// Done is closed when the emulator has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Stop ends the emulator and everything that it started.
func (p *Process) Stop() {
	group := -p.cmd.Process.Pid
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		_ = syscall.Kill(group, sig) // it may have ended already
		if gone(group, stopTimeout) {
			break
		}
	}
	<-p.done
}

// gone waits until there is no process of the group.
func gone(group int, patience time.Duration) bool {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if err := syscall.Kill(group, 0); errors.Is(err, syscall.ESRCH) {
			return true
		}
	}
	return false
}

// freeAddr returns an address on loopback where nobody listens now.
func freeAddr(ctx context.Context) (string, error) {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a port: %w", err)
	}
	return ln.Addr().String(), ln.Close()
}

// tail keeps the end of what a process prints.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

const tailSize = 4 << 10

// Write never fails.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if over := len(t.buf) - tailSize; over > 0 {
		t.buf = bytes.Clone(t.buf[over:])
	}
	return len(p), nil
}

// String returns what is kept.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.buf)
}
