package emulate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"sync"
	"time"

	"github.com/citasync/citasync/shared/bus/gcppubsub/provision"
)

// ingress is where Pub/Sub pushes to: in the place of Cloud Run's front, it
// lets a message wait for a function that is being started.
type ingress struct {
	srv  *http.Server
	addr string

	mu     sync.Mutex
	failed map[string]time.Time // when a function last took no message
}

// listen opens the ingress on a port of its own, which is not public.
func (f *Functions) listen(ctx context.Context) (*ingress, error) {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for Pub/Sub: %w", err)
	}
	in := &ingress{addr: ln.Addr().String(), failed: map[string]time.Time{}}
	mux, transport := http.NewServeMux(), newTransport()
	for _, fn := range functions() {
		if fn.topic != "" {
			mux.Handle("POST /"+fn.name, in.count(fn.name, f.proxy(f.procs[fn.name], transport, toRoot)))
		}
	}
	in.srv = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(f.log.Handler(), slog.LevelWarn)}
	go func() {
		if err := in.srv.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			f.log.LogAttrs(ctx, slog.LevelError, "nothing can be pushed any more", slog.String("error", err.Error()))
		}
	}()
	return in, nil
}

// toRoot leaves out the name that the ingress goes by.
func toRoot(r *httputil.ProxyRequest) { r.Out.URL.Path, r.Out.URL.RawPath = "/", "" }

// count notes when a message was not taken.
func (in *ingress) count(name string, proxy *httputil.ReverseProxy) http.Handler {
	proxy.ModifyResponse = func(resp *http.Response) error {
		if resp.StatusCode >= http.StatusMultipleChoices {
			in.fail(name)
		}
		return nil
	}
	unanswered := proxy.ErrorHandler
	proxy.ErrorHandler = func(w http.ResponseWriter, r *http.Request, err error) {
		in.fail(name)
		unanswered(w, r, err)
	}
	return proxy
}

func (in *ingress) fail(name string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.failed[name] = time.Now()
}

func (in *ingress) failedSince(name string, t time.Time) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.failed[name].After(t)
}

// close ends it with whatever is under way: there is nobody any more to answer.
func (in *ingress) close() { _ = in.srv.Close() }

// Pushes are the subscriptions by which messages reach the functions.
func (f *Functions) Pushes() []provision.Push {
	var pushes []provision.Push
	for _, fn := range functions() {
		if fn.topic != "" {
			pushes = append(pushes, provision.Push{Subscription: fn.name, Topic: fn.topic, Endpoint: "http://" + f.ingress.addr + "/" + fn.name})
		}
	}
	return pushes
}

const (
	unstickEvery = 10 * time.Second
	unstickFor   = time.Minute // after a failure: long enough for several more attempts
)

// Unstick sees to it, until the context ends, that messages that were not taken
// are delivered again although the emulator may have lost track of them; see
// [provision.Admin.Unstick]. They come back sooner for it than the policy has
// it, within about ten seconds.
func (f *Functions) Unstick(ctx context.Context, admin *provision.Admin, p provision.Policy) {
	tick := time.NewTicker(unstickEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			for _, push := range f.Pushes() {
				if !f.ingress.failedSince(push.Subscription, now.Add(-unstickFor)) {
					continue
				}
				if err := admin.Unstick(ctx, push, p); err != nil && ctx.Err() == nil {
					f.log.LogAttrs(ctx, slog.LevelError, "messages may be stuck in the emulator", slog.String("error", err.Error()))
				}
			}
		}
	}
}
