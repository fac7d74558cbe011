package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/logging"
)

const (
	// settled is how long after everything was turned off each attempt that
	// knew it on has ended: a lease lasts 40 seconds, and the catalogue is
	// believed for ten.
	settled = time.Minute

	// removalTries is how often a company that connects while it is removed is
	// turned off again.
	removalTries = 3
)

const companyUsage = `
What is on is turned off, as from the panel: future events stay in its
calendar. A minute later, when all that knew it on has ended, its secrets and
documents are deleted. If it is interrupted, the same command goes on. What is
told of the company later starts afresh, unconnected.
` + operateUsage

func company(ctx context.Context, e env, fs *flag.FlagSet, args []string) error {
	dataFlag(fs)
	yes := fs.Bool("yes", false, "do it; otherwise it is only said what would be done")
	rest, err := parse(fs, args)
	if err != nil {
		return err
	}
	if len(rest) != 2 || rest[0] != "remove" {
		fs.Usage()
		return fmt.Errorf("%w: say remove ID --yes, with the company_id of the platform's events", errUsage)
	}
	id, err := companyID("ID", rest[1])
	if err != nil {
		return err
	}
	log := logging.New(e.stderr, e.getenv("GOOGLE_CLOUD_PROJECT"), slog.LevelInfo)
	return operate(ctx, e, fs, log, func(op operator) error {
		r := removal{operator: op, env: e, id: id}
		return r.run(ctx, *yes)
	})
}

// companyID checks an id as events' are checked. Its name is what the caller
// knows it by.
func companyID(name, s string) (booking.CompanyID, error) {
	if s == "" || len(s) > booking.MaxID || !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
		return "", fmt.Errorf("%w: %s must be 1 to %d bytes of UTF-8 without control characters: give the company_id of the platform's events",
			errUsage, name, booking.MaxID)
	}
	return booking.CompanyID(s), nil
}

// removal removes one company.
type removal struct {
	operator
	env
	id booking.CompanyID
}

func (r *removal) run(ctx context.Context, yes bool) error {
	k, err := r.Kept(ctx, r.id)
	if err != nil {
		return err
	}
	if !k.Any {
		return fmt.Errorf("nothing is kept of company %q: %w; ID is the company_id of the platform's events", r.id, fault.ErrNotFound)
	}
	r.tell(k)
	if !yes {
		r.say("All of it would be turned off, and a minute later its secrets, bookings, connections and activity deleted; events in its calendar stay.")
		return fmt.Errorf("%w: nothing was done; with --yes it is", errUsage)
	}
	if err := r.remove(ctx); err != nil {
		return fmt.Errorf("company %q is not removed yet, the same command goes on: %w", r.id, err)
	}
	return nil
}

func (r *removal) say(format string, args ...any) { fmt.Fprintf(r.stdout, format+"\n", args...) }

func (r *removal) tell(k kept) {
	named, more := "", ""
	if k.Name != "" {
		named = ", " + k.Name
	}
	if k.More {
		more = "more than "
	}
	r.say("company %s%s: %s%s; %s", r.id, named, more, number(k.Bookings, "booking", "bookings"), onOff(k.On))
}

func number(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

func onOff(on []integration.ID) string {
	if len(on) == 0 {
		return "nothing is on"
	}
	var names []string
	for _, id := range on {
		names = append(names, string(id))
	}
	return strings.Join(names, " and ") + " on"
}

var errStillOn = errors.New("an integration was turned on again, or could not be turned off whole: the log says why")

// remove turns everything off, waits, and deletes. A company that connects
// meanwhile is turned off again.
func (r *removal) remove(ctx context.Context) error {
	for range removalTries {
		off, err := r.TurnOff(ctx, r.id)
		if err != nil {
			return err
		}
		if len(off) > 0 {
			r.say("turned off what was on")
		}
		r.say("waiting a minute, until whatever knew it on has ended")
		if err := r.sleep(ctx, settled); err != nil {
			return err
		}
		e, err := r.Erase(ctx, r.id)
		if err != nil {
			return err
		}
		if len(e.On) == 0 {
			r.report(e)
			return nil
		}
		r.say("still, or again, %s: once more", onOff(e.On))
	}
	return errStillOn
}

func (r *removal) report(e erased) {
	r.say("company %s removed: its secrets and connections, %s, %s of activity",
		r.id, number(e.Bookings, "booking", "bookings"), number(e.Activity, "entry", "entries"))
	if e.Late > 0 {
		r.say("%s told of while the others were deleted", number(e.Late, "of the bookings was", "of the bookings were"))
	}
	if e.Arriving {
		r.say("The platform goes on telling of bookings: the latest are kept, unconnected. Once it has stopped, the same command removes them.")
	}
}

// sleep waits, and returns the context's error if that ends first.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
