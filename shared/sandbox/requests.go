package sandbox

import (
	"sync"
	"time"
)

// Request is one call to Google or WhatsApp as the log keeps it: no token, no
// secret, no content.
type Request struct {
	Time        time.Time `json:"time"`                   // of its arrival
	Operation   string    `json:"operation"`              // auth, token, revoke, calendarList.list, calendarList.get, events.insert …, whatsapp.send
	Account     string    `json:"account"`                // e-mail; empty: not known
	Calendar    string    `json:"calendar,omitempty"`     // as the client named it
	Event       string    `json:"event,omitempty"`        // as the client named it; of an insert, the id asked for
	GrantType   string    `json:"grant_type,omitempty"`   // of the token endpoint
	SendUpdates string    `json:"send_updates,omitempty"` // whether guests are written to: as the client asked
	Recipient   string    `json:"recipient,omitempty"`    // of a message: the phone number as the client wrote it
	Template    string    `json:"template,omitempty"`     // of a message
	Language    string    `json:"language,omitempty"`     // of a message
	Status      int       `json:"status"`                 // 0: no answer was sent, or not yet
	Fault       Action    `json:"fault,omitempty"`        // what was done to it
}

// maxRequests is how many requests are kept at least; twice as many at most.
const maxRequests = 50_000

type requestLog struct {
	mu       sync.Mutex
	requests []*Request
}

// begin logs a call as it arrives, so that the log is in that order and a
// call without an answer is in it too.
func (l *requestLog) begin(c *call) *Request {
	r := &Request{
		Time: c.at, Operation: c.operation, Account: c.account, Calendar: c.calendar, Event: c.event,
		GrantType: c.form.Get("grant_type"), SendUpdates: c.query.Get("sendUpdates"),
		Recipient: c.recipient, Template: c.template, Language: c.language,
	}
	if r.Operation == opInsert {
		r.Event = c.askedID()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.requests) >= 2*maxRequests {
		l.requests = append([]*Request(nil), l.requests[maxRequests:]...)
	}
	l.requests = append(l.requests, r)
	return r
}

func (l *requestLog) spoilt(r *Request, f *Fault) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r.Fault = f.Action
}

func (l *requestLog) answered(r *Request, status int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r.Status = status
}

// Requests lists the calls to Google and WhatsApp in the order of their arrival: all, or
// the newest some ten thousands.
func (s *Sandbox) Requests() []Request {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	out := make([]Request, len(s.log.requests))
	for i, r := range s.log.requests {
		out[i] = *r
	}
	return out
}

// ClearRequests empties the log of requests.
func (s *Sandbox) ClearRequests() {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	s.log.requests = nil
}
