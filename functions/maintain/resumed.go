package maintain

import (
	"context"
	"fmt"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

// resumed sends the notices to customers that waited for WhatsApp to be
// switched on again for everyone, those that still are news: a minute after it
// was, when no process believes any more that it is off.
func (m *Maintainer) resumed(ctx context.Context) (more bool, err error) {
	e, err := m.Connections.Entry(ctx, integration.WhatsApp)
	if err != nil {
		return false, fmt.Errorf("catalogue: %w", err)
	}
	if !e.Enabled || e.ChangedAt.IsZero() || m.Now().Sub(e.ChangedAt) < settle {
		return false, nil
	}
	return m.goOver(ctx, m.resuming, func(cursor string) (store.Page[booking.CompanyID], error) {
		return m.Connections.StaleConnections(ctx, e.ID, e.ChangedAt, cursor, companyPage)
	}, m.resume)
}

func (m *Maintainer) resume(ctx context.Context, company booking.CompanyID) error {
	began := m.Now()
	for cursor := ""; ; {
		page, err := m.Bookings.ListBookings(ctx, company, store.Query{Waiting: integration.WhatsApp, Cursor: cursor, Limit: bookingPage})
		if err != nil {
			return fmt.Errorf("notices that wait: %w", err)
		}
		m.reconcile(ctx, keys(page.Items))
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("notices that wait: %w", err)
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	return m.update(ctx, company, integration.WhatsApp, func(c *integration.Connection) bool {
		c.ReconciledAt = began
		return c.Status == integration.Connected
	})
}
