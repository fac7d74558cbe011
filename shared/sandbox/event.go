package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// Event is an event as the Calendar API shows it ("Events" in Google's
// reference), with the fields that the sandbox keeps.
type Event struct {
	Kind               string              `json:"kind,omitempty"`
	ETag               string              `json:"etag,omitempty"`
	ID                 string              `json:"id,omitempty"`
	Status             string              `json:"status,omitempty"` // confirmed, tentative, cancelled
	HTMLLink           string              `json:"htmlLink,omitempty"`
	Created            string              `json:"created,omitempty"`
	Updated            string              `json:"updated,omitempty"`
	Summary            string              `json:"summary,omitempty"`
	Description        string              `json:"description,omitempty"`
	Location           string              `json:"location,omitempty"`
	ColorID            string              `json:"colorId,omitempty"`
	Creator            *Person             `json:"creator,omitempty"`
	Organizer          *Person             `json:"organizer,omitempty"`
	Start              *EventTime          `json:"start,omitempty"`
	End                *EventTime          `json:"end,omitempty"`
	Transparency       string              `json:"transparency,omitempty"`
	Visibility         string              `json:"visibility,omitempty"`
	ICalUID            string              `json:"iCalUID,omitempty"`
	Sequence           int                 `json:"sequence"`
	Attendees          []Attendee          `json:"attendees,omitempty"`
	ExtendedProperties *ExtendedProperties `json:"extendedProperties,omitempty"`
	Source             *Source             `json:"source,omitempty"`
	Reminders          *Reminders          `json:"reminders,omitempty"`
	EventType          string              `json:"eventType,omitempty"`
}

// Person is an event's creator or organiser.
type Person struct {
	Email       string `json:"email,omitempty"`
	DisplayName string `json:"displayName,omitempty"`
	Self        bool   `json:"self,omitempty"`
}

// EventTime is when an event starts or ends.
type EventTime struct {
	Date     string `json:"date,omitempty"`     // of an all-day event
	DateTime string `json:"dateTime,omitempty"` // RFC 3339; asked for without an offset, TimeZone says whose hours they are
	TimeZone string `json:"timeZone,omitempty"` // IANA
}

// Attendee is somebody invited.
type Attendee struct {
	Email          string `json:"email,omitempty"`
	DisplayName    string `json:"displayName,omitempty"`
	Optional       bool   `json:"optional,omitempty"`
	ResponseStatus string `json:"responseStatus,omitempty"`
}

// ExtendedProperties are an application's own.
type ExtendedProperties struct {
	Private map[string]string `json:"private,omitempty"`
	Shared  map[string]string `json:"shared,omitempty"`
}

// Source is where an event comes from.
type Source struct {
	Title string `json:"title,omitempty"`
	URL   string `json:"url,omitempty"`
}

// Reminders are an event's reminders.
type Reminders struct {
	UseDefault bool       `json:"useDefault"`
	Overrides  []Reminder `json:"overrides,omitempty"`
}

// Reminder is one reminder.
type Reminder struct {
	Method  string `json:"method,omitempty"`
	Minutes int    `json:"minutes"`
}

const cancelled = "cancelled"

// settle checks what a client wrote and puts it into the form in which it is
// kept: hours as instants, shown in the calendar's zone, as Google answers
// them; properties within Google's limits.
func (e *Event) settle(zones *zoneCache, calendarZone string) (starts, ends time.Time, err error) {
	if e.Status == "" {
		e.Status = "confirmed"
	}
	if !slices.Contains([]string{"confirmed", "tentative", cancelled}, e.Status) {
		return starts, ends, invalid("Invalid value for status: " + e.Status)
	}
	home, err := zones.load(calendarZone)
	if err != nil {
		return starts, ends, err
	}
	if starts, err = e.Start.settle("start", zones, home); err != nil {
		return starts, ends, err
	}
	if ends, err = e.End.settle("end", zones, home); err != nil {
		return starts, ends, err
	}
	if (e.Start.Date == "") != (e.End.Date == "") {
		return starts, ends, invalid("The start and end times must either both be date or both be dateTime.")
	}
	if !ends.After(starts) {
		return starts, ends, apiErr(http.StatusBadRequest, "timeRangeEmpty")
	}
	e.ExtendedProperties.dropOversized()
	if err := e.checkLook(); err != nil {
		return starts, ends, err
	}
	return starts, ends, e.settleAttendees()
}

// The limits of an event's colour and reminders in Google's reference.
const (
	maxColor     = 11 // ids of the Colors resource for events, from 1
	maxReminders = 5
	maxMinutes   = 40_320 // four weeks
)

// checkLook refuses a colour and reminders that Google does not have.
func (e *Event) checkLook() error {
	if n, err := strconv.Atoi(e.ColorID); e.ColorID != "" && (err != nil || n < 1 || n > maxColor) {
		return invalid("Invalid color id.")
	}
	switch r := e.Reminders; {
	case r == nil:
		return nil
	case r.UseDefault && len(r.Overrides) > 0:
		return apiErr(http.StatusBadRequest, "cannotUseDefaultRemindersAndSpecifyOverride")
	case len(r.Overrides) > maxReminders:
		return invalid("Too many reminders.")
	}
	for _, o := range e.Reminders.Overrides {
		if o.Method != "popup" && o.Method != "email" || o.Minutes < 0 || o.Minutes > maxMinutes {
			return invalid("Invalid reminder.")
		}
	}
	return nil
}

// settle reads one of an event's two times. Its name is for the error.
func (t *EventTime) settle(name string, zones *zoneCache, home *time.Location) (time.Time, error) {
	if t == nil || t.Date == "" && t.DateTime == "" {
		e := apiErr(http.StatusBadRequest, "required")
		e.Message = "Missing " + name + " time."
		return time.Time{}, e
	}
	if t.Date != "" && t.DateTime != "" {
		return time.Time{}, invalid("Invalid " + name + " time.")
	}
	zone := home
	if t.TimeZone != "" {
		z, err := zones.load(t.TimeZone)
		if err != nil {
			return time.Time{}, invalid("Invalid time zone definition for " + name + " time.")
		}
		zone = z
	}
	if t.Date != "" {
		at, err := time.ParseInLocation(time.DateOnly, t.Date, home)
		if err != nil {
			return time.Time{}, invalid("Invalid " + name + " time.")
		}
		return at, nil
	}
	return t.settleDateTime(name, zone, home)
}

func (t *EventTime) settleDateTime(name string, zone, home *time.Location) (time.Time, error) {
	at, err := time.Parse(time.RFC3339, t.DateTime)
	if err != nil {
		if at, err = time.ParseInLocation("2006-01-02T15:04:05", t.DateTime, zone); err != nil {
			return at, invalid("Invalid " + name + " time.")
		}
		if t.TimeZone == "" {
			return at, invalid("Missing time zone definition for " + name + " time.")
		}
	}
	if at.Year() < 1970 || at.Year() > 9998 { // beyond, RFC 3339 cannot show every hour of every zone
		return at, invalid("Invalid " + name + " time.")
	}
	at = at.Truncate(time.Second)
	t.DateTime = at.In(home).Format(time.RFC3339)
	if t.TimeZone == "" {
		t.TimeZone = home.String()
	}
	return at, nil
}

func (e *Event) settleAttendees() error {
	for i := range e.Attendees {
		if e.Attendees[i].Email == "" {
			return invalid("Missing attendee email.")
		}
		if e.Attendees[i].ResponseStatus == "" {
			e.Attendees[i].ResponseStatus = "needsAction"
		}
	}
	return nil
}

// The limits of "Extended properties" in Google's guide, in characters.
// Properties beyond them are dropped silently there, and so here.
const (
	maxPropertyKey   = 44
	maxPropertyValue = 1024
)

func (p *ExtendedProperties) dropOversized() {
	if p == nil {
		return
	}
	for _, m := range []map[string]string{p.Private, p.Shared} {
		for k, v := range m {
			if len([]rune(k)) > maxPropertyKey || len([]rune(v)) > maxPropertyValue {
				delete(m, k)
			}
		}
	}
}

// checkEventID holds an id against what "Events: insert" asks of ids that
// clients choose: 5 to 1024 characters of base32hex, in lower case.
func checkEventID(id string) error {
	if len(id) < 5 || len(id) > 1024 {
		return invalid("Invalid resource id value.")
	}
	for _, r := range id {
		if (r < '0' || r > '9') && (r < 'a' || r > 'v') {
			return invalid("Invalid resource id value.")
		}
	}
	return nil
}

// nextETag is different for every write.
func (st *state) nextETag() string {
	st.LastETag++
	return fmt.Sprintf("%q", fmt.Sprintf("p%08d", st.LastETag))
}
