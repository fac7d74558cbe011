package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxBody limits what is read of a request. Google's limit is not documented;
// no event comes near this one.
const maxBody = 1 << 20

// call is one request to Google or WhatsApp, read whole, so that it can be
// performed after its client has gone.
type call struct {
	operation string
	at        time.Time
	account   string // e-mail; empty: not known
	calendar  string
	event     string
	query     url.Values
	form      url.Values // of the OAuth endpoints
	body      []byte
	ifMatch   string
	bearer    string
	basic     [2]string // client id and secret, if the client authenticated so
	link      string    // the sandbox's own address
	fault     *Fault    // what is done to it; nil: nothing

	// Of the WhatsApp Cloud API.
	version, sender               string // of the path
	recipient, template, language string // as the client named them
}

// operation performs a call and returns what is answered as JSON; nil for an
// answer without content.
type operation func(*call) (any, error)

// endpoint is one of Google's or WhatsApp's.
type endpoint struct {
	name    string             // as in "events.insert"
	prepare func(*call) error  // finds out who calls; an error is answered at once
	perform operation          // what may be delayed, lost or left out by a fault
	failure func(*Fault) error // a fault in this endpoint's form
}

// serve is the way of every call: read, identified, logged, spoilt if
// a fault is due, performed, answered.
func (s *Sandbox) serve(e endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := s.newCall(e.name, r)
		if err == nil {
			err = e.prepare(c)
		}
		entry := s.log.begin(c)
		if err != nil {
			s.finish(w, entry, failure(err))
			return
		}
		f := s.faults.pick(c)
		if f != nil {
			c.fault = f
			s.log.spoilt(entry, f)
		}
		a, err := s.outcome(r.Context(), e, c, f)
		if err != nil {
			panic(http.ErrAbortHandler) // closes the connection without an answer
		}
		s.finish(w, entry, a)
	})
}

func (s *Sandbox) finish(w http.ResponseWriter, entry *Request, a answer) {
	s.log.answered(entry, a.status)
	a.write(w)
}

func (s *Sandbox) newCall(operation string, r *http.Request) (*call, error) {
	c := &call{
		operation: operation,
		at:        s.now(),
		calendar:  r.PathValue("calendar"),
		event:     r.PathValue("event"),
		version:   r.PathValue("version"),
		sender:    r.PathValue("sender"),
		query:     r.URL.Query(),
		ifMatch:   r.Header.Get("If-Match"),
		link:      s.address(r),
	}
	c.bearer, _ = strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if id, secret, ok := r.BasicAuth(); ok {
		c.basic = [2]string{unescape(id), unescape(secret)} // RFC 6749, section 2.3.1
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil || len(body) > maxBody {
		return c, apiErr(http.StatusBadRequest, "parseError")
	}
	c.body = body
	return c, nil
}

// address is where browsers see the sandbox, without a slash at the end.
func (s *Sandbox) address(r *http.Request) string {
	if s.url != "" {
		return strings.TrimSuffix(s.url, "/")
	}
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

func unescape(s string) string {
	if u, err := url.QueryUnescape(s); err == nil {
		return u
	}
	return s
}

// decode reads the call's body, a JSON object. Unknown fields are ignored, as
// Google ignores them.
func (c *call) decode(v any) error {
	if err := json.Unmarshal(c.body, v); err != nil {
		return apiErr(http.StatusBadRequest, "parseError")
	}
	return nil
}

// run performs the call and makes its answer.
func (e endpoint) run(c *call) answer {
	v, err := e.perform(c)
	switch {
	case err != nil:
		return failure(err)
	case v == nil:
		return answer{status: http.StatusNoContent}
	}
	return jsonAnswer(http.StatusOK, v)
}

var errDropped = errors.New("connection dropped")

// outcome performs a call as the fault wants it; nil is no fault. It returns
// errDropped if there is to be no answer.
func (s *Sandbox) outcome(ctx context.Context, e endpoint, c *call, f *Fault) (answer, error) {
	if f == nil {
		return e.run(c), nil
	}
	if !wait(ctx, f.Latency) {
		return answer{}, errDropped
	}
	switch f.Action {
	case Delay, FailStatus:
		return e.run(c), nil
	case Answer, Garbage:
		if f.Applied {
			e.run(c)
		}
		return f.answer(e), nil
	case DropBefore:
		return answer{}, errDropped
	case DropAfter:
		e.run(c)
		return answer{}, errDropped
	case AnswerLate:
		a := e.run(c)
		if !wait(ctx, f.Late) {
			return answer{}, errDropped
		}
		return a, nil
	case ApplyLate:
		time.AfterFunc(f.Late, func() { e.run(c) })
		wait(ctx, f.Late+maxHang)
		return answer{}, errDropped
	}
	return answer{}, errDropped
}

// maxHang is how long a call without an answer keeps a client that has no
// time-out of its own.
const maxHang = 5 * time.Minute

// wait reports whether so much time has passed before the client went away.
func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// answer is what the fault answers in place of the endpoint.
func (f *Fault) answer(e endpoint) answer {
	if f.Action == Garbage {
		return answer{
			status: f.Status,
			header: http.Header{"Content-Type": {"text/html; charset=UTF-8"}},
			body:   []byte("<!DOCTYPE html><title>Error</title><p>That’s an error. That’s all we know."),
		}
	}
	return failure(e.failure(f))
}

func apiFault(f *Fault) error {
	e := apiErr(f.Status, orDefault(f.Reason, "backendError"))
	e.retryAfter = f.RetryAfter
	return e
}

func oauthFault(f *Fault) error {
	e := oauthErr(f.Status, orDefault(f.Reason, "internal_failure"), "")
	if f.Reason == "invalid_grant" {
		e.Description = expiredOrRevoked
	}
	e.retryAfter = f.RetryAfter
	return e
}
