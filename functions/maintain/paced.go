package maintain

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/time/rate"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
)

// Google allows 600 requests a minute for a user and 10,000 for a project
// ("Usage limits" in the Calendar API's documentation). maintain, which could
// use all of it, keeps well below, so that fresh bookings meet no limit.
const (
	perCompany = rate.Limit(5) // a second
	perProject = rate.Limit(100)
	maxPacers  = 10_000 // limiters remembered
)

// Pacer spreads calls over time. It may be used by several goroutines.
type Pacer struct {
	each rate.Limit // a company's
	all  *rate.Limiter

	mu  sync.Mutex
	per map[booking.CompanyID]*rate.Limiter
}

// NewPacer returns a Pacer that keeps to Google's limits.
func NewPacer() *Pacer { return PacerAt(perCompany, perProject) }

// PacerAt returns a Pacer that gives so many turns a second to a company, and to
// all together; a second's turns may be taken at once.
func PacerAt(company, project rate.Limit) *Pacer {
	return &Pacer{each: company, all: limiter(project), per: map[booking.CompanyID]*rate.Limiter{}}
}

func limiter(r rate.Limit) *rate.Limiter { return rate.NewLimiter(r, int(r)) }

// errNoTurn says that the company's turn would come too late for the context,
// which a limiter says at once and not when the context ends.
var errNoTurn = errors.New("no turn in time")

// Wait waits for the company's next turn.
func (p *Pacer) Wait(ctx context.Context, company booking.CompanyID) error {
	for _, l := range []*rate.Limiter{p.company(company), p.all} {
		if err := l.Wait(ctx); err != nil {
			return fmt.Errorf("%w: %w", errNoTurn, err)
		}
	}
	return nil
}

func (p *Pacer) company(id booking.CompanyID) *rate.Limiter {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.per[id]
	if l == nil {
		if len(p.per) >= maxPacers {
			clear(p.per)
		}
		l = limiter(p.each)
		p.per[id] = l
	}
	return l
}

// Pace returns the integration with its acts spread over time.
func (p *Pacer) Pace(i integration.Integration) integration.Integration { return &paced{i, p} }

type paced struct {
	integration.Integration
	pacer *Pacer
}

// Act waits for its turn, or for as many as it weighs, then acts. If they don't
// come in time, nothing was called and the delivery is to be tried again.
func (p *paced) Act(ctx context.Context, t integration.Task) integration.Result {
	for range p.weight(t) {
		if err := p.pacer.Wait(ctx, t.Company.ID); err != nil {
			return integration.Result{Outcome: integration.Retry, Delivery: t.Delivery, Reason: integration.Quota, Err: err}
		}
	}
	return p.Integration.Act(ctx, t)
}

func (p *paced) weight(t integration.Task) int {
	if w, ok := p.Integration.(integration.Weighed); ok {
		return w.Weight(t)
	}
	return 1
}
