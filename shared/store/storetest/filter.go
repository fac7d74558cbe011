package storetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

// names are customers' names: some are the beginning of others, some differ
// only by case, marks or white space, and some lie at the ends of what a text
// can be.
func names() []string {
	return []string{
		"", "Ana", "ana", "ÁNA", "An\u0303a", "Ana Ruiz", " ana \t ruíz ", "Anabel", "Añá", "O'Brien", "Łukasz", "ŁUKASZ", "Ø",
		"z", "Zz", "日本太郎", "日本", "🦊 Zorro", "\u0301", " ", "a\x00b", "a\x00", "a\x01", "%", "/", "\uffff", "\ue000", "\ud7ff", "\U00010000",
		"\U0010ffff", "\U0010ffff\U0010ffff", "\U0010ffffa", strings.Repeat("Ana ", 100), strings.Repeat("Ana ", 100) + "x",
	}
}

// beginnings are what is asked for.
func beginnings() []string {
	return append(names(), "a", "AN", "Ana R", "Ana ruiz x", "n", "o'", "日", "🦊", "q", "\ufffe", strings.Repeat("ana ", 80))
}

func phones() []string {
	return []string{"", "+573001112233", "+57300111223", "+573001112233 ", "300 111", "ñ", "\uffff", "+\x00", "+"}
}

// dice make bookings and filters by chance, the same each time.
type dice struct{ *rand.Rand }

func newDice() dice { return dice{rand.New(rand.NewPCG(50_000, 1))} } //nolint:gosec // chance, no secret

func pick[T any](d dice, of []T) T { return of[d.IntN(len(of))] }

func (d dice) state() booking.Kind {
	return pick(d, []booking.Kind{booking.Reserved, booking.Confirmed, booking.Deleted})
}

func (d dice) status() integration.DeliveryStatus {
	return pick(d, []integration.DeliveryStatus{
		integration.Pending, integration.Done, integration.Waiting, integration.Failed, integration.Skipped,
	})
}

// asked is a status that a filter may ask for.
func (d dice) asked() integration.DeliveryStatus {
	if d.IntN(6) == 0 {
		return store.Gone
	}
	return d.status()
}

// start is one of few, so that some are the same.
func (d dice) start() time.Time { return base().Add(time.Duration(d.IntN(9)) * time.Hour) }

func (d dice) change(b *store.Booking) {
	b.State, b.Booking.Start = d.state(), d.start()
	if b.State == booking.Deleted && d.IntN(2) == 0 {
		b.Booking.Start = time.Time{} // as one whose deletion was the first that was heard of it
	}
	b.Booking.Customer = booking.Customer{Name: pick(d, names()), Phone: pick(d, phones())}
	clear(b.Deliveries)
	for _, id := range []integration.ID{integration.GoogleCalendar, integration.WhatsApp} {
		if d.IntN(3) > 0 {
			b.Deliveries[id] = integration.Delivery{Status: d.status(), Detail: pick(d, []string{"", "", integration.DetailGone})}
		}
	}
}

func (d dice) filter() store.Filter {
	var f store.Filter
	if d.IntN(2) == 0 {
		f.State = d.state()
	}
	if d.IntN(2) == 0 {
		f.Integration, f.Status = pick(d, []integration.ID{integration.GoogleCalendar, integration.WhatsApp}), d.asked()
	}
	fine := []time.Duration{0, 0, time.Nanosecond, -time.Nanosecond, time.Microsecond, -time.Microsecond}
	if d.IntN(3) == 0 {
		f.From = d.start().Add(pick(d, fine)).In(time.FixedZone("", 3600))
	}
	if d.IntN(3) == 0 {
		f.Until = d.start().Add(pick(d, fine))
	}
	switch d.IntN(3) {
	case 0:
		f.Phone = pick(d, phones())
	case 1:
		for f.Name = pick(d, beginnings()); f.Name != "" && store.NameKey(f.Name) == ""; {
			f.Name = pick(d, beginnings())
		}
	}
	return f
}

// lets is what a filter lets through, by its words.
func lets(f store.Filter, b *store.Booking) bool {
	status := b.Deliveries[f.Integration].Status
	switch {
	case status == "":
		status = integration.Skipped
	case status == integration.Done && b.Deliveries[f.Integration].Detail == integration.DetailGone:
		status = store.Gone
	}
	start, name := b.Booking.Start, store.NameKey(b.Booking.Customer.Name)
	return (f.State == "" || b.State == f.State) &&
		(f.Status == "" || status == f.Status) &&
		(f.From.IsZero() || !start.IsZero() && !start.Before(f.From)) &&
		(f.Until.IsZero() || !start.IsZero() && start.Before(f.Until)) &&
		(f.Phone == "" || b.Booking.Customer.Phone == f.Phone) &&
		(f.Name == "" || name != "" && strings.HasPrefix(name, store.NameKey(f.Name)))
}

// follows reports whether a booking may come after another in a filter's list.
func follows(f store.Filter, a, b *store.Booking) bool {
	if f.Name != "" {
		if c := strings.Compare(store.NameKey(a.Booking.Customer.Name), store.NameKey(b.Booking.Customer.Name)); c != 0 {
			return c < 0
		}
	}
	return !b.Booking.Start.After(a.Booking.Start)
}

// testFilters compares what filters let through with what they should, and
// again when the bookings have changed.
func testFilters(t *testing.T, s store.Store) {
	d := newDice()
	var bs []*store.Booking
	for i := range 90 {
		b := newBooking("2", booking.ID(strconv.Itoa(i)), base())
		d.change(b)
		neighbour := *b
		neighbour.Company = pick(d, []booking.CompanyID{"1", "2 ", "20", "3"})
		commit(t, s, b, &neighbour)
		bs = append(bs, b)
	}
	found := 0
	check := func() {
		for range 120 {
			found += checkFilter(t, s, bs, d.filter(), 1+d.IntN(9))
		}
		for _, name := range beginnings() {
			if store.NameKey(name) != "" {
				found += checkFilter(t, s, bs, store.Filter{Name: name}, 4)
			}
		}
	}
	check()
	for range 60 {
		b := pick(d, bs)
		d.change(b)
		commit(t, s, b)
	}
	check()
	if found < 1000 {
		t.Errorf("all filters together let %d bookings through: they prove nothing", found)
	}
}

// checkFilter reads a filter's list, and returns how many it should have.
func checkFilter(t *testing.T, s store.Store, of []*store.Booking, f store.Filter, limit int) (n int) {
	t.Helper()
	want := map[booking.ID]bool{}
	for _, b := range of {
		if lets(f, b) {
			want[b.Booking.ID] = true
		}
	}
	list := listFiltered(t, s, f, limit)
	equal(t, fmt.Sprintf("filter %+v", f), set(t, ids(list)), want)
	for i := 1; i < len(list); i++ {
		if a, b := list[i-1], list[i]; !follows(f, a, b) {
			t.Errorf("filter %+v: %q of %v is followed by %q of %v", f,
				a.Booking.Customer.Name, a.Booking.Start, b.Booking.Customer.Name, b.Booking.Start)
		}
	}
	return len(want)
}

func listFiltered(t *testing.T, s store.Store, f store.Filter, limit int) []*store.Booking {
	t.Helper()
	return pages(t, limit, func(cursor string) (store.Page[*store.Booking], error) {
		return s.ListBookings(t.Context(), "2", store.Query{Filter: f, Cursor: cursor, Limit: limit})
	})
}

// everyFilter has one of each kind, each of which lets testFilterPages'
// bookings through.
func everyFilter() map[string]store.Filter {
	state := store.Filter{State: booking.Confirmed}
	delivery := store.Filter{Integration: integration.WhatsApp, Status: integration.Skipped}
	both := delivery
	both.State = booking.Confirmed
	fs := map[string]store.Filter{}
	for what, f := range map[string]store.Filter{"all": {}, "state": state, "delivery": delivery, "both": both} {
		for _, dates := range []string{"", " from", " until", " between"} {
			g := f
			if dates == " from" || dates == " between" {
				g.From = base()
			}
			if dates == " until" || dates == " between" {
				g.Until = base().AddDate(0, 0, 1)
			}
			fs[what+dates] = g
			g.Phone = "+573001112233"
			fs[what+dates+" phone"] = g
			g.Phone, g.Name = "", "an"
			fs[what+dates+" name"] = g
		}
	}
	return fs
}

// testFilterPages reads by each kind of filter, in pages of every size, a list
// that has equal names and starts.
func testFilterPages(t *testing.T, s store.Store) {
	var bs []*store.Booking
	for i := range 8 {
		b := newBooking("2", booking.ID(strconv.Itoa(i)), base().Add(time.Duration(i/3)*time.Hour))
		b.Booking.Customer = booking.Customer{Name: []string{"Ana", "ANÁ", "Anabel"}[i%3], Phone: "+573001112233"}
		bs = append(bs, b)
	}
	early, late, other := newBooking("2", "early", base().AddDate(0, 0, -1)), newBooking("2", "late", base().AddDate(0, 0, 1)), newBooking("2", "other", base())
	for _, b := range []*store.Booking{early, late} {
		b.Booking.Customer = bs[0].Booking.Customer
	}
	other.State, other.Deliveries[integration.WhatsApp] = booking.Reserved, integration.Delivery{Status: integration.Done}
	other.Booking.Customer = booking.Customer{Name: "Bea", Phone: "+57300111223"}
	bs = append(bs, early, late, other)
	commit(t, s, bs...)
	for what, f := range everyFilter() {
		t.Run(what, func(t *testing.T) {
			for limit := 1; limit <= len(bs)+1; limit++ {
				checkFilter(t, s, bs, f, limit)
			}
			equal(t, "a booking", find(listFiltered(t, s, f, 20), "3"), bs[3])
		})
	}
}

func find(bs []*store.Booking, id booking.ID) *store.Booking {
	if i := slices.Index(ids(bs), id); i >= 0 {
		return bs[i]
	}
	return nil
}

// testFilterCursors hands each filter's cursor to each other one, which
// refuses it, and to another company, where it leads to nothing but its own.
func testFilterCursors(t *testing.T, s store.Store) {
	for _, company := range []booking.CompanyID{"2", "3"} {
		for i := range 3 {
			b := newBooking(company, booking.ID(strconv.Itoa(i)), base())
			b.Booking.Customer = booking.Customer{Name: "Ana", Phone: "+573001112233"}
			commit(t, s, b)
		}
	}
	page := func(company booking.CompanyID, f store.Filter, cursor string) (store.Page[*store.Booking], error) {
		return s.ListBookings(t.Context(), company, store.Query{Filter: f, Cursor: cursor, Limit: 1})
	}
	for what, f := range everyFilter() {
		cursor := get[store.Page[*store.Booking]](t)(page("2", f, "")).Next
		if cursor == "" {
			t.Fatalf("%s: no cursor", what)
		}
		for other, g := range everyFilter() {
			if _, err := page("2", g, cursor); other != what {
				wantError(t, "the cursor of "+what+" for "+other, err, fault.ErrInvalid)
			}
		}
		p, _ := page("3", f, cursor)
		for _, b := range p.Items {
			if b.Company != "3" {
				t.Errorf("%s: company 3 sees a booking of %q", what, b.Company)
			}
		}
		wantRefused(t, what, func(cursor string) error {
			_, err := page("2", f, cursor)
			return err
		})
	}
}

func testFilterRefusals(t *testing.T, s store.Store) {
	for what, q := range map[string]store.Query{
		"a status without integration":  {Filter: store.Filter{Status: integration.Done}},
		"an integration without status": {Filter: store.Filter{Integration: integration.WhatsApp}},
		"an unknown integration":        {Filter: store.Filter{Integration: "pigeon", Status: integration.Done}},
		"an unknown status":             {Filter: store.Filter{Integration: integration.WhatsApp, Status: "lost"}},
		"an unknown state":              {Filter: store.Filter{State: "postponed"}},
		"a phone and a name":            {Filter: store.Filter{Phone: "+57", Name: "Ana"}},
		"a name that is nothing":        {Filter: store.Filter{Name: " \u0301"}},
		"a phone too long":              {Filter: store.Filter{Phone: strings.Repeat("1", booking.MaxPhone+1)}},
		"a year too late":               {Filter: store.Filter{From: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}},
		"a year too early":              {Filter: store.Filter{Until: time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC)}},
		"filter and end":                {Filter: store.Filter{State: booking.Confirmed}, EndsAfter: base()},
		"filter and waiting":            {Filter: store.Filter{State: booking.Confirmed}, Waiting: integration.WhatsApp},
	} {
		q.Limit = 1
		_, err := s.ListBookings(t.Context(), "2", q)
		wantError(t, what, err, fault.ErrInvalid)
	}
}
