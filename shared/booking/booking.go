// Package booking holds what a booking platform says about its bookings: the
// booking itself and the event that tells of it. It decodes and validates the
// event's JSON and orders events of one booking by platform time.
//
// The package imports nothing but the standard library, so that anything may
// depend on it.
package booking

import (
	"fmt"
	"time"

	_ "time/tzdata" // a time zone must mean the same on a machine without zone files
)

// CompanyID names a company of the booking platform: 1–128 bytes of UTF-8
// without control characters.
type CompanyID string

// ID names a booking within its company, in the same form as [CompanyID].
type ID string

// Kind is what happened to a booking. It is also the booking's state
// afterwards.
type Kind string

// The kinds of event. A [Confirmed] event of a booking that is confirmed
// already is a change of it, for example another hour.
const (
	Reserved  Kind = "reserved"
	Confirmed Kind = "confirmed"
	Deleted   Kind = "deleted"
)

// ParseKind reads an event's type, "booking.confirmed" for example.
func ParseKind(s string) (Kind, error) {
	switch s {
	case "booking.reserved":
		return Reserved, nil
	case "booking.confirmed":
		return Confirmed, nil
	case "booking.deleted":
		return Deleted, nil
	}
	return "", fmt.Errorf("unknown event type %q", s)
}

// EventType is the kind as an event's type: "booking.confirmed" for example.
func (k Kind) EventType() string { return "booking." + string(k) }

// rank orders the kinds of events that happened at the same time.
func (k Kind) rank() int {
	switch k {
	case Deleted:
		return 3
	case Confirmed:
		return 2
	case Reserved:
		return 1
	}
	return 0
}

// Event is one thing that happened to a booking.
type Event struct {
	Kind    Kind
	At      time.Time // when it happened at the platform: UTC, whole microseconds
	Company CompanyID
	Booking Booking // of a Deleted event, only the ID is sure to be there
}

// Booking is an appointment as the platform last described it.
type Booking struct {
	ID       ID
	Service  string
	Start    time.Time // in the location of TimeZone: the wall clock where the appointment is; whole microseconds
	End      time.Time // after Start, in the same location
	TimeZone string    // for LoadZone: an IANA name, or a UTC offset as "-05:00" (RFC 9557) if the platform gave only that
	Customer Customer
	Staff    string
	Location string
	Notes    string
	URL      string // the booking's page at the platform: http or https
}

// Customer is whom the booking is for.
type Customer struct {
	Name  string
	Phone string // E.164 where the webhook could make it so; otherwise as the platform sent it
	Email string
}
