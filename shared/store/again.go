package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/integration"
)

// Tries is how often a record is written that others keep changing.
const Tries = 30

// ErrUnchanged is what a change returns if the record is as it should be.
var ErrUnchanged = errors.New("nothing to change")

// Again calls write, which reads a record, changes it and writes it, and calls
// it again whenever another has written meanwhile: up to [Tries] times, or to
// the context's end. After the first tries it pauses, so that those who keep
// each other from writing part. The error is write's last.
func Again(ctx context.Context, write func() error) error {
	var err error
	for n := range Tries {
		if err = write(); !errors.Is(err, fault.ErrConflict) || ctx.Err() != nil || !pause(ctx, n) {
			return err
		}
	}
	return err
}

const (
	inARow  = 3                      // tries without a pause between
	longest = 200 * time.Millisecond // of a pause
)

// pause is for a while by chance, after the try with that number, from zero. It
// reports false if the context has ended meanwhile.
func pause(ctx context.Context, n int) bool {
	if n < inARow || n == Tries-1 {
		return true
	}
	t := time.NewTimer(rand.N(min(longest, time.Duration(n)*10*time.Millisecond))) //nolint:gosec // chance is enough
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// ConnectionWriter is what [Change] reads and writes. [Connections] is one.
type ConnectionWriter interface {
	Connection(ctx context.Context, company booking.CompanyID, id integration.ID) (integration.Connection, error)
	PutConnection(ctx context.Context, company booking.CompanyID, c *integration.Connection, acts ...Activity) error
}

// Change writes a company's connection as how makes it, together with the
// activities that how returns, and returns it as it is stored then. How is
// called again, with what is stored by then, whenever another was faster; it
// finds the time of the change in UpdatedAt. If it returns an error, nothing is
// written and that is the error, as it stands; [ErrUnchanged] is none.
func Change(
	ctx context.Context, s ConnectionWriter, company booking.CompanyID, id integration.ID, now func() time.Time,
	how func(*integration.Connection) ([]Activity, error),
) (integration.Connection, error) {
	var c integration.Connection
	err := Again(ctx, func() (err error) {
		if c, err = s.Connection(ctx, company, id); err != nil {
			return fmt.Errorf("read the connection of company %q to %s: %w", company, id, err)
		}
		before, at := c.UpdatedAt, now()
		c.UpdatedAt = at
		acts, err := how(&c)
		if err != nil {
			c.UpdatedAt = before
			return final{err}
		}
		if c.UpdatedAt = at; c.CreatedAt.IsZero() {
			c.CreatedAt = at
		}
		if err := s.PutConnection(ctx, company, &c, acts...); err != nil {
			return fmt.Errorf("write the connection of company %q to %s: %w", company, id, err)
		}
		return nil
	})
	if f, ok := errors.AsType[final](err); ok {
		err = f.error
	}
	if errors.Is(err, ErrUnchanged) {
		return c, nil
	}
	return c, err
}

// final hides the class of an error: it is not a reason to try again, even if it
// is a conflict.
type final struct{ error }
