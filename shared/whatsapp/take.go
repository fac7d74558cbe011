package whatsapp

import (
	"fmt"
	"time"

	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/integration"
)

// The wait before a message is sent again that was taken and then failed for a
// passing reason: as long as it has been news, within these limits.
const (
	soonest = time.Minute
	latest  = 6 * time.Hour
)

// ErrInHand says that an attempt is at work on the delivery whose message failed. The
// receipt has to come again.
var ErrInHand = fmt.Errorf("%w: an attempt is at work on this delivery", fault.ErrUnavailable)

// Take lays a receipt into the task's delivery, and reports whether it says
// anything new. Receipts come in any order, and more than once. While an
// attempt holds the delivery's lease, the state of a message that was sent is
// left to the attempt, which finds the receipt; otherwise a receipt settles a
// message of unknown fate, and one that failed for a passing reason is made
// pending again. The error is ErrInHand.
func Take(t integration.Task, r integration.Receipt) (d integration.Delivery, news bool, err error) {
	d = t.Delivery
	switch {
	case r.Revision > t.Revision || !newer(d, r):
		return d, false, nil
	case d.Lease.Ended(t.Now):
	case r.Status == integration.ReceiptFailed:
		return d, false, ErrInHand
	default:
		d.Receipt = r
		return d, true, nil
	}
	if m := message(t); repeatable(t, r, m) {
		repeat(&d, r, t)
	} else {
		d.Receipt = r
		settle(&d, m, t.Now)
	}
	return d, true, nil
}

// newer reports whether a receipt says more than the one that is kept. Of
// several sends of one message, the one that came furthest counts.
func newer(d integration.Delivery, r integration.Receipt) bool {
	old := d.Receipt
	failed := r.Status == integration.ReceiptFailed
	switch {
	case failed && d.ExternalID != "" && d.ExternalID != r.ID:
		return false // of a send that another one has followed
	case old.ID == r.ID:
		return rank(r.Status) > rank(old.Status)
	case old.Kind != r.Kind || old.Revision != r.Revision:
		return r.Revision > old.Revision
	case failed:
		return false
	}
	return old.Status == integration.ReceiptFailed || rank(r.Status) > rank(old.Status)
}

// rank orders the statuses of one message. A message that was delivered has
// not failed, whatever else is said of it.
func rank(s integration.ReceiptStatus) int {
	switch s {
	case integration.ReceiptSent:
		return 1
	case integration.ReceiptFailed:
		return 2
	case integration.ReceiptDelivered:
		return 3
	case integration.ReceiptRead:
		return 4
	}
	return 0
}

// settle brings the state in line with what the receipt proves, if it is about
// what the booking's customer is to know.
func settle(d *integration.Delivery, m integration.Message, now time.Time) {
	heed(d)
	switch told := covers(d.Sent.Told, m); {
	case told && d.Status != integration.Done:
		d.Status, d.Reason, d.Detail = integration.Done, integration.NoReason, ""
	case !told && failed(*d) && covers(d.Sent.Announced, m):
		fail(d)
	default:
		return
	}
	d.Lease, d.Attempts, d.NextAttemptAt, d.UpdatedAt = integration.Lease{}, 0, time.Time{}, now
}

// repeatable reports whether the receipt is of a message that failed for a
// passing reason and is still worth sending.
func repeatable(t integration.Task, r integration.Receipt, m integration.Message) bool {
	d, why := t.Delivery, ReasonOf(r.Code)
	return r.Status == integration.ReceiptFailed && (why == integration.Quota || why == integration.Outage) &&
		r.Of(d.Sent.Announced) && covers(d.Sent.Announced, m) &&
		t.Booking.Start.After(t.Now) && t.Now.Sub(t.At) <= stale
}

// repeat makes the delivery pending. Of the receipt it keeps the message's id,
// so that the same one repeated is known, and not what it is about: the next
// send has its own.
func repeat(d *integration.Delivery, r integration.Receipt, t integration.Task) {
	c := classOf(r.Code)
	if d.Sent.Told == d.Sent.Announced {
		d.Sent.Told = integration.Message{}
	}
	d.Sent.Sends = max(0, d.Sent.Sends-1)
	d.Receipt = integration.Receipt{ID: r.ID, Status: r.Status, Code: r.Code, At: r.At}
	d.ExternalID, d.Lease = "", integration.Lease{}
	d.Status, d.Reason, d.Detail = integration.Pending, c.reason, ""
	d.NextAttemptAt, d.UpdatedAt = t.Now.Add(max(c.wait, soonest, min(t.Now.Sub(t.At), latest))), t.Now
}
