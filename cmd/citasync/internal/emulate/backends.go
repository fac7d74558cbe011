package emulate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/citasync/citasync/shared/emulator"
	"github.com/citasync/citasync/shared/sandbox/secretmanager"
)

// The variables that name what stands for Google's services.
const (
	FirestoreHost     = "FIRESTORE_EMULATOR_HOST"
	PubSubHost        = "PUBSUB_EMULATOR_HOST"
	SecretManagerHost = "SECRET_MANAGER_EMULATOR_HOST"
)

// Backends are what functions keep things in.
type Backends struct {
	log   *slog.Logger
	env   map[string]string
	stop  []func()
	ended chan error
}

// StartBackends starts, side by side, an emulator of Firestore, one of Pub/Sub
// and a stand-in of Secret Manager that keeps its state in a directory, but for
// those that the environment names already: of these it only demands that
// somebody listens there.
func StartBackends(ctx context.Context, getenv func(string) string, secretsDir string, log *slog.Logger) (*Backends, error) {
	b := &Backends{log: log, env: map[string]string{}, ended: make(chan error, 3)}
	for _, name := range []string{FirestoreHost, PubSubHost, SecretManagerHost} {
		if b.env[name] = getenv(name); b.env[name] == "" {
			continue
		}
		if err := listens(ctx, b.env[name]); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	if err := b.start(ctx, secretsDir); err != nil {
		b.Stop()
		return nil, err
	}
	return b, nil
}

func (b *Backends) start(ctx context.Context, secretsDir string) error {
	if b.env[SecretManagerHost] == "" {
		if err := b.serveSecrets(ctx, secretsDir); err != nil {
			return err
		}
	}
	var g errgroup.Group
	var procs [2]*emulator.Process
	for i, e := range []struct {
		kind emulator.Kind
		name string
	}{{emulator.Firestore, FirestoreHost}, {emulator.PubSub, PubSubHost}} {
		if b.env[e.name] != "" {
			continue
		}
		g.Go(func() (err error) {
			procs[i], err = emulator.Start(ctx, e.kind)
			return err
		})
	}
	err := g.Wait()
	for i, name := range []string{FirestoreHost, PubSubHost} {
		if procs[i] != nil {
			b.keep(ctx, name, procs[i])
		}
	}
	return err
}

func (b *Backends) keep(ctx context.Context, name string, p *emulator.Process) {
	b.env[name] = p.Addr
	b.stop = append(b.stop, p.Stop)
	b.log.LogAttrs(ctx, slog.LevelInfo, "emulator started", slog.String("variable", name), slog.String("address", p.Addr))
	go func() {
		<-p.Done()
		b.ended <- fmt.Errorf("the emulator of %s=%s ended", name, p.Addr)
	}()
}

func (b *Backends) serveSecrets(ctx context.Context, dir string) error {
	srv, err := secretmanager.New(secretmanager.Options{Dir: dir})
	if err != nil {
		return fmt.Errorf("secret manager stand-in: %w", err)
	}
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("secret manager stand-in: %w", err)
	}
	b.env[SecretManagerHost] = ln.Addr().String()
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := srv.Serve(ln); err != nil {
			b.ended <- fmt.Errorf("secret manager stand-in: %w", err)
		}
	}()
	b.stop = append(b.stop, func() { srv.Stop(); <-done })
	return nil
}

// Getenv returns a variable that names one of the backends, and otherwise what
// getenv says.
func (b *Backends) Getenv(getenv func(string) string) func(string) string {
	return func(name string) string { return cmp.Or(b.env[name], getenv(name)) }
}

// Ended tells of one that ended by itself; without it nothing works any more.
// After Stop it means nothing.
func (b *Backends) Ended() <-chan error { return b.ended }

// Stop ends those that were started here.
func (b *Backends) Stop() {
	var g errgroup.Group
	for _, stop := range b.stop {
		g.Go(func() error { stop(); return nil })
	}
	_ = g.Wait() // they return none
}

var errNobody = errors.New("nobody listens there")

func listens(ctx context.Context, addr string) error {
	conn, err := (&net.Dialer{Timeout: 2 * time.Second}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("%w: %w", errNobody, err)
	}
	return conn.Close()
}
