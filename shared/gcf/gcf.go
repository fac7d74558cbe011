// Package gcf runs a function under the functions framework, and adds what
// the framework lacks: a start that fails for a configuration that can't
// work, time limits, panics in the log as everything else is, and an end that
// loses nothing. It is the only package of shared that imports the framework.
//
// A function registers itself so, in the package at its root:
//
//	func init() { functions.HTTP("onconfirm", gcf.Serve("onconfirm", needs(), open)) }
//
// # The framework
//
// With FUNCTION_TARGET set, the framework (v1.9) passes every request,
// whatever its path, to the function of that name; only paths that are not
// clean, such as "//a", it redirects by itself. It serves with a bare
// http.ListenAndServe: no time limit for headers, none for idle connections
// (in the cloud, Cloud Run's own front stands before it), no limit on bodies,
// nothing on SIGTERM. It recovers panics, prints their values to the log, and
// adds its words to an answer that may have begun, for which reason none
// reaches it from here. On Cloud Run it ends each request with an empty line
// on both outputs. It has no way to its server, so that the listener can't be
// closed before the process ends.
package gcf

import (
	"context"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	// Google's build makes a main package that imports this. Vendoring keeps
	// only what something imports.
	_ "github.com/GoogleCloudPlatform/functions-framework-go/funcframework"

	"github.com/citasync/citasync/shared/config"
)

// Serve returns what the framework is to register as the HTTP function of that
// name.
//
// If this process is the function's, that is, FUNCTION_TARGET is its name,
// Serve reads the configuration and opens the handler at once, before a port
// is opened. If either fails, it logs everything that is wrong and ends the
// process with status 1, so that a revision that can't work never gets
// requests. The context that open is given lasts as long as the process. In
// any other process, such as a test of a package that imports the function,
// nothing is opened.
//
// Around the handler, a request carries its trace; its body has 15 seconds to
// arrive, its context ends after 55 seconds and its answer after 60, which is
// how long Pub/Sub waits for one; a panic is logged with its stack and
// answered 500.
//
// On SIGTERM, or SIGINT, new requests are answered 503, those in hand are
// waited for, what was opened is closed (see [Start.OnEnd]) and the process
// ends with status 0; with 1 if some were still in hand when its time was up,
// after 8 seconds on Cloud Run, which kills it after 10, and after 45
// elsewhere. A second signal ends it at once.
func Serve(name string, needs []config.Need, open func(context.Context, Start) (http.Handler, error)) func(http.ResponseWriter, *http.Request) {
	if os.Getenv("FUNCTION_TARGET") != name {
		return notStarted(name)
	}
	p := start(name, needs, open)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		s := <-signals
		signal.Stop(signals) // the next one has its usual effect
		os.Exit(p.stop(s.String()))
	}()
	return p.ServeHTTP
}

func notStarted(name string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "This process does not run the function "+name+": set FUNCTION_TARGET="+name+".", http.StatusServiceUnavailable)
	}
}
