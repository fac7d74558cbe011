package whatsapp

import (
	"context"
	"log/slog"
	"regexp"

	"github.com/citasync/citasync/shared/integration"
)

// StepSent is what is done, for the booking's history.
const StepSent = "sent"

// Details of a delivery that failed, beside the API's codes.
const (
	InvalidPhone = "invalid_phone"
	Unconfirmed  = "unconfirmed" // sent twice, and neither answered nor proved by a receipt
)

var e164 = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

// IsPhone reports whether a message can go there: a phone number as ITU-T E.164
// has it. Only the webhook makes such numbers of others.
func IsPhone(s string) bool { return e164.MatchString(s) }

// Act sends the message that the delivery announces.
func (s *Sender) Act(ctx context.Context, t integration.Task) integration.Result {
	d := t.Delivery
	switch {
	case d.Sent.Sends > maxSends:
		d.Sent.Sends = maxSends
		return gaveUp(d, integration.Outage, Unconfirmed, nil)
	case !IsPhone(t.Booking.Customer.Phone):
		d.Sent.Sends--
		return gaveUp(d, integration.Rejected, InvalidPhone, nil)
	}
	id, e := s.send(ctx, s.notice(t))
	if e != nil {
		return unsent(d, e)
	}
	d.Status, d.Reason, d.Detail = integration.Done, integration.NoReason, ""
	d.Sent.Told, d.ExternalID = d.Sent.Announced, id
	// Without the message's id: the recipient's number is in it.
	s.deps.Log.LogAttrs(ctx, slog.LevelInfo, "message sent", slog.String("integration", string(integration.WhatsApp)),
		slog.Int64("revision", d.Sent.Announced.Revision), slog.String("kind", string(d.Sent.Announced.Kind)))
	return integration.Result{Outcome: integration.Settled, Delivery: d, Steps: []string{StepSent}}
}

// unsent says what follows from a message that was not taken, or may not have
// been.
func unsent(d integration.Delivery, e *Error) integration.Result {
	if e.unknown {
		d.Status, d.Reason, d.Detail = integration.Pending, e.Reason, ""
		return integration.Result{Outcome: integration.Unsure, Delivery: d, Reason: e.Reason, RetryAfter: e.RetryAfter, InFlight: true, Err: e}
	}
	d.Sent.Sends--
	if e.Reason == integration.Rejected {
		return gaveUp(d, e.Reason, e.detail(), e)
	}
	d.Status, d.Reason, d.Detail = integration.Pending, e.Reason, ""
	return integration.Result{Outcome: integration.Retry, Delivery: d, Reason: e.Reason, RetryAfter: e.RetryAfter, Err: e}
}

func gaveUp(d integration.Delivery, why integration.Reason, detail string, e *Error) integration.Result {
	d.Status, d.Reason, d.Detail = integration.Failed, why, detail
	r := integration.Result{Outcome: integration.Settled, Delivery: d, Reason: why}
	if e != nil {
		r.Err = e
	}
	return r
}
