package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/citasync/citasync/shared/emulator"
	"github.com/citasync/citasync/shared/emulator/emulatortest"
)

// shape is a way to run an installation on one machine.
type shape interface {
	name() string
	// args are the command's, but for its address and directory.
	args() []string
	// environ is what it needs in its environment, for one test.
	environ(t *testing.T) []string
	// cut ends what runs functions as a power cut does, and returns when they
	// run again.
	cut(p *process)
}

// onShapes runs a test on each of them.
func onShapes(t *testing.T, test func(*testing.T, shape)) {
	for _, s := range []shape{served{}, emulated{}} {
		t.Run(s.name(), func(t *testing.T) {
			t.Parallel()
			test(t, s)
		})
	}
}

// served is everything in one process.
type served struct{}

func (served) name() string                { return "serve" }
func (served) args() []string              { return []string{"serve"} }
func (served) environ(*testing.T) []string { return nil }

func (served) cut(p *process) {
	p.t.Helper()
	p.kill()
	p.start()
}

// emulated is each function in a process, on emulators that all tests share.
type emulated struct{}

func (emulated) name() string   { return "emulate" }
func (emulated) args() []string { return []string{"emulate", "--tick", "2s", "--bin", cloud.bin} }

func (emulated) environ(t *testing.T) []string {
	t.Helper()
	cloud.need(t)
	return []string{
		"FIRESTORE_EMULATOR_HOST=" + cloud.firestore, "PUBSUB_EMULATOR_HOST=" + cloud.pubsub,
		"GOOGLE_CLOUD_PROJECT=test-" + strings.ToLower(rand.Text()),
	}
}

func (emulated) cut(p *process) {
	p.t.Helper()
	old := p.functions()
	for _, f := range old {
		if err := syscall.Kill(f.pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			p.t.Fatal(err)
		}
	}
	eventually(p.t, 30*time.Second, "functions that run again", func() error {
		for name, f := range p.functions() {
			if f.pid == old[name].pid {
				return fmt.Errorf("%s has not been started again", name)
			}
		}
		return nil
	})
}

// started is a function's process as the log tells of it.
type started struct {
	pid  int
	addr string
}

// functions are the functions' latest processes.
func (p *process) functions() map[string]started {
	p.t.Helper()
	all := map[string]started{}
	for _, e := range p.logs.entries(p.t) {
		if e["message"] == "function started" {
			all[e["function"].(string)] = started{int(e["pid"].(float64)), e["address"].(string)}
		}
	}
	if len(all) != 8 {
		p.t.Fatalf("%d functions were started: %v", len(all), all)
	}
	return all
}

// shared is what tests of the emulated shape share: it takes long to make.
type shared struct {
	once              sync.Once
	err               error
	bin               string // directory with the functions' programs
	firestore, pubsub string // the emulators' addresses
	ends              []func()
}

var cloud shared

// need makes what is shared, or ends the test.
func (c *shared) need(t *testing.T) {
	t.Helper()
	c.once.Do(c.make)
	if errors.Is(c.err, emulator.ErrMissing) {
		emulatortest.Lacking(t, c.err.Error())
	}
	must(t, c.err)
}

func (c *shared) make() {
	if c.err = c.build(); c.err != nil {
		return
	}
	for _, e := range []struct {
		kind     emulator.Kind
		variable string
		addr     *string
	}{{emulator.Firestore, "FIRESTORE_EMULATOR_HOST", &c.firestore}, {emulator.PubSub, "PUBSUB_EMULATOR_HOST", &c.pubsub}} {
		if *e.addr = os.Getenv(e.variable); *e.addr != "" {
			continue
		}
		p, err := emulator.Start(context.Background(), e.kind)
		if err != nil {
			c.err = err
			return
		}
		*e.addr = p.Addr
		c.ends = append(c.ends, p.Stop)
	}
}

// build makes the functions' programs as make build does.
func (c *shared) build() error {
	dir, err := os.MkdirTemp("", "citasync-bin-")
	if err != nil {
		return err
	}
	c.bin = dir
	c.ends = append(c.ends, func() { _ = os.RemoveAll(dir) })
	if out, err := exec.Command("bash", "../../scripts/build.sh", dir).CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w\n%s", err, out)
	}
	return nil
}

func (c *shared) stop() {
	for _, end := range c.ends {
		end()
	}
}
