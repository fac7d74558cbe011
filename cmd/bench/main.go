// Command bench measures what the installation's programs do under load and
// with much in the store, on this machine alone: against the Firestore
// emulator, the embedded store and the sandbox, all on loopback. docs/scale.md
// says what came of it, and how to read it.
//
// Its parts are
//
//	events      the function onconfirm beside a plain program that does the same task
//	company     maintain, for one company with very many bookings
//	companies   maintain, for very many companies
//
// It prints tables, and writes everything as JSON. It reads /proc, and so runs
// on Linux only.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/citasync/citasync/shared/emulator"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := realMain(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// options are what the flags say.
type options struct {
	bin       string // directory of the functions' programs
	plain     string // the plain program
	out       string
	only      string
	events    int
	rounds    int
	starts    int
	bookings  int
	companies int
	limit     time.Duration
}

func parse(args []string) (o options, err error) {
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.StringVar(&o.bin, "bin", "dist/bin", "`directory` of the functions' programs, as make build makes them")
	f.StringVar(&o.plain, "plain", "dist/bench/plain", "the plain `program`")
	f.StringVar(&o.out, "out", "dist/bench.json", "`file` for the figures")
	f.StringVar(&o.only, "only", "events,company,companies", "what to measure")
	f.IntVar(&o.events, "events", 3000, "events a round, with 64 in flight; fewer with fewer")
	f.IntVar(&o.rounds, "rounds", 3, "rounds for each number in flight")
	f.IntVar(&o.starts, "starts", 15, "cold starts of each program")
	f.IntVar(&o.bookings, "bookings", 50_000, "bookings of the company that has many")
	f.IntVar(&o.companies, "companies", 100_000, "companies")
	f.DurationVar(&o.limit, "limit", 4*time.Minute, "the longest that filling a store, or one measure of maintain, may take")
	return o, f.Parse(args)
}

func realMain(ctx context.Context, args []string) error {
	if len(args) > 0 && args[0] == "measure" {
		return measure(ctx, os.Stdin, os.Stdout)
	}
	o, err := parse(args)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "citasync-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // it is the system's to clean
	r := &report{Time: time.Now().UTC().Truncate(time.Second), Go: runtime.Version(), CPUs: runtime.NumCPU(), LoadBefore: load()}
	b := &bench{options: o, dir: dir, report: r}
	err = b.run(ctx)
	r.LoadAfter = load()
	return errors.Join(err, r.tables(os.Stdout), b.write())
}

// bench is one execution.
type bench struct {
	options
	dir     string // for files
	report  *report
	outside *outside
}

func (b *bench) run(ctx context.Context) (err error) {
	if b.outside, err = startOutside(ctx); err != nil {
		return err
	}
	defer b.outside.stop()
	for name := range strings.SplitSeq(b.only, ",") {
		part, ok := map[string]func(context.Context) error{"events": b.onEvents, "company": b.onCompany, "companies": b.onCompanies}[name]
		if !ok {
			return fmt.Errorf("there is no part %q", name)
		}
		begun := time.Now()
		err := part(ctx)
		switch {
		case errors.Is(err, emulator.ErrMissing):
			b.report.NotRun = append(b.report.NotRun, name+": "+err.Error())
		case err != nil:
			return fmt.Errorf("%s: %w", name, err)
		}
		b.say("%s took %v", name, time.Since(begun).Round(time.Second))
	}
	return nil
}

// say tells who waits how far it has come.
func (*bench) say(format string, args ...any) { fmt.Fprintf(os.Stderr, "bench: "+format+"\n", args...) }

func (b *bench) write() error {
	data, err := json.MarshalIndent(b.report, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(b.out), 0o750); err != nil {
		return err
	}
	return os.WriteFile(b.out, append(data, '\n'), 0o600)
}

// load is what else keeps the machine busy: the load averages.
func load() string {
	data, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Join(strings.Fields(string(data))[:3], " ")
}
