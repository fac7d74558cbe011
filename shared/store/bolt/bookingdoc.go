package bolt

import (
	"fmt"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

// bookingDoc is a stored booking. Instants are in UTC; the booking's wall
// clock comes back with its zone.
type bookingDoc struct {
	ID            booking.ID                     `json:"id"`
	Service       string                         `json:"service,omitempty"`
	Start         time.Time                      `json:"start,omitzero"`
	End           time.Time                      `json:"end,omitzero"`
	TimeZone      string                         `json:"time_zone,omitempty"`
	Customer      customerDoc                    `json:"customer,omitzero"`
	Staff         string                         `json:"staff,omitempty"`
	Location      string                         `json:"location,omitempty"`
	Notes         string                         `json:"notes,omitempty"`
	URL           string                         `json:"url,omitempty"`
	State         booking.Kind                   `json:"state"`
	At            time.Time                      `json:"at,omitzero"`
	Revision      int64                          `json:"revision"`
	Deliveries    map[integration.ID]deliveryDoc `json:"deliveries,omitempty"`
	History       []stepDoc                      `json:"history,omitempty"`
	NextAttemptAt time.Time                      `json:"next_attempt_at,omitzero"`
	CreatedAt     time.Time                      `json:"created_at,omitzero"`
	UpdatedAt     time.Time                      `json:"updated_at,omitzero"`
	ExpireAt      time.Time                      `json:"expire_at,omitzero"`
	Version       int64                          `json:"version"`
}

type customerDoc struct {
	Name  string `json:"name,omitempty"`
	Phone string `json:"phone,omitempty"`
	Email string `json:"email,omitempty"`
}

type deliveryDoc struct {
	Status        integration.DeliveryStatus `json:"status"`
	Reason        integration.Reason         `json:"reason,omitempty"`
	Detail        string                     `json:"detail,omitempty"`
	Revision      int64                      `json:"revision"`
	Place         placeDoc                   `json:"place,omitzero"`
	Written       bool                       `json:"written,omitempty"`
	Form          string                     `json:"form,omitempty"`
	ExternalID    string                     `json:"external_id,omitempty"`
	Link          string                     `json:"link,omitempty"`
	Sent          sentDoc                    `json:"sent,omitzero"`
	Receipt       receiptDoc                 `json:"receipt,omitzero"`
	Lease         leaseDoc                   `json:"lease,omitzero"`
	Attempts      int                        `json:"attempts,omitempty"`
	NextAttemptAt time.Time                  `json:"next_attempt_at,omitzero"`
	UpdatedAt     time.Time                  `json:"updated_at,omitzero"`
}

type placeDoc struct {
	Account    string `json:"account,omitempty"`
	Calendar   string `json:"calendar,omitempty"`
	Generation int    `json:"generation,omitempty"`
}

type messageDoc struct {
	Kind     booking.Kind `json:"kind,omitempty"`
	Revision int64        `json:"revision,omitempty"`
	Start    time.Time    `json:"start,omitzero"`
}

type sentDoc struct {
	Announced messageDoc `json:"announced,omitzero"`
	Sends     int        `json:"sends,omitempty"`
	Told      messageDoc `json:"told,omitzero"`
}

type receiptDoc struct {
	ID       string                    `json:"id,omitempty"`
	Kind     booking.Kind              `json:"kind,omitempty"`
	Revision int64                     `json:"revision,omitempty"`
	Status   integration.ReceiptStatus `json:"status,omitempty"`
	Code     string                    `json:"code,omitempty"`
	At       time.Time                 `json:"at,omitzero"`
}

type leaseDoc struct {
	Attempt string    `json:"attempt,omitempty"`
	Until   time.Time `json:"until,omitzero"`
}

type stepDoc struct {
	At          time.Time      `json:"at,omitzero"`
	Kind        string         `json:"kind"`
	Integration integration.ID `json:"integration,omitempty"`
	Outcome     string         `json:"outcome,omitempty"`
	Detail      string         `json:"detail,omitempty"`
}

// utc is a time as it is kept. The zero time stays the zero time.
func utc(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Microsecond)
}

// in is a stored time in a location. The zero time stays the zero time.
func in(t time.Time, loc *time.Location) time.Time {
	if t.IsZero() {
		return t
	}
	return t.In(loc)
}

func newBookingDoc(b *store.Booking, version int64) bookingDoc {
	d := bookingDoc{
		ID: b.Booking.ID, Service: b.Booking.Service,
		Start: utc(b.Booking.Start), End: utc(b.Booking.End), TimeZone: b.Booking.TimeZone,
		Customer: customerDoc(b.Booking.Customer),
		Staff:    b.Booking.Staff, Location: b.Booking.Location, Notes: b.Booking.Notes, URL: b.Booking.URL,
		State: b.State, At: utc(b.At), Revision: b.Revision,
		Deliveries:    make(map[integration.ID]deliveryDoc, len(b.Deliveries)),
		NextAttemptAt: utc(b.NextAttemptAt),
		CreatedAt:     utc(b.CreatedAt), UpdatedAt: utc(b.UpdatedAt), ExpireAt: utc(b.ExpireAt),
		Version: version,
	}
	for id, v := range b.Deliveries {
		d.Deliveries[id] = newDeliveryDoc(v)
	}
	for _, s := range b.History {
		s.At = utc(s.At)
		d.History = append(d.History, stepDoc(s))
	}
	return d
}

func newDeliveryDoc(v integration.Delivery) deliveryDoc {
	v.Lease.Until, v.Receipt.At = utc(v.Lease.Until), utc(v.Receipt.At)
	return deliveryDoc{
		Status: v.Status, Reason: v.Reason, Detail: v.Detail, Revision: v.Revision,
		Place: placeDoc(v.Place), Written: v.Written, Form: v.Form, ExternalID: v.ExternalID, Link: v.Link,
		Sent:    sentDoc{Announced: newMessageDoc(v.Sent.Announced), Sends: v.Sent.Sends, Told: newMessageDoc(v.Sent.Told)},
		Receipt: receiptDoc(v.Receipt), Lease: leaseDoc(v.Lease), Attempts: v.Attempts,
		NextAttemptAt: utc(v.NextAttemptAt), UpdatedAt: utc(v.UpdatedAt),
	}
}

func newMessageDoc(m integration.Message) messageDoc {
	m.Start = utc(m.Start)
	return messageDoc(m)
}

// check refuses a state, status or zone that is not known. It is asked on
// writing too, so that nothing is stored that can't be read again.
func (d *bookingDoc) check() error {
	if _, err := booking.ParseKind(d.State.EventType()); err != nil {
		return fmt.Errorf("unknown state %q", string(d.State))
	}
	for id, v := range d.Deliveries {
		delivery := v.delivery()
		if err := delivery.Check(); err != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
	}
	_, err := d.location()
	return err
}

// location is the booking's own; UTC if it says nothing, as one that was
// deleted before it was heard of.
func (d *bookingDoc) location() (*time.Location, error) {
	if d.TimeZone == "" {
		return time.UTC, nil
	}
	return booking.LoadZone(d.TimeZone)
}

// record is the document as the store's users see it.
func (d *bookingDoc) record(company booking.CompanyID) (*store.Booking, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	loc, err := d.location()
	if err != nil {
		return nil, err
	}
	b := &store.Booking{
		Company: company,
		Booking: booking.Booking{
			ID: d.ID, Service: d.Service, Start: in(d.Start, loc), End: in(d.End, loc), TimeZone: d.TimeZone,
			Customer: booking.Customer(d.Customer),
			Staff:    d.Staff, Location: d.Location, Notes: d.Notes, URL: d.URL,
		},
		State: d.State, At: d.At, Revision: d.Revision,
		Deliveries:    make(map[integration.ID]integration.Delivery, len(d.Deliveries)),
		NextAttemptAt: d.NextAttemptAt, CreatedAt: d.CreatedAt, UpdatedAt: d.UpdatedAt, ExpireAt: d.ExpireAt,
		Version: versionText(d.Version),
	}
	for id, v := range d.Deliveries {
		b.Deliveries[id] = v.delivery()
	}
	for _, s := range d.History {
		b.History = append(b.History, store.Step(s))
	}
	return b, nil
}

func (d deliveryDoc) delivery() integration.Delivery {
	return integration.Delivery{
		Status: d.Status, Reason: d.Reason, Detail: d.Detail, Revision: d.Revision,
		Place: integration.Place(d.Place), Written: d.Written, Form: d.Form, ExternalID: d.ExternalID, Link: d.Link,
		Sent: integration.Sent{
			Announced: integration.Message(d.Sent.Announced), Sends: d.Sent.Sends, Told: integration.Message(d.Sent.Told),
		},
		Receipt: integration.Receipt(d.Receipt), Lease: integration.Lease(d.Lease), Attempts: d.Attempts,
		NextAttemptAt: d.NextAttemptAt, UpdatedAt: d.UpdatedAt,
	}
}

func (d *bookingDoc) version() int64 { return d.Version }

// index lists the record's index entries.
func (d *bookingDoc) index(company booking.CompanyID) []entry {
	c, id := key(nil).text(string(company)), string(d.ID)
	es := []entry{
		{byStart, c.descending(d.Start).text(id)},
		{byEnd, c.ascending(d.End).text(id)},
	}
	for i, v := range d.Deliveries {
		if v.Status == integration.Waiting {
			es = append(es, entry{waiting, c.text(string(i)).text(id)})
		}
	}
	if !d.NextAttemptAt.IsZero() {
		es = append(es, entry{due, key(nil).ascending(d.NextAttemptAt).text(string(company)).text(id)})
	}
	es = append(es, d.historyIndex(c)...)
	return append(es, expires(d.ExpireAt, bookings, bookingKey(company, d.ID))...)
}

func bookingKey(company booking.CompanyID, id booking.ID) key {
	return key(nil).text(string(company)).text(string(id))
}

// invalid marks what a caller passed as not acceptable.
func invalid(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", fault.ErrInvalid, err)
}
