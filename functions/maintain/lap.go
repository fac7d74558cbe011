package maintain

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/logging"
	"github.com/citasync/citasync/shared/store"
)

// lap is how far a list of companies has been gone over. A run goes on where
// the one before had to end, so that companies late in the list have their
// turn however long those before them take. It is kept in memory: a new
// process begins the list anew.
type lap struct {
	of      integration.ID // whose connections are listed
	workers int            // companies at a time
	cursor  string         // of the page under way

	mu  sync.Mutex
	had map[booking.CompanyID]bool // whose turn on that page is over
}

func newLap(of integration.ID, workers int) *lap {
	return &lap{of: of, workers: workers, had: map[booking.CompanyID]bool{}}
}

// left are those of a page whose turn is still to come.
func (l *lap) left(page []booking.CompanyID) []booking.CompanyID {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(page), func(c booking.CompanyID) bool { return l.had[c] })
}

func (l *lap) over(company booking.CompanyID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.had[company] = true
}

// turnTo begins a page.
func (l *lap) turnTo(cursor string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cursor = cursor
	clear(l.had)
}

var (
	// errEnough is a list's word for a lap that is to go on in the next run.
	errEnough = errors.New("enough for this run")

	// errUnfinished says that a company's turn is to go on in the next run.
	errUnfinished = errors.New("goes on in the next run")
)

// begun reports whether the list is gone over in part.
func (l *lap) begun() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cursor != "" || len(l.had) > 0
}

// goOver gives every company on the list's pages its turn, some at a time, to
// the end of the list or of the context. It reports whether turns were broken
// off for which there is time in the next run only. Trouble with one company
// is logged, and the others go on.
func (m *Maintainer) goOver(
	ctx context.Context, l *lap, list func(cursor string) (store.Page[booking.CompanyID], error), turn func(context.Context, booking.CompanyID) error,
) (more bool, err error) {
	for {
		page, err := list(l.cursor)
		if errors.Is(err, errEnough) {
			return false, nil
		}
		if err != nil {
			l.turnTo("") // in case it is the cursor
			return false, fmt.Errorf("list connections: %w", err)
		}
		each(ctx, l.workers, l.left(page.Items), func(company booking.CompanyID) { m.turn(ctx, l, company, turn) })
		if err := ctx.Err(); err != nil {
			return true, fmt.Errorf("maintain connections: %w", err)
		}
		if len(l.left(page.Items)) > 0 {
			return true, nil
		}
		if l.turnTo(page.Next); page.Next == "" {
			return false, nil
		}
	}
}

// turn gives a company its turn. One that the run's end cut short comes again.
func (m *Maintainer) turn(ctx context.Context, l *lap, company booking.CompanyID, do func(context.Context, booking.CompanyID) error) {
	ctx = logging.With(ctx, slog.String("company", string(company)))
	err := do(ctx, company)
	if ctx.Err() != nil || errors.Is(err, errUnfinished) {
		return
	}
	if err != nil {
		m.warn(ctx, "connection not maintained", err, slog.String("integration", string(l.of)))
	}
	l.over(company)
}
