package integration

import "time"

// Notice is what a company is to be told of a connection.
type Notice string

// The notices.
const (
	NoNotice       Notice = ""
	NoticeReauth   Notice = "needs_reauth" // only the company can mend it: see Reason
	NoticeCaughtUp Notice = "caught_up"    // mended, and what was missed is there
	NoticeRefused  Notice = "refused"      // bookings were refused for good
)

// refusedEvery is the least time between two notices of refused bookings.
const refusedEvery = 24 * time.Hour

// ReminderAfter returns how long after an incident began its nth reminder is
// due, n from 1; false: there is no such reminder.
func ReminderAfter(n int) (time.Duration, bool) {
	days := [...]int{1, 3, 7, 14}
	if n < 1 || n > len(days) {
		return 0, false
	}
	return time.Duration(days[n-1]) * 24 * time.Hour, true
}

// Notice is what the company is to be told now, of all that it is to be told.
func (c *Connection) Notice(now time.Time) Notice {
	switch {
	case c.NoticeDue.IsZero() || now.Before(c.NoticeDue):
		return NoNotice
	case c.Status == NeedsReauth:
		return NoticeReauth
	case c.Status != Connected:
		return NoNotice
	case c.Notices > 0 && c.BackfillDue.IsZero():
		return NoticeCaughtUp
	case c.Refused > 0:
		return NoticeRefused
	}
	return NoNotice
}

// Told records that a notice was sent, of so many bookings if it counts them,
// and when the next one is due. An incident's reminders follow it until the
// company has mended it or the last one was sent.
func (c *Connection) Told(n Notice, bookings int, now time.Time) {
	c.NoticeDue = time.Time{}
	switch n {
	case NoticeReauth:
		c.Notices++
		c.NoticeDue = c.nextReminder(now)
	case NoticeCaughtUp:
		c.Notices, c.Added = 0, 0
	case NoticeRefused:
		c.Refused, c.RefusedAt = max(0, c.Refused-bookings), now
	case NoNotice:
	}
	if c.Status == Connected && c.Refused > 0 {
		c.NoticeDue = c.refusalDue(now)
	}
}

// nextReminder is the first one that is still ahead: one that was missed is
// not made up for.
func (c *Connection) nextReminder(now time.Time) time.Time {
	for n := 1; ; n++ {
		after, ok := ReminderAfter(n)
		if !ok {
			return time.Time{}
		}
		if at := c.ChangedAt.Add(after); at.After(now) {
			return at
		}
	}
}

// Reminder is which reminder the notice that is due is; 0 is the first notice.
func (c *Connection) Reminder() (n int) {
	for c.Notices > 0 {
		after, ok := ReminderAfter(n + 1)
		if !ok || c.NoticeDue.Before(c.ChangedAt.Add(after)) {
			break
		}
		n++
	}
	return n
}

// Refuse records that one more booking was refused for good. The company is
// told at once if it was not lately.
func (c *Connection) Refuse(now time.Time) {
	c.Refused++
	c.UpdatedAt = now
	if c.NoticeDue.IsZero() && c.Status == Connected {
		c.NoticeDue = c.refusalDue(now)
	}
}

func (c *Connection) refusalDue(now time.Time) time.Time {
	if at := c.RefusedAt.Add(refusedEvery); !c.RefusedAt.IsZero() && at.After(now) {
		return at
	}
	return now
}

// CaughtUp records that what changed has reached every booking, with so many
// added. If the company was told of an incident, its end is told too. If not,
// refusals that it was not told of yet are: what mended the connection left no
// notice due.
func (c *Connection) CaughtUp(added int, now time.Time) {
	c.ReconciledAt, c.BackfillDue = c.BackfillDue, time.Time{}
	switch {
	case c.Status != Connected:
	case c.Notices > 0:
		c.NoticeDue, c.Added = now, added
	case c.Refused > 0 && c.NoticeDue.IsZero():
		c.NoticeDue = c.refusalDue(now)
	}
}

// ForgetNotices records that nothing is to be told any more.
func (c *Connection) ForgetNotices() {
	c.NoticeDue, c.Notices, c.Added, c.Refused = time.Time{}, 0, 0, 0
}
