package gcal

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"google.golang.org/api/googleapi"

	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/retry"
)

// class is what the end of a call means to whoever made it.
type class int

const (
	doubtful class = iota // a write may have been done, or may be done yet
	undone                // certainly not done, for a reason that passes
	unsent                // not sent, and no use in trying at once
	stale                 // 401: the token is not good any more
	exists                // 409: the id is taken
	absent                // 404: there is no such event, or no such calendar
	gone                  // 410 or cancelled: deleted, and its id burnt
	shut                  // 403: no access to the calendar, or so it says
	barred                // 403: nothing at all may be called
	refused               // not acceptable, now or later
)

var errCancelled = errors.New("the event is cancelled")

// Error is a call to Google that failed. Its words hold nothing personal: of
// Google's it has only the code.
type Error struct {
	Call       string
	Status     int    // of HTTP; 0: no answer
	Code       string // Google's, "quotaExceeded" for example
	Reason     integration.Reason
	RetryAfter time.Duration // as Google asked

	class class
	err   error
}

// Error says which call failed, and how.
func (e *Error) Error() string {
	s := "google calendar " + e.Call
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

// ReasonOf returns an error's class, NoReason for nil and for a call that was
// never to begin, and Internal for an error that is not of this package.
func ReasonOf(err error) integration.Reason {
	if err == nil {
		return integration.NoReason
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Reason
	}
	return integration.Internal
}

// detail is Google's code with the status, "timeRangeEmpty (400)" for example.
func (e *Error) detail() string {
	if e.Code == "" {
		return strconv.Itoa(e.Status)
	}
	return fmt.Sprintf("%s (%d)", e.Code, e.Status)
}

// passing reports whether the same call may succeed at once.
func (e *Error) passing() bool { return e.class == doubtful || e.class == undone }

// ambiguous reports whether it is a 403 that says nothing certain: Google may
// answer so for a deleted event.
func (e *Error) ambiguous() bool {
	return e.Status == http.StatusForbidden && e.class != barred && e.Reason != integration.Quota
}

// expected reports whether it is an answer that the caller goes on from.
func (e *Error) expected() bool {
	switch e.Call {
	case callInsert:
		return e.class == exists
	case callUpdate, callPatch, callDelete, callGet:
		return e.class == absent || e.class == gone
	}
	return false
}

func classify(name string, err error, now time.Time) *Error {
	e := &Error{Call: name}
	if api, ok := errors.AsType[*googleapi.Error](err); ok {
		e.Status, e.Code = api.Code, code(api)
		e.RetryAfter = retry.After(api.Header.Get("Retry-After"), now)
		e.class, e.Reason = answered(e.Status, e.Code)
		if webPage(api.Header) {
			e.class, e.Reason = doubtful, integration.Outage
		}
		return e
	}
	e.class, e.Reason = unanswered(err)
	e.err = err
	if u, ok := errors.AsType[*url.Error](err); ok {
		e.err = u.Err // without the address, which may hold a calendar's, and so a person's
	}
	return e
}

// answered classes an answer with an error's status.
func answered(status int, code string) (class, integration.Reason) {
	switch status {
	case http.StatusUnauthorized:
		return stale, integration.Outage
	case http.StatusForbidden:
		return forbidden(code)
	case http.StatusNotFound:
		return absent, integration.CalendarMissing // if the event itself isn't what was asked for
	case http.StatusGone:
		return gone, integration.CalendarMissing
	case http.StatusConflict:
		return exists, integration.Outage
	case http.StatusTooManyRequests:
		return undone, integration.Quota
	case http.StatusRequestTimeout:
		return doubtful, integration.Outage
	}
	if status >= 400 && status < 500 {
		return refused, integration.Rejected
	}
	return doubtful, integration.Outage
}

// forbidden classes a 403. Without a code it is not from the API.
func forbidden(code string) (class, integration.Reason) {
	switch code {
	case "":
		return undone, integration.Outage
	case "rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "dailyLimitExceeded", "RATE_LIMIT_EXCEEDED":
		return undone, integration.Quota
	case "accessNotConfigured", "SERVICE_DISABLED":
		return barred, integration.Internal
	case "insufficientPermissions", "ACCESS_TOKEN_SCOPE_INSUFFICIENT":
		return barred, integration.ScopeMissing
	case "forbidden", "requiredAccessLevel", "notACalendarUser":
		return shut, integration.CalendarMissing
	}
	return refused, integration.Rejected
}

// unanswered classes a call without a usable answer.
func unanswered(err error) (class, integration.Reason) {
	switch {
	case errors.Is(err, errCancelled):
		return gone, integration.NoReason
	case errors.Is(err, errAnswer):
		return doubtful, integration.Outage
	case retry.NeverSent(err):
		return undone, integration.Network
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return doubtful, integration.Outage
	case retry.Lost(err):
		return doubtful, integration.Network
	}
	return doubtful, integration.Outage // JSON that isn't the API's
}

// webPage reports whether an answer is somebody else's than the API's, which
// answers in JSON.
func webPage(h http.Header) bool {
	return strings.HasPrefix(strings.ToLower(h.Get("Content-Type")), "text/html")
}

var codePattern = regexp.MustCompile(`^[A-Za-z][A-Za-z_]{0,63}$`)

// code is the API's word for an error, in its own format or, failing that, in
// that of google.rpc.ErrorInfo.
func code(api *googleapi.Error) string {
	for _, item := range api.Errors {
		if codePattern.MatchString(item.Reason) {
			return item.Reason
		}
	}
	for _, d := range api.Details {
		info, _ := d.(map[string]any)
		if reason, _ := info["reason"].(string); codePattern.MatchString(reason) {
			return reason
		}
	}
	return ""
}
