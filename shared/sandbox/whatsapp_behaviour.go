package sandbox

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"
)

// MessageStatus is what became of a message, in Meta's words.
type MessageStatus string

// The statuses. Accepted is that of the answer to the sender; the others come
// by webhook.
const (
	Accepted  MessageStatus = "accepted"
	Sent      MessageStatus = "sent"
	Delivered MessageStatus = "delivered"
	Read      MessageStatus = "read"
	Failed    MessageStatus = "failed"
)

// PlannedStatus is a status that a message is to have.
type PlannedStatus struct {
	Status MessageStatus
	Code   int           // of a failed one: one of WhatsAppErrors
	After  time.Duration // it happens so long after the message was accepted, or after the call that asks for it
	Late   time.Duration // it is told so long after it happened
	Times  int           // it is told so often; 0: once
}

func (p PlannedStatus) validate() error {
	switch p.Status {
	case Sent, Delivered, Read:
		if p.Code != 0 {
			return fmt.Errorf("status %q has no error code", p.Status)
		}
	case Failed:
		if _, ok := whatsAppError(p.Code); !ok {
			return fmt.Errorf("unknown error code %d", p.Code)
		}
	default: // also Accepted, which no webhook tells
		return fmt.Errorf("unknown status %q", p.Status)
	}
	if p.After < 0 || p.Late < 0 || p.Times < 0 {
		return errors.New("a number below zero")
	}
	return nil
}

// WhatsAppBehaviour says how the WhatsApp Cloud API treats messages that it
// accepts. The zero value is the usual.
type WhatsAppBehaviour struct {
	// What becomes of every message, in any order. Nil: it is sent after half
	// a second and delivered after two; empty: nothing happens.
	Statuses []PlannedStatus

	PerSecond      int           // messages a second; 0: 80, as Meta's page "Throughput" has it; below 0: no limit
	PairInterval   time.Duration // one message to the same phone in so long; 0: 6 seconds, as "Pair rate limits" has it; below 0: no limit
	PairBurst      int           // messages to the same phone that may be borrowed within that time; 0: 45
	Tries          int           // of telling a status, each twice as long after the one before, from 1 second to 5 minutes; 0: 12
	NoReadReceipts bool          // whoever opens a conversation does not say so
}

func (b WhatsAppBehaviour) validate() error {
	for _, p := range b.Statuses {
		if err := p.validate(); err != nil {
			return err
		}
	}
	if b.PairBurst < 0 || b.Tries < 0 {
		return errors.New("a number below zero")
	}
	return nil
}

func (b WhatsAppBehaviour) statuses() []PlannedStatus {
	if b.Statuses == nil {
		return []PlannedStatus{{Status: Sent, After: 500 * time.Millisecond}, {Status: Delivered, After: 2 * time.Second}}
	}
	return b.Statuses
}

func (b WhatsAppBehaviour) tries() int {
	return cmp.Or(b.Tries, 12)
}

// WhatsAppBehaviour returns the behaviour in force.
func (s *Sandbox) WhatsAppBehaviour() WhatsAppBehaviour {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.whatsapp.behaviour
	b.Statuses = slices.Clone(b.Statuses)
	return b
}

// SetWhatsAppBehaviour replaces the behaviour, for messages that are accepted
// from now on. It is not kept across restarts.
func (s *Sandbox) SetWhatsAppBehaviour(b WhatsAppBehaviour) error {
	if err := b.validate(); err != nil {
		return err
	}
	b.Statuses = slices.Clone(b.Statuses)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.whatsapp.behaviour = b
	return nil
}
