package maintain

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/citasync/citasync/shared/integration"
)

// heavy is an integration of which an act takes so many requests.
type heavy struct {
	integration.Integration
	weight int
}

func (h heavy) Weight(integration.Task) int { return h.weight }

func (h heavy) Act(context.Context, integration.Task) integration.Result { return integration.Result{} }

// An act waits for as many turns as it weighs: none of those in a burst is free.
func TestPacedByWeight(t *testing.T) {
	for _, weight := range []int{1, 3} {
		synctest.Test(t, func(t *testing.T) {
			paced := NewPacer().Pace(heavy{weight: weight})
			began := time.Now()
			const acts = 20
			for range acts {
				paced.Act(t.Context(), integration.Task{Company: integration.Company{ID: "acme"}})
			}
			want := time.Duration(acts*weight-int(perCompany)) * time.Second / time.Duration(perCompany)
			if took := time.Since(began).Round(time.Millisecond); took != want {
				t.Errorf("acts of weight %d took %v, want %v", weight, took, want)
			}
		})
	}
}
