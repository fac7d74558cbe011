package sandbox

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Action is what a fault does to a call.
type Action string

// The actions.
const (
	Delay      Action = "delay"       // nothing but latency
	Answer     Action = "answer"      // an error with Status, Reason and RetryAfter
	Garbage    Action = "garbage"     // Status with a page of HTML where JSON is expected
	DropBefore Action = "drop-before" // the connection is lost before the call is performed
	DropAfter  Action = "drop-after"  // the call is performed, then the connection is lost
	AnswerLate Action = "answer-late" // the call is performed at once and answered after Late
	ApplyLate  Action = "apply-late"  // no answer ever comes, and the call is performed after Late
	FailStatus Action = "fail-status" // WhatsApp only: the message is accepted, then fails with the code that is Reason
)

// Fault spoils calls to Google and WhatsApp that it matches. Of several that
// match the first added is taken; only its counters move.
type Fault struct {
	ID string // given by the sandbox

	// Which calls: an operation as the request log names it, "events.*" for all
	// of a kind, "*" for all there are. What is empty matches any.
	Operation string
	Account   string
	GrantType string // of the token endpoint: "authorization_code" or "refresh_token"
	Recipient string // of a message: a phone number with its country calling code
	Template  string // of a message: its name

	// When: after so many matching calls have passed unharmed, for so many
	// calls (0: all), until that time (zero: for ever), with that
	// probability (0: always) by a generator seeded with Seed.
	After       int
	Times       int
	Until       time.Time
	Probability float64
	Seed        uint64

	// What. The latency comes first, and a client that goes away meanwhile
	// leaves the call unperformed.
	Latency    time.Duration
	Action     Action        // empty: as the code has it that is Reason; else Answer if Status is set, otherwise Delay
	Status     int           // 0: as the code has it that is Reason
	Reason     string        // Google's, such as "rateLimitExceeded" or "invalid_grant"; empty: "backendError", "internal_failure"; WhatsApp's: a code
	RetryAfter time.Duration // sent in whole seconds
	Applied    bool          // with Answer and Garbage: the call is performed all the same
	Late       time.Duration
}

type faultSet struct {
	mu     sync.Mutex
	nextID int
	active []*activeFault
}

type activeFault struct {
	Fault
	seen, fired int
	rand        *rand.Rand
}

// AddFault makes a fault active and returns its id.
func (s *Sandbox) AddFault(f Fault) (id string, err error) {
	f.complete()
	if err := f.validate(); err != nil {
		return "", err
	}
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.nextID++
	f.ID = strconv.Itoa(s.faults.nextID)
	//nolint:gosec // repeatable chance is the purpose
	a := &activeFault{Fault: f, rand: rand.New(rand.NewPCG(f.Seed, 0))}
	s.faults.active = append(s.faults.active, a)
	return f.ID, nil
}

// complete fills in what follows from the rest.
func (f *Fault) complete() {
	e, coded := f.whatsAppError()
	if coded && f.Action == "" {
		f.Action = Answer
		if e.Asynchronous {
			f.Action = FailStatus
		}
	}
	if coded && f.Action == Answer && f.Status == 0 {
		f.Status = e.Status
	}
	if f.Action == "" {
		f.Action = Delay
		if f.Status != 0 {
			f.Action = Answer
		}
	}
	if f.Action == Garbage && f.Status == 0 {
		f.Status = 200
	}
}

func (f *Fault) validate() error {
	var errs []error
	if f.Operation == "" {
		errs = append(errs, errors.New("no operation"))
	}
	switch f.Action {
	case Delay, DropBefore, DropAfter, AnswerLate, ApplyLate:
	case FailStatus:
		if _, ok := f.whatsAppError(); !ok {
			errs = append(errs, fmt.Errorf("reason %q is no error code of WhatsApp's", f.Reason))
		}
	case Answer:
		if f.Status < 400 || f.Status > 599 {
			errs = append(errs, fmt.Errorf("status %d is no error", f.Status))
		}
	case Garbage:
		if f.Status < 200 || f.Status > 599 {
			errs = append(errs, fmt.Errorf("status %d is no status of an answer", f.Status))
		}
	default:
		errs = append(errs, fmt.Errorf("unknown action %q", f.Action))
	}
	if f.Probability < 0 || f.Probability > 1 {
		errs = append(errs, fmt.Errorf("probability %v", f.Probability))
	}
	if f.After < 0 || f.Times < 0 || f.Latency < 0 || f.Late < 0 || f.RetryAfter < 0 {
		errs = append(errs, errors.New("a number below zero"))
	}
	return errors.Join(errs...)
}

// Faults lists the faults that were added and not cleared, also those whose
// time has passed.
func (s *Sandbox) Faults() []Fault {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	out := make([]Fault, 0, len(s.faults.active))
	for _, a := range s.faults.active {
		out = append(out, a.Fault)
	}
	return out
}

// ClearFault removes one fault, and reports whether there was one.
func (s *Sandbox) ClearFault(id string) bool {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	n := len(s.faults.active)
	s.faults.active = slices.DeleteFunc(s.faults.active, func(a *activeFault) bool { return a.ID == id })
	return len(s.faults.active) < n
}

// ClearFaults removes all faults. Calls that one already holds go on as it
// wants.
func (s *Sandbox) ClearFaults() {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.active = nil
}

// pick returns the fault that is due for a call; nil if none is.
func (fs *faultSet) pick(c *call) *Fault {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for _, a := range fs.active {
		if a.matches(c) && a.due(c.at) {
			f := a.Fault
			return &f
		}
	}
	return nil
}

func (f *Fault) matches(c *call) bool {
	return matchOperation(f.Operation, c.operation) &&
		(f.Account == "" || f.Account == c.account) &&
		(f.GrantType == "" || f.GrantType == c.form.Get("grant_type")) &&
		(f.Recipient == "" || digits(f.Recipient) == digits(c.recipient)) &&
		(f.Template == "" || f.Template == c.template)
}

func matchOperation(pattern, operation string) bool {
	if prefix, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(operation, prefix)
	}
	return pattern == operation
}

// due counts a matching call and reports whether the fault takes it.
func (a *activeFault) due(now time.Time) bool {
	if !a.Until.IsZero() && !now.Before(a.Until) || a.Times > 0 && a.fired >= a.Times {
		return false
	}
	a.seen++
	if a.seen <= a.After || a.Probability > 0 && a.rand.Float64() >= a.Probability {
		return false
	}
	a.fired++
	return true
}
