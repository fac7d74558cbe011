package main

import (
	"context"
	"flag"
	"fmt"

	"github.com/citasync/citasync/shared/integration"
)

func integrations(ctx context.Context, e env, fs *flag.FlagSet, args []string) error {
	dataFlag(fs)
	rest, err := parse(fs, args)
	if err != nil {
		return err
	}
	switch {
	case len(rest) == 0, len(rest) == 1 && rest[0] == "list":
		return operate(ctx, e, fs, unlogged(), func(op operator) error { return listEntries(ctx, e, op) })
	case len(rest) == 2 && (rest[0] == "enable" || rest[0] == "disable"):
		id, err := integration.ParseID(rest[1])
		if err != nil {
			return fmt.Errorf("%w: %w; there are google-calendar and whatsapp", errUsage, err)
		}
		return operate(ctx, e, fs, unlogged(), func(op operator) error {
			if err := op.Switch(ctx, id, rest[0] == "enable"); err != nil {
				return err
			}
			fmt.Fprintf(e.stdout, "%s: %sd for every company, within ten seconds\n", id, rest[0])
			return nil
		})
	}
	fs.Usage()
	return fmt.Errorf("%w: say list, enable ID or disable ID", errUsage)
}

func listEntries(ctx context.Context, e env, op operator) error {
	entries, err := op.Entries(ctx)
	if err != nil {
		return err
	}
	for _, en := range entries {
		state := "enabled"
		if !en.Enabled {
			state = "disabled"
		}
		fmt.Fprintf(e.stdout, "%-16s %s\n", en.ID, state)
	}
	return nil
}
