package integration

import (
	"testing"
	"time"
)

func at(d time.Duration) time.Time { return time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC).Add(d) }

const (
	hour = time.Hour
	day  = 24 * hour
)

// TestReminders follows an incident that nobody mends.
func TestReminders(t *testing.T) {
	c := Connection{Status: Connected}
	c.NeedReauth(Revoked, at(0))
	var sent []time.Duration
	for h := time.Duration(0); h <= 30*day; h += hour {
		if c.Notice(at(h)) == NoticeReauth {
			sent = append(sent, h)
			c.Told(NoticeReauth, 0, at(h))
		}
	}
	want := []time.Duration{0, day, 3 * day, 7 * day, 14 * day}
	if len(sent) != len(want) {
		t.Fatalf("told after %v, want %v", sent, want)
	}
	for i := range want {
		if sent[i] != want[i] {
			t.Errorf("told after %v, want %v", sent, want)
		}
	}
}

// TestLateNotice: reminders that were missed are not made up for.
func TestLateNotice(t *testing.T) {
	c := Connection{Status: Connected}
	c.NeedReauth(Revoked, at(0))
	c.Told(NoticeReauth, 0, at(4*day))
	if got := c.NoticeDue; got != at(7*day) {
		t.Errorf("the next notice is due at %v", got)
	}
}

// TestCaughtUp: the end of an incident is told if the incident was, once what
// was missed is there.
func TestCaughtUp(t *testing.T) {
	for _, told := range []bool{true, false} {
		c := Connection{Status: Connected}
		c.NeedReauth(Revoked, at(0))
		if told {
			c.Told(NoticeReauth, 0, at(0))
		}
		c.Status, c.Reason, c.NoticeDue, c.BackfillDue = Connected, NoReason, time.Time{}, at(hour) // reconnected
		c.Refuse(at(hour))
		if got := c.Notice(at(hour)); got != NoticeRefused {
			t.Errorf("told %v: while the passes go on: %q", told, got)
		}
		c.Told(NoticeRefused, 1, at(hour))
		c.CaughtUp(21, at(2*hour))
		want := NoticeCaughtUp
		if !told {
			want = NoNotice
		}
		if got := c.Notice(at(2 * hour)); got != want || told && c.Added != 21 {
			t.Errorf("told %v: when it has caught up with %d: %q", told, c.Added, got)
		}
		c.Told(want, 21, at(2*hour))
		if got := c.Notice(at(day)); got != NoNotice || !c.NoticeDue.IsZero() {
			t.Errorf("told %v: afterwards: %q, due %v", told, got, c.NoticeDue)
		}
		if !c.ReconciledAt.Equal(at(hour)) || !c.BackfillDue.IsZero() {
			t.Errorf("reconciled %v, due %v", c.ReconciledAt, c.BackfillDue)
		}
	}
}

// TestRefusedBefore: a refusal that was not told yet is told though the company
// changes the connection meanwhile, and not sooner than it would have been.
func TestRefusedBefore(t *testing.T) {
	for _, tc := range []struct {
		name  string
		given func(*Connection)
		want  time.Time
	}{
		{"told lately", func(c *Connection) { c.RefusedAt = at(0) }, at(day)},
		{"told long ago", func(c *Connection) { c.RefusedAt = at(-8 * day) }, at(2 * hour)},
		{"never told", func(*Connection) {}, at(2 * hour)},
		{"due already", func(c *Connection) { c.NoticeDue = at(hour) }, at(hour)},
		{"after an incident", func(c *Connection) { c.RefusedAt, c.Notices = at(0), 1 }, at(2 * hour)}, // whose end is told first
		{"none refused", func(c *Connection) { c.Refused = 0 }, time.Time{}},
		{"not connected any more", func(c *Connection) { c.Status = Disconnecting }, time.Time{}},
	} {
		c := Connection{Status: Connected, Refused: 1, BackfillDue: at(hour)}
		tc.given(&c)
		c.CaughtUp(0, at(2*hour))
		if !c.NoticeDue.Equal(tc.want) {
			t.Errorf("%s: due %v, want %v", tc.name, c.NoticeDue, tc.want)
		}
	}
}

// TestRefusals: many refusals are one notice a day, and none is left out.
func TestRefusals(t *testing.T) {
	c := Connection{Status: Connected}
	total, notices := 0, 0
	for h := time.Duration(0); h < 3*day; h += hour {
		if h < 2*day {
			c.Refuse(at(h))
		}
		if c.Notice(at(h)) == NoticeRefused {
			total += c.Refused
			notices++
			c.Told(NoticeRefused, c.Refused, at(h))
		}
	}
	if total != 48 || notices != 3 {
		t.Errorf("%d refusals told in %d notices", total, notices)
	}
}

// TestRefusedWhileTold: what is refused while the notice is on its way is told
// with the next.
func TestRefusedWhileTold(t *testing.T) {
	c := Connection{Status: Connected}
	c.Refuse(at(0))
	c.Refuse(at(0))
	c.Told(NoticeRefused, 1, at(0))
	if c.Refused != 1 || c.NoticeDue != at(day) {
		t.Errorf("%d left, due %v", c.Refused, c.NoticeDue)
	}
}

func TestNoNotice(t *testing.T) {
	for _, s := range []Status{Disconnected, Disconnecting} {
		c := Connection{Status: s, NoticeDue: at(0), Notices: 1, Refused: 1}
		if got := c.Notice(at(hour)); got != NoNotice {
			t.Errorf("%s: %q", s, got)
		}
	}
	c := Connection{Status: NeedsReauth, NoticeDue: at(hour)}
	if got := c.Notice(at(0)); got != NoNotice {
		t.Errorf("before it is due: %q", got)
	}
	c.ForgetNotices()
	if got := c.Notice(at(day)); got != NoNotice {
		t.Errorf("forgotten: %q", got)
	}
}
