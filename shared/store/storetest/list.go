package storetest

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

// listAll reads a company's bookings by a query, two a page.
func listAll(t *testing.T, s store.Store, company booking.CompanyID, q store.Query) []booking.ID {
	t.Helper()
	q.Limit = 2
	return ids(pages(t, q.Limit, func(cursor string) (store.Page[*store.Booking], error) {
		q.Cursor = cursor
		return s.ListBookings(t.Context(), company, q)
	}))
}

func testListByStart(t *testing.T, s store.Store) {
	for i, hours := range []int{3, 1, 5, 2, 4} {
		b := newBooking("2", booking.ID(strconv.Itoa(hours)), base().Add(time.Duration(hours)*time.Hour))
		b.State = []booking.Kind{booking.Reserved, booking.Confirmed, booking.Deleted}[i%3]
		commit(t, s, b)
	}
	commit(t, s, newBooking("2", "long ago", time.Date(1950, 1, 1, 0, 0, 0, 0, time.UTC)))
	equal(t, "by start", listAll(t, s, "2", store.Query{}), []booking.ID{"5", "4", "3", "2", "1", "long ago"})

	moved := read(t, s, "2", "1")
	moved.Booking.Start, moved.Booking.End = base().Add(9*time.Hour), base().Add(10*time.Hour)
	commit(t, s, moved)
	equal(t, "after a move", listAll(t, s, "2", store.Query{}), []booking.ID{"1", "5", "4", "3", "2", "long ago"})

	p := get[store.Page[*store.Booking]](t)(s.ListBookings(t.Context(), "2", store.Query{Limit: 6}))
	if len(p.Items) != 6 || p.Next != "" {
		t.Errorf("a page with just enough room has %d items and next %q, want 6 and none", len(p.Items), p.Next)
	}
	equal(t, "item", p.Items[0], moved)
	p = get[store.Page[*store.Booking]](t)(s.ListBookings(t.Context(), "3", store.Query{Limit: 6}))
	if len(p.Items) != 0 || p.Next != "" {
		t.Errorf("a company without bookings has %d items and next %q", len(p.Items), p.Next)
	}

	for i := range 5 { // bookings that start together come each once
		commit(t, s, newBooking("4", booking.ID(strconv.Itoa(i)), base()))
	}
	seen := map[booking.ID]int{}
	for _, id := range listAll(t, s, "4", store.Query{}) {
		seen[id]++
	}
	equal(t, "same start", seen, map[booking.ID]int{"0": 1, "1": 1, "2": 1, "3": 1, "4": 1})
}

func testListEndsAfter(t *testing.T, s store.Store) {
	for _, hours := range []int{3, 1, 5, 2, 4} { // they end an hour later
		commit(t, s, newBooking("2", booking.ID(strconv.Itoa(hours)), base().Add(time.Duration(hours)*time.Hour)))
	}
	end := base().Add(3 * time.Hour) // of 2
	tests := []struct {
		name  string
		after time.Time
		want  []booking.ID
	}{
		{"ends at that time", end, []booking.ID{"3", "4", "5"}},
		{"a microsecond earlier", end.Add(-time.Microsecond), []booking.ID{"2", "3", "4", "5"}},
		{"a nanosecond earlier", end.Add(-time.Nanosecond), []booking.ID{"2", "3", "4", "5"}},
		{"a nanosecond later", end.Add(time.Nanosecond), []booking.ID{"3", "4", "5"}},
		{"in another zone", end.In(time.FixedZone("", -18000)), []booking.ID{"3", "4", "5"}},
		{"none", base().Add(99 * time.Hour), nil},
	}
	for _, tt := range tests {
		equal(t, tt.name, listAll(t, s, "2", store.Query{EndsAfter: tt.after}), tt.want)
	}
}

func testListWaiting(t *testing.T, s store.Store) {
	add := func(id booking.ID, calendar, whatsapp integration.DeliveryStatus) *store.Booking {
		b := newBooking("2", id, base())
		b.Deliveries[integration.GoogleCalendar] = integration.Delivery{Status: calendar}
		b.Deliveries[integration.WhatsApp] = integration.Delivery{Status: whatsapp}
		commit(t, s, b)
		return b
	}
	both := add("both", integration.Waiting, integration.Waiting)
	add("calendar", integration.Waiting, integration.Done)
	add("whatsapp", integration.Pending, integration.Waiting)
	add("neither", integration.Failed, integration.Skipped)

	wantWaiting := func(when string, on integration.ID, want ...booking.ID) {
		t.Helper()
		equal(t, when, set(t, listAll(t, s, "2", store.Query{Waiting: on})), set(t, want))
	}
	wantWaiting("calendar", integration.GoogleCalendar, "both", "calendar")
	wantWaiting("whatsapp", integration.WhatsApp, "both", "whatsapp")

	both.Deliveries[integration.GoogleCalendar] = integration.Delivery{Status: integration.Done}
	commit(t, s, both)
	wantWaiting("calendar, after one is done", integration.GoogleCalendar, "calendar")
	wantWaiting("whatsapp, after the other is done", integration.WhatsApp, "both", "whatsapp")

	delete(both.Deliveries, integration.WhatsApp)
	commit(t, s, both)
	wantWaiting("whatsapp, after one is gone", integration.WhatsApp, "whatsapp")
}

// set turns a list into a set, and reports what is in the list twice.
func set[T comparable](t *testing.T, list []T) map[T]bool {
	t.Helper()
	out := map[T]bool{}
	for _, v := range list {
		if out[v] {
			t.Errorf("%v is in the list twice", v)
		}
		out[v] = true
	}
	return out
}

// testListWhileAdding reads pages while others add: what was there comes once,
// in order, whatever is added before or behind the place read.
func testListWhileAdding(t *testing.T, s store.Store) {
	at := func(hour int) *store.Booking {
		return newBooking("2", booking.ID(fmt.Sprintf("%03d", hour)), base().Add(time.Duration(hour)*time.Hour))
	}
	for hour := 10; hour <= 50; hour += 10 {
		commit(t, s, at(hour))
	}
	var got []booking.ID
	for cursor, n := "", 1; ; n++ {
		p := get[store.Page[*store.Booking]](t)(s.ListBookings(t.Context(), "2", store.Query{Cursor: cursor, Limit: 2}))
		got = append(got, ids(p.Items)...)
		if cursor = p.Next; cursor == "" {
			break
		}
		commit(t, s, at(60+n)) // ahead of all
		if n == 1 {
			commit(t, s, at(15)) // among those still to come
		}
	}
	equal(t, "list", got, []booking.ID{"050", "040", "030", "020", "015", "010"})
}

func testListRefusals(t *testing.T, s store.Store) {
	ctx := t.Context()
	for i := range 3 {
		commit(t, s, newBooking("2", booking.ID(strconv.Itoa(i)), base()))
	}
	for name, q := range map[string]store.Query{
		"by start": {Limit: 1}, "ends after": {Limit: 1, EndsAfter: base()}, "waiting": {Limit: 1, Waiting: integration.WhatsApp},
	} {
		wantRefused(t, name, func(cursor string) error {
			q.Cursor = cursor
			_, err := s.ListBookings(ctx, "2", q)
			return err
		})
	}
	wantRefused(t, "activity", func(cursor string) error {
		_, err := s.ListActivity(ctx, "2", cursor, 1)
		return err
	})
	wantRefused(t, "owed", func(cursor string) error {
		_, err := s.OwedConnections(ctx, integration.WhatsApp, cursor, 1)
		return err
	})
	_, err := s.ListBookings(ctx, "2", store.Query{EndsAfter: base(), Waiting: integration.WhatsApp, Limit: 1})
	wantError(t, "two selections", err, fault.ErrInvalid)
	_, err = s.ListBookings(ctx, "2", store.Query{})
	wantError(t, "no limit", err, fault.ErrInvalid)

	p := get[store.Page[*store.Booking]](t)(s.ListBookings(ctx, "2", store.Query{Limit: 1}))
	_, err = s.ListBookings(ctx, "2", store.Query{Cursor: p.Next, Limit: 1, EndsAfter: base()})
	wantError(t, "another query's cursor", err, fault.ErrInvalid)
}

func dueAt(company booking.CompanyID, id booking.ID, at time.Time) *store.Booking {
	b := newBooking(company, id, base())
	b.NextAttemptAt = at
	return b
}

func testDue(t *testing.T, s store.Store) {
	now := base()
	commit(t, s,
		dueAt("2", "third", now.Add(-time.Second)),
		dueAt("3", "first", now.Add(-time.Hour)),
		dueAt("2", "now", now),
		dueAt("2", "not yet", now.Add(time.Microsecond)),
		dueAt("1", "second", now.Add(-time.Minute)),
		newBooking("2", "never", now))
	want := []store.Key{{Company: "3", Booking: "first"}, {Company: "1", Booking: "second"}, {Company: "2", Booking: "third"}, {Company: "2", Booking: "now"}}
	for limit := 1; limit <= 10; limit++ {
		got := get[[]store.Key](t)(s.DueBookings(t.Context(), now, limit))
		equal(t, fmt.Sprintf("due, at most %d", limit), got, want[:min(limit, len(want))])
	}
	got := get[[]store.Key](t)(s.DueBookings(t.Context(), now.Add(-2*time.Hour), 10))
	if len(got) != 0 {
		t.Errorf("due before anything is: %v", got)
	}
}

func testDueChanges(t *testing.T, s store.Store) {
	a, b := dueAt("2", "a", base()), dueAt("2", "b", base().Add(time.Second))
	commit(t, s, a, b)
	wantDue := func(when string, want ...store.Key) {
		t.Helper()
		equal(t, when, get[[]store.Key](t)(s.DueBookings(t.Context(), base().Add(time.Hour), 10)), want)
	}
	keyA, keyB := store.Key{Company: "2", Booking: "a"}, store.Key{Company: "2", Booking: "b"}
	wantDue("at first", keyA, keyB)
	a.NextAttemptAt = base().Add(time.Minute)
	commit(t, s, a)
	wantDue("after one was put off", keyB, keyA)
	b.NextAttemptAt = time.Time{}
	commit(t, s, b)
	wantDue("after one was cleared", keyA)
	stale := *b
	stale.Version, stale.NextAttemptAt = "", base()
	wantError(t, "stale commit", s.CommitBooking(t.Context(), &stale), fault.ErrConflict)
	wantDue("after a commit that failed", keyA)
	a.NextAttemptAt = base().Add(2 * time.Hour)
	commit(t, s, a)
	wantDue("after the last was put off")
}
