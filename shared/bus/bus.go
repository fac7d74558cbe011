// Package bus declares how messages go from the webhook to the functions that
// act on them. Backends are its subdirectories.
package bus

import "context"

// Topic names a topic.
type Topic string

// The topics.
const (
	Reserved          Topic = "booking-reserved"
	Confirmed         Topic = "booking-confirmed"
	Deleted           Topic = "booking-deleted"
	Maintenance       Topic = "maintenance"
	IntegrationEvents Topic = "integration-events"
)

// Message is a message's data with its attributes.
type Message struct {
	Data       []byte
	Attributes map[string]string
}

// Names of attributes. AttrTrace carries a W3C traceparent.
const (
	AttrType    = "type"
	AttrCompany = "company_id"
	AttrBooking = "booking_id"
	AttrTrace   = "traceparent"
)

// Publisher publishes messages.
type Publisher interface {
	// Publish returns the message's id once it is stored durably, and an
	// error wrapping fault.ErrUnavailable if it may not be.
	Publish(ctx context.Context, topic Topic, m Message) (id string, err error)
}
