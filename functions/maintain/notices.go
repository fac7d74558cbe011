package maintain

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/notify"
	"github.com/citasync/citasync/shared/store"
)

// The wait after a notice that could not be sent: half as long as the
// connection has been as it is, within these limits.
const (
	tellSoonest = 5 * time.Minute
	tellLatest  = 6 * time.Hour
)

// notices tells the companies what they are to be told of each integration.
func (m *Maintainer) notices(ctx context.Context) (more bool, err error) {
	var errs error
	for _, id := range []integration.ID{integration.GoogleCalendar, integration.WhatsApp} {
		left, err := m.noticesOf(ctx, id)
		more, errs = more || left, errors.Join(errs, err)
	}
	return more, errs
}

// noticesOf tells what there is to tell of an integration. Only here is a notice
// sent: one that is due stands in the connection until it was, so that a crash
// loses none and repeats one at most.
func (m *Maintainer) noticesOf(ctx context.Context, id integration.ID) (more bool, err error) {
	if on, err := m.Switches.Enabled(ctx, id); err != nil || !on {
		return false, err // nobody could mend it now
	}
	now := m.Now()
	return m.goOver(ctx, m.telling[id], func(cursor string) (store.Page[booking.CompanyID], error) {
		return m.Connections.DueNotices(ctx, id, now, cursor, companyPage)
	}, func(ctx context.Context, company booking.CompanyID) error { return m.tell(ctx, company, id) })
}

func (m *Maintainer) tell(ctx context.Context, company booking.CompanyID, id integration.ID) error {
	c, err := m.Connections.Connection(ctx, company, id)
	if err != nil {
		return err
	}
	what := c.Notice(m.Now())
	if what == integration.NoNotice {
		return nil
	}
	n, err := m.notice(ctx, company, c, what)
	if err == nil {
		err = m.Notifier.Send(ctx, n)
	}
	failed := err != nil
	if err := m.told(ctx, company, c, what, n.Bookings, failed); err != nil {
		return fmt.Errorf("record the notice: %w", err)
	}
	return err
}

// notice puts together what the company is told.
func (m *Maintainer) notice(ctx context.Context, company booking.CompanyID, c integration.Connection, what integration.Notice) (notify.Notice, error) {
	about, err := m.Connections.Company(ctx, company)
	if err != nil {
		return notify.Notice{}, err
	}
	n := notify.Notice{Company: about.Company, Integration: c.ID, Account: c.Data.AccountEmail, Since: c.ChangedAt}
	switch what {
	case integration.NoticeReauth:
		n.Kind, n.Reason, n.Reminder = notify.NeedsReauth, c.Reason, c.Reminder()
	case integration.NoticeCaughtUp:
		n.Kind, n.Bookings = notify.CaughtUp, c.Added
	case integration.NoticeRefused:
		n.Kind, n.Reason, n.Bookings, n.Since = notify.DeliveryFailed, integration.Rejected, c.Refused, c.NoticeDue
	case integration.NoNotice:
	}
	return n, nil
}

// told records that the notice was sent, or puts it off, provided that the
// connection still owes the very same one.
func (m *Maintainer) told(
	ctx context.Context, company booking.CompanyID, was integration.Connection, what integration.Notice, bookings int, failed bool,
) error {
	return m.update(ctx, company, was.ID, func(c *integration.Connection) bool {
		if !c.NoticeDue.Equal(was.NoticeDue) || c.Notice(m.Now()) != what {
			return false
		}
		if failed {
			c.NoticeDue = m.Now().Add(min(max(tellSoonest, m.Now().Sub(c.ChangedAt)/2), tellLatest))
			return true
		}
		c.Told(what, bookings, m.Now())
		return true
	})
}
