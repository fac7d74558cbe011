package settings

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/logging"
	"github.com/citasync/citasync/shared/store"
)

const (
	// testTimeout bounds a test: somebody waits for it.
	testTimeout = 25 * time.Second

	// testEvery is the least time between the beginnings of two tests of one
	// company, in one process.
	testEvery = 10 * time.Second

	// actTested is the activity of a test. Its outcome is ok or the class of
	// the failure, its detail the step that failed, and behind a colon the
	// integration's own code.
	actTested = "connection_tested"

	// testsBack is how many activities are looked through for the last test.
	testsBack = 25
)

var errTooSoon = fmt.Errorf("%w: tested a moment ago; %d s must lie between two tests", fault.ErrState, testEvery/time.Second)

// verdict is how a test of a connection ended.
type verdict struct {
	at     time.Time
	why    integration.Reason // NoReason: every step succeeded
	failed string             // the step
	code   string             // the integration's own; may be empty
	trace  string
}

// done are those of the steps that succeeded.
func (t verdict) done(steps []string) []string {
	if t.why == integration.NoReason {
		return steps
	}
	return steps[:max(0, slices.Index(steps, t.failed))]
}

// detail is what is kept of it beside the class.
func (t verdict) detail() string {
	if t.code == "" {
		return t.failed
	}
	return t.failed + ": " + t.code
}

// probe tries the connection for an actor, and keeps how it went in the
// company's activity. A failure that only the company can mend is recorded in
// the connection, as one of a booking would be. The errors are errPaused,
// errNotConnected, errNoPhone and errTooSoon, beside those of the store.
func (h *handler) probe(ctx context.Context, e entry, v *visit, actor string) (verdict, error) {
	company := v.company.ID
	switch {
	case !e.Entry.Enabled:
		return verdict{}, errPaused
	case e.Status != integration.Connected:
		return verdict{}, errNotConnected
	case v.phoneless(e):
		return verdict{}, errNoPhone
	case !h.tests.allow(company, e.id):
		return verdict{}, errTooSoon
	}
	// Whoever asked may leave: the event that was written is to be removed.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), testTimeout)
	defer cancel()
	done, err := e.try(ctx, e, v)
	t := verdict{why: class(ctx, e.reasonOf(err), err), code: messageCode(err), trace: logging.TraceOf(ctx).ID}
	ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), testTimeout) // however long that took
	defer cancel()
	if t.why != integration.NoReason {
		t.failed = e.trials[min(done, len(e.trials)-1)]
	}
	h.logTest(ctx, e.id, t, err)
	if e.events && t.why.NeedsCompany() && t.why != integration.Revoked { // that, who gives the tokens has recorded
		if err := h.Grants.NeedReauth(ctx, company, e.Connection, t.why); err != nil {
			return t, err
		}
	}
	t.at = h.Now()
	return t, h.keep(ctx, company, e.id, t, actor)
}

// tryCalendar writes an event and removes it.
func (h *handler) tryCalendar(ctx context.Context, e entry, v *visit) (int, error) {
	done, err := h.Calendar.Probe(ctx, v.company.ID, e.Connection, v.say.T("test.event"))
	return len(done), err
}

func (h *handler) logTest(ctx context.Context, id integration.ID, t verdict, err error) {
	level, attrs := slog.LevelInfo, []slog.Attr{slog.String("integration", string(id)), slog.String("reason", string(t.why))}
	if err != nil {
		attrs = append(attrs, slog.String("step", t.failed), slog.String("error", err.Error()))
	}
	if t.why == integration.Internal {
		level = slog.LevelError
	}
	h.Log.LogAttrs(ctx, level, "connection tested", attrs...)
}

func (h *handler) keep(ctx context.Context, company booking.CompanyID, id integration.ID, t verdict, actor string) error {
	err := h.Store.AddActivity(ctx, company, store.Activity{
		At: t.at, Kind: actTested, Integration: id, Actor: actor,
		Outcome: cmp.Or(string(t.why), "ok"), Detail: t.detail(), Trace: t.trace,
	})
	if err != nil {
		return fmt.Errorf("keep how a test went: %w", err)
	}
	return nil
}

// lastTest is how the last test of the connection as it is now went, if that
// was lately.
func (h *handler) lastTest(ctx context.Context, company booking.CompanyID, c integration.Connection) (verdict, bool, error) {
	page, err := h.Store.ListActivity(ctx, company, "", testsBack)
	if err != nil {
		return verdict{}, false, fmt.Errorf("last test: %w", err)
	}
	for _, a := range page.Items {
		if a.Kind != actTested || a.Integration != c.ID || a.At.Before(c.ChangedAt) {
			continue
		}
		t := verdict{at: a.At, trace: a.Trace}
		t.failed, t.code, _ = strings.Cut(a.Detail, ": ")
		if a.Outcome != "ok" {
			t.why = integration.Reason(a.Outcome)
		}
		return t, true, nil
	}
	return verdict{}, false, nil
}

// limiter lets each company do something with an integration once in a while, or
// so many times at once.
type limiter struct {
	every time.Duration
	burst int
	now   func() time.Time

	mu sync.Mutex
	of map[limited]*rate.Limiter
}

type limited struct {
	company booking.CompanyID
	id      integration.ID
}

func newLimiter(every time.Duration, burst int, now func() time.Time) *limiter {
	return &limiter{every: every, burst: burst, now: now, of: map[limited]*rate.Limiter{}}
}

// allow reports whether the company may do it now, and if so counts it.
func (l *limiter) allow(company booking.CompanyID, id integration.ID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now, key := l.now(), limited{company, id}
	maps.DeleteFunc(l.of, func(_ limited, r *rate.Limiter) bool { return r.TokensAt(now) >= float64(l.burst) }) // as good as none
	if l.of[key] == nil {
		l.of[key] = rate.NewLimiter(rate.Every(l.every), l.burst)
	}
	return l.of[key].AllowN(now, 1)
}
