package settings

import (
	"cmp"
	"slices"
	"time"

	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
	"github.com/citasync/citasync/shared/whatsapp"
)

// stepSent is what a booking's history says of a message that was taken, or
// was proved to have been by its receipt.
const stepSent = whatsapp.StepSent

// receiptOf is what was told of the message that the delivery's status is
// about; the zero Receipt if nothing was.
func receiptOf(d integration.Delivery) integration.Receipt {
	about := d.Sent.Announced
	if d.Status == integration.Done {
		about = d.Sent.Told
	}
	if !d.Receipt.Of(about) {
		return integration.Receipt{}
	}
	return d.Receipt
}

// sentAt is when the booking's last message was sent, as far as its history
// tells; zero if it does not.
func sentAt(rec *store.Booking, id integration.ID) time.Time { return stepAt(rec, id, stepSent) }

// stepAt is when the last step of one of the kinds was made at the integration;
// zero if the history tells of none.
func stepAt(rec *store.Booking, id integration.ID, kinds ...string) time.Time {
	for _, s := range slices.Backward(rec.History) {
		if s.Integration == id && slices.Contains(kinds, s.Kind) {
			return s.At
		}
	}
	return time.Time{}
}

// byMessage puts a booking's delivery by message into words: which message, and
// how far it has come.
func (v *visit) byMessage(rec *store.Booking, d integration.Delivery, e entry) delivery {
	switch {
	case d.Status == integration.Done:
		return v.told(rec, d, e)
	case d.Status == integration.Failed:
		return v.unheard(rec, d, e)
	case d.Status == integration.Pending && e.Connection.Enabled:
		return v.telling(rec, d, e)
	case d.Status == integration.Waiting && e.Connection.Enabled:
		next := "delivery.waiting.next"
		if !e.Entry.Enabled {
			next = "message.waiting.paused"
		}
		return delivery{Tone: waiting, Fact: v.say.T("message.waiting", v.messageName(string(rec.State), e)), Next: v.say.T(next)}
	}
	return v.untold(rec, d, e)
}

// messageName is what the message of a kind of news is called.
func (v *visit) messageName(kind string, e entry) string {
	return v.say.T("message.name."+kind, e.Name)
}

// told is a message that was sent, with the proof of how far it has come.
func (v *visit) told(rec *store.Booking, d integration.Delivery, e entry) delivery {
	name := v.messageName(string(d.Sent.Told.Kind), e)
	sent := v.at(rec, sentTime(rec, d, e.id))
	r := receiptOf(d)
	if r.Status != integration.ReceiptDelivered && r.Status != integration.ReceiptRead {
		return delivery{Tone: good, Fact: v.say.T("message.sent", name), At: &sent}
	}
	came := v.at(rec, r.At)
	return delivery{
		Tone: good, Mark: "✓✓", Fact: v.say.T("message."+string(r.Status), name), At: &came,
		Detail: v.say.T("message.sent.at", sent.Words),
	}
}

// sentTime is when the message was sent. Of one whose step the history does not
// keep any more, it is not long after.
func sentTime(rec *store.Booking, d integration.Delivery, id integration.ID) time.Time {
	if at := sentAt(rec, id); !at.IsZero() {
		return at
	}
	return d.UpdatedAt
}

// telling is a message that is being sent, or will be.
func (v *visit) telling(rec *store.Booking, d integration.Delivery, e entry) delivery {
	name := v.messageName(string(rec.State), e)
	switch {
	case d.Reason == integration.NoReason: // nothing has gone wrong with it
		return delivery{Tone: waiting, Fact: v.say.T("message.sending", name)}
	case d.Sent.Sends > 0:
		next := "message.unknown.next"
		if d.Sent.Sends > 1 {
			next = "message.unknown.twice"
		}
		return delivery{Tone: waiting, Fact: v.say.T("message.unknown", name), Next: v.say.T(next)}
	}
	return delivery{
		Tone: waiting, Fact: v.say.T("message.retry", name, v.failure(e.id, string(d.Reason), d.Detail)), Next: v.nextTry(rec, d),
	}
}

// unheard is a message that failed for good.
func (v *visit) unheard(rec *store.Booking, d integration.Delivery, e entry) delivery {
	name := v.messageName(string(rec.State), e)
	out := delivery{Tone: bad, Fact: v.say.T("message.failed", name, v.failure(e.id, string(d.Reason), d.Detail))}
	if d.Detail == whatsapp.Unconfirmed {
		out.Fact = v.say.T("message.unconfirmed", name)
	}
	if isCode(d.Detail) {
		out.Detail = v.say.T("message.code", e.Name, d.Detail)
	}
	switch {
	case wrongPhone(d.Detail):
		out.Next = v.promise(e, "message.phone.next")
	case d.Reason == integration.Internal:
		out.Next = v.say.T("message.internal.next", reference(rec))
	default:
		out.Next = v.promise(e, "delivery.failed.next")
	}
	return out
}

// failure is why a message was not sent or did not arrive.
func (v *visit) failure(id integration.ID, reason, detail string) string {
	return v.say.T(v.own(id, "code."+detail, "why."+reason, "why.unknown"))
}

// isCode reports whether a delivery's detail is a code of the integration's.
func isCode(detail string) bool {
	return detail != "" && detail != whatsapp.InvalidPhone && detail != whatsapp.Unconfirmed
}

// wrongPhone reports whether a failure is one that another phone mends.
func wrongPhone(detail string) bool {
	return slices.Contains([]string{whatsapp.InvalidPhone, "131021", "131026"}, detail)
}

// untold is a booking of whose state no message was sent.
func (v *visit) untold(rec *store.Booking, d integration.Delivery, e entry) delivery {
	why := v.whyUntold(rec, d, e)
	out := delivery{
		Tone: off, Fact: v.say.T("message.skipped", v.messageName(string(rec.State), e), v.why(e.id, why)),
	}
	if last := d.Sent.Told.Kind; last != "" {
		out.Detail = v.say.T("message.last", v.messageName(string(last), e))
	}
	if why == integration.NoPhone {
		out.Next = v.promise(e, "message.phoneless.next")
	}
	return out
}

// whyUntold is why a delivery was skipped: what its history says last.
func (v *visit) whyUntold(rec *store.Booking, d integration.Delivery, e entry) string {
	for _, s := range slices.Backward(rec.History) {
		if s.Integration == e.id && s.Kind == store.StepDelivery && s.Outcome == string(integration.Skipped) && d.Status == integration.Skipped {
			return cmp.Or(s.Detail, "unknown")
		}
	}
	switch {
	case !e.Connection.Enabled:
		return integration.NotConnected
	case d.Status == "": // it was told of before there were notices
		return integration.TooEarly
	}
	return "unknown"
}

// quiet reports whether of a booking there is nothing to tell in a list: no
// message was ever sent, and the notices are off.
func (e entry) quiet(d integration.Delivery) bool {
	return !e.events && !e.Connection.Enabled && d.Sent == integration.Sent{} && d.Status != integration.Failed
}
