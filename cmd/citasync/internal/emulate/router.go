package emulate

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/citasync/citasync/shared/logging"
)

// coldStart is how long a request waits for a function that is being started
// again, as one waits for an instance on Cloud Run.
const coldStart = 10 * time.Second

// Router serves the public paths as a deployment's load balancer does: it
// routes by the path, passes the Host on, and adds who asked and the trace. What
// no function serves in public is 404.
func (f *Functions) Router() http.Handler {
	proxies := map[string]http.Handler{}
	transport := newTransport()
	for name, p := range f.procs {
		proxies[name] = f.proxy(p, transport, forward)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p := proxies[route(r.URL.Path)]; p != nil {
			p.ServeHTTP(w, r)
			return
		}
		http.NotFound(w, r)
	})
}

func newTransport() *http.Transport {
	return &http.Transport{DialContext: dialPatiently, MaxIdleConnsPerHost: 32, IdleConnTimeout: 30 * time.Second}
}

// route returns the function that serves a path, and none if that is not
// public. Paths are taken as they are, as a URL map does.
func route(path string) string {
	switch path {
	case "/oauth/start":
		return "oauthstart"
	case "/oauth/callback":
		return "oauthcallback"
	case "/settings", "/v1", "/health":
		return "settings"
	}
	for _, prefix := range []string{"/settings/", "/v1/", "/feeds/"} {
		if strings.HasPrefix(path, prefix) {
			return "settings"
		}
	}
	if strings.HasPrefix(path, "/webhooks/") {
		return "webhook"
	}
	return ""
}

func (f *Functions) proxy(p *process, transport http.RoundTripper, rewrite func(*httputil.ProxyRequest)) *httputil.ReverseProxy {
	to := &url.URL{Scheme: "http", Host: p.addr()}
	return &httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			rewrite(r)
		},
		ErrorLog: slog.NewLogLogger(f.log.Handler(), slog.LevelWarn),
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if r.Context().Err() == nil { // whoever asked still waits
				f.log.LogAttrs(r.Context(), slog.LevelError, "function did not answer", slog.String("function", p.name), slog.String("error", err.Error()))
			}
			http.Error(w, "the function did not answer", http.StatusBadGateway)
		},
	}
}

// forward passes a request on with the headers that Google's load balancer and
// Cloud Run add ("External Application Load Balancer overview", "Target
// proxies"; "Trace context").
func forward(r *httputil.ProxyRequest) {
	r.Out.Host = r.In.Host
	r.Out.URL.RawQuery = r.In.URL.RawQuery // also what can't be read in it
	r.Out.Header.Set("X-Forwarded-For", forwardedFor(r.In))
	r.Out.Header.Set("X-Forwarded-Proto", "http")
	r.Out.Header.Set("Via", "1.1 google")
	t := logging.TraceOf(logging.WithTrace(r.In.Context(), r.In.Header.Get("Traceparent")))
	r.Out.Header.Set("Traceparent", t.String())
}

// forwardedFor is what came, the client, and the address at which it reached
// the load balancer.
func forwardedFor(r *http.Request) string {
	var list []string
	if came := r.Header.Values("X-Forwarded-For"); len(came) > 0 {
		list = append(list, strings.Join(came, ","))
	}
	addrs := []string{r.RemoteAddr}
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
		addrs = append(addrs, local.String())
	}
	for _, addr := range addrs {
		if host, _, err := net.SplitHostPort(addr); err == nil {
			list = append(list, host)
		}
	}
	return strings.Join(list, ",")
}

// dialPatiently waits for somebody to listen.
func dialPatiently(ctx context.Context, network, addr string) (net.Conn, error) {
	var d net.Dialer
	for end := time.Now().Add(coldStart); ; {
		conn, err := d.DialContext(ctx, network, addr)
		if err == nil || !errors.Is(err, syscall.ECONNREFUSED) || time.Now().After(end) {
			return conn, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(50 * time.Millisecond):
		}
	}
}
