package whatsapp

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/retry"
)

// class is what a code of the API's means to the message that it is about.
type class struct {
	reason  integration.Reason
	passing bool          // may be over at once
	wait    time.Duration // that Meta asks for at least
}

// classes follows the page "Error codes" of the Cloud API. What is not in it
// is ours or the operator's to mend: access, payment, registration, templates.
func classes() map[int]class {
	rejected := class{reason: integration.Rejected}
	outage := class{reason: integration.Outage}
	briefOutage := class{reason: integration.Outage, passing: true}
	return map[int]class{
		1:      outage, // "possible server error"
		2:      briefOutage,
		131000: outage,
		131016: briefOutage,
		131057: outage, // maintenance
		133004: briefOutage,
		134101: {reason: integration.Outage, wait: 10 * time.Minute}, // the template is still syncing

		4:      {reason: integration.Quota},
		80007:  {reason: integration.Quota},
		130429: {reason: integration.Quota, passing: true},         // throughput
		131056: {reason: integration.Quota, wait: 6 * time.Second}, // one message in six seconds to the same person

		130403: rejected, // the business has blocked this person
		130472: rejected, // the person is part of an experiment
		130497: rejected, // the person's country
		131009: rejected,
		131021: rejected, // the recipient is the sender
		131026: rejected, // not on WhatsApp
		131030: rejected, // a test number, and the recipient is not on its list
		131047: rejected,
		131049: rejected, // "healthy ecosystem": not to be tried again at once
		131050: rejected, // the person wants no marketing
		132005: rejected, // the text is too long
	}
}

func classOfCode(code int) class {
	if c, ok := classes()[code]; ok {
		return c
	}
	return class{reason: integration.Internal}
}

// classOf is the class of a code as receipts have it.
func classOf(code string) class {
	n, err := strconv.Atoi(code)
	if err != nil {
		return class{reason: integration.Internal}
	}
	return classOfCode(n)
}

// ReasonOf returns the class of a code as receipts have it.
func ReasonOf(code string) integration.Reason { return classOf(code).reason }

// answered classes an answer with an error's status. With a code of the API's
// it says that the message was not taken; anything else may be said by whatever
// stands between here and there. A "server error" without more leaves it open.
func answered(status, code int) *Error {
	e := &Error{Status: status, Code: code}
	switch {
	case code != 0 && (code != 1 || status < http.StatusInternalServerError):
		c := classOfCode(code)
		e.Reason, e.passing, e.RetryAfter = c.reason, c.passing, c.wait
	case status == http.StatusTooManyRequests:
		e.Reason = integration.Quota
	case status >= http.StatusInternalServerError, status == http.StatusRequestTimeout:
		e.Reason, e.unknown = integration.Outage, true
	default:
		e.Reason = integration.Outage // a proxy's page, or a redirection
	}
	return e
}

// unanswered classes a call without an answer. Its words leave out the address.
func unanswered(err error) *Error {
	e := &Error{Reason: integration.Network, unknown: !retry.NeverSent(err), err: err}
	e.passing = !e.unknown
	if u, ok := errors.AsType[*url.Error](err); ok {
		e.err = u.Err
		if u.Timeout() && e.unknown {
			e.Reason = integration.Outage
		}
	}
	return e
}
