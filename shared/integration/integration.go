// Package integration is the catalogue of what a company can connect its
// bookings to, and the words for the state of such a connection and of each
// booking's delivery to it.
package integration

import (
	"fmt"
	"slices"
	"time"

	"github.com/citasync/citasync/shared/booking"
)

// ID names an integration.
type ID string

// The integrations.
const (
	GoogleCalendar ID = "google-calendar"
	WhatsApp       ID = "whatsapp"
)

// ParseID reads an integration's id.
func ParseID(s string) (ID, error) {
	switch id := ID(s); id {
	case GoogleCalendar, WhatsApp:
		return id, nil
	}
	return "", fmt.Errorf("unknown integration %q", s)
}

// Entry is an integration's place in the catalogue, the same for every company.
type Entry struct {
	ID          ID
	Name        string
	Description string
	Enabled     bool      // false stops the integration for every company
	ChangedAt   time.Time // when Enabled last changed
	Version     string    // opaque, set by the store
}

// Company is what integrations know of a company beside its bookings.
type Company struct {
	ID       booking.CompanyID
	Name     string
	Locale   string // BCP 47: "es", "en"; empty: not known, Spanish will do
	Country  string // ISO 3166-1 alpha-2, for phone numbers without a country code
	TimeZone string // IANA
	Email    string
	Phone    string
}

// Status is the state of a company's connection.
type Status string

// The states of a connection.
const (
	Disconnected  Status = "disconnected"
	Connected     Status = "connected"
	NeedsReauth   Status = "needs_reauth"  // nothing is called until the company mends it
	Disconnecting Status = "disconnecting" // turned off, but not all is given back yet; see RemoveEvents
)

// ParseStatus reads a connection's status.
func ParseStatus(s string) (Status, error) {
	switch st := Status(s); st {
	case Disconnected, Connected, NeedsReauth, Disconnecting:
		return st, nil
	}
	return "", fmt.Errorf("unknown connection status %q", s)
}

// Reason is a class of failure: what is shown to the company and what happens
// next both follow from it.
type Reason string

// The classes. The first three ask the company to act; the next three pass by
// themselves; Rejected is final for one booking; Internal is ours to mend.
const (
	NoReason        Reason = ""
	Revoked         Reason = "revoked"
	ScopeMissing    Reason = "scope_missing"
	CalendarMissing Reason = "calendar_missing"
	Quota           Reason = "quota"
	Outage          Reason = "outage"
	Network         Reason = "network"
	Rejected        Reason = "rejected"
	Internal        Reason = "internal"
)

// NeedsCompany reports whether only the company can mend a failure of this
// class.
func (r Reason) NeedsCompany() bool {
	return r == Revoked || r == ScopeMissing || r == CalendarMissing
}

// GrantDead reports whether a connection that failed for this reason has no
// grant to act with any more.
func (r Reason) GrantDead() bool { return r == Revoked || r == ScopeMissing }

// Connection is one company's use of one integration. A company that never
// connected has the zero Connection with its ID and [Disconnected].
type Connection struct {
	ID      ID
	Enabled bool // the company wants it: true unless disconnected or disconnecting
	Status  Status
	Reason  Reason // why it is NeedsReauth, or why a removal ended early
	Data    Data   // "integration_data": zero once Disconnected
	Options Options

	// RemoveEvents tells the two ways of being Disconnecting apart: with it,
	// the future events are being removed; without it, only the grant and the
	// secret are still to be given back, and nothing else is called.
	RemoveEvents bool

	// Used lists the calendars that an account's events may lie in, by
	// AccountKey. It outlives Data, so that a later connection of that
	// account finds what an earlier one left.
	Used map[string][]string

	ChangedAt    time.Time // the last change of status, account, calendar or what an event looks like
	BackfillDue  time.Time // maintain owes the passes over the bookings since then, if Disconnected over those that wait; zero: none owed
	PassedAt     time.Time // when a pass last ended, the last one or not
	ReconciledAt time.Time // the BackfillDue of the passes that were last completed: what changed by then has reached every booking
	CheckedAt    time.Time // when Google was last compared with the records, which is done daily; of a new connection, when its bookings were there
	NoticeDue    time.Time // when the company is to be told something; see Notice. Zero: never
	Notices      int       // sent of the incident, and its reminders; its end is told if there were any
	Added        int       // bookings added since the incident, when its end is to be told
	Refused      int       // bookings refused for good that the company was not told of
	RefusedAt    time.Time // when it was last told of some
	CreatedAt    time.Time
	UpdatedAt    time.Time
	Version      string // opaque, set by the store; empty: not stored yet
}

// Data is what a connection to Google Calendar needs to act for the company.
type Data struct {
	AccountEmail   string
	AccountSubject string // Google's stable id of the account
	CalendarID     string // "primary" for the account's own calendar
	CalendarName   string
	Scopes         []string
	AccessToken    []byte    // encrypted
	TokenExpiry    time.Time // zero: expired
	SecretVersion  string    // of the refresh token in the secret store
}

// IsZero reports whether nothing is stored.
func (d Data) IsZero() bool {
	return d.AccountEmail == "" && d.AccountSubject == "" && d.CalendarID == "" && d.CalendarName == "" &&
		len(d.Scopes) == 0 && len(d.AccessToken) == 0 && d.TokenExpiry.IsZero() && d.SecretVersion == ""
}

// Options are the company's own choices; the zero value means the defaults.
type Options struct {
	Summary        string // template of an event's title
	Description    string // template of an event's description
	InviteCustomer bool   // the customer becomes an attendee and Google writes to her
	Reminder       Reminder
	Color          string // of events, Google's colorId; empty: the calendar's own

	Language string // of an event's own words, and of messages to customers, BCP 47; empty: the company's
	Mute     Mute
}

// Reminder is when the owner of the calendar is reminded of an event. The zero
// value leaves that to the calendar.
type Reminder struct {
	Own    bool          // not as the calendar does by default
	Before time.Duration // whole minutes before the start; zero: never
}

// Mute names the notices that are not sent to customers.
type Mute struct{ Reserved, Confirmed, Deleted bool }

// Of reports whether notices of this kind are not sent.
func (m Mute) Of(k booking.Kind) bool {
	switch k {
	case booking.Reserved:
		return m.Reserved
	case booking.Confirmed:
		return m.Confirmed
	case booking.Deleted:
		return m.Deleted
	}
	return false
}

// NeedReauth records that only the company can mend the connection. A removal
// in progress goes on being one, and ends for that reason. The caller stores
// the result on the precondition that the connection is the one that failed.
func (c *Connection) NeedReauth(why Reason, now time.Time) {
	c.Reason = why
	c.ChangedAt, c.UpdatedAt = now, now
	if c.Status == Disconnecting {
		return
	}
	c.Status = NeedsReauth
	c.NoticeDue, c.Notices, c.Added = now, 0, 0
}

// TurnOff records that nothing of the connection is left, if there is no grant
// to be given back.
func (c *Connection) TurnOff(now time.Time) {
	c.Status, c.Enabled, c.RemoveEvents = Disconnected, false, false
	c.Reason, c.Data, c.BackfillDue = NoReason, Data{}, time.Time{}
	c.ChangedAt, c.UpdatedAt = now, now
	c.ForgetNotices()
}

// UseCalendar notes that events may lie in the calendar from now on, and
// reports whether that is news.
func (c *Connection) UseCalendar(account, calendar string) bool {
	key := AccountKey(account)
	if slices.Contains(c.Used[key], calendar) {
		return false
	}
	used := make(map[string][]string, len(c.Used)+1)
	for k, v := range c.Used {
		used[k] = v
	}
	used[key] = append(slices.Clone(used[key]), calendar)
	c.Used = used
	return true
}

// Access is what may be done at an integration for a company just now.
type Access int

// The kinds of access.
const (
	Off      Access = iota // not connected
	Held                   // needs re-authorisation, or switched off for everyone: wait
	Removing               // only deletions
	On
)

// Access derives what the connection allows, given the catalogue's switch.
func (c *Connection) Access(enabled bool) Access {
	switch {
	case c.Status == Disconnected || c.Status == "" || c.Status == Disconnecting && !c.RemoveEvents:
		return Off
	case !enabled || c.Status == NeedsReauth || c.Reason.NeedsCompany():
		return Held
	case c.Status == Disconnecting:
		return Removing
	}
	return On
}
