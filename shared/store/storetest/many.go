package storetest

import (
	"fmt"
	"iter"
	"maps"
	"strconv"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

const manyPhone = "+573001112233"

// ManyBookings are n bookings of company 2, for a backend's test of what a page
// of [ManyFilters] costs: a minute apart, the latest first, of a hundred names.
// However many there are, the same seven hundred begin on a certain day, and
// the last one alone is reserved and refused by the calendar.
func ManyBookings(n int) iter.Seq[*store.Booking] {
	return func(yield func(*store.Booking) bool) {
		for i := range n {
			if !yield(oneOfMany(i, n)) {
				return
			}
		}
	}
}

func oneOfMany(i, n int) *store.Booking {
	b := newBooking("2", booking.ID(strconv.Itoa(i)), base().Add(12*time.Hour-time.Duration(i)*time.Minute))
	b.State = []booking.Kind{booking.Confirmed, booking.Deleted}[i%2]
	b.Booking.Customer = booking.Customer{Name: fmt.Sprintf("Aná %d", i%50), Phone: manyPhone}
	switch i % 3 {
	case 1:
		b.Booking.Customer.Name = fmt.Sprintf("Bea %d", i%50)
	case 2:
		b.Booking.Customer.Phone = fmt.Sprintf("+57300%07d", i)
	}
	b.Deliveries[integration.GoogleCalendar] = integration.Delivery{Status: integration.Done}
	if i == n-1 {
		b.State, b.Booking.Customer.Phone, b.Booking.Customer.Name = booking.Reserved, manyPhone, "Ana"
		b.Deliveries[integration.GoogleCalendar] = integration.Delivery{Status: integration.Failed}
	}
	return b
}

// ManyFilters are filters of each kind: such as let much through, a single
// booking of all, or nothing.
func ManyFilters() map[string]store.Filter {
	fs := everyFilter()
	maps.Copy(fs, map[string]store.Filter{
		"one: state":            {State: booking.Reserved},
		"one: delivery":         {Integration: integration.GoogleCalendar, Status: integration.Failed},
		"one: both":             {State: booking.Reserved, Integration: integration.GoogleCalendar, Status: integration.Failed},
		"one: phone, state":     {State: booking.Reserved, Phone: manyPhone},
		"one: name, state":      {State: booking.Reserved, Name: "a"},
		"one: state, until":     {State: booking.Reserved, Until: base()},
		"none: delivery":        {Integration: integration.WhatsApp, Status: integration.Failed},
		"none: both":            {State: booking.Deleted, Integration: integration.GoogleCalendar, Status: integration.Failed},
		"none: state, from":     {State: booking.Reserved, From: base()},
		"none: phone":           {Phone: "+34600111222"},
		"none: phone, delivery": {Phone: manyPhone, Integration: integration.WhatsApp, Status: integration.Done},
		"none: name":            {Name: "q"},
		"none: name, delivery":  {Name: "ana", Integration: integration.WhatsApp, Status: integration.Done},
		"none: from":            {From: base().AddDate(0, 1, 0)},
		"none: name, from":      {Name: "a", From: base().AddDate(0, 1, 0)},
	})
	return fs
}
