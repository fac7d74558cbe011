package sandbox

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
)

// whatsappState is what the WhatsApp Cloud API keeps.
type whatsappState struct {
	Templates  []WhatsAppTemplate `json:"templates"` // in place of, or besides, the default ones
	Messages   []*WhatsAppMessage `json:"messages"`  // oldest first
	LastStatus int                `json:"last_status"`
}

// WhatsAppMessage is a message that was accepted.
type WhatsAppMessage struct {
	ID           string           `json:"id"`        // wamid.…
	Recipient    string           `json:"recipient"` // WhatsApp id: country calling code and number, digits only
	Template     string           `json:"template"`
	Language     string           `json:"language"`
	Category     string           `json:"category"` // the template's, in lower case: what Meta charges for
	Text         string           `json:"text"`     // as the recipient reads it
	CallbackData string           `json:"biz_opaque_callback_data,omitempty"`
	Accepted     time.Time        `json:"accepted"`
	Version      string           `json:"version"`  // of the API that was called: "v23.0"
	Statuses     []WhatsAppStatus `json:"statuses"` // in the order in which they were planned, also those that lie ahead
}

// WhatsAppStatus is something that becomes of a message.
type WhatsAppStatus struct {
	ID       int           `json:"id"` // different for each, also of those told twice
	Status   MessageStatus `json:"status"`
	Code     int           `json:"code,omitempty"` // of a failed one
	At       time.Time     `json:"at"`             // when it happens
	Due      time.Time     `json:"due"`            // when it is to be told
	Told     time.Time     `json:"told,omitzero"`  // when the receiver took it; zero: it has not
	Attempts int           `json:"attempts"`       // of telling it
	Answer   int           `json:"answer"`         // HTTP status of the receiver's last answer; 0: none
	Problem  string        `json:"problem,omitempty"`
}

// StatusAt is how far the message had come at that time.
func (m *WhatsAppMessage) StatusAt(now time.Time) MessageStatus {
	order := []MessageStatus{Accepted, Sent, Delivered, Read, Failed}
	last := 0
	for _, s := range m.Statuses {
		if !s.At.After(now) {
			last = max(last, slices.Index(order, s.Status))
		}
	}
	return order[last]
}

// maxMessages is how many messages are kept at least; twice as many at most.
const maxMessages = 5000

var errNoMessage = errors.New("no such message")

// accept keeps a message and plans what becomes of it.
func (w *whatsapp) accept(m WhatsAppMessage, plan []PlannedStatus) error {
	return w.plan(func(st *state) (*WhatsAppMessage, error) {
		if n := len(st.WhatsApp.Messages); n >= 2*maxMessages {
			st.WhatsApp.Messages = slices.Clone(st.WhatsApp.Messages[n-maxMessages:])
		}
		st.WhatsApp.Messages = append(st.WhatsApp.Messages, &m)
		return &m, nil
	}, m.Accepted, plan)
}

// plan adds statuses to the message that find finds, and sees to it that they
// are told.
func (w *whatsapp) plan(find func(*state) (*WhatsAppMessage, error), from time.Time, plan []PlannedStatus) error {
	var id string
	var added []WhatsAppStatus
	err := w.sandbox.change(func(st *state) error {
		m, err := find(st)
		if err != nil {
			return err
		}
		for _, p := range plan {
			for range max(p.Times, 1) {
				st.WhatsApp.LastStatus++
				at := from.Add(p.After)
				added = append(added, WhatsAppStatus{ID: st.WhatsApp.LastStatus, Status: p.Status, Code: p.Code, At: at, Due: at.Add(p.Late)})
			}
		}
		m.Statuses = append(m.Statuses, added...)
		id = m.ID
		return nil
	})
	if err == nil {
		w.tellAll(id, added)
	}
	return err
}

// tellAll has those statuses told that have not been, each when it is due.
func (w *whatsapp) tellAll(id string, statuses []WhatsAppStatus) {
	if w.CallbackURL == "" {
		return
	}
	now := w.sandbox.now()
	for _, s := range statuses {
		if s.Told.IsZero() {
			w.jobs.start(func(ctx context.Context) { w.tell(ctx, id, s.ID, s.Due.Sub(now)) })
		}
	}
}

// resume goes on where an earlier sandbox stopped.
func (w *whatsapp) resume() {
	for _, m := range w.sandbox.WhatsAppMessages() {
		w.tellAll(m.ID, m.Statuses)
	}
}

func (st *state) message(id string) (*WhatsAppMessage, error) {
	i := slices.IndexFunc(st.WhatsApp.Messages, func(m *WhatsAppMessage) bool { return m.ID == id })
	if i < 0 {
		return nil, errNoMessage
	}
	return st.WhatsApp.Messages[i], nil
}

// WhatsAppMessages lists the messages that were accepted, oldest first: all, or
// the newest some thousands.
func (s *Sandbox) WhatsAppMessages() []WhatsAppMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]WhatsAppMessage, 0, len(s.state.WhatsApp.Messages))
	for _, m := range s.state.WhatsApp.Messages {
		kept := *m
		kept.Statuses = slices.Clone(m.Statuses)
		out = append(out, kept)
	}
	return out
}

// ClearWhatsAppMessages forgets all messages. What was still to be told of them
// is not.
func (s *Sandbox) ClearWhatsAppMessages() error {
	return s.change(func(st *state) error {
		st.WhatsApp.Messages = nil
		return nil
	})
}

// TellWhatsAppStatus has something become of a message that was accepted,
// whatever became of it before.
func (s *Sandbox) TellWhatsAppStatus(id string, p PlannedStatus) error {
	if err := p.validate(); err != nil {
		return err
	}
	find := func(st *state) (*WhatsAppMessage, error) { return st.message(id) }
	return s.whatsapp.plan(find, s.now(), []PlannedStatus{p})
}

// ReadConversation opens a phone's conversation, as its owner would: the messages
// that were delivered are read, which is told unless NoReadReceipts forbids it.
func (s *Sandbox) ReadConversation(phone string) error {
	if s.WhatsAppBehaviour().NoReadReceipts {
		return nil
	}
	now := s.now()
	var errs []error
	for _, m := range s.conversation(phone) {
		if m.StatusAt(now) == Delivered {
			errs = append(errs, s.TellWhatsAppStatus(m.ID, PlannedStatus{Status: Read}))
		}
	}
	return errors.Join(errs...)
}

// conversation lists a phone's messages, oldest first. A phone without its
// country's calling code is found too, if it is one phone's only.
func (s *Sandbox) conversation(phone string) []WhatsAppMessage {
	all := s.WhatsAppMessages()
	id := digits(phone)
	if !slices.ContainsFunc(all, func(m WhatsAppMessage) bool { return m.Recipient == id }) {
		id = endingIn(all, id)
	}
	return slices.DeleteFunc(all, func(m WhatsAppMessage) bool { return m.Recipient != id })
}

// endingIn is the only recipient whose number ends so; empty if there are
// several, or none.
func endingIn(all []WhatsAppMessage, number string) string {
	const shortest = 7
	var found string
	for _, m := range all {
		switch {
		case len(number) < shortest || !strings.HasSuffix(m.Recipient, number) || m.Recipient == found:
		case found != "":
			return ""
		default:
			found = m.Recipient
		}
	}
	return found
}
