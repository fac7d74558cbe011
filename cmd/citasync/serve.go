package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/citasync/citasync/cmd/citasync/internal/local"
	"github.com/citasync/citasync/shared/bus"
	"github.com/citasync/citasync/shared/config"
	"github.com/citasync/citasync/shared/logging"
)

const (
	sweepEvery  = time.Second // so that a person sees things mend
	expireEvery = time.Hour
	expireBatch = 1000

	// grace is how long work in hand may take when the process is asked to
	// end: a little more than an attempt lives.
	grace = 45 * time.Second
)

func serve(ctx context.Context, e env, fs *flag.FlagSet, args []string) error {
	addr := fs.String("addr", "localhost:8080", "address to listen on; browsers see PUBLIC_URL, by default http://localhost with its port")
	dir := dataFlag(fs)
	rest, err := parse(fs, args)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return fmt.Errorf("%w: serve takes flags only", errUsage)
	}
	log := logging.New(e.stderr, e.getenv("GOOGLE_CLOUD_PROJECT"), slog.LevelInfo)
	d, err := openData(*dir, log)
	if err != nil {
		return err
	}
	s := &server{env: e, data: d, log: log}
	return errors.Join(s.run(ctx, *addr), d.Close())
}

// server is everything in one process.
type server struct {
	env
	data    *data
	log     *slog.Logger
	config  config.Config
	app     *local.App
	sandbox *sandboxServer // nil: Google, or a stand-in elsewhere
}

// run serves until the context ends, and then until the work in hand is done.
func (s *server) run(ctx context.Context, addr string) error {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	defer func() { _ = ln.Close() }() // closed already, if it served
	if err := s.prepare(ctx, ln.Addr()); err != nil {
		return err
	}
	if s.sandbox != nil {
		defer s.sandbox.start(s.log)() // it ends last, since work in hand may call it
	}
	admin, err := listenAdmin(ctx, s.data.dir)
	if err != nil {
		return err
	}
	about := info{s.config.PublicURL.String(), append([]string{}, s.config.ReturnOrigins...)}
	op := s.data.operator(about, s.data.servedVault(s.app.Google.Grants), s.log)
	g, ctx := errgroup.WithContext(ctx)
	listen(ctx, g, ln, withDemo(s.app.Public, s.sandbox), s.log)
	listen(ctx, g, admin, adminHandler(op), s.log)
	for topic, h := range s.app.Subscribers {
		s.data.queue.Subscribe(topic, h)
	}
	s.data.queue.Subscribe(bus.IntegrationEvents, http.HandlerFunc(nobodyListens))
	g.Go(func() error { return s.data.queue.Run(ctx) })
	g.Go(func() error { return s.sweep(ctx) })
	announce(s.stdout, s.config.PublicURL, s.sandbox)
	s.log.LogAttrs(ctx, slog.LevelInfo, "serving", slog.String("address", ln.Addr().String()), slog.Bool("sandbox", s.sandbox != nil))
	g.Go(func() error {
		<-ctx.Done()
		s.log.LogAttrs(ctx, slog.LevelInfo, "ending, work in hand goes on")
		return nil
	})
	if err := g.Wait(); err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	s.log.LogAttrs(ctx, slog.LevelInfo, "ended")
	return nil
}

// nobodyListens takes what the platform would be told: on one machine it is told
// by the panel, by e-mail and in the log.
func nobodyListens(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }

// listen serves on a listener until the context ends.
func listen(ctx context.Context, g *errgroup.Group, ln net.Listener, h http.Handler, log *slog.Logger) {
	srv := newHTTPServer(h, log)
	g.Go(func() error {
		if err := srv.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve on %s: %w", ln.Addr(), err)
		}
		return nil
	})
	g.Go(func() error {
		<-ctx.Done()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
		defer cancel()
		return srv.Shutdown(ctx)
	})
}

func newHTTPServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: time.Minute,
		IdleTimeout: 2 * time.Minute, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}

// sweep looks every second for what is due, and now and then for what has
// expired.
func (s *server) sweep(ctx context.Context) error {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	var expired time.Time
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-tick.C:
			if _, err := s.app.Maintainer.Run(logging.WithTrace(ctx, "")); err != nil && ctx.Err() == nil {
				s.log.LogAttrs(ctx, slog.LevelError, "maintenance failed", slog.String("error", err.Error()))
			}
			if now.Sub(expired) >= expireEvery {
				expired = now
				s.expire(ctx, now)
			}
		}
	}
}

func (s *server) expire(ctx context.Context, now time.Time) {
	for {
		n, err := s.data.store.Expire(ctx, now, expireBatch)
		if err != nil && ctx.Err() == nil {
			s.log.LogAttrs(ctx, slog.LevelError, "expired records not cleared", slog.String("error", err.Error()))
		}
		if err != nil || n < expireBatch {
			return
		}
	}
}

// withDemo serves the public paths; the sandbox's pages, if there is one, are a
// redirect away.
func withDemo(public http.Handler, s *sandboxServer) http.Handler {
	if s == nil {
		return public
	}
	demo := http.RedirectHandler(s.url.JoinPath("/demo").String(), http.StatusSeeOther)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if (r.URL.Path == "/" || r.URL.Path == "/demo") && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
			demo.ServeHTTP(w, r)
			return
		}
		public.ServeHTTP(w, r)
	})
}

// announce prints where to go, once everything serves.
func announce(w io.Writer, public *url.URL, s *sandboxServer) {
	fmt.Fprintf(w, "ready %s\n", public)
	if s == nil {
		return
	}
	at := func(path string) *url.URL { return s.url.JoinPath(path) }
	fmt.Fprintf(w, `
  the demo booking platform     %s
  the calendars at "Google"     %s
  the phones at "WhatsApp"      %s
  what was asked of both        %s

Open the demo, choose a company, follow its "Ajustes → Integraciones", and connect.
`, at("/demo"), at("/sandbox/calendar"), at("/sandbox/whatsapp"), at("/sandbox/requests"))
}
