package storetest

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

// testTenantBookings gives every odd company a booking under every odd id, and
// looks whether each has just its own.
func testTenantBookings(t *testing.T, s store.Store) {
	companies := oddCompanies()[:12] // all pairs of all would take an emulator minutes
	want := map[booking.ID]bool{}
	for _, id := range companies {
		want[booking.ID(id)] = true
	}
	for _, company := range companies {
		for _, id := range companies {
			b := newBooking(company, booking.ID(id), base())
			b.Booking.Notes = fmt.Sprintf("%q of %q", id, company)
			b.Booking.Customer = booking.Customer{Name: "Ana", Phone: "+573001112233"}
			b.NextAttemptAt = base()
			b.Deliveries[integration.WhatsApp] = integration.Delivery{Status: integration.Waiting}
			commit(t, s, b)
		}
	}
	for _, company := range companies {
		for name, q := range map[string]store.Query{
			"all": {}, "ends after": {EndsAfter: base()}, "waiting": {Waiting: integration.WhatsApp},
			"state": {Filter: store.Filter{State: booking.Confirmed}}, "phone": {Filter: store.Filter{Phone: "+573001112233"}},
			"name": {Filter: store.Filter{Name: "ana"}}, "name from": {Filter: store.Filter{Name: "ana", From: base()}},
		} {
			equal(t, fmt.Sprintf("%s of %q", name, company), set(t, listAll(t, s, company, q)), want)
		}
		for id := range want {
			b := read(t, s, company, id)
			if b == nil || b.Company != company || b.Booking.ID != id || b.Booking.Notes != fmt.Sprintf("%q of %q", id, company) {
				t.Errorf("booking %q of %q is %+v", id, company, b)
			}
		}
	}
	due := get[[]store.Key](t)(s.DueBookings(t.Context(), base(), 1000))
	if n := len(set(t, due)); n != len(companies)*len(companies) {
		t.Errorf("%d bookings are due, want %d", n, len(companies)*len(companies))
	}
}

// testTenantConnections gives every odd company records that name it, and
// looks whether each has just its own.
func testTenantConnections(t *testing.T, s store.Store) {
	ctx := t.Context()
	for _, company := range oddCompanies() {
		c := newConnection(integration.GoogleCalendar)
		c.Data.AccountSubject, c.Data.CalendarName, c.BackfillDue = "ana", string(company), base()
		must(t, s.PutConnection(ctx, company, c, store.Activity{At: base(), Kind: "connected", Detail: string(company)}))
		must(t, s.PutCompany(ctx, &store.Company{Company: integration.Company{ID: company, Name: string(company)}}))
	}
	for _, company := range oddCompanies() {
		if c := get[integration.Connection](t)(s.Connection(ctx, company, integration.GoogleCalendar)); c.Data.CalendarName != string(company) {
			t.Errorf("connection of %q is that of %q", company, c.Data.CalendarName)
		}
		if c := get[store.Company](t)(s.Company(ctx, company)); c.ID != company || c.Name != string(company) {
			t.Errorf("company %q is %q", company, c.Name)
		}
		acts := get[store.Page[store.Activity]](t)(s.ListActivity(ctx, company, "", 10)).Items
		if len(acts) != 1 || acts[0].Detail != string(company) {
			t.Errorf("activity of %q is %+v", company, acts)
		}
	}
	want := set(t, oddCompanies())
	equal(t, "holders", set(t, get[[]booking.CompanyID](t)(s.Holders(ctx, integration.GoogleCalendar, "ana", 1000))), want)
	equal(t, "owed", set(t, pages(t, 7, func(cursor string) (store.Page[booking.CompanyID], error) {
		return s.OwedConnections(ctx, integration.GoogleCalendar, cursor, 7)
	})), want)
}

// testTenantCursor hands one company's cursor to another: it may be refused,
// but must not reach what is not the other's.
func testTenantCursor(t *testing.T, s store.Store) {
	ctx := t.Context()
	for _, company := range []booking.CompanyID{"1", "2", "3"} {
		for i := range 4 {
			commit(t, s, newBooking(company, booking.ID(strconv.Itoa(i)), base()))
			must(t, s.AddActivity(ctx, company, store.Activity{At: base(), Kind: "of " + string(company)}))
		}
	}
	bookings := get[store.Page[*store.Booking]](t)(s.ListBookings(ctx, "1", store.Query{Limit: 2}))
	acts := get[store.Page[store.Activity]](t)(s.ListActivity(ctx, "1", "", 2))
	p, _ := s.ListBookings(ctx, "2", store.Query{Cursor: bookings.Next, Limit: 100})
	for _, b := range p.Items {
		if b.Company != "2" {
			t.Errorf("company 2 sees a booking of %q", b.Company)
		}
	}
	a, _ := s.ListActivity(ctx, "2", acts.Next, 100)
	for _, a := range a.Items {
		if a.Kind != "of 2" {
			t.Errorf("company 2 sees activity %s", a.Kind)
		}
	}
}

// testOddKeys uses odd texts wherever else a backend may make a key of one.
func testOddKeys(t *testing.T, s store.Store) {
	ctx := t.Context()
	for _, odd := range oddCompanies() {
		must(t, s.UseLink(ctx, string(odd), base(), base().AddDate(0, 0, 1)))
		must(t, s.PutState(ctx, string(odd), store.OAuthState{Company: odd, ExpireAt: base().AddDate(0, 0, 1)}))
	}
	for _, odd := range oddCompanies() {
		wantUsed(t, s, string(odd), base(), true)
		wantUsed(t, s, string(odd)+"?", base(), false)
		if o := get[store.OAuthState](t)(s.TakeState(ctx, string(odd), base())); o.Company != odd {
			t.Errorf("state %q is that of %q", odd, o.Company)
		}
	}
}
