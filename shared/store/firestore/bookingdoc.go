package firestore

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

// The fields of a booking that queries name.
const (
	fieldStart       = "start"
	fieldEnd         = "end"
	fieldNextAttempt = "next_attempt_at"
	fieldWaiting     = "waiting"
	fieldMarks       = "marks"
	fieldPhone       = "customer.phone"
	fieldNameKey     = "name_key"
)

// invalid marks what a caller passed as not acceptable.
func invalid(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", fault.ErrInvalid, err)
}

// checkBooking refuses a state, status or zone that is not known. It is asked
// on writing too, so that nothing is stored that can't be read again.
func checkBooking(b *store.Booking) error {
	if _, err := booking.ParseKind(b.State.EventType()); err != nil {
		return fmt.Errorf("unknown state %q", string(b.State))
	}
	for id, d := range b.Deliveries {
		if err := d.Check(); err != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
	}
	_, err := location(b.Booking.TimeZone)
	return err
}

// location is a booking's own; UTC if it says nothing, as one that was deleted
// before it was heard of.
func location(zone string) (*time.Location, error) {
	if zone == "" {
		return time.UTC, nil
	}
	return booking.LoadZone(zone)
}

// bookingFields is a booking as it is stored.
func bookingFields(r *store.Booking) fields {
	b := &r.Booking
	f := make(fields, 26)
	f.text("id", string(b.ID))
	f.text("service", b.Service)
	f[fieldStart] = moment(b.Start)
	f[fieldEnd] = moment(b.End)
	f.text("time_zone", b.TimeZone)
	f.table("customer", customerFields(b.Customer))
	f.text("staff", b.Staff)
	f.text("location", b.Location)
	f.text("notes", b.Notes)
	f.text("url", b.URL)
	f["state"] = text(string(r.State))
	f.time("at", r.At)
	f["revision"] = integer(r.Revision)
	f.table("deliveries", deliveriesFields(r.Deliveries))
	f.list("history", stepValues(r.History))
	f.time(fieldNextAttempt, r.NextAttemptAt)
	f.time("created_at", r.CreatedAt)
	f.time("updated_at", r.UpdatedAt)
	f.time(fieldExpireAt, r.ExpireAt)
	f.texts(fieldWaiting, waiting(r.Deliveries))
	f.texts(fieldMarks, store.Marks(r.State, func(id integration.ID) integration.DeliveryStatus {
		return store.StatusOf(r.Deliveries[id].Status, r.Deliveries[id].Detail)
	}))
	f.text(fieldNameKey, store.NameKey(b.Customer.Name))
	return f
}

func customerFields(c booking.Customer) fields {
	f := make(fields, 3)
	f.text("name", c.Name)
	f.text("phone", c.Phone)
	f.text("email", c.Email)
	return f
}

func deliveriesFields(ds map[integration.ID]integration.Delivery) fields {
	f := make(fields, len(ds))
	for id, d := range ds {
		f[string(id)] = table(deliveryFields(d))
	}
	return f
}

func deliveryFields(d integration.Delivery) fields {
	f := make(fields, 15)
	f["status"] = text(string(d.Status))
	f.text("reason", string(d.Reason))
	f.text("detail", d.Detail)
	f["revision"] = integer(d.Revision)
	f.table("place", placeFields(d.Place))
	f.flag("written", d.Written)
	f.text("form", d.Form)
	f.text("external_id", d.ExternalID)
	f.text("link", d.Link)
	f.table("sent", sentFields(d.Sent))
	f.table("receipt", receiptFields(d.Receipt))
	f.table("lease", leaseFields(d.Lease))
	f.number("attempts", int64(d.Attempts))
	f.time("next_attempt_at", d.NextAttemptAt)
	f.time("updated_at", d.UpdatedAt)
	return f
}

func placeFields(p integration.Place) fields {
	f := make(fields, 3)
	f.text("account", p.Account)
	f.text("calendar", p.Calendar)
	f.number("generation", int64(p.Generation))
	return f
}

func sentFields(s integration.Sent) fields {
	f := make(fields, 3)
	f.table("announced", messageFields(s.Announced))
	f.number("sends", int64(s.Sends))
	f.table("told", messageFields(s.Told))
	return f
}

func messageFields(m integration.Message) fields {
	f := make(fields, 3)
	f.text("kind", string(m.Kind))
	f.number("revision", m.Revision)
	f.time("start", m.Start)
	return f
}

func receiptFields(r integration.Receipt) fields {
	f := make(fields, 6)
	f.text("id", r.ID)
	f.text("kind", string(r.Kind))
	f.number("revision", r.Revision)
	f.text("status", string(r.Status))
	f.text("code", r.Code)
	f.time("at", r.At)
	return f
}

func leaseFields(l integration.Lease) fields {
	f := make(fields, 2)
	f.text("attempt", l.Attempt)
	f.time("until", l.Until)
	return f
}

func stepValues(steps []store.Step) []*pb.Value {
	vs := make([]*pb.Value, len(steps))
	for i, s := range steps {
		f := make(fields, 5)
		f.time("at", s.At)
		f["kind"] = text(s.Kind)
		f.text("integration", string(s.Integration))
		f.text("outcome", s.Outcome)
		f.text("detail", s.Detail)
		vs[i] = table(f)
	}
	return vs
}

// waiting lists the integrations whose delivery is waiting.
func waiting(ds map[integration.ID]integration.Delivery) []string {
	var ids []string
	for _, id := range slices.Sorted(maps.Keys(ds)) {
		if ds[id].Status == integration.Waiting {
			ids = append(ids, string(id))
		}
	}
	return ids
}

// readBooking is a stored booking as the store's users see it: its own times
// with its zone, instants in UTC.
func readBooking(company booking.CompanyID, doc *pb.Document) (*store.Booking, error) {
	f := newReader(doc.GetFields())
	zone := f.text("time_zone")
	loc, err := location(zone)
	if err != nil {
		return nil, err
	}
	b := &store.Booking{
		Company: company,
		Booking: booking.Booking{
			ID: booking.ID(f.text("id")), Service: f.text("service"),
			Start: in(f.time(fieldStart), loc), End: in(f.time(fieldEnd), loc), TimeZone: zone,
			Customer: readCustomer(f.table("customer")),
			Staff:    f.text("staff"), Location: f.text("location"), Notes: f.text("notes"), URL: f.text("url"),
		},
		State: booking.Kind(f.text("state")), At: f.time("at"), Revision: f.number("revision"),
		Deliveries:    readDeliveries(f.table("deliveries")),
		History:       readSteps(f.tables("history")),
		NextAttemptAt: f.time(fieldNextAttempt), CreatedAt: f.time("created_at"), UpdatedAt: f.time("updated_at"),
		ExpireAt: f.time(fieldExpireAt), Version: version(doc.GetUpdateTime()),
	}
	if err := errors.Join(f.err(), checkBooking(b)); err != nil {
		return nil, err
	}
	return b, nil
}

// in is a stored time in a location. The zero time stays the zero time.
func in(t time.Time, loc *time.Location) time.Time {
	if t.IsZero() {
		return t
	}
	return t.In(loc)
}

func readCustomer(f reader) booking.Customer {
	return booking.Customer{Name: f.text("name"), Phone: f.text("phone"), Email: f.text("email")}
}

func readDeliveries(f reader) map[integration.ID]integration.Delivery {
	ds := make(map[integration.ID]integration.Delivery, len(f.fields))
	for id := range f.fields {
		ds[integration.ID(id)] = readDelivery(f.table(id))
	}
	return ds
}

func readDelivery(f reader) integration.Delivery {
	place, lease := f.table("place"), f.table("lease")
	return integration.Delivery{
		Status: integration.DeliveryStatus(f.text("status")), Reason: integration.Reason(f.text("reason")), Detail: f.text("detail"),
		Revision: f.number("revision"),
		Place: integration.Place{
			Account: place.text("account"), Calendar: place.text("calendar"), Generation: int(place.number("generation")),
		},
		Written: f.flag("written"), Form: f.text("form"), ExternalID: f.text("external_id"), Link: f.text("link"),
		Sent: readSent(f.table("sent")), Receipt: readReceipt(f.table("receipt")),
		Lease:    integration.Lease{Attempt: lease.text("attempt"), Until: lease.time("until")},
		Attempts: int(f.number("attempts")), NextAttemptAt: f.time("next_attempt_at"), UpdatedAt: f.time("updated_at"),
	}
}

func readSent(f reader) integration.Sent {
	return integration.Sent{
		Announced: readMessage(f.table("announced")), Sends: int(f.number("sends")), Told: readMessage(f.table("told")),
	}
}

func readMessage(f reader) integration.Message {
	return integration.Message{Kind: booking.Kind(f.text("kind")), Revision: f.number("revision"), Start: f.time("start")}
}

func readReceipt(f reader) integration.Receipt {
	return integration.Receipt{
		ID: f.text("id"), Kind: booking.Kind(f.text("kind")), Revision: f.number("revision"),
		Status: integration.ReceiptStatus(f.text("status")), Code: f.text("code"), At: f.time("at"),
	}
}

func readSteps(fs []reader) []store.Step {
	var steps []store.Step
	for _, f := range fs {
		steps = append(steps, store.Step{
			At: f.time("at"), Kind: f.text("kind"), Integration: integration.ID(f.text("integration")),
			Outcome: f.text("outcome"), Detail: f.text("detail"),
		})
	}
	return steps
}
