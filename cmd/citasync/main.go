// Command citasync runs Citasync on one machine, and operates it.
//
//	citasync serve          everything in one process, on an embedded store
//	citasync emulate        each function a process, as deployed, on emulators
//	citasync send FILE|-    sign and post a booking event
//	citasync link           print a signed link to a company's panel
//	citasync dead           list dead letters, or send them again
//	citasync integrations   switch an integration on or off for everyone
//	citasync company        remove a company
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// env is what a command may touch of the world.
type env struct {
	getenv func(string) string
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
	sleep  func(context.Context, time.Duration) error
}

type command struct {
	name, args, about string
	run               func(context.Context, env, *flag.FlagSet, []string) error
	more              string // for its usage; may be empty
}

func commands() []command {
	return []command{
		{"serve", "[--addr host:port] [--data dir]", "run everything in one process, on an embedded store", serve, ""},
		{"emulate", "[--addr host:port] [--data dir] …", "run each function as a process, as deployed, on emulators", emulateCloud, ""},
		{"send", "[--url URL] [--data dir] FILE|-", "sign and post a booking event", send, ""},
		{"link", "--company ID [--name NAME …]", "print a signed link to a company's panel", link, ""},
		{"dead", "[list] | redrive ID…|--all", "list dead letters, or send them again", dead, operateUsage},
		{"integrations", "[list] | enable ID | disable ID", "switch an integration on or off for everyone", integrations, operateUsage},
		{"company", "remove ID --yes", "turn a company off and delete what is kept of it", company, companyUsage},
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	err := run(ctx, env{os.Getenv, os.Stdin, os.Stdout, os.Stderr, sleep}, os.Args[1:])
	stop()
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errUsage):
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, "citasync:", err)
		os.Exit(1)
	}
}

var errUsage = errors.New("usage")

func run(ctx context.Context, e env, args []string) error {
	if len(args) == 0 {
		usage(e.stderr)
		return fmt.Errorf("%w: name a command", errUsage)
	}
	for _, c := range commands() {
		if c.name != args[0] {
			continue
		}
		fs := flag.NewFlagSet(c.name, flag.ContinueOnError)
		fs.SetOutput(e.stderr)
		fs.Usage = func() {
			fmt.Fprintf(e.stderr, "usage: citasync %s %s\n%s.\n%s", c.name, c.args, c.about, c.more)
			fs.PrintDefaults()
		}
		return c.run(ctx, e, fs, args[1:])
	}
	usage(e.stderr)
	if args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
		return nil
	}
	return fmt.Errorf("%w: unknown command %q", errUsage, args[0])
}

func usage(w io.Writer) {
	fmt.Fprintln(w, "usage: citasync COMMAND [ARGUMENT…]; citasync COMMAND -h tells more")
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-13s %-38s %s\n", c.name, c.args, c.about)
	}
}

// parse reads flags that may come before and after the other arguments.
func parse(fs *flag.FlagSet, args []string) (rest []string, err error) {
	for {
		if err := fs.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return nil, err
			}
			return nil, fmt.Errorf("%w: %w", errUsage, err)
		}
		if args = fs.Args(); len(args) == 0 {
			return rest, nil
		}
		rest, args = append(rest, args[0]), args[1:]
	}
}
