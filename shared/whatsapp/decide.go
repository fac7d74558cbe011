package whatsapp

import (
	"time"

	"github.com/citasync/citasync/shared/integration"
)

const (
	// stale is the age at which news is none any more.
	stale = 24 * time.Hour

	// maxSends is how often a message is sent of which it is not known
	// whether it arrived.
	maxSends = 2
)

// Decide looks at what the booking, its delivery and the connection say, and
// nothing else. For a message that is to be sent, the decision's delivery
// announces it.
func (s *Sender) Decide(t integration.Task) integration.Decision {
	d, m := t.Delivery, message(t)
	d.Revision = t.Revision
	heed(&d)
	switch {
	case refused(d, m):
		fail(&d)
		return integration.Decision{Delivery: d}
	case atRest(t.Delivery, t.Revision):
		return integration.Decision{Delivery: d}
	case covers(d.Sent.Told, m):
		return rest(d, integration.Done, "")
	}
	if why := s.unwanted(t); why != "" {
		return rest(d, integration.Skipped, why)
	}
	if t.Access == integration.Held {
		return rest(d, integration.Waiting, integration.SwitchedOff)
	}
	news := failed(d) || !covers(d.Sent.Announced, m)
	if news {
		d.Sent.Announced, d.Sent.Sends, d.ExternalID = m, 0, ""
	}
	if news || !t.Announced {
		d.Sent.Sends++
	}
	d.Status = integration.Pending
	return integration.Decision{Call: true, Delivery: d}
}

// message is the notice that the booking calls for as it is.
func message(t integration.Task) integration.Message {
	return integration.Message{Kind: t.State, Revision: t.Revision, Start: t.Booking.Start.UTC()}
}

// covers reports whether one message tells what another would: a change of the
// booking that moves nothing is no news to its customer.
func covers(one, other integration.Message) bool {
	return one.Kind == other.Kind && one.Start.Equal(other.Start)
}

// heed takes in what the receipt of the announced message proves: that it was
// sent, also if the answer was lost, or that it never will be.
func heed(d *integration.Delivery) {
	a := d.Sent.Announced
	switch {
	case !d.Receipt.Of(a):
	case d.Receipt.Status != integration.ReceiptFailed:
		d.Sent.Told, d.ExternalID = a, d.Receipt.ID
	case d.Sent.Told == a:
		d.Sent.Told = integration.Message{}
	}
}

// failed reports whether the announced message is known to have failed after
// it was taken.
func failed(d integration.Delivery) bool {
	return d.Receipt.Of(d.Sent.Announced) && d.Receipt.Status == integration.ReceiptFailed
}

// fail gives the delivery the state that its receipt says.
func fail(d *integration.Delivery) {
	d.Status, d.Reason, d.Detail = integration.Failed, ReasonOf(d.Receipt.Code), d.Receipt.Code
}

// refused reports whether that is the end of the message m: the next revision
// may have another phone.
func refused(d integration.Delivery, m integration.Message) bool {
	return failed(d) && d.Sent.Announced == m
}

// atRest reports whether the delivery has come to its end for this revision.
// What was skipped is not sent later, nor is what failed for good tried again.
func atRest(d integration.Delivery, revision int64) bool {
	switch d.Status {
	case integration.Done, integration.Failed, integration.Skipped:
		return d.Revision == revision
	case integration.Pending, integration.Waiting:
	}
	return false
}

// unwanted is why there is to be no notice; empty: there is to be one.
func (s *Sender) unwanted(t integration.Task) string {
	_, have := s.deps.Sender.Templates[t.State]
	switch {
	case t.Access != integration.On && t.Access != integration.Held:
		return integration.NotConnected
	case !t.Delivery.UpdatedAt.After(t.Connection.ChangedAt): // it is set anew by every event
		return integration.TooEarly
	case !have || t.Connection.Options.Mute.Of(t.State):
		return integration.NotWanted
	case !t.Booking.Start.After(t.Now), t.Now.Sub(t.At) > stale:
		return integration.TooLate
	case t.Booking.Customer.Phone == "":
		return integration.NoPhone
	}
	return ""
}

func rest(d integration.Delivery, s integration.DeliveryStatus, why string) integration.Decision {
	d.Status, d.Reason, d.Detail = s, integration.NoReason, ""
	return integration.Decision{Delivery: d, Why: why}
}
