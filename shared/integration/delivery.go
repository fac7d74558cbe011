package integration

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/citasync/citasync/shared/booking"
)

// DeliveryStatus is how far a booking's delivery to an integration has come.
type DeliveryStatus string

// The states of a delivery.
const (
	Pending DeliveryStatus = "pending" // under way, or to be tried again
	Done    DeliveryStatus = "done"    // the integration is as the booking wants it
	Waiting DeliveryStatus = "waiting" // for the company, or for the integration to be switched on again
	Failed  DeliveryStatus = "failed"  // refused for good
	Skipped DeliveryStatus = "skipped" // nothing to do: not connected, or not wanted
)

// DetailGone is the detail of a delivery that is [Done], though the company has
// taken what was written away by hand.
const DetailGone = "deleted_in_google_calendar"

// ParseDeliveryStatus reads a delivery's status.
func ParseDeliveryStatus(s string) (DeliveryStatus, error) {
	switch st := DeliveryStatus(s); st {
	case Pending, Done, Waiting, Failed, Skipped:
		return st, nil
	}
	return "", fmt.Errorf("unknown delivery status %q", s)
}

// Place is where a booking's event is or is about to be. Generations are used
// once each per calendar, because Google never lets a deleted event's id be
// used again.
type Place struct {
	Account    string // Google's subject
	Calendar   string // empty: no event exists, and none can appear
	Generation int    // kept when Calendar is empty, for the next event
}

// None reports whether there is no event and none can appear.
func (p Place) None() bool { return p.Calendar == "" }

// Lease is an attempt's announcement that it is calling. Until it ends, plus a
// margin for clocks, nobody else calls for the delivery.
type Lease struct {
	Attempt string
	Until   time.Time
}

// LeaseMargin is allowed for clocks that differ between machines.
const LeaseMargin = 2 * time.Second

// Ended reports whether nobody calls under the lease any more. The zero Lease
// has ended.
func (l Lease) Ended(now time.Time) bool { return l.Attempt == "" || !now.Before(l.End()) }

// End is when a lease has ended for everybody.
func (l Lease) End() time.Time { return l.Until.Add(LeaseMargin) }

// Delivery is the state of one booking at one integration.
type Delivery struct {
	Status        DeliveryStatus
	Reason        Reason
	Detail        string // the integration's own words for a refusal; no personal data
	Revision      int64  // of the booking that the status stands for
	Place         Place
	Written       bool   // the integration confirmed a write at Place
	Form          string // of the options that the last confirmed write was made with, by the integration's own reckoning; empty: the defaults
	ExternalID    string // the id that the integration answered with
	Link          string
	Sent          Sent
	Receipt       Receipt
	Lease         Lease
	Attempts      int // failed in a row
	NextAttemptAt time.Time
	UpdatedAt     time.Time
}

// Check reports a state of the delivery, or of its message, that is not known.
func (d *Delivery) Check() error {
	_, err := ParseDeliveryStatus(string(d.Status))
	if err == nil && d.Receipt.Status != "" {
		_, err = ParseReceiptStatus(string(d.Receipt.Status))
	}
	return err
}

// Message is one notice to a booking's customer: of what, and of which state.
type Message struct {
	Kind     booking.Kind
	Revision int64
	Start    time.Time // of the booking, in UTC
}

// Sent is what a delivery by message keeps of what it sent: a message that was
// sent can't be looked for, written over or taken back.
type Sent struct {
	Announced Message // the one that was last about to be sent
	Sends     int     // how often it may have been, less those that are known to have failed
	Told      Message // the last one that is known to have been sent
}

// ReceiptStatus is how far a message has come.
type ReceiptStatus string

// The ways of a message, in their order, but that a failure may come before
// and after the first of them.
const (
	ReceiptSent      ReceiptStatus = "sent"
	ReceiptFailed    ReceiptStatus = "failed"
	ReceiptDelivered ReceiptStatus = "delivered"
	ReceiptRead      ReceiptStatus = "read"
)

// ParseReceiptStatus reads a receipt's status.
func ParseReceiptStatus(s string) (ReceiptStatus, error) {
	switch st := ReceiptStatus(s); st {
	case ReceiptSent, ReceiptFailed, ReceiptDelivered, ReceiptRead:
		return st, nil
	}
	return "", fmt.Errorf("unknown status of a message %q", s)
}

// Receipt is what an integration told of its own accord about a message. It is
// written by whoever is told, whoever holds the lease; attempts only read it.
type Receipt struct {
	ID       string // the message's, as Delivery.ExternalID
	Kind     booking.Kind
	Revision int64
	Status   ReceiptStatus // empty: nothing was told
	Code     string        // why it failed, the integration's own
	At       time.Time     // by the integration's clock
}

// Of reports whether it is the message's.
func (r Receipt) Of(m Message) bool {
	return r.Status != "" && r.Kind == m.Kind && r.Revision == m.Revision
}

// Task is one booking as an integration sees it.
type Task struct {
	Company    Company
	Connection Connection
	Access     Access
	Booking    booking.Booking
	State      booking.Kind
	At         time.Time // when it became so, by the platform's clock
	Revision   int64
	Delivery   Delivery
	Announced  bool // the delivery is as Decide had it announced by this very attempt, which has not acted on it
	Now        time.Time
}

// Decision is what an integration would do for a task.
type Decision struct {
	Call     bool     // Act is needed; otherwise Delivery is all there is to record
	Delivery Delivery // to be committed first: for a call, with the place that it may write to
	Why      string   // for the history, of a delivery that comes to rest without a call; a reason or one of the words below
}

// Why a delivery was skipped or waits, beside the reasons of failures.
const (
	NotConnected = "not_connected"
	NotConfirmed = "not_confirmed"
	SwitchedOff  = "switched_off" // for everyone
	TooEarly     = "too_early"    // told before the company switched the integration on
	TooLate      = "too_late"     // the appointment has begun, or the news is a day old
	NotWanted    = "not_wanted"   // the company, or the installation, has no such notice
	NoPhone      = "no_phone"
)

// Outcome says what the engine does after Act.
type Outcome int

// The outcomes.
const (
	Settled      Outcome = iota // Delivery says how it ended
	Again                       // commit Delivery, then call Act again: its place changed
	Retry                       // later: the fate of every call is known, nothing is in flight
	Unsure                      // later: a write may or may not have arrived
	Unauthorised                // the connection is not good for this: see Reason
)

// Result is what Act found out.
type Result struct {
	Outcome    Outcome
	Delivery   Delivery      // status, place, ids; the engine sets times, lease and attempts
	Reason     Reason        // of Retry, Unsure and Unauthorised
	RetryAfter time.Duration // the server's wish; zero: none
	InFlight   bool          // some write of this Act had an unknown fate, even if a later one succeeded
	Steps      []string      // what was done, for the history: "created", "updated", "deleted"
	Err        error         // for the log
}

// Integration is what the engine needs of an integration. Both methods may be
// called from several goroutines, for different bookings.
type Integration interface {
	ID() ID
	// Decide looks at a task without calling anyone.
	Decide(Task) Decision
	// Act brings the integration to what the task wants. No call begins
	// after ctx's deadline. It neither reads nor writes the booking's record.
	Act(context.Context, Task) Result
}

// Weighed is an Integration that can say how many requests of its quota an Act
// for the task mostly takes.
type Weighed interface{ Weight(Task) int }

// AccountKey is the form in which an account is named outside integration
// data: a hash, so that a record that outlives the connection does not name
// the account.
func AccountKey(subject string) string {
	sum := sha256.Sum256([]byte("account\x00" + subject))
	return hex.EncodeToString(sum[:16])
}
