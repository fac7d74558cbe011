// Package store declares what is kept of companies, connections and bookings,
// and the interfaces by which it is read and written. Backends are its
// subdirectories; storetest holds the tests that each must pass.
//
// Every record that has a Version is written on the precondition that it is
// unchanged since it was read: the Version it was read with, or empty if it
// did not exist. A write that succeeds sets the new Version in the value that
// was passed; one that finds the record changed does nothing and returns
// [fault.ErrConflict]. A missing document is [fault.ErrNotFound], unless a
// method says what it stands for. Times come back in UTC, cut to microseconds.
package store

import (
	"context"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
)

// Booking is a booking's record: what the platform last said, and what became
// of it at each integration. A deleted booking stays as a tombstone, so that a
// late event cannot bring it back.
type Booking struct {
	Company       booking.CompanyID
	Booking       booking.Booking // its times come back in its own location
	State         booking.Kind
	At            time.Time // platform time of the newest event applied
	Revision      int64     // raised by each newer event
	Deliveries    map[integration.ID]integration.Delivery
	History       []Step    // the last MaxSteps, oldest first
	NextAttemptAt time.Time // zero: nothing is due
	CreatedAt     time.Time
	UpdatedAt     time.Time
	ExpireAt      time.Time
	Version       string
}

// MaxSteps is how many steps of a booking's history are kept.
const MaxSteps = 20

// StepDelivery is the kind of a step that tells a delivery's new status and
// why.
const StepDelivery = "delivery"

// AddSteps adds to the history, which forgets its oldest steps for them.
func (b *Booking) AddSteps(steps ...Step) {
	h := append(b.History, steps...)
	b.History = h[max(0, len(h)-MaxSteps):]
}

// DueBy makes the booking due at a time, unless it is before.
func (b *Booking) DueBy(at time.Time) {
	if b.NextAttemptAt.IsZero() || at.Before(b.NextAttemptAt) {
		b.NextAttemptAt = at
	}
}

// Step is one thing that happened to a booking.
type Step struct {
	At          time.Time
	Kind        string         // reserved, confirmed, changed, deleted; created, updated, removed … at an integration
	Integration integration.ID // empty: told by the platform
	Outcome     string         // ok, or the delivery's status
	Detail      string         // a reason, or an integration's own words; no personal data
}

// Activity is an act of a company, or a change of its connections' state.
type Activity struct {
	ID          string // set by the store: later ones sort after earlier ones
	At          time.Time
	Kind        string // connected, disconnected, needs_reauth …
	Integration integration.ID
	Actor       string // company, platform, system, operator
	Outcome     string // ok, or why not
	Detail      string // no personal data beyond the account's own e-mail
	Trace       string
}

// Company is a company's own record.
type Company struct {
	integration.Company
	FeedTokenHash string // of the address of its calendar feed; empty: there is none
	FeedSeed      string // of which that address was made, together with a secret
	Version       string
}

// Snapshot is what an attempt on a booking begins with, read at one time.
type Snapshot struct {
	Booking     *Booking // nil: never heard of
	Company     Company
	Connections map[integration.ID]integration.Connection
}

// Key names a booking.
type Key struct {
	Company booking.CompanyID
	Booking booking.ID
}

// Query selects a company's bookings. At most one of EndsAfter, Waiting and
// Filter is set: with EndsAfter, those that end later, soonest end first; with
// Waiting, those whose delivery to that integration is waiting, in any fixed
// order; otherwise those that the Filter lets through, latest start first, or
// where it asks for a name by the names and then latest start first.
type Query struct {
	EndsAfter time.Time
	Waiting   integration.ID
	Filter    Filter
	Cursor    string // Page.Next of the page before, of the same query; empty: from the start; of a query by name it holds a customer's
	Limit     int
}

// Filter narrows a company's history. Each condition that is set must hold; the
// zero Filter lets everything through. A page costs one query, whatever is set.
// At most one of Phone and Name is. A booking without a start, as one whose
// deletion was the first that was heard of it, is between no dates.
//
// What can't be asked for is fault.ErrInvalid: words that are not known, half
// of Integration and Status, a Phone longer than [booking.MaxPhone], and a Name
// of which [NameKey] leaves nothing.
type Filter struct {
	State       booking.Kind
	Integration integration.ID             // set together with Status
	Status      integration.DeliveryStatus // of the delivery to Integration; see [StatusOf]
	From        time.Time                  // starts then or later
	Until       time.Time                  // starts before
	Phone       string                     // of the customer, in whole, as the booking has it
	Name        string                     // the customer's begins so; see [NameKey]
}

// Page is a part of a list. Next is empty on the last one.
type Page[T any] struct {
	Items []T
	Next  string
}

// Bookings keeps the bookings' records.
type Bookings interface {
	// ReadBooking reads in one round trip. A company or connection without a
	// document comes back as its default.
	ReadBooking(ctx context.Context, company booking.CompanyID, id booking.ID, of ...integration.ID) (Snapshot, error)
	// CommitBooking writes on the record's Version and sets the new one.
	CommitBooking(ctx context.Context, b *Booking) error
	// ListBookings returns a page; an unusable cursor is fault.ErrInvalid.
	ListBookings(ctx context.Context, company booking.CompanyID, q Query) (Page[*Booking], error)
	// DueBookings returns up to limit bookings, of every company, whose
	// NextAttemptAt is at or before now, longest due first.
	DueBookings(ctx context.Context, now time.Time, limit int) ([]Key, error)
}

// Connections keeps companies, their connections and activity, and the
// catalogue.
type Connections interface {
	// Company returns the default for a company without a document.
	Company(ctx context.Context, id booking.CompanyID) (Company, error)
	// PutCompany writes the record and the activity together or not at all.
	PutCompany(ctx context.Context, c *Company, acts ...Activity) error
	// Connection returns a disconnected one if there is no document.
	Connection(ctx context.Context, company booking.CompanyID, id integration.ID) (integration.Connection, error)
	// PutConnection writes the connection and the activity together or not
	// at all.
	PutConnection(ctx context.Context, company booking.CompanyID, c *integration.Connection, acts ...Activity) error
	// Holders returns up to limit companies whose connection's Data names the
	// account, whatever its status.
	Holders(ctx context.Context, id integration.ID, subject string, limit int) ([]booking.CompanyID, error)
	// OwedConnections returns a page of the companies whose connection has
	// BackfillDue set or is Disconnecting.
	OwedConnections(ctx context.Context, id integration.ID, cursor string, limit int) (Page[booking.CompanyID], error)
	// StaleConnections returns a page of the companies that are Connected and
	// whose ReconciledAt is before a time, longest ago first.
	StaleConnections(ctx context.Context, id integration.ID, before time.Time, cursor string, limit int) (Page[booking.CompanyID], error)
	// UncheckedConnections returns a page of the companies that are Connected
	// and whose CheckedAt is before a time, longest ago first.
	UncheckedConnections(ctx context.Context, id integration.ID, before time.Time, cursor string, limit int) (Page[booking.CompanyID], error)
	// DueNotices returns a page of the companies whose connection has a
	// NoticeDue at or before now, longest due first.
	DueNotices(ctx context.Context, id integration.ID, now time.Time, cursor string, limit int) (Page[booking.CompanyID], error)
	AddActivity(ctx context.Context, company booking.CompanyID, a Activity) error
	// ListActivity returns a page, newest first.
	ListActivity(ctx context.Context, company booking.CompanyID, cursor string, limit int) (Page[Activity], error)
	// Entry returns an enabled entry if the catalogue has no document for it.
	Entry(ctx context.Context, id integration.ID) (integration.Entry, error)
	PutEntry(ctx context.Context, e *integration.Entry) error
	// DeleteCompany deletes up to limit of the company's documents, its own
	// last, and reports whether there may be more. Nobody may be writing to
	// the company's connections and bookings meanwhile.
	DeleteCompany(ctx context.Context, company booking.CompanyID, limit int) (more bool, err error)
}

// OAuthState is what an authorisation under way needs to end. It is kept under
// a hash of the state parameter.
type OAuthState struct {
	Company     booking.CompanyID
	Integration integration.ID
	Verifier    string // PKCE, RFC 7636
	Session     string // of the browser that began it
	Replace     bool   // the company agreed to another account than before
	ExpireAt    time.Time
}

// Once keeps what may be used a single time. An expired record is as good as
// gone, whether or not it was cleared away yet.
type Once interface {
	PutState(ctx context.Context, hash string, s OAuthState) error
	// TakeState returns and deletes the state: of several callers, one gets
	// it and the others fault.ErrNotFound.
	TakeState(ctx context.Context, hash string, now time.Time) (OAuthState, error)
	// UseLink marks a signed link as used, and returns fault.ErrConflict if
	// it was.
	UseLink(ctx context.Context, jti string, now, expireAt time.Time) error
	LinkUsed(ctx context.Context, jti string, now time.Time) (bool, error)
}

// Store is all of it, as a backend implements it.
type Store interface {
	Bookings
	Connections
	Once
}

// DefaultCompany stands for a company without a document. Its language is not
// known: it is spoken to as its browser asks, or in Spanish.
func DefaultCompany(id booking.CompanyID) Company {
	return Company{Company: integration.Company{ID: id, TimeZone: "UTC"}}
}

// DefaultConnection stands for a connection without a document.
func DefaultConnection(id integration.ID) integration.Connection {
	return integration.Connection{ID: id, Status: integration.Disconnected}
}

// DefaultEntry stands for an integration without a document in the catalogue.
func DefaultEntry(id integration.ID) integration.Entry {
	switch id {
	case integration.GoogleCalendar:
		return integration.Entry{
			ID: id, Name: "Google Calendar", Enabled: true,
			Description: "Las reservas confirmadas se añaden automáticamente a tu calendario de Google.",
		}
	case integration.WhatsApp:
		return integration.Entry{
			ID: id, Name: "WhatsApp", Enabled: true,
			Description: "Un mensaje a tu cliente al reservar y al confirmar.",
		}
	}
	return integration.Entry{ID: id, Name: string(id), Enabled: true}
}
