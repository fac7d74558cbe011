package storetest

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

func contextEnded(t *testing.T) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx, cancel
}

func testDefaults(t *testing.T, s store.Store) {
	ctx := t.Context()
	snap := get[store.Snapshot](t)(s.ReadBooking(ctx, "2", "981", integration.GoogleCalendar))
	equal(t, "snapshot", snap, store.Snapshot{
		Company: store.DefaultCompany("2"),
		Connections: map[integration.ID]integration.Connection{
			integration.GoogleCalendar: store.DefaultConnection(integration.GoogleCalendar),
		},
	})
	equal(t, "company", get[store.Company](t)(s.Company(ctx, "2")), store.DefaultCompany("2"))
	equal(t, "connection", get[integration.Connection](t)(s.Connection(ctx, "2", integration.WhatsApp)),
		store.DefaultConnection(integration.WhatsApp))
	equal(t, "entry", get[integration.Entry](t)(s.Entry(ctx, integration.WhatsApp)), store.DefaultEntry(integration.WhatsApp))
	if got := get[[]store.Key](t)(s.DueBookings(ctx, base(), 10)); len(got) != 0 {
		t.Errorf("due in an empty store: %v", got)
	}
	if got := get[store.Page[store.Activity]](t)(s.ListActivity(ctx, "2", "", 10)); len(got.Items) != 0 || got.Next != "" {
		t.Errorf("activity in an empty store: %v", got)
	}
}

func testCompanyFields(t *testing.T, s store.Store) {
	want := &store.Company{}
	fill(want)
	want.Version = ""
	must(t, s.PutCompany(t.Context(), want))
	equal(t, "company", get[store.Company](t)(s.Company(t.Context(), want.ID)), *want)
}

func testCompanyPrecondition(t *testing.T, s store.Store) {
	precondition(t, func(version, name string) (string, error) {
		c := &store.Company{Company: integration.Company{ID: "2", Name: name}, Version: version}
		err := s.PutCompany(t.Context(), c)
		return c.Version, err
	}, func() (version, name string) {
		c := get[store.Company](t)(s.Company(t.Context(), "2"))
		return c.Version, c.Name
	})
}

// fullConnection has something in every field.
func fullConnection() *integration.Connection {
	c := &integration.Connection{}
	fill(c)
	c.Status, c.Version = integration.NeedsReauth, ""
	return c
}

func testConnectionFields(t *testing.T, s store.Store) {
	want := fullConnection()
	must(t, s.PutConnection(t.Context(), "2", want))
	equal(t, "connection", get[integration.Connection](t)(s.Connection(t.Context(), "2", want.ID)), *want)

	other := newConnection(integration.GoogleCalendar)
	fine := base().Add(999 * time.Nanosecond).In(time.FixedZone("", 3600))
	other.ChangedAt, other.Data.TokenExpiry, other.BackfillDue = fine, fine, fine
	must(t, s.PutConnection(t.Context(), "2", other))
	got := get[integration.Connection](t)(s.Connection(t.Context(), "2", integration.GoogleCalendar))
	for i, at := range []time.Time{got.ChangedAt, got.Data.TokenExpiry, got.BackfillDue, got.CreatedAt} {
		if at != base() {
			t.Errorf("time %d is %#v, want %#v", i, at, base())
		}
	}
	if !got.NoticeDue.IsZero() {
		t.Errorf("a time that was not set is %v", got.NoticeDue)
	}
}

func testConnectionPrecondition(t *testing.T, s store.Store) {
	precondition(t, func(version, name string) (string, error) {
		c := newConnection(integration.GoogleCalendar)
		c.Version, c.Data.CalendarName = version, name
		err := s.PutConnection(t.Context(), "2", c)
		return c.Version, err
	}, func() (version, name string) {
		c := get[integration.Connection](t)(s.Connection(t.Context(), "2", integration.GoogleCalendar))
		return c.Version, c.Data.CalendarName
	})
}

func testEntryPrecondition(t *testing.T, s store.Store) {
	precondition(t, func(version, name string) (string, error) {
		e := &integration.Entry{ID: integration.WhatsApp, Name: name, Version: version}
		err := s.PutEntry(t.Context(), e)
		return e.Version, err
	}, func() (version, name string) {
		e := get[integration.Entry](t)(s.Entry(t.Context(), integration.WhatsApp))
		return e.Version, e.Name
	})
}

// precondition tests a record's writing: write returns the version that is in
// the value afterwards, read what is stored.
func precondition(t *testing.T, write func(version, name string) (string, error), read func() (version, name string)) {
	t.Helper()
	wantStored := func(when, version, name string) {
		t.Helper()
		if v, n := read(); v != version || n != name {
			t.Errorf("%s: stored is version %q of %q, want version %q of %q", when, v, n, version, name)
		}
	}
	v, err := write("missing", "update of a missing one")
	wantError(t, "update of a missing one", err, fault.ErrConflict)
	if v != "missing" {
		t.Errorf("a failed write set version %q", v)
	}
	first := get[string](t)(write("", "first"))
	wantStored("after creation", first, "first")
	_, err = write("", "again")
	wantError(t, "create twice", err, fault.ErrConflict)
	second := get[string](t)(write(first, "second"))
	wantStored("after an update", second, "second")
	if second == first {
		t.Errorf("an update left version %q", first)
	}
	_, err = write(first, "stale")
	wantError(t, "stale update", err, fault.ErrConflict)
	wantStored("after refusals", second, "second")
}

// testConnectionEmptied stores a disconnection: nothing of the data may stay.
func testConnectionEmptied(t *testing.T, s store.Store) {
	c := fullConnection()
	must(t, s.PutConnection(t.Context(), "2", c))
	c.Status, c.Data, c.Enabled = integration.Disconnected, integration.Data{}, false
	must(t, s.PutConnection(t.Context(), "2", c))
	got := get[integration.Connection](t)(s.Connection(t.Context(), "2", c.ID))
	if !got.Data.IsZero() {
		t.Errorf("integration data left: %+v", got.Data)
	}
	equal(t, "connection", got, *c)
}

func testEntryFields(t *testing.T, s store.Store) {
	want := &integration.Entry{}
	fill(want)
	want.Version = ""
	must(t, s.PutEntry(t.Context(), want))
	equal(t, "entry", get[integration.Entry](t)(s.Entry(t.Context(), want.ID)), *want)
	want.Enabled = false
	must(t, s.PutEntry(t.Context(), want))
	equal(t, "entry switched off", get[integration.Entry](t)(s.Entry(t.Context(), want.ID)), *want)
}

func testOwed(t *testing.T, s store.Store) {
	ctx, stored := t.Context(), map[booking.CompanyID]*integration.Connection{}
	put := func(company booking.CompanyID, change func(*integration.Connection)) {
		c := stored[company]
		if c == nil {
			c = newConnection(integration.GoogleCalendar)
			stored[company] = c
		}
		change(c)
		must(t, s.PutConnection(ctx, company, c))
	}
	wantOwed := func(when string, want ...booking.CompanyID) {
		t.Helper()
		got := pages(t, 2, func(cursor string) (store.Page[booking.CompanyID], error) {
			return s.OwedConnections(ctx, integration.GoogleCalendar, cursor, 2)
		})
		equal(t, when, set(t, got), set(t, want))
	}
	put("nothing", func(*integration.Connection) {})
	put("backfill", func(c *integration.Connection) { c.BackfillDue = base() })
	put("removal", func(c *integration.Connection) { c.Status = integration.Disconnecting })
	put("all", func(c *integration.Connection) {
		c.BackfillDue, c.NoticeDue, c.Status = base(), base(), integration.Disconnecting
	})
	other := newConnection(integration.WhatsApp)
	other.BackfillDue = base()
	must(t, s.PutConnection(ctx, "nothing", other))
	wantOwed("at first", "backfill", "removal", "all")

	put("backfill", func(c *integration.Connection) { c.BackfillDue = time.Time{} })
	put("removal", func(c *integration.Connection) { c.Status = integration.Disconnected })
	put("all", func(c *integration.Connection) { c.Status, c.NoticeDue = integration.Connected, time.Time{} })
	wantOwed("after most was done", "all")
	put("all", func(c *integration.Connection) { c.BackfillDue = time.Time{} })
	wantOwed("after all was done")
}

func testStale(t *testing.T, s store.Store) {
	ctx := t.Context()
	put := func(company booking.CompanyID, status integration.Status, id integration.ID, at time.Time) {
		c := newConnection(id)
		c.Status, c.ReconciledAt = status, at
		must(t, s.PutConnection(ctx, company, c))
	}
	put("long ago", integration.Connected, integration.GoogleCalendar, base().Add(-time.Hour))
	put("never", integration.Connected, integration.GoogleCalendar, time.Time{})
	put("a moment ago", integration.Connected, integration.GoogleCalendar, base().Add(-time.Microsecond))
	put("just then", integration.Connected, integration.GoogleCalendar, base())
	put("waits", integration.NeedsReauth, integration.GoogleCalendar, time.Time{})
	put("elsewhere", integration.Connected, integration.WhatsApp, time.Time{})
	stale := func() []booking.CompanyID {
		return pages(t, 1, func(cursor string) (store.Page[booking.CompanyID], error) {
			return s.StaleConnections(ctx, integration.GoogleCalendar, base(), cursor, 1)
		})
	}
	equal(t, "stale", stale(), []booking.CompanyID{"never", "long ago", "a moment ago"})

	c, err := s.Connection(ctx, "long ago", integration.GoogleCalendar)
	must(t, err)
	c.ReconciledAt = base().Add(time.Hour)
	must(t, s.PutConnection(ctx, "long ago", &c))
	equal(t, "stale after one was reconciled", stale(), []booking.CompanyID{"never", "a moment ago"})
}

func testHolders(t *testing.T, s store.Store) {
	ctx := t.Context()
	put := func(company booking.CompanyID, id integration.ID, subject string, status integration.Status) *integration.Connection {
		c := newConnection(id)
		c.Data.AccountSubject, c.Status = subject, status
		must(t, s.PutConnection(ctx, company, c))
		return c
	}
	calendar := integration.GoogleCalendar
	put("1", calendar, "ana", integration.Connected)
	second := put("2", calendar, "ana", integration.NeedsReauth)
	put("3", calendar, "ana", integration.Disconnecting)
	put("4", calendar, "ana2", integration.Connected)
	put("5", calendar, "an", integration.Connected)
	put("6", integration.WhatsApp, "ana", integration.Connected)
	wantHolders := func(when, subject string, want ...booking.CompanyID) {
		t.Helper()
		got := get[[]booking.CompanyID](t)(s.Holders(ctx, calendar, subject, 10))
		equal(t, when, set(t, got), set(t, want))
	}
	wantHolders("at first", "ana", "1", "2", "3")
	wantHolders("an unknown account", "bob")
	if got := get[[]booking.CompanyID](t)(s.Holders(ctx, calendar, "ana", 2)); len(got) != 2 {
		t.Errorf("with limit 2: %v", got)
	}
	second.Data.AccountSubject = "bob"
	must(t, s.PutConnection(ctx, "2", second))
	wantHolders("after one took another account", "ana", "1", "3")
	wantHolders("the other account", "bob", "2")
	second.Data = integration.Data{}
	must(t, s.PutConnection(ctx, "2", second))
	wantHolders("the other account, given up", "bob")
}

func testActivityFields(t *testing.T, s store.Store) {
	var want store.Activity
	fill(&want)
	must(t, s.AddActivity(t.Context(), "2", want))
	got := get[store.Page[store.Activity]](t)(s.ListActivity(t.Context(), "2", "", 10)).Items
	if len(got) != 1 {
		t.Fatalf("%d activities, want 1", len(got))
	}
	if got[0].ID == "" || got[0].ID == want.ID {
		t.Errorf("id %q, want one set by the store", got[0].ID)
	}
	want.ID = got[0].ID
	equal(t, "activity", got[0], want)
}

func testActivityOrder(t *testing.T, s store.Store) {
	ctx := t.Context()
	for i := range 5 {
		at := base().Add(time.Duration(i) * time.Millisecond)
		must(t, s.AddActivity(ctx, "2", store.Activity{At: at, Kind: strconv.Itoa(i)}))
		must(t, s.AddActivity(ctx, "3", store.Activity{At: at, Kind: "another company's"}))
	}
	var got []string
	last := ""
	for n, cursor := 0, ""; n == 0 || cursor != ""; n++ {
		p := get[store.Page[store.Activity]](t)(s.ListActivity(ctx, "2", cursor, 2))
		for _, a := range p.Items {
			got = append(got, a.Kind)
			if last != "" && a.ID >= last {
				t.Errorf("id %q comes after %q in a list with the newest first", a.ID, last)
			}
			last = a.ID
		}
		cursor = p.Next
		must(t, s.AddActivity(ctx, "2", store.Activity{At: base().Add(time.Hour), Kind: "added meanwhile"}))
	}
	equal(t, "activity", got, []string{"4", "3", "2", "1", "0"})
}

func testActivityWithConnection(t *testing.T, s store.Store) {
	c := newConnection(integration.GoogleCalendar)
	activityWith(t, s, &c.Version, func(acts ...store.Activity) error { return s.PutConnection(t.Context(), "2", c, acts...) })
}

func testActivityWithCompany(t *testing.T, s store.Store) {
	c := &store.Company{Company: integration.Company{ID: "2"}}
	activityWith(t, s, &c.Version, func(acts ...store.Activity) error { return s.PutCompany(t.Context(), c, acts...) })
}

// activityWith writes a record of the company "2", and activity with it.
func activityWith(t *testing.T, s store.Store, version *string, write func(...store.Activity) error) {
	t.Helper()
	list := func() (kinds []string) {
		for _, a := range get[store.Page[store.Activity]](t)(s.ListActivity(t.Context(), "2", "", 10)).Items {
			kinds = append(kinds, a.Kind)
		}
		return kinds
	}
	must(t, write(store.Activity{At: base(), Kind: "one"}, store.Activity{At: base(), Kind: "two"}))
	equal(t, "activity", list(), []string{"two", "one"})
	stale := *version
	must(t, write())
	*version = stale
	wantError(t, "stale update", write(store.Activity{At: base(), Kind: "refused"}), fault.ErrConflict)
	equal(t, "activity after a refusal", list(), []string{"two", "one"})
}
