package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/citasync/citasync/shared/emulator"
	"github.com/citasync/citasync/shared/emulator/emulatortest"
	"github.com/citasync/citasync/shared/store"
	"github.com/citasync/citasync/shared/store/firestore"
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
	// apart returns the arguments with which commands act on what the
	// installation keeps without it. One that has that for itself is stopped.
	apart(p *process) []string
	// stores opens what the installation keeps, as apart does.
	stores(p *process) stores
}

// stores are what an installation keeps.
type stores struct {
	store.Store
	secrets func() string // all that is kept of secrets, as it is on the disk
	close   func() error
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

func (served) apart(p *process) []string {
	p.t.Helper()
	if p.cmd != nil {
		p.stop()
	}
	return []string{"--data", p.dir}
}

func (s served) stores(p *process) stores {
	p.t.Helper()
	s.apart(p)
	d, err := openData(p.dir, nil)
	must(p.t, err)
	return stores{d.store, func() string { return secretFiles(p.t, p.dir) }, d.Close}
}

// secretFiles are the names of all that a data directory has for secrets.
func secretFiles(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	must(t, fs.WalkDir(os.DirFS(filepath.Join(dir, "secrets")), ".", func(path string, _ fs.DirEntry, err error) error {
		if path != "." {
			fmt.Fprintln(&all, path)
		}
		return err
	}))
	return all.String()
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

func (emulated) apart(*process) []string { return nil } // the environment names the project

func (emulated) stores(p *process) stores {
	p.t.Helper()
	records, err := firestore.Open(p.t.Context(), p.variable("GOOGLE_CLOUD_PROJECT"), "(default)", cloud.firestore)
	must(p.t, err)
	return stores{records, func() string {
		data, err := os.ReadFile(filepath.Join(cmp.Or(p.secretsDir, filepath.Join(p.dir, "secretmanager")), "secrets.json"))
		must(p.t, err)
		var state struct{ Secrets map[string]json.RawMessage }
		must(p.t, json.Unmarshal(data, &state))
		var all strings.Builder
		for name, s := range state.Secrets {
			fmt.Fprintf(&all, "%s %s\n", name, s)
		}
		return all.String()
	}, records.Close}
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
