package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/citasync/citasync/cmd/citasync/internal/emulate"
	"github.com/citasync/citasync/shared/bus/gcppubsub"
	"github.com/citasync/citasync/shared/bus/gcppubsub/provision"
	"github.com/citasync/citasync/shared/config"
	"github.com/citasync/citasync/shared/logging"
)

const (
	provisionTimeout = 30 * time.Second

	// functionGrace is a little more than functions take to end by themselves.
	functionGrace = 50 * time.Second
)

// emulateCloud runs the functions as they are deployed, on emulators.
func emulateCloud(ctx context.Context, e env, fs *flag.FlagSet, args []string) error {
	m := &emulation{env: e}
	addr := fs.String("addr", "localhost:8080", "address of the router; browsers see PUBLIC_URL, by default http://localhost with its port")
	fs.StringVar(&m.dir, "data", filepath.Join(defaultData, "emulate"), "directory for keys, and for what the stand-ins keep while they run")
	fs.StringVar(&m.bin, "bin", "dist/bin", "directory with a program per function, as make build leaves it")
	fs.DurationVar(&m.tick, "tick", time.Minute, "how often maintain is told to look for what is due, as Cloud Scheduler does")
	rest, err := parse(fs, args)
	if err != nil {
		return err
	}
	if len(rest) > 0 || m.tick <= 0 {
		return fmt.Errorf("%w: emulate takes flags only, and a --tick above 0", errUsage)
	}
	m.stderr = &serialWriter{w: e.stderr}
	m.log = logging.New(m.stderr, cmp.Or(e.getenv("GOOGLE_CLOUD_PROJECT"), emulate.DefaultProject), slog.LevelInfo)
	if err := emulate.Check(m.bin); err != nil {
		return err
	}
	unlock, err := lockDir(m.dir)
	if err != nil {
		return err
	}
	defer unlock()
	err = m.run(ctx, *addr)
	m.log.LogAttrs(ctx, slog.LevelInfo, "ended")
	return err
}

// serialWriter is written to by one at a time, so that lines stay whole.
type serialWriter struct {
	mu sync.Mutex
	w  io.Writer
}

// Write is atomic.
func (s *serialWriter) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(p)
}

// lockDir makes the directory if there is none, and sees to it that no other
// process uses it.
func lockDir(dir string) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	if _, err := os.Stat(filepath.Join(dir, storeFile)); err == nil {
		return nil, fmt.Errorf("%w: %q is a directory of serve's: name another with --data", errUsage, dir)
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("data directory %q: another process uses it: %w", dir, err), f.Close())
	}
	return func() { _ = f.Close() }, nil // which gives the lock back
}

// emulation is an installation in the shape of a deployment.
type emulation struct {
	env
	dir, bin string
	tick     time.Duration
	log      *slog.Logger
	sandbox  *sandboxServer // nil: Google, or a stand-in elsewhere
}

// run emulates until the context ends. What was started last ends first:
// functions once their work in hand is done, then what they call.
func (m *emulation) run(ctx context.Context, addr string) error {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	defer func() { _ = ln.Close() }() // closed already, if it served
	if err := m.prepare(ctx, ln.Addr()); err != nil {
		return err
	}
	patience, cancel := patienceAfter(ctx)
	defer cancel()
	m.log.LogAttrs(ctx, slog.LevelInfo, "starting")
	backends, err := emulate.StartBackends(ctx, m.getenv, filepath.Join(m.dir, "secretmanager"), m.log)
	if err != nil {
		return interrupted(ctx, err)
	}
	defer backends.Stop()
	m.getenv = backends.Getenv(m.getenv)
	if m.sandbox != nil {
		defer m.sandbox.start(m.log)()
	}
	functions, err := emulate.StartFunctions(ctx, emulate.Options{Bin: m.bin, Getenv: m.getenv, Log: m.log, Output: m.stderr})
	if err != nil {
		return interrupted(ctx, err)
	}
	defer functions.Stop(patience)
	return m.operate(ctx, ln, functions, backends)
}

// interrupted returns no error for what failed because it was to end.
func interrupted(ctx context.Context, err error) error {
	select {
	case <-ctx.Done():
		return nil
	default:
		return err
	}
}

// prepare reads the configuration, makes what it leaves out, and refuses what
// can't work before anything is started.
func (m *emulation) prepare(ctx context.Context, addr net.Addr) error {
	k, err := makeKeys(m.dir)
	if err != nil {
		return err
	}
	if m.getenv(emulate.FirestoreHost) == "" { // records are gone with the last run, and so must be what they tell of
		if err := m.forget(); err != nil {
			return err
		}
	}
	var sandboxLn net.Listener
	if builtIn(m.getenv) {
		if sandboxLn, err = listenSandbox(ctx, addr); err != nil {
			return err
		}
	}
	m.getenv = asDeployed(m.getenv, k.getenv(m.getenv, addr, sandboxLn))
	c, err := config.Load(m.getenv, config.PublicURL, config.Cloud, config.Google, config.WebhookSecrets, config.SessionSecrets, config.TokenKeyset)
	if err == nil && sandboxLn != nil {
		m.sandbox, err = newSandbox(sandboxLn, c, addr, filepath.Join(m.dir, sandboxDir)) //nolint:contextcheck // it lives as long as the process
	}
	return err
}

// asDeployed is an environment with its defaults, but that the installation has
// a project, and is named by it as a deployment is unless the environment itself
// says otherwise.
func asDeployed(env, withDefaults func(string) string) func(string) string {
	installation := env("INSTALLATION_ID")
	return func(name string) string {
		switch name {
		case "INSTALLATION_ID":
			return installation
		case "GOOGLE_CLOUD_PROJECT":
			return cmp.Or(withDefaults(name), emulate.DefaultProject)
		}
		return withDefaults(name)
	}
}

// forget removes what the stand-ins kept of an earlier run.
func (m *emulation) forget() error {
	for _, name := range []string{sandboxDir, "secretmanager"} {
		if err := os.RemoveAll(filepath.Join(m.dir, name)); err != nil {
			return fmt.Errorf("forget the last run: %w", err)
		}
	}
	return nil
}

// operate opens what a deployment has beside its functions, and serves.
func (m *emulation) operate(ctx context.Context, ln net.Listener, functions *emulate.Functions, backends *emulate.Backends) error {
	c, err := config.Load(m.getenv)
	if err != nil {
		return err
	}
	op, err := openDeployed(ctx, c, m.log)
	if err != nil {
		return err
	}
	defer func() { _ = op.Close() }() // it has nothing in hand
	publisher, err := gcppubsub.Open(ctx, c.Project, c.PubSubEmulator)
	if err != nil {
		return err
	}
	defer func() { _ = publisher.Close() }() // the same
	limited, cancel := context.WithTimeout(ctx, provisionTimeout)
	defer cancel()
	if err := op.pubsub.Provision(limited, functions.Pushes(), provision.Deployed()); err != nil {
		return interrupted(ctx, err)
	}
	admin, err := listenAdmin(ctx, m.dir)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	listen(ctx, g, ln, withDemo(functions.Router(), m.sandbox), m.log)
	listen(ctx, g, admin, adminHandler(op), m.log)
	g.Go(func() error { emulate.Schedule(ctx, publisher, m.tick, m.log); return nil })
	g.Go(func() error { functions.Unstick(ctx, op.pubsub, provision.Deployed()); return nil })
	g.Go(func() error { return m.watch(ctx, backends) })
	announce(m.stdout, c.PublicURL, m.sandbox)
	fmt.Fprintf(m.stdout, "citasync link, send, dead, integrations and company reach it with --data %s\n", m.dir)
	if err := g.Wait(); err != nil {
		return fmt.Errorf("emulate: %w", err)
	}
	return nil
}

// watch returns an error if one of the backends ends before ctx does.
func (m *emulation) watch(ctx context.Context, backends *emulate.Backends) error {
	select {
	case err := <-backends.Ended():
		return err
	case <-ctx.Done():
		m.log.LogAttrs(ctx, slog.LevelInfo, "ending, work in hand goes on")
		return nil
	}
}

// patienceAfter returns a context that ends functionGrace after ctx, or as soon
// as somebody asks again for an end.
func patienceAfter(ctx context.Context) (context.Context, context.CancelFunc) {
	patience, cancel := context.WithCancel(context.WithoutCancel(ctx))
	again := make(chan os.Signal, 1)
	stop := context.AfterFunc(ctx, func() {
		signal.Notify(again, syscall.SIGINT, syscall.SIGTERM)
		select {
		case <-again:
		case <-time.After(functionGrace):
		case <-patience.Done():
		}
		cancel()
	})
	return patience, func() {
		stop()
		signal.Stop(again)
		cancel()
	}
}
