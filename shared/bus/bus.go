// Package bus declares how messages go from the webhook to the functions that
// act on them. Backends are its subdirectories.
package bus

import (
	"context"
	"encoding/json"
	"fmt"
)

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

// Wake asks maintain, in the trace of a traceparent, to look for what is due.
// What is due stands in the store, so a message that is lost costs time and
// nothing else. Task and company say why it was sent; the company may be empty.
func Wake(ctx context.Context, p Publisher, task, company, traceparent string) error {
	data, err := json.Marshal(struct {
		Task    string `json:"task"`
		Company string `json:"company,omitempty"`
	}{task, company})
	if err != nil {
		return fmt.Errorf("wake maintain: %w", err)
	}
	attrs := map[string]string{AttrTrace: traceparent}
	if company != "" {
		attrs[AttrCompany] = company
	}
	if _, err := p.Publish(ctx, Maintenance, Message{Data: data, Attributes: attrs}); err != nil {
		return fmt.Errorf("wake maintain: %w", err)
	}
	return nil
}
