package booking

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"
)

// The longest values that are accepted, in bytes of UTF-8.
const (
	MaxID       = 128
	MaxService  = 500
	MaxName     = 200 // the customer's and the staff's
	MaxPhone    = 50
	MaxEmail    = 254 // RFC 5321, less the angle brackets
	MaxLocation = 1000
	MaxNotes    = 8000
	MaxURL      = 2048
	maxTime     = 64
)

// MaxAhead is how far an event's timestamp may lie in the future: as much as
// two clocks may differ. A later one would win over every true event until its
// time has come.
const MaxAhead = 5 * time.Minute

// Decode reads an event:
//
//	{
//	  "type": "booking.confirmed",
//	  "timestamp": "2026-11-23T15:04:05.123Z",
//	  "data": {
//	    "company_id": "2",
//	    "booking": {
//	      "id": "981",
//	      "service": "Corte de pelo",
//	      "start": "2026-12-01T10:00:00",
//	      "end": "2026-12-01T10:45:00",
//	      "time_zone": "America/Bogota",
//	      "customer": {"name": "Ana Ruiz", "phone": "+573001112233", "email": "ana@example.com"},
//	      "staff": "Luis", "location": "Calle 10 #4-21", "notes": "…", "url": "https://…"
//	    }
//	  }
//	}
//
// Ids are strings or integers; an integer is kept as it is written. Service,
// start and end are required, the fields after time_zone are not; null is the
// same as absent, and unknown fields are ignored. Of a booking.deleted nothing
// but type, timestamp and ids is looked at, so nothing else can keep a
// deletion from being heard.
//
// Start and end are local wall times with an IANA time_zone, or RFC 3339 times
// with an offset. With an offset, time_zone is the zone that they are shown
// in, and without it they are shown at the offset of the start. A wall time
// that exists twice because clocks are put back is the earlier of the two; one
// that clocks are put forward over is refused. Times are cut to microseconds
// and lie in the years 1970 to 9999.
//
// Control characters in free text become spaces, because a stray byte should
// not cost anyone an appointment; notes and location keep line breaks and
// tabs.
//
// The error is an [*InvalidError] that lists everything that is wrong.
func Decode(data []byte, now time.Time) (Event, error) {
	root, err := parse(data)
	if err != nil {
		return Event{}, err
	}
	e := root.event(now)
	if len(*root.invalid) > 0 {
		return Event{}, &InvalidError{Fields: *root.invalid}
	}
	return e, nil
}

// parse reads the outermost object.
func parse(data []byte) (object, error) {
	if !utf8.Valid(data) {
		return object{}, malformed("the event must be UTF-8")
	}
	var raw json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		message := "the event must be one JSON object"
		if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) {
			message += fmt.Sprintf(": the JSON breaks at byte %d", syntax.Offset)
		}
		return object{}, malformed(message)
	}
	if raw[0] != '{' {
		return object{}, malformed("the event must be a JSON object, not " + typeOf(raw))
	}
	return object{members: split(raw), invalid: new([]FieldError)}, nil
}

func malformed(message string) error {
	return &InvalidError{Malformed: true, Fields: []FieldError{{Message: message}}}
}

func (o object) event(now time.Time) Event {
	e := Event{Kind: o.kind(), At: o.timestamp(now)}
	data, ok := o.object("data")
	if !ok {
		return e
	}
	e.Company = CompanyID(data.id("company_id"))
	if b, ok := data.object("booking"); ok {
		e.Booking = b.booking(e.Kind)
	}
	return e
}

func (o object) kind() Kind {
	s, ok := o.required("type")
	if !ok {
		return ""
	}
	k, err := ParseKind(s)
	if err != nil {
		o.refuse("type", "must be booking.reserved, booking.confirmed or booking.deleted")
	}
	return k
}

func (o object) timestamp(now time.Time) time.Time {
	s, ok := o.required("timestamp")
	if !ok {
		return time.Time{}
	}
	c, ok := parseClock(s)
	switch {
	case !ok || !c.hasOffset:
		o.refuse("timestamp", "must be an RFC 3339 time with its offset, such as 2026-11-23T15:04:05.123Z")
	case !sane(c.instant()):
		o.refuse("timestamp", "must lie in the years 1970 to 9999")
	case c.instant().After(now.Add(MaxAhead)):
		o.refuse("timestamp", "must not be more than five minutes in the future")
	}
	return c.instant()
}

// booking reads the booking of an event. An unknown kind is read as one that
// needs everything, so that all that is wrong is told at once.
func (o object) booking(k Kind) Booking {
	b := Booking{ID: ID(o.id("id"))}
	if k == Deleted {
		return b
	}
	b.Service = o.line("service", MaxService)
	if b.Service == "" && !o.refused("service") {
		o.refuse("service", "is required")
	}
	o.times(&b)
	if c, ok := o.optionalObject("customer"); ok {
		b.Customer = Customer{
			Name:  c.line("name", MaxName),
			Phone: c.line("phone", MaxPhone),
			Email: c.line("email", MaxEmail),
		}
	}
	b.Staff = o.line("staff", MaxName)
	b.Location = o.lines("location", MaxLocation)
	b.Notes = o.lines("notes", MaxNotes)
	b.URL = o.url("url")
	return b
}
