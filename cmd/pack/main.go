// Command pack makes what runs in the cloud out of the functions' sources. It
// is run at the root of the repository.
//
//	pack build [DIR]     the command citasync and a binary per function, in DIR (dist/bin)
//	pack package [DIR]   an upload per function, DIR/<name>.zip (dist)
//
// Google's build of a function is written in Go and public: the repository
// GoogleCloudPlatform/buildpacks, packages cmd/go/functions_framework and
// cmd/go/build. What is said here about Google's build was read there.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx, os.Stdout, ".", os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

var errUsage = errors.New("usage: pack build [DIR] | pack package [DIR]")

// run does what the arguments say in the repository at root.
func run(ctx context.Context, w io.Writer, root string, args []string) error {
	if len(args) < 1 || len(args) > 2 {
		return errUsage
	}
	dir := func(otherwise string) string {
		if len(args) == 2 {
			return args[1]
		}
		return otherwise
	}
	switch args[0] {
	case "build":
		return build(ctx, root, dir("dist/bin"))
	case "package":
		return packAll(ctx, w, root, dir("dist"))
	default:
		return errUsage
	}
}
