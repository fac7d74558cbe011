package maintain

import (
	"context"
	"fmt"
	"sync"
	"time"

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

// Paced is an integration whose acts are spread over time.
type Paced struct {
	integration.Integration
	all *rate.Limiter

	mu  sync.Mutex
	per map[booking.CompanyID]*rate.Limiter
}

// NewPaced paces an integration.
func NewPaced(i integration.Integration) *Paced {
	return &Paced{Integration: i, all: rate.NewLimiter(perProject, int(perProject)), per: map[booking.CompanyID]*rate.Limiter{}}
}

// Act waits for its turn, then acts. If its turn doesn't come in time, nothing
// was called and the delivery is to be tried again.
func (p *Paced) Act(ctx context.Context, t integration.Task) integration.Result {
	for _, l := range []*rate.Limiter{p.company(t.Company.ID), p.all} {
		if err := l.Wait(ctx); err != nil {
			return integration.Result{
				Outcome: integration.Retry, Delivery: t.Delivery, Reason: integration.Quota,
				RetryAfter: time.Second, Err: fmt.Errorf("no turn in time: %w", err),
			}
		}
	}
	return p.Integration.Act(ctx, t)
}

func (p *Paced) company(id booking.CompanyID) *rate.Limiter {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.per[id]
	if l == nil {
		if len(p.per) >= maxPacers {
			clear(p.per)
		}
		l = rate.NewLimiter(perCompany, int(perCompany))
		p.per[id] = l
	}
	return l
}
