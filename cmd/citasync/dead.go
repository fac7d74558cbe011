package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"time"
)

func dead(ctx context.Context, e env, fs *flag.FlagSet, args []string) error {
	dataFlag(fs)
	all := fs.Bool("all", false, "redrive every dead letter")
	rest, err := parse(fs, args)
	if err != nil {
		return err
	}
	switch {
	case len(rest) == 0 && !*all, len(rest) == 1 && rest[0] == "list":
		return operate(ctx, e, fs, unlogged(), func(op operator) error { return listDead(ctx, e, op) })
	case len(rest) > 0 && rest[0] == "redrive" && (len(rest) > 1) != *all:
		return operate(ctx, e, fs, unlogged(), func(op operator) error { return redrive(ctx, e, op, rest[1:], *all) })
	}
	fs.Usage()
	return fmt.Errorf("%w: say list, redrive ID… or redrive --all", errUsage)
}

func listDead(ctx context.Context, e env, op operator) error {
	letters, err := op.Dead(ctx)
	if err != nil {
		return err
	}
	if len(letters) == 0 {
		fmt.Fprintln(e.stdout, "no dead letters")
	}
	for _, d := range letters {
		fmt.Fprintf(e.stdout, "%s  %s  %s  %d attempts, last answer: %s\n",
			d.ID, d.Topic, d.FailedAt.Format(time.RFC3339), d.Attempts, cmp.Or(d.Reason, "see the function's log"))
	}
	return nil
}

func redrive(ctx context.Context, e env, op operator, ids []string, all bool) error {
	n := len(ids)
	for _, id := range ids {
		if err := op.Redrive(ctx, id); err != nil {
			return err
		}
	}
	if all {
		var err error
		if n, err = op.RedriveAll(ctx); err != nil {
			return err
		}
	}
	fmt.Fprintf(e.stdout, "%d sent again\n", n)
	return nil
}
