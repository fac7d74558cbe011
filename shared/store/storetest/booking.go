package storetest

import (
	"testing"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

// fullBooking has something in every field.
func fullBooking(t *testing.T) *store.Booking {
	t.Helper()
	b := &store.Booking{}
	fill(b)
	bogota, err := booking.LoadZone("America/Bogota")
	must(t, err)
	b.Booking.TimeZone = "America/Bogota"
	b.Booking.Start, b.Booking.End = b.Booking.Start.In(bogota), b.Booking.End.In(bogota)
	b.State = booking.Reserved
	for id, d := range b.Deliveries {
		d.Status, d.Receipt.Status = integration.Failed, integration.ReceiptRead
		b.Deliveries[id] = d
	}
	b.Version = ""
	return b
}

func testBookingFields(t *testing.T, s store.Store) {
	want := fullBooking(t)
	commit(t, s, want)
	equal(t, "booking", read(t, s, want.Company, want.Booking.ID), want)

	// Nothing of an earlier state stays behind.
	bare := newBooking(want.Company, want.Booking.ID, base())
	bare.Version = want.Version
	commit(t, s, bare)
	got := read(t, s, want.Company, want.Booking.ID)
	equal(t, "booking overwritten", got, bare)
	if got.Deliveries == nil {
		t.Error("Deliveries is nil: it must be a map that can be written to")
	}
}

func testBookingPrecondition(t *testing.T, s store.Store) {
	ctx := t.Context()
	first := newBooking("2", "981", base())
	commit(t, s, first)
	if first.Version == "" {
		t.Fatal("no version was set")
	}

	again := newBooking("2", "981", base())
	wantError(t, "create twice", s.CommitBooking(ctx, again), fault.ErrConflict)
	if again.Version != "" {
		t.Errorf("a failed commit set version %q", again.Version)
	}

	stale := *first
	first.Revision = 2
	commit(t, s, first)
	if first.Version == stale.Version {
		t.Errorf("an update left version %q", first.Version)
	}
	stale.Revision = 3
	wantError(t, "stale update", s.CommitBooking(ctx, &stale), fault.ErrConflict)
	equal(t, "booking", read(t, s, "2", "981"), first)

	missing := newBooking("2", "982", base())
	missing.Version = first.Version
	wantError(t, "update of a missing one", s.CommitBooking(ctx, missing), fault.ErrConflict)
	odd := newBooking("2", "981", base())
	odd.Version = "no version"
	wantError(t, "update with an odd version", s.CommitBooking(ctx, odd), fault.ErrConflict)
	if b := read(t, s, "2", "982"); b != nil {
		t.Errorf("a refused update made a record: %+v", b)
	}
}

func testBookingTimes(t *testing.T, s store.Store) {
	tests := []struct{ name, zone, start string }{
		{"utc", "UTC", "2026-12-01T10:00:00Z"},
		{"behind utc", "America/Bogota", "2026-12-01T10:00:00-05:00"},
		{"other day in utc", "Pacific/Auckland", "2026-12-01T00:30:00+13:00"},
		{"summer", "Europe/Madrid", "2026-07-01T10:00:00+02:00"},
		{"first of an hour that comes twice", "America/New_York", "2026-11-01T01:30:00-04:00"},
		{"second of an hour that comes twice", "America/New_York", "2026-11-01T01:30:00-05:00"},
		{"just after a gap", "America/New_York", "2026-03-08T03:00:00-04:00"},
		{"over a change", "Europe/Madrid", "2026-03-29T01:30:00+01:00"},
		{"offset", "-05:00", "2026-12-01T10:00:00-05:00"},
		{"half-hour offset", "+05:30", "2026-12-01T10:00:00+05:30"},
		{"microseconds", "+05:30", "2026-12-01T10:00:00.000001+05:30"},
		{"before 1970", "Europe/Madrid", "1969-12-31T23:59:59.999999+01:00"},
		{"1970", "UTC", "1970-01-01T00:00:00Z"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			start := get[time.Time](t)(time.Parse(time.RFC3339Nano, tt.start))
			loc := get[*time.Location](t)(booking.LoadZone(tt.zone))
			b := newBooking("2", booking.ID(tt.name), start)
			b.Booking.TimeZone = tt.zone
			b.Booking.Start, b.Booking.End = start.In(loc), start.In(loc).Add(time.Hour)
			commit(t, s, b)
			got := read(t, s, "2", b.Booking.ID).Booking
			equal(t, "start", got.Start.Format(time.RFC3339Nano), tt.start)
			equal(t, "end", got.End.Format(time.RFC3339Nano), b.Booking.End.Format(time.RFC3339Nano))
			if got.Start != b.Booking.Start {
				t.Errorf("start is in location %v, want that of booking.LoadZone", got.Start.Location())
			}
		})
	}
	t.Run("cut to microseconds in utc", func(t *testing.T) {
		b := newBooking("2", "cut", base())
		fine := base().Add(999 * time.Nanosecond).In(time.FixedZone("", 3600))
		b.At, b.NextAttemptAt, b.History = fine, fine, []store.Step{{At: fine, Kind: "confirmed"}}
		b.Deliveries[integration.WhatsApp] = integration.Delivery{
			Status: integration.Done, Lease: integration.Lease{Until: fine}, UpdatedAt: fine,
			Sent:    integration.Sent{Announced: integration.Message{Start: fine}, Told: integration.Message{Start: fine}},
			Receipt: integration.Receipt{At: fine},
		}
		commit(t, s, b)
		got := read(t, s, "2", "cut")
		d := got.Deliveries[integration.WhatsApp]
		for i, at := range []time.Time{got.At, got.NextAttemptAt, got.History[0].At, d.Lease.Until, d.UpdatedAt, d.Sent.Announced.Start, d.Sent.Told.Start, d.Receipt.At} {
			if at != base() { // == and not Equal: the location counts as well
				t.Errorf("time %d is %#v, want %#v", i, at, base())
			}
		}
	})
}

// testBookingTombstone stores what is known of a booking whose deletion was
// the first that was heard of it.
func testBookingTombstone(t *testing.T, s store.Store) {
	b := &store.Booking{
		Company: "2", Booking: booking.Booking{ID: "981"}, State: booking.Deleted, At: base(), Revision: 1,
		Deliveries: map[integration.ID]integration.Delivery{},
	}
	commit(t, s, b)
	got := read(t, s, "2", "981")
	equal(t, "tombstone", got, b)
	for name, at := range map[string]time.Time{
		"start": got.Booking.Start, "end": got.Booking.End,
		"next attempt": got.NextAttemptAt, "expiry": got.ExpireAt, "creation": got.CreatedAt,
	} {
		if !at.IsZero() || at != (time.Time{}) {
			t.Errorf("%s is %#v, want the zero time", name, at)
		}
	}
	list := get[store.Page[*store.Booking]](t)(s.ListBookings(t.Context(), "2", store.Query{EndsAfter: base().AddDate(-50, 0, 0), Limit: 10}))
	if len(list.Items) != 0 {
		t.Errorf("a booking without times is among those that end after a time: %v", ids(list.Items))
	}

	// It is listed with the others, after them, also where a page ends at it.
	more := &store.Booking{Company: "2", Booking: booking.Booking{ID: "982"}, State: booking.Deleted, At: base(), Revision: 1}
	commit(t, s, more, newBooking("2", "long ago", time.Date(1950, 1, 1, 0, 0, 0, 0, time.UTC)))
	all := ids(pages(t, 1, func(cursor string) (store.Page[*store.Booking], error) {
		return s.ListBookings(t.Context(), "2", store.Query{Cursor: cursor, Limit: 1})
	}))
	equal(t, "bookings, those without times last", set(t, all[min(1, len(all)):]), map[booking.ID]bool{"981": true, "982": true})
}

// testUnknownWords writes what could not be read again.
func testUnknownWords(t *testing.T, s store.Store) {
	for name, change := range map[string]func(*store.Booking){
		"state": func(b *store.Booking) { b.State = "postponed" },
		"delivery": func(b *store.Booking) {
			b.Deliveries[integration.WhatsApp] = integration.Delivery{Status: "lost"}
		},
		"receipt": func(b *store.Booking) {
			b.Deliveries[integration.WhatsApp] = integration.Delivery{
				Status: integration.Done, Receipt: integration.Receipt{Status: "carried by a pigeon"},
			}
		},
		"zone": func(b *store.Booking) { b.Booking.TimeZone = "Moon/Tranquility" },
		"year": func(b *store.Booking) { b.Booking.End = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
	} {
		b := newBooking("2", "981", base())
		change(b)
		wantError(t, "unknown "+name, s.CommitBooking(t.Context(), b), fault.ErrInvalid)
	}
	if b := read(t, s, "2", "981"); b != nil {
		t.Errorf("a refused booking is stored: %+v", b)
	}
	c := newConnection(integration.WhatsApp)
	c.Status = "undecided"
	wantError(t, "unknown status", s.PutConnection(t.Context(), "2", c), fault.ErrInvalid)
}

func testSnapshot(t *testing.T, s store.Store) {
	ctx := t.Context()
	c := &store.Company{Company: integration.Company{ID: "2", Name: "Salón Sol", TimeZone: "America/Bogota"}}
	must(t, s.PutCompany(ctx, c))
	conn := newConnection(integration.GoogleCalendar)
	must(t, s.PutConnection(ctx, "2", conn))
	b := newBooking("2", "981", base())
	commit(t, s, b)

	snap := get[store.Snapshot](t)(s.ReadBooking(ctx, "2", "981", integration.GoogleCalendar, integration.WhatsApp))
	equal(t, "snapshot", snap, store.Snapshot{
		Booking: b, Company: *c,
		Connections: map[integration.ID]integration.Connection{
			integration.GoogleCalendar: *conn,
			integration.WhatsApp:       store.DefaultConnection(integration.WhatsApp),
		},
	})
	snap = get[store.Snapshot](t)(s.ReadBooking(ctx, "2", "981"))
	if len(snap.Connections) != 0 {
		t.Errorf("connections that were not asked for: %v", snap.Connections)
	}
}

func testContextEnded(t *testing.T, s store.Store) {
	ctx, cancel := contextEnded(t)
	defer cancel()
	if err := s.CommitBooking(ctx, newBooking("2", "981", base())); err == nil {
		t.Error("CommitBooking took a context that has ended")
	}
	if _, err := s.ReadBooking(ctx, "2", "981"); err == nil {
		t.Error("ReadBooking took a context that has ended")
	}
	if b := read(t, s, "2", "981"); b != nil {
		t.Error("a booking was stored under a context that had ended")
	}
}
