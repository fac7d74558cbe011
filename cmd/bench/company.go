package main

import (
	"context"
	"errors"
	"time"

	"github.com/citasync/citasync/shared/integration"
)

// onCompany measures a company that connects when it has very many bookings,
// all of them ahead: the passes, the listing at their end, and the daily check.
func (b *bench) onCompany(ctx context.Context) error {
	if err := b.companyOn(ctx, true); err != nil {
		return err
	}
	if err := b.outside.firestore(ctx); err != nil {
		return err
	}
	return b.companyOn(ctx, false)
}

func (b *bench) companyOn(ctx context.Context, embedded bool) error {
	told := 0
	at, err := b.fill(ctx, "company", embedded, func(ctx context.Context, i *installation) error {
		var err error
		if told, err = b.tellMany(ctx, i); err != nil {
			return err
		}
		grants, err := b.outside.grants(ctx, i.google.Client, 1) // an account with nothing in its calendars
		if err != nil {
			return err
		}
		return connect(ctx, i.google.Grants, 0, grants[0])
	})
	if err != nil {
		return err
	}
	at.What, at.Companies, at.Bookings = "company", 1, told
	r := maintainReport{Store: at.store(), Bookings: told}
	if r.Steps, err = b.measureApart(ctx, at); err != nil {
		return err
	}
	b.report.Company = append(b.report.Company, r)
	return nil
}

// tellMany has the company, which is not connected, told of its bookings.
func (b *bench) tellMany(ctx context.Context, i *installation) (told int, err error) {
	engine, err := i.engine(i.google.Calendar)
	if err != nil {
		return 0, err
	}
	return inOrder(ctx, b.bookings, b.limit, func(ctx context.Context, n int) error {
		ev, err := event(companyID(0), int64(n))
		if err != nil {
			return err
		}
		return engine.Apply(ctx, ev)
	})
}

// company measures what its connection is owed, and one daily check.
func (m *meter) company(ctx context.Context) error {
	if err := m.idle(ctx); err != nil {
		return err
	}
	due, err := m.connection(ctx)
	if err != nil {
		return err
	}
	if err := m.until(ctx, "first pass", m.maintainer, m.once(ctx, func(c integration.Connection) bool { return !c.PassedAt.Before(due.BackfillDue) })); err != nil {
		return err
	}
	time.Sleep(time.Until(due.BackfillDue.Add(time.Minute + time.Second))) // from when the last one may begin
	if err := m.until(ctx, "last pass, and the listing", m.maintainer, m.once(ctx, func(c integration.Connection) bool { return c.BackfillDue.IsZero() })); err != nil {
		return err
	}
	if err := change(ctx, m.own, 0, func(c *integration.Connection) { c.CheckedAt = time.Time{} }); err != nil {
		return err
	}
	return m.until(ctx, "daily check", m.maintainer, m.once(ctx, func(c integration.Connection) bool { return !c.CheckedAt.IsZero() }))
}

var errNeedsReauth = errors.New("the connection is not in force any more")

// once is done when the connection is as it should be. Until then it tells how
// many events were added.
func (m *meter) once(ctx context.Context, is func(integration.Connection) bool) progress {
	return func() (int, int, error) {
		c, err := m.connection(ctx)
		switch {
		case err != nil:
			return 0, 0, err
		case c.Status != integration.Connected:
			return 0, 0, errNeedsReauth
		case is(c):
			return m.Bookings, m.Bookings, nil
		}
		return min(int(m.calls.inserted.Load()), m.Bookings-1), m.Bookings, nil
	}
}

func (m *meter) connection(ctx context.Context) (integration.Connection, error) {
	return m.own.Connection(ctx, companyID(0), integration.GoogleCalendar)
}
