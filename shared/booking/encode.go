package booking

import (
	"encoding/json"
	"fmt"
	"time"
)

// message is an event in its JSON form; see [Decode].
type message struct {
	Type      string      `json:"type"`
	Timestamp string      `json:"timestamp"`
	Data      messageData `json:"data"`
}

type messageData struct {
	Company CompanyID      `json:"company_id"`
	Booking messageBooking `json:"booking"`
}

type messageBooking struct {
	ID       ID               `json:"id"`
	Service  string           `json:"service,omitempty"`
	Start    string           `json:"start,omitempty"`
	End      string           `json:"end,omitempty"`
	TimeZone string           `json:"time_zone,omitempty"`
	Customer *messageCustomer `json:"customer,omitempty"`
	Staff    string           `json:"staff,omitempty"`
	Location string           `json:"location,omitempty"`
	Notes    string           `json:"notes,omitempty"`
	URL      string           `json:"url,omitempty"`
}

type messageCustomer struct {
	Name  string `json:"name,omitempty"`
	Phone string `json:"phone,omitempty"`
	Email string `json:"email,omitempty"`
}

// Encode writes an event as [Decode] reads it: of a valid event, Decode makes
// the same again. It fails if the kind or the time zone is unknown; beyond that
// it does not check what it writes.
func Encode(e Event) ([]byte, error) {
	if e.Kind.rank() == 0 {
		return nil, fmt.Errorf("encode event of booking %q: unknown kind %q", e.Booking.ID, e.Kind)
	}
	b := messageBooking{ID: e.Booking.ID}
	if e.Kind != Deleted {
		loc, err := LoadZone(e.Booking.TimeZone)
		if err != nil {
			return nil, fmt.Errorf("encode event of booking %q: %w", e.Booking.ID, err)
		}
		b = contentOf(e.Booking)
		b.Start, b.End = wallClock(e.Booking.Start, loc), wallClock(e.Booking.End, loc)
		if _, isOffset := parseOffset(b.TimeZone); isOffset {
			b.Start, b.End = e.Booking.Start.In(loc).Format(time.RFC3339Nano), e.Booking.End.In(loc).Format(time.RFC3339Nano)
			b.TimeZone = ""
		}
	}
	return json.Marshal(message{
		Type:      e.Kind.EventType(),
		Timestamp: e.At.UTC().Format(time.RFC3339Nano),
		Data:      messageData{Company: e.Company, Booking: b},
	})
}

// contentOf returns all of a booking but its times.
func contentOf(b Booking) messageBooking {
	m := messageBooking{
		ID: b.ID, Service: b.Service, TimeZone: b.TimeZone,
		Staff: b.Staff, Location: b.Location, Notes: b.Notes, URL: b.URL,
	}
	if c := messageCustomer(b.Customer); c != (messageCustomer{}) {
		m.Customer = &c
	}
	return m
}

// wallClock writes a time as the zone's clocks show it, and with its offset
// where that alone would be read as another instant: in the second of the hours
// that exist twice.
func wallClock(t time.Time, loc *time.Location) string {
	t = t.In(loc)
	_, offset := t.Zone()
	wall := t.Add(time.Duration(offset) * time.Second).UTC()
	if read, ok := atWallClock(wall, loc); !ok || !read.Equal(t) {
		return t.Format(time.RFC3339Nano)
	}
	return wall.Format("2006-01-02T15:04:05.999999999")
}

// Canonical writes a booking in the one form that orders bookings told at the
// same time: JSON with the fields in a fixed order, empty ones left out, and
// times in UTC, so that it depends on no time zone database.
func Canonical(b Booking) []byte {
	m := contentOf(b)
	m.Start, m.End = b.Start.UTC().Format(time.RFC3339Nano), b.End.UTC().Format(time.RFC3339Nano)
	data, err := json.Marshal(m)
	if err != nil { // strings alone always marshal
		panic(err)
	}
	return data
}
