// Package storetest tests that a backend is a [store.Store]. A backend's own
// test calls [Run] and [RunConcurrent] with a factory, and adds what only it
// can do.
//
// Nothing here depends on the wall clock: what expires, expires because the
// test passes a later time.
package storetest

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

// test is one part of a suite.
type test struct {
	name string
	run  func(*testing.T, store.Store)
}

// Run tests what each method promises to one caller at a time. The factory
// returns an empty store each time it is called, and clears it away when the
// test ends.
func Run(t *testing.T, open func(*testing.T) store.Store) {
	t.Helper()
	runAll(t, open, []test{
		{"Defaults", testDefaults},
		{"BookingFields", testBookingFields},
		{"BookingPrecondition", testBookingPrecondition},
		{"BookingTimes", testBookingTimes},
		{"BookingTombstone", testBookingTombstone},
		{"UnknownWords", testUnknownWords},
		{"Snapshot", testSnapshot},
		{"CompanyFields", testCompanyFields},
		{"CompanyPrecondition", testCompanyPrecondition},
		{"ConnectionFields", testConnectionFields},
		{"ConnectionPrecondition", testConnectionPrecondition},
		{"ConnectionEmptied", testConnectionEmptied},
		{"EntryFields", testEntryFields},
		{"EntryPrecondition", testEntryPrecondition},
		{"ListByStart", testListByStart},
		{"ListEndsAfter", testListEndsAfter},
		{"ListWaiting", testListWaiting},
		{"ListWhileAdding", testListWhileAdding},
		{"ListRefusals", testListRefusals},
		{"Filters", testFilters},
		{"FilterPages", testFilterPages},
		{"FilterCursors", testFilterCursors},
		{"FilterRefusals", testFilterRefusals},
		{"Due", testDue},
		{"DueChanges", testDueChanges},
		{"Owed", testOwed},
		{"Stale", testStale},
		{"Unchecked", testUnchecked},
		{"Notices", testNotices},
		{"DeleteCompany", testDeleteCompany},
		{"Holders", testHolders},
		{"ActivityFields", testActivityFields},
		{"ActivityOrder", testActivityOrder},
		{"ActivityWithConnection", testActivityWithConnection},
		{"ActivityWithCompany", testActivityWithCompany},
		{"State", testState},
		{"StateExpiry", testStateExpiry},
		{"Link", testLink},
		{"LinkExpiry", testLinkExpiry},
		{"TenantBookings", testTenantBookings},
		{"TenantConnections", testTenantConnections},
		{"TenantCursor", testTenantCursor},
		{"OddKeys", testOddKeys},
		{"ContextEnded", testContextEnded},
	})
}

// RunConcurrent tests what each method promises to callers that come at the
// same time. The factory is as for [Run].
func RunConcurrent(t *testing.T, open func(*testing.T) store.Store) {
	t.Helper()
	runAll(t, open, []test{
		{"CreateOnce", testCreateOnce},
		{"UpdateOnce", testUpdateOnce},
		{"Increments", testIncrements},
		{"ConnectionIncrements", testConnectionIncrements},
		{"ManyBookings", testManyBookings},
		{"TakeOnce", testTakeOnce},
		{"UseOnce", testUseOnce},
		{"WholeSnapshots", testWholeSnapshots},
	})
}

func runAll(t *testing.T, open func(*testing.T) store.Store, tests []test) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { tt.run(t, open(t)) })
	}
}

// base is when the tests take place.
func base() time.Time { return time.Date(2026, time.November, 23, 15, 4, 5, 123456000, time.UTC) }

// must stops the test if a call that prepares it failed.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// get stops the test if a call that prepares it failed, and returns what it
// returned otherwise.
func get[T any](t *testing.T) func(v T, err error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		must(t, err)
		return v
	}
}

func wantError(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: error %v, want %v", what, err, want)
	}
}

func equal[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", what, diff)
	}
}

// newBooking is an hour's booking, confirmed and with nothing due.
func newBooking(company booking.CompanyID, id booking.ID, start time.Time) *store.Booking {
	return &store.Booking{
		Company: company,
		Booking: booking.Booking{
			ID: id, Service: "Corte", Start: start.UTC(), End: start.UTC().Add(time.Hour), TimeZone: "UTC",
		},
		State: booking.Confirmed, At: base(), Revision: 1,
		Deliveries: map[integration.ID]integration.Delivery{},
		CreatedAt:  base(), UpdatedAt: base(),
	}
}

// commit stores the bookings, in order.
func commit(t *testing.T, s store.Store, bs ...*store.Booking) {
	t.Helper()
	for _, b := range bs {
		must(t, s.CommitBooking(t.Context(), b))
	}
}

// read returns the stored booking, nil for none.
func read(t *testing.T, s store.Store, company booking.CompanyID, id booking.ID) *store.Booking {
	t.Helper()
	return get[store.Snapshot](t)(s.ReadBooking(t.Context(), company, id)).Booking
}

func newConnection(id integration.ID) *integration.Connection {
	return &integration.Connection{ID: id, Enabled: true, Status: integration.Connected, CreatedAt: base(), UpdatedAt: base()}
}

// ids are the ids of the bookings, in order.
func ids(bs []*store.Booking) []booking.ID {
	var out []booking.ID
	for _, b := range bs {
		out = append(out, b.Booking.ID)
	}
	return out
}

// pages reads a list to its end, and checks the pages' sizes.
func pages[T any](t *testing.T, limit int, list func(cursor string) (store.Page[T], error)) []T {
	t.Helper()
	var all []T
	for cursor := ""; ; {
		p := get[store.Page[T]](t)(list(cursor))
		all = append(all, p.Items...)
		if p.Next == "" {
			return all
		}
		if len(p.Items) != limit {
			t.Fatalf("a page of %d that is not the last has %d items", limit, len(p.Items))
		}
		if cursor = p.Next; len(all) > 1000 {
			t.Fatal("the list does not end")
		}
	}
}

// fill sets every field that a struct has, at any depth, to a value of its
// own, so that a field that a backend does not store is missed.
func fill(v any) { (&filler{}).fill(reflect.ValueOf(v).Elem()) }

type filler struct{ n int }

func (f *filler) fill(v reflect.Value) {
	f.n++
	if v.Type() == reflect.TypeFor[time.Time]() {
		v.Set(reflect.ValueOf(base().Add(time.Duration(f.n) * (time.Hour + time.Microsecond))))
		return
	}
	if v.Type() == reflect.TypeFor[time.Duration]() {
		v.SetInt(int64(f.n) * int64(time.Minute)) // finer ones need not be kept
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprintf("text %d", f.n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(f.n))
	case reflect.Uint8:
		v.SetUint(uint64(f.n & 0x7f))
	case reflect.Struct:
		for i := range v.NumField() {
			f.fill(v.Field(i))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		f.fill(v.Index(0))
		f.fill(v.Index(1))
	case reflect.Map:
		f.fillMap(v)
	default:
		panic("storetest: fill does not know " + v.Type().String())
	}
}

func (f *filler) fillMap(v reflect.Value) {
	v.Set(reflect.MakeMap(v.Type()))
	for range 2 {
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		f.fill(key)
		f.fill(value)
		v.SetMapIndex(key, value)
	}
}

// oddCompanies are ids that a careless encoding would let meet.
func oddCompanies() []booking.CompanyID {
	out := []booking.CompanyID{
		"a", "a/b", "a/b/c", "ab", "A", "a%2Fb", "a%2fb", "%", "%%", "%00", ".", "..", "../a", "/", "//", "__a__",
		"a b", " a", "a ", "ñ", "n\u0303", "日本語", "🦊", "\u00ff", "\uffff", `"`, `\`, "a'b", "a,b", "a:b", "1", "01",
	}
	return append(out,
		booking.CompanyID(strings.Repeat("x", 127)), booking.CompanyID(strings.Repeat("x", 128)),
		booking.CompanyID(strings.Repeat("/", 128)), booking.CompanyID(strings.Repeat("🦊", 32)))
}

// unusable are cursors that no store made.
func unusable() []string { return []string{"%", "Zm9v", "AAAA", "\x00", strings.Repeat("A", 300)} }

func wantRefused(t *testing.T, what string, list func(cursor string) error) {
	t.Helper()
	for _, cursor := range unusable() {
		wantError(t, fmt.Sprintf("%s with cursor %q", what, cursor), list(cursor), fault.ErrInvalid)
	}
}
