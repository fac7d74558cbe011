package googleauth

import (
	"errors"
	"testing"

	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

func (r *rig) choose(t *testing.T, subject, id string) error {
	t.Helper()
	_, err := r.grants.ChooseCalendar(t.Context(), sol, subject, id, "Equipo", store.ActorCompany)
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
