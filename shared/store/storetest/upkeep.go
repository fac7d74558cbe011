package storetest

import (
	"strconv"
	"testing"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

func testUnchecked(t *testing.T, s store.Store) {
	ctx := t.Context()
	put := func(company booking.CompanyID, status integration.Status, id integration.ID, at time.Time) {
		c := newConnection(id)
		c.Status, c.CheckedAt, c.ReconciledAt = status, at, base().Add(time.Hour)
		must(t, s.PutConnection(ctx, company, c))
	}
	put("long ago", integration.Connected, integration.GoogleCalendar, base().Add(-time.Hour))
	put("never", integration.Connected, integration.GoogleCalendar, time.Time{})
	put("just then", integration.Connected, integration.GoogleCalendar, base())
	put("waits", integration.NeedsReauth, integration.GoogleCalendar, time.Time{})
	put("elsewhere", integration.Connected, integration.WhatsApp, time.Time{})
	unchecked := func() []booking.CompanyID {
		return pages(t, 1, func(cursor string) (store.Page[booking.CompanyID], error) {
			return s.UncheckedConnections(ctx, integration.GoogleCalendar, base(), cursor, 1)
		})
	}
	equal(t, "unchecked", unchecked(), []booking.CompanyID{"never", "long ago"})
	c, err := s.Connection(ctx, "never", integration.GoogleCalendar)
	must(t, err)
	c.CheckedAt = base()
	must(t, s.PutConnection(ctx, "never", &c))
	equal(t, "unchecked after one was checked", unchecked(), []booking.CompanyID{"long ago"})
}

func testNotices(t *testing.T, s store.Store) {
	ctx := t.Context()
	put := func(company booking.CompanyID, status integration.Status, id integration.ID, at time.Time) {
		c := newConnection(id)
		c.Status, c.NoticeDue = status, at
		must(t, s.PutConnection(ctx, company, c))
	}
	put("second", integration.NeedsReauth, integration.GoogleCalendar, base())
	put("first", integration.Connected, integration.GoogleCalendar, base().Add(-time.Hour))
	put("not yet", integration.NeedsReauth, integration.GoogleCalendar, base().Add(time.Microsecond))
	put("nothing", integration.NeedsReauth, integration.GoogleCalendar, time.Time{})
	put("elsewhere", integration.NeedsReauth, integration.WhatsApp, base().Add(-time.Hour))
	due := func() []booking.CompanyID {
		return pages(t, 1, func(cursor string) (store.Page[booking.CompanyID], error) {
			return s.DueNotices(ctx, integration.GoogleCalendar, base(), cursor, 1)
		})
	}
	equal(t, "due", due(), []booking.CompanyID{"first", "second"})
	c, err := s.Connection(ctx, "first", integration.GoogleCalendar)
	must(t, err)
	c.NoticeDue = time.Time{}
	must(t, s.PutConnection(ctx, "first", &c))
	equal(t, "due after one was sent", due(), []booking.CompanyID{"second"})
}

// testDeleteCompany deletes a company in steps: nothing of it is left, neither
// by its name nor in any list, and its neighbours are as they were.
func testDeleteCompany(t *testing.T, s store.Store) {
	ctx := t.Context()
	for _, company := range []booking.CompanyID{"2", "20", "2/x"} {
		must(t, s.PutCompany(ctx, &store.Company{Company: integration.Company{ID: company, Name: "somebody"}}))
		c := newConnection(integration.GoogleCalendar)
		c.Data.AccountSubject, c.BackfillDue, c.NoticeDue = "ana", base(), base()
		must(t, s.PutConnection(ctx, company, c, store.Activity{At: base(), Kind: "connected"}))
		for i := range 5 {
			commit(t, s, dueAt(company, booking.ID(strconv.Itoa(i)), base()))
		}
	}
	steps := 0
	for more := true; more; steps++ {
		var err error
		if more, err = s.DeleteCompany(ctx, "2", 3); err != nil || steps > 10 {
			t.Fatalf("after %d steps: %v", steps, err)
		}
	}
	if steps < 3 {
		t.Errorf("8 documents went in %d steps of 3", steps)
	}
	snap := get[store.Snapshot](t)(s.ReadBooking(ctx, "2", "1", integration.GoogleCalendar))
	equal(t, "what is left", snap, store.Snapshot{
		Company: store.DefaultCompany("2"),
		Connections: map[integration.ID]integration.Connection{
			integration.GoogleCalendar: store.DefaultConnection(integration.GoogleCalendar),
		},
	})
	if got := get[store.Page[store.Activity]](t)(s.ListActivity(ctx, "2", "", 10)); len(got.Items) != 0 {
		t.Errorf("activity left: %v", got.Items)
	}
	if got := get[store.Page[*store.Booking]](t)(s.ListBookings(ctx, "2", store.Query{Limit: 10})); len(got.Items) != 0 {
		t.Errorf("bookings left: %v", ids(got.Items))
	}
	others := []booking.CompanyID{"20", "2/x"}
	equal(t, "holders", set(t, get[[]booking.CompanyID](t)(s.Holders(ctx, integration.GoogleCalendar, "ana", 10))), set(t, others))
	equal(t, "owed", set(t, get[store.Page[booking.CompanyID]](t)(s.OwedConnections(ctx, integration.GoogleCalendar, "", 10)).Items), set(t, others))
	if got := get[[]store.Key](t)(s.DueBookings(ctx, base(), 100)); len(got) != 10 {
		t.Errorf("%d bookings of the others are due, not 10", len(got))
	}
	must(t, s.PutConnection(ctx, "2", newConnection(integration.GoogleCalendar))) // it starts afresh
}
