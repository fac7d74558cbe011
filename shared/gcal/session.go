package gcal

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/retry"
)

// callTime is how long one call takes at most.
const callTime = 10 * time.Second

var (
	errSwitchedOff = errors.New("switched off for everyone meanwhile")
	errNoTime      = errors.New("no time left for a call")
)

// leastTime is what must be left for a call to begin: one that is cut off has
// an unknown fate.
const leastTime = time.Second

// session is a series of calls for one company, one after another.
type session struct {
	cal      *Calendar
	company  booking.CompanyID
	conn     integration.Connection
	token    string
	renewed  bool // the token was refused once and replaced
	inFlight bool // a write may have arrived, or may arrive yet
}

func (c *Calendar) session(company booking.CompanyID, conn integration.Connection) *session {
	return &session{cal: c, company: company, conn: conn}
}

// call is one call to Google, which may be sent more than once.
type call struct {
	name  string
	write bool
	send  func(ctx context.Context, authorization string) error
}

// do makes the call. One that failed for a passing reason is repeated once, at
// once, if there is time left; one whose token was refused before its time is
// repeated with a new token.
func (s *session) do(ctx context.Context, c call) *Error {
	var before *Error
	for {
		e := s.once(ctx, c)
		switch {
		case e == nil:
			return nil
		case e.class == unsent && e.Reason == integration.NoReason && before != nil:
			return before // which says more than that there was no second try
		case e.class == stale && !s.renewed:
			if e := s.renew(ctx, c.name); e != nil {
				return e
			}
		case !e.passing() || before != nil || !retry.Pause(ctx, e.RetryAfter):
			return e
		default:
			before = e
		}
	}
}

// once sends the call, unless it may not begin.
func (s *session) once(ctx context.Context, c call) *Error {
	if e := s.ready(ctx, c.name); e != nil {
		return e
	}
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	err := c.send(ctx, "Bearer "+s.token)
	if err == nil {
		return nil
	}
	e := classify(c.name, err, s.cal.deps.Now())
	s.inFlight = s.inFlight || c.write && e.class == doubtful
	if !e.expected() {
		s.log(ctx, e)
	}
	return e
}

// ready sees to it that a call may begin now, and has a token.
func (s *session) ready(ctx context.Context, name string) *Error {
	if !s.cal.deps.Allowed(ctx) {
		return &Error{Call: name, class: unsent, err: errSwitchedOff}
	}
	if s.token == "" {
		token, err := s.cal.deps.Tokens.Token(ctx, s.company, s.conn)
		if err != nil {
			return s.noToken(ctx, name, err)
		}
		s.token = token
	}
	if err := ctx.Err(); err != nil {
		return &Error{Call: name, class: unsent, err: err}
	}
	if end, ok := ctx.Deadline(); ok && time.Until(end) < leastTime {
		return &Error{Call: name, class: unsent, err: errNoTime}
	}
	return nil
}

func (s *session) renew(ctx context.Context, name string) *Error {
	s.renewed = true
	token, err := s.cal.deps.Tokens.Renew(ctx, s.company, s.conn, s.token)
	if err != nil {
		return s.noToken(ctx, name, err)
	}
	s.token = token
	return nil
}

func (s *session) noToken(ctx context.Context, name string, err error) *Error {
	e := &Error{Call: name, Reason: s.cal.deps.Reasons(err), class: unsent, err: err}
	if e.Reason == integration.NoReason {
		e.Reason = integration.Internal
	}
	s.log(ctx, e)
	return e
}

func (s *session) log(ctx context.Context, e *Error) {
	s.cal.deps.Log.LogAttrs(ctx, slog.LevelWarn, "call failed",
		slog.String("integration", string(integration.GoogleCalendar)), slog.String("call", e.Call),
		slog.Int("status", e.Status), slog.String("reason", string(e.Reason)), slog.String("error", e.Error()))
}
