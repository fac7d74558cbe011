package converge

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/citasync/citasync/shared/integration"
)

// catalogueAge is how long an answer of the catalogue is believed, and so how
// long switching an integration off takes at most.
const catalogueAge = 10 * time.Second

// Entries is where the catalogue is kept.
type Entries interface {
	Entry(ctx context.Context, id integration.ID) (integration.Entry, error)
}

// Catalogue answers whether integrations are switched on, from memory where it
// can. It may be used by several goroutines.
type Catalogue struct {
	entries Entries
	now     func() time.Time

	mu   sync.Mutex
	seen map[integration.ID]seen
}

type seen struct {
	on bool
	at time.Time
}

// NewCatalogue returns a Catalogue over what is stored.
func NewCatalogue(entries Entries, now func() time.Time) *Catalogue {
	return &Catalogue{entries: entries, now: now, seen: map[integration.ID]seen{}}
}

// Enabled reports whether the integration is switched on. An answer that is
// too old and can't be had anew is an error: nothing may be called on it.
func (c *Catalogue) Enabled(ctx context.Context, id integration.ID) (bool, error) {
	now := c.now()
	c.mu.Lock()
	s, ok := c.seen[id]
	c.mu.Unlock()
	if ok && now.Sub(s.at) < catalogueAge {
		return s.on, nil
	}
	e, err := c.entries.Entry(ctx, id)
	if err != nil {
		return false, fmt.Errorf("read the catalogue: %w", err)
	}
	c.mu.Lock()
	c.seen[id] = seen{e.Enabled, now}
	c.mu.Unlock()
	return e.Enabled, nil
}

// Allowed is Enabled for the moment before a call: what can't be known is not
// allowed.
func (c *Catalogue) Allowed(ctx context.Context, id integration.ID) bool {
	on, err := c.Enabled(ctx, id)
	return err == nil && on
}
