package main

import (
	"context"
	"errors"
	"time"

	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store/bolt"
)

const (
	accounts = 100 // of Google's, that the companies share
	dueAtOne = 100 // daily checks that are due at a time
)

// onCompanies measures very many connected companies: runs of maintain with
// little or nothing to do for them, and what a turn of the switch for everyone
// brings about.
func (b *bench) onCompanies(ctx context.Context) error {
	at, err := b.fill(ctx, "companies", true, b.connectMany)
	if err != nil {
		return err
	}
	// First, for in measuring it changes what is to be copied.
	missing := b.outside.firestore(ctx)
	var emulated spec
	if missing == nil {
		emulated, err = b.copied(ctx, at)
	}
	if err == nil {
		err = b.companiesOn(ctx, at, b.companies)
	}
	if err != nil || missing != nil {
		return errors.Join(err, missing)
	}
	return b.companiesOn(ctx, emulated, emulated.Companies)
}

func (b *bench) companiesOn(ctx context.Context, at spec, n int) (err error) {
	at.What, at.Companies = "companies", n
	r := maintainReport{Store: at.store(), Companies: n}
	if r.Steps, err = b.measureApart(ctx, at); err != nil {
		return err
	}
	b.report.Companies = append(b.report.Companies, r)
	return nil
}

// connectMany connects the companies. The last daily checks of the first ones
// are more than a day ago, and their tokens have expired; those of the others
// are spread over 20 hours, so that none becomes due meanwhile.
func (b *bench) connectMany(ctx context.Context, on *installation) error {
	grants, err := b.outside.grants(ctx, on.google.Client, accounts)
	if err != nil {
		return err
	}
	now := time.Now()
	b.companies, err = inOrder(ctx, b.companies, b.limit, func(ctx context.Context, i int) error {
		if err := connect(ctx, on.google.Grants, i, grants[i%len(grants)]); err != nil {
			return err
		}
		return change(ctx, on.Store, i, func(c *integration.Connection) {
			at := now.Add(-time.Duration(i%1200) * time.Minute)
			c.ChangedAt, c.PassedAt, c.ReconciledAt, c.CheckedAt, c.BackfillDue = at, at, at, at, time.Time{}
			if i < dueAtOne {
				c.CheckedAt, c.Data.TokenExpiry = at.AddDate(0, 0, -2), time.Time{}
			}
		})
	})
	return err
}

// copied copies the connections from the embedded store to the emulator, as many
// as it takes in the time that there is.
func (b *bench) copied(ctx context.Context, from spec) (spec, error) {
	s, err := bolt.Open(from.Path)
	if err != nil {
		return spec{}, err
	}
	defer func() { _ = s.Close() }() // it was only read
	n := 0
	at, err := b.fill(ctx, "companies", false, func(ctx context.Context, on *installation) (err error) {
		n, err = inOrder(ctx, b.companies, b.limit, func(ctx context.Context, i int) error {
			c, err := s.Connection(ctx, companyID(i), integration.GoogleCalendar)
			if err != nil {
				return err
			}
			c.Version = ""
			return on.Store.PutConnection(ctx, companyID(i), &c)
		})
		return err
	})
	at.Companies = n
	return at, err
}

// companies measures.
func (m *meter) companies(ctx context.Context) error {
	if err := m.idle(ctx); err != nil {
		return err
	}
	if err := m.until(ctx, "100 daily checks due", m.maintainer, m.checked(ctx)); err != nil {
		return err
	}
	if err := m.until(ctx, "nothing due", m.maintainer, ran); err != nil {
		return err
	}
	minute := m.Companies / (24 * 60)
	for i := range minute {
		if err := change(ctx, m.own, i, func(c *integration.Connection) {
			c.CheckedAt, c.Data.TokenExpiry = c.CheckedAt.AddDate(0, 0, -2), time.Time{}
		}); err != nil {
			return err
		}
	}
	if err := m.until(ctx, "daily checks of a minute", m.maintainer, m.checked(ctx)); err != nil {
		return err
	}
	later, err := m.maintain(ctx, 25*time.Hour)
	if err != nil {
		return err
	}
	if err := m.until(ctx, "all checks due, after a long stop", later, ran); err != nil {
		return err
	}
	return m.switchOn(ctx)
}

// checked counts the comparisons that are not due any more.
func (m *meter) checked(ctx context.Context) progress {
	first := -1
	return func() (int, int, error) {
		page, err := m.own.UncheckedConnections(ctx, integration.GoogleCalendar, time.Now().AddDate(0, 0, -1), "", dueAtOne)
		if first < 0 {
			first = len(page.Items)
		}
		return first - len(page.Items), first, err
	}
}

// switchOn owes passes to every connection: the integration was switched off and
// is on again.
func (m *meter) switchOn(ctx context.Context) error {
	e, err := m.own.Entry(ctx, integration.GoogleCalendar)
	if err != nil {
		return err
	}
	e.ChangedAt = time.Now()
	if err := m.own.PutEntry(ctx, &e); err != nil {
		return err
	}
	// To ask the store who is left would take the emulator longer than the passes.
	before := m.tally.caught.Load()
	return m.until(ctx, "switched on again", m.maintainer, func() (int, int, error) {
		return int(m.tally.caught.Load() - before), m.Companies, nil
	})
}
