package gcf

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/citasync/citasync/shared/config"
	"github.com/citasync/citasync/shared/logging"
)

// Start is what a function is built from.
type Start struct {
	Config config.Config // what the function needs of it has been checked
	Log    *slog.Logger  // writes to standard error, and names the function

	ends *[]func() error // nil: nobody will end this
}

// OnEnd has f called when the process ends in order, after the last request:
// the latest first, and with a second for all of them. Open calls it for what
// must be closed; in a Start that Serve did not make, it does nothing.
func (s Start) OnEnd(f func() error) {
	if s.ends != nil {
		*s.ends = append(*s.ends, f)
	}
}

// start opens the function, or ends the process.
func start(name string, needs []config.Need, open func(context.Context, Start) (http.Handler, error)) *process {
	began := time.Now()
	log := logger(name, "")
	c, err := config.Load(os.Getenv, needs...)
	if err != nil {
		fail(log, err)
	}
	log = logger(name, c.Project)
	var ends []func() error
	h, err := opened(open, Start{Config: c, Log: log, ends: &ends})
	if err != nil {
		fail(log, err)
	}
	log.Info("serving", "open_ms", time.Since(began).Milliseconds())
	return newProcess(h, log, &ends, cloudRunLimits(os.Getenv("K_SERVICE") != ""))
}

// logger makes every line that this process logs one of Cloud Logging's. The
// standard library's own logger is what net/http, and the main package that
// Google's build makes, use for what should not happen.
func logger(name, project string) *slog.Logger {
	log := logging.New(os.Stderr, project, slog.LevelInfo).With("function", name)
	slog.SetDefault(log)
	slog.SetLogLoggerLevel(slog.LevelError)
	return log
}

// opened calls open and makes an error of a panic.
func opened(open func(context.Context, Start) (http.Handler, error), s Start) (h http.Handler, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = newPanicError(v)
		}
	}()
	return open(context.Background(), s)
}

// fail logs why the function can't start, with every problem of a
// configuration, and ends the process.
func fail(log *slog.Logger, err error) {
	attrs := []slog.Attr{slog.String("error", err.Error())}
	var unusable *config.Error
	if errors.As(err, &unusable) {
		var problems []string
		for _, p := range unusable.Problems {
			problems = append(problems, p.Variable+" "+p.Message)
		}
		attrs = []slog.Attr{slog.String("error", "the configuration is not usable"), slog.Any("problems", problems)}
	}
	var panicked *panicError
	if errors.As(err, &panicked) {
		attrs = append(attrs, slog.String("stack_trace", panicked.stack))
	}
	log.LogAttrs(context.Background(), slog.LevelError, "the function cannot start", attrs...)
	os.Exit(1)
}
