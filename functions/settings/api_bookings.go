package settings

import (
	"net/http"
	"strconv"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/session"
	"github.com/citasync/citasync/shared/store"
)

// How many items a page of the API has.
const (
	defaultLimit = 50
	maxLimit     = 200
)

// bookingJSON is a booking with what became of it. Start and end are in the
// booking's own offset, all other times in UTC.
type bookingJSON struct {
	ID         booking.ID                      `json:"id"`
	State      booking.Kind                    `json:"state"`
	Service    string                          `json:"service"`
	Customer   customerJSON                    `json:"customer"`
	Staff      string                          `json:"staff"`
	Location   string                          `json:"location"`
	Notes      string                          `json:"notes"`
	URL        string                          `json:"url"` // its page at the platform
	Start      string                          `json:"start"`
	End        string                          `json:"end"`
	TimeZone   string                          `json:"time_zone"`
	Revision   int64                           `json:"revision"`
	Deliveries map[integration.ID]deliveryJSON `json:"deliveries"`
	History    []stepJSON                      `json:"history"`
}

type customerJSON struct {
	Name  string `json:"name"`
	Phone string `json:"phone"`
	Email string `json:"email"`
}

type deliveryJSON struct {
	Status        integration.DeliveryStatus `json:"status"`
	Reason        integration.Reason         `json:"reason"`
	Detail        string                     `json:"detail"`  // what was found, or the integration's own word for a refusal
	Message       string                     `json:"message"` // how it stands and what happens next, in the token's language
	EventID       string                     `json:"event_id"`
	CalendarID    string                     `json:"calendar_id"`
	Link          string                     `json:"link"`
	Attempts      int                        `json:"attempts"`
	UpdatedAt     string                     `json:"updated_at"`
	NextAttemptAt string                     `json:"next_attempt_at"`
	MessageID     string                     `json:"message_id"` // of a delivery by message; such a one has no event_id
	Receipt       integration.ReceiptStatus  `json:"receipt"`    // how far that message has come, as was told of it
	ReceiptAt     string                     `json:"receipt_at"`
}

type stepJSON struct {
	At          string         `json:"at"`
	Kind        string         `json:"kind"`
	Integration integration.ID `json:"integration"`
	Outcome     string         `json:"outcome"`
	Detail      string         `json:"detail"`
}

// listBookings answers with a page of the bookings that are asked for.
func (h *handler) listBookings(r *http.Request, c session.Claims) (any, error) {
	limit, err := limitOf(r)
	if err != nil {
		return nil, err
	}
	v, entries, err := h.callerOf(r, c)
	if err != nil {
		return nil, err
	}
	filter, err := v.filterOf(r)
	if err != nil {
		return nil, err
	}
	cursor := r.URL.Query().Get("cursor")
	page, err := h.list(r, v, store.Query{Filter: filter, Cursor: cursor, Limit: limit})
	if err != nil {
		return nil, wrongCursor(cursor, err)
	}
	list := make([]bookingJSON, 0, len(page.Items))
	for _, rec := range page.Items {
		list = append(list, v.bookingJSON(rec, entries))
	}
	return struct {
		Bookings   []bookingJSON `json:"bookings"`
		NextCursor string        `json:"next_cursor"`
	}{list, page.Next}, nil
}

func (h *handler) getBooking(r *http.Request, c session.Claims) (any, error) {
	rec, err := h.lookUp(r, c.Company, booking.ID(r.PathValue("id")))
	if err != nil {
		return nil, err
	}
	v, entries, err := h.callerOf(r, c)
	if err != nil {
		return nil, err
	}
	return v.bookingJSON(rec, entries), nil
}

// callerOf is who calls, and how her integrations stand.
func (h *handler) callerOf(r *http.Request, c session.Claims) (*visit, []entry, error) {
	v, err := h.caller(r, c)
	if err != nil {
		return nil, nil, err
	}
	entries, err := h.entries(r, v)
	return v, entries, err
}

// limitOf is how many items a page of a list is to have at most.
func limitOf(r *http.Request) (int, error) {
	q := r.URL.Query()
	if !q.Has("limit") {
		return defaultLimit, nil
	}
	n, err := strconv.Atoi(q.Get("limit"))
	if err != nil || n < 1 || n > maxLimit {
		return 0, wrong("limit", "must be a whole number from 1 to %d", maxLimit)
	}
	return n, nil
}

func (v *visit) bookingJSON(rec *store.Booking, entries []entry) bookingJSON {
	b := rec.Booking
	out := bookingJSON{
		ID: b.ID, State: rec.State, Service: b.Service, Customer: customerJSON(b.Customer),
		Staff: b.Staff, Location: b.Location, Notes: b.Notes, URL: b.URL,
		Start: stamp(b.Start), End: stamp(b.End), TimeZone: b.TimeZone, Revision: rec.Revision,
		Deliveries: make(map[integration.ID]deliveryJSON, len(rec.Deliveries)),
		History:    make([]stepJSON, 0, len(rec.History)),
	}
	for id, d := range rec.Deliveries {
		out.Deliveries[id] = v.deliveryJSON(rec, id, d, entries)
	}
	for _, s := range rec.History {
		out.History = append(out.History, stepJSON{stampUTC(s.At), s.Kind, s.Integration, s.Outcome, s.Detail})
	}
	return out
}

func (v *visit) deliveryJSON(rec *store.Booking, id integration.ID, d integration.Delivery, entries []entry) deliveryJSON {
	out := deliveryJSON{
		Status: d.Status, Reason: d.Reason, Detail: d.Detail, Message: v.message(rec, id, entries), EventID: d.ExternalID, CalendarID: d.Place.Calendar, Link: d.Link,
		Attempts: d.Attempts, UpdatedAt: stampUTC(d.UpdatedAt), NextAttemptAt: stampUTC(d.NextAttemptAt),
	}
	if id == integration.WhatsApp {
		r := receiptOf(d)
		out.EventID, out.MessageID, out.Receipt, out.ReceiptAt = "", d.ExternalID, r.Status, stampUTC(r.At)
	}
	return out
}

// message is a delivery in words; empty for an integration that is not offered.
func (v *visit) message(rec *store.Booking, id integration.ID, entries []entry) string {
	for _, e := range entries {
		if e.Connection.ID == id {
			d := v.delivery(rec, e)
			return sentences(d.Fact, d.Detail, d.Next)
		}
	}
	return ""
}
