package googleauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"

	"golang.org/x/oauth2"

	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/integration"
)

// TokenError is a failure of Google's token or revocation endpoint. Only
// [integration.Revoked] means that the grant is dead.
type TokenError struct {
	Op     string             // what was tried
	Reason integration.Reason // the class of the failure
	Status int                // HTTP status; zero: there was no answer
	Code   string             // the answer's OAuth error code (RFC 6749, section 5.2); empty: none
	cause  error              // of a call without an answer
}

// Error names the class, the status and the code: an answer's other words
// might hold what must not be logged.
func (e *TokenError) Error() string {
	s := fmt.Sprintf("googleauth: %s: %s", e.Op, e.Reason)
	if e.Status != 0 {
		s += fmt.Sprintf(", status %d %s", e.Status, e.Code)
	}
	if e.cause != nil {
		s += ": " + e.cause.Error()
	}
	return strings.TrimSpace(s)
}

// Unwrap returns why there was no answer.
func (e *TokenError) Unwrap() error { return e.cause }

// Why there is no token, beside a [TokenError].
var (
	// ErrNotConnected: the company has no grant in use, so nobody is asked.
	ErrNotConnected = fmt.Errorf("%w: the company is not connected", fault.ErrConflict)
	// ErrOtherGrant: the connection is of another account by now than the one
	// that the caller read. The caller must read again.
	ErrOtherGrant = fmt.Errorf("%w: the company connected another account", fault.ErrConflict)

	errDead = errors.New("googleauth: Google no longer accepts the grant")
)

// ReasonOf returns the class of an error of this package: what is shown to the
// company and what happens next. Of nil it is NoReason.
func ReasonOf(err error) integration.Reason {
	var te *TokenError
	var ne net.Error
	switch {
	case err == nil:
		return integration.NoReason
	case errors.Is(err, errDead):
		return integration.Revoked
	case errors.As(err, &te):
		return te.Reason
	case errors.Is(err, fault.ErrUnavailable): // a store of ours that does not answer
		return integration.Outage
	case errors.Is(err, ErrNotConnected), errors.Is(err, ErrOtherGrant):
		return integration.Outage // of nobody's making, and over at the next try
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled), errors.As(err, &ne):
		return integration.Network
	}
	return integration.Internal
}

// tokenError classes what the library returned of a call made under ctx.
func tokenError(ctx context.Context, op string, err error) error {
	var re *oauth2.RetrieveError
	var ne net.Error
	switch {
	case errors.As(err, &re):
		return answered(op, re.Response.StatusCode, re.Body)
	case ctx.Err() != nil:
		return &TokenError{Op: op, Reason: integration.Network, cause: ctx.Err()}
	case errors.As(err, &ne):
		return &TokenError{Op: op, Reason: integration.Network, cause: bare(err)}
	}
	// What is left is an answer that breaks off, or one of success that makes
	// no sense. The library's words may quote it.
	return &TokenError{Op: op, Reason: integration.Outage, cause: errors.New("the answer makes no sense")}
}

// bare strips an error of the address that was called.
func bare(err error) error {
	var ne *net.OpError
	if errors.As(err, &ne) {
		return ne
	}
	return errors.New("no answer")
}

// answerError classes an answer that is not a success.
func answerError(ctx context.Context, op string, resp *http.Response) error {
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
	if err != nil {
		return tokenError(ctx, op, err)
	}
	return answered(op, resp.StatusCode, body)
}

// answered classes a failure by its answer. A grant is dead only if Google
// says so in the form that RFC 6749 gives it: 400 (some send 401), JSON,
// invalid_grant. Whatever stands between here and Google may answer anything
// else.
func answered(op string, status int, body []byte) error {
	e := &TokenError{Op: op, Status: status, Code: errorCode(body)}
	refused := status == http.StatusBadRequest || status == http.StatusUnauthorized || status == http.StatusForbidden
	switch {
	case e.Code == "invalid_grant" && refused && status != http.StatusForbidden:
		e.Reason = integration.Revoked
	case status == http.StatusTooManyRequests, refused && strings.Contains(e.Code, "rate_limit"):
		e.Reason = integration.Quota
	case refused && e.Code != "":
		e.Reason = integration.Internal // invalid_client and the like: our configuration
	default:
		e.Reason = integration.Outage
	}
	return e
}

// oauthCode is the form of the registered error codes: nothing else is
// repeated in an error.
var oauthCode = regexp.MustCompile(`^[a-z_]{1,40}$`)

func errorCode(body []byte) string {
	var answer struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(body, &answer) != nil || !oauthCode.MatchString(answer.Error) {
		return ""
	}
	return answer.Error
}
