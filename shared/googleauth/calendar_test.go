package googleauth

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

func (r *rig) choose(t *testing.T, subject, id string) error {
	t.Helper()
	_, err := r.grants.Choose(t.Context(), sol, Choice{Calendar: id, Name: "Equipo", Subject: subject}, store.ActorCompany)
	return err
}

func TestChooseCalendar(t *testing.T) {
	r := newRig(t)
	before := r.connect(t, sol, ana)
	subject := before.Data.AccountSubject
	if err := r.choose(t, subject, "team"); err != nil {
		t.Fatal(err)
	}
	c := r.connection(t, sol)
	if c.Data.CalendarID != "team" || c.Data.CalendarName != "Equipo" || !c.BackfillDue.Equal(c.ChangedAt) || c.BackfillDue.IsZero() {
		t.Errorf("connection %+v", c)
	}
	if used := c.Used[integration.AccountKey(subject)]; len(used) != 2 {
		t.Errorf("calendars used: %v", used)
	}
	version := c.Version
	if err := r.choose(t, subject, "team"); err != nil || r.connection(t, sol).Version != version {
		t.Errorf("the same again: %v", err)
	}
	if err := r.choose(t, "another", "primary"); !errors.Is(err, ErrOtherGrant) {
		t.Errorf("of another account: %v", err)
	}

	c.NeedReauth(integration.CalendarMissing, r.clock.Now())
	c.Told(integration.NoticeReauth, 0, r.clock.Now())
	if err := r.store.PutConnection(t.Context(), sol, &c); err != nil {
		t.Fatal(err)
	}
	if err := r.choose(t, subject, "team"); err != nil { // it was made anew at Google
		t.Fatal(err)
	}
	if c = r.connection(t, sol); c.Status != integration.Connected || c.Reason != integration.NoReason || !c.NoticeDue.IsZero() || c.Notices != 1 {
		t.Errorf("mended: %+v", c)
	}
}

// Of a booking that was refused within a day of the notice before, the company
// is told once that day is over, also if it changes its connection meanwhile.
func TestRefusalIsTold(t *testing.T) {
	for name, change := range map[string]func(*rig, integration.Connection) error{
		"another calendar": func(r *rig, c integration.Connection) error { return r.choose(t, c.Data.AccountSubject, "team") },
		"reconnected": func(r *rig, _ integration.Connection) error {
			r.connect(t, sol, ana)
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			c := r.connect(t, sol, ana)
			told := r.clock.Now()
			c.Refuse(told)
			c.Told(integration.NoticeRefused, 1, told)
			c.Refuse(told.Add(time.Hour))
			if err := r.store.PutConnection(t.Context(), sol, &c); err != nil {
				t.Fatal(err)
			}
			if err := change(r, c); err != nil {
				t.Fatal(err)
			}
			c = r.connection(t, sol)
			c.CaughtUp(0, told.Add(2*time.Hour))
			if due := told.Add(24 * time.Hour); c.Notice(due.Add(-1)) != integration.NoNotice || c.Notice(due) != integration.NoticeRefused {
				t.Errorf("%d refused, due %v, want %v", c.Refused, c.NoticeDue, due)
			}
		})
	}
}

func TestChooseCalendarRefuses(t *testing.T) {
	r := newRig(t)
	if err := r.choose(t, "", "team"); !errors.Is(err, ErrNotConnected) {
		t.Errorf("not connected: %v", err)
	}
	c := r.connect(t, sol, ana)
	c.NeedReauth(integration.Revoked, r.clock.Now())
	if err := r.store.PutConnection(t.Context(), sol, &c); err != nil {
		t.Fatal(err)
	}
	if err := r.choose(t, c.Data.AccountSubject, "team"); !errors.Is(err, ErrNotConnected) {
		t.Errorf("with a dead grant: %v", err)
	}
}

// recolour chooses a colour, and says so if it was another.
func recolour(o *integration.Options) string {
	if o.Color == "11" {
		return ""
	}
	o.Color = "11"
	return "color"
}

// Options and a calendar are chosen in one commit, which owes the passes.
func TestChooseOptions(t *testing.T) {
	r := newRig(t)
	before := r.connect(t, sol, ana)
	r.clock.advance(time.Hour)
	choose := func(ch Choice) error {
		t.Helper()
		_, err := r.grants.Choose(t.Context(), sol, ch, store.ActorPlatform)
		return err
	}
	ch := Choice{Calendar: "team", Name: "Equipo", Subject: before.Data.AccountSubject, Options: recolour}
	if err := choose(ch); err != nil {
		t.Fatal(err)
	}
	c := r.connection(t, sol)
	if c.Data.CalendarID != "team" || c.Options.Color != "11" || !c.BackfillDue.Equal(r.clock.Now()) || !c.ChangedAt.Equal(r.clock.Now()) {
		t.Errorf("connection %+v", c)
	}
	type act struct{ Kind, Actor, Detail string }
	acts := func() (out []act) {
		t.Helper()
		page, err := r.store.ListActivity(t.Context(), sol, "", 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range page.Items {
			out = append(out, act{a.Kind, a.Actor, a.Detail})
		}
		return out[:len(out)-1] // without its being connected
	}
	want := []act{{"options_changed", "platform", "color"}, {"calendar_chosen", "platform", "Equipo"}}
	if diff := cmp.Diff(want, acts()); diff != "" {
		t.Errorf("activity -want +got:\n%s", diff)
	}
	version := c.Version
	for name, same := range map[string]Choice{"both": ch, "nothing": {}, "a word without a change": {Options: func(*integration.Options) string { return "x" }}} {
		if err := choose(same); err != nil || r.connection(t, sol).Version != version {
			t.Errorf("%s again: %v", name, err)
		}
	}
	ch.Subject, ch.Calendar = "another", "primary"
	ch.Options = func(o *integration.Options) string { o.Color = "1"; return "color" }
	if err := choose(ch); !errors.Is(err, ErrOtherGrant) || r.connection(t, sol).Version != version {
		t.Errorf("of another account: %v", err)
	}
}

// Without its calendar a connection takes options, and owes nothing for them:
// it is not mended. Without a grant it takes none.
func TestChooseOptionsWhileInNeed(t *testing.T) {
	r := newRig(t)
	c := r.connect(t, sol, ana)
	for why, want := range map[integration.Reason]error{integration.CalendarMissing: nil, integration.Revoked: ErrNotConnected} {
		c.Options, c.BackfillDue = integration.Options{}, time.Time{}
		c.NeedReauth(why, r.clock.Now())
		if err := r.store.PutConnection(t.Context(), sol, &c); err != nil {
			t.Fatal(err)
		}
		r.clock.advance(time.Hour)
		_, err := r.grants.Choose(t.Context(), sol, Choice{Options: recolour}, store.ActorCompany)
		now := r.connection(t, sol)
		if !errors.Is(err, want) || (now.Options.Color == "11") != (want == nil) {
			t.Errorf("%s: %v; options %+v", why, err, now.Options)
		}
		if now.Status != integration.NeedsReauth || !now.ChangedAt.Equal(c.ChangedAt) || !now.BackfillDue.IsZero() {
			t.Errorf("%s: connection %+v", why, now)
		}
		c = now
	}
}
