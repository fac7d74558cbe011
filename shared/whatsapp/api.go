package whatsapp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/retry"
)

const (
	// callTime is how long one call takes at most.
	callTime = 10 * time.Second

	// leastTime is what must be left for a call to begin: one that is cut off
	// has an unknown fate.
	leastTime = time.Second
)

var (
	errSwitchedOff = errors.New("switched off for everyone meanwhile")
	errNoTime      = errors.New("no time left for a call")
	errAnswer      = errors.New("not an answer of the Cloud API")
)

// outgoing is a message as the API takes it.
type outgoing struct {
	Product  string           `json:"messaging_product"`
	To       string           `json:"to"`
	Type     string           `json:"type"`
	Template outgoingTemplate `json:"template"`
	Callback string           `json:"biz_opaque_callback_data,omitempty"` // comes back with each receipt; 512 characters at most
}

type outgoingTemplate struct {
	Name       string              `json:"name"`
	Language   outgoingLanguage    `json:"language"`
	Components []outgoingComponent `json:"components"`
}

type outgoingLanguage struct {
	Code string `json:"code"`
}

type outgoingComponent struct {
	Type       string              `json:"type"`
	Parameters []outgoingParameter `json:"parameters"`
}

type outgoingParameter struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

// incoming is what the API answers.
type incoming struct {
	Messages []struct {
		ID string `json:"id"`
	} `json:"messages"`
	Error struct {
		Code int `json:"code"`
	} `json:"error"`
}

// send returns the message's id. A call that is known to have failed for a
// passing reason is repeated once, at once.
func (s *Sender) send(ctx context.Context, m outgoing) (id string, e *Error) {
	id, e = s.once(ctx, m)
	if e == nil || !e.passing || !retry.Pause(ctx, e.RetryAfter) {
		return id, e
	}
	return s.once(ctx, m)
}

func (s *Sender) once(ctx context.Context, m outgoing) (string, *Error) {
	if e := s.ready(ctx); e != nil {
		return "", e
	}
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	id, e := s.post(ctx, m)
	if e != nil {
		s.deps.Log.LogAttrs(ctx, slog.LevelWarn, "call failed",
			slog.String("integration", string(integration.WhatsApp)), slog.String("call", "send"),
			slog.Int("status", e.Status), slog.String("reason", string(e.Reason)), slog.String("error", e.Error()))
	}
	return id, e
}

// ready sees to it that a call may begin now.
func (s *Sender) ready(ctx context.Context) *Error {
	if !s.deps.Allowed(ctx) {
		return &Error{err: errSwitchedOff}
	}
	if err := ctx.Err(); err != nil {
		return &Error{err: err}
	}
	if end, ok := ctx.Deadline(); ok && time.Until(end) < leastTime {
		return &Error{err: errNoTime}
	}
	return nil
}

func (s *Sender) post(ctx context.Context, m outgoing) (string, *Error) {
	body, err := json.Marshal(m)
	if err != nil {
		return "", &Error{Reason: integration.Internal, err: err}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		return "", &Error{Reason: integration.Internal, err: err}
	}
	req.GetBody = nil // or the transport might send it twice on its own
	req.Header.Set("Authorization", "Bearer "+s.deps.Sender.Token.Reveal())
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.deps.HTTP.Do(req)
	if err != nil {
		return "", unanswered(err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return "", unanswered(err)
	}
	return s.read(resp, answer)
}

func (s *Sender) read(resp *http.Response, body []byte) (string, *Error) {
	var in incoming
	err := json.Unmarshal(body, &in)
	switch {
	case resp.StatusCode/100 != 2:
		e := answered(resp.StatusCode, in.Error.Code)
		e.RetryAfter = max(e.RetryAfter, retry.After(resp.Header.Get("Retry-After"), s.deps.Now()))
		return "", e
	case err != nil, len(in.Messages) == 0, in.Messages[0].ID == "":
		return "", &Error{Status: resp.StatusCode, Reason: integration.Outage, unknown: true, err: errAnswer}
	}
	return in.Messages[0].ID, nil
}

// Error is a message that was not sent, or may not have been. Its words hold
// nothing personal: of the API's it has only the code.
type Error struct {
	Status     int // of HTTP; 0: no answer
	Code       int // the API's; 0: none
	Reason     integration.Reason
	RetryAfter time.Duration

	unknown bool // whether it was sent is not known
	passing bool // it was not, and may well be if it is tried at once
	err     error
}

// Error says how the call failed.
func (e *Error) Error() string {
	s := "whatsapp send"
	if e.Reason != integration.NoReason {
		s += ": " + string(e.Reason)
	}
	if e.Status != 0 {
		s += ": " + e.detail()
	}
	if e.err != nil {
		s += ": " + e.err.Error()
	}
	return s
}

// Unwrap returns what kept the call from being answered, if anything did.
func (e *Error) Unwrap() error { return e.err }

// detail is the API's code, or HTTP's status if there is none.
func (e *Error) detail() string {
	if e.Code == 0 {
		return fmt.Sprintf("HTTP %d", e.Status)
	}
	return strconv.Itoa(e.Code)
}
