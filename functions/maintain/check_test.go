package maintain

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

// TestCheckGoesOn: a comparison whose turn does not come in this run's time is
// gone on with in the next; one that met trouble begins anew, later.
func TestCheckGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _ := newMaintainer(t, &slow{done: map[store.Key]int{}}, &topic{})
		// Between two turns, so that the last turn and the end don't meet.
		ctx, cancel := context.WithTimeout(context.Background(), 1900*time.Millisecond)
		defer cancel()
		var err error
		for err == nil {
			err = m.Pacer.Wait(ctx, "acme")
		}
		if !errors.Is(err, errNoTurn) || ctx.Err() != nil {
			t.Fatalf("error %v, of the context %v", err, ctx.Err())
		}
		c := integration.Connection{Status: integration.Connected}
		ch := m.checks.of("acme", c, m.Now())
		ch.cursor = "far"
		if err := m.checkFailed(ctx, "acme", c, ch, err); !errors.Is(err, errUnfinished) {
			t.Errorf("error %v", err)
		}
		if again := m.checks.of("acme", c, m.Now()); again.cursor != "far" || !again.notBefore.IsZero() {
			t.Errorf("without a turn: %+v", again)
		}
		if err := m.checkFailed(ctx, "acme", c, ch, fault.ErrUnavailable); !errors.Is(err, fault.ErrUnavailable) {
			t.Errorf("error %v", err)
		}
		if again := m.checks.of("acme", c, m.Now()); again.cursor != "" || !again.notBefore.After(m.Now()) {
			t.Errorf("after trouble: %+v", again)
		}
	})
}
