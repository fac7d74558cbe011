package settings

import (
	"cmp"
	"slices"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/gcal"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

// moment is a time for people and for machines.
type moment struct{ Words, Machine string }

// delivery is what became of a booking at an integration: the proof, or the
// reason and what happens next.
type delivery struct {
	Tone     tone
	Mark     string // empty: the tone's
	Fact     string
	At       *moment // when it became so
	Calendar string
	Link     link // to the event
	Detail   string
	Next     string
	Button   *button // on the booking's own page; may be nil
}

// Sign is what stands before it, for the eye.
func (d delivery) Sign() string { return cmp.Or(d.Mark, d.Tone.Mark()) }

// at is a time as it is said of a booking: where the appointment is.
func (v *visit) at(rec *store.Booking, t time.Time) moment {
	loc := v.zone
	if rec.Booking.TimeZone != "" {
		loc = rec.Booking.Start.Location()
	}
	m := moment{v.say.Moment(t.In(loc), v.now), t.UTC().Format(time.RFC3339)}
	if v.lasting {
		m.Words = t.In(loc).Format(fileTime)
	}
	return m
}

// ahead is when something due at t is done: now, if the time has come.
func (v *visit) ahead(t time.Time) time.Time {
	if t.Before(v.now) {
		return v.now
	}
	return t
}

// delivery puts a booking's delivery into words.
func (v *visit) delivery(rec *store.Booking, e entry) delivery {
	d := rec.Deliveries[e.Connection.ID]
	if !e.events {
		return v.byMessage(rec, d, e)
	}
	switch d.Status {
	case integration.Done:
		return v.done(rec, d, e)
	case integration.Pending, integration.Waiting:
		return v.unfinished(rec, d, e)
	case integration.Failed:
		return v.failed(rec, d, e)
	case integration.Skipped:
	}
	return v.skipped(rec, d, e)
}

func (v *visit) done(rec *store.Booking, d integration.Delivery, e entry) delivery {
	when := v.at(rec, d.UpdatedAt)
	switch {
	case rec.State == booking.Deleted && d.Place.Generation == 0:
		return delivery{Tone: off, Fact: v.say.T("delivery.skipped.deleted", e.Name)}
	case rec.State != booking.Confirmed:
		return delivery{Tone: good, Fact: v.say.T("delivery.removed", e.Name), At: &when}
	case !d.Written:
		return delivery{Tone: off, Fact: v.say.T("delivery.absent", e.Name), Next: v.promise(e, "delivery.absent.next")}
	case d.Detail == gcal.DetailGone:
		return v.gone(e, &when)
	}
	when = v.at(rec, written(rec, d, e.Connection.ID))
	when.Words = v.say.T("delivery.written", when.Words)
	out := delivery{Tone: good, Fact: v.say.T("delivery.done", e.Name), At: &when}
	v.place(&out, d, e)
	if e.Status == integration.Disconnected {
		out.Next = v.say.T("delivery.done.off", e.Name)
	}
	return out
}

// gone is the delivery of a booking whose event was deleted by hand, as was
// found at a time.
func (v *visit) gone(e entry, seen *moment) delivery {
	out := delivery{Tone: off, Fact: v.say.T("delivery.gone", e.Name), Next: v.promise(e, "delivery.gone.next")}
	if seen != nil {
		seen.Words = v.say.T("delivery.gone.seen", seen.Words)
		out.At = seen
	}
	return out
}

// written is when the event was last written, as far as the history tells. It
// may have been changed or deleted by hand since.
func written(rec *store.Booking, d integration.Delivery, id integration.ID) time.Time {
	if s := lastAct(rec, id); s.Kind == gcal.StepCreated || s.Kind == gcal.StepUpdated {
		return s.At
	}
	return d.UpdatedAt
}

// lastAct is the last thing that was done at the integration for the booking as
// it was confirmed last; the zero Step if there is none.
func lastAct(rec *store.Booking, id integration.ID) store.Step {
	for _, s := range slices.Backward(rec.History) {
		switch {
		case s.Integration == id && s.Kind != store.StepDelivery:
			return s
		case s.Integration == "" && s.Kind == string(booking.Confirmed):
			return store.Step{}
		}
	}
	return store.Step{}
}

// place says where the event is.
func (v *visit) place(out *delivery, d integration.Delivery, e entry) {
	out.Calendar = v.calendar(e.Connection, d.Place.Account, d.Place.Calendar)
	if current := e.Data.AccountSubject; current != "" && !d.Place.None() && d.Place.Account != current {
		out.Calendar = v.say.T("calendar.elsewhere")
	}
	if d.Link != "" {
		out.Link = link{d.Link, v.say.T("delivery.open")}
	}
}

// calendar is what a calendar is called, as far as the connection tells. Of an
// account that is not connected any more only the ids are known.
func (v *visit) calendar(c integration.Connection, account, id string) string {
	switch {
	case id == "" || account != c.Data.AccountSubject:
		return ""
	case id == "primary":
		return v.say.T("calendar.primary")
	case id == c.Data.CalendarID && c.Data.CalendarName != "":
		return c.Data.CalendarName
	}
	return id
}

// promise says what happens next, unless nothing does: the integration is off.
func (v *visit) promise(e entry, key string) string {
	if !e.Connection.Enabled {
		return ""
	}
	return v.say.T(key)
}

// unfinished is a delivery that something was left to do for, when it was last
// looked at. Once the integration is turned off nothing is, but to remove.
func (v *visit) unfinished(rec *store.Booking, d integration.Delivery, e entry) delivery {
	switch {
	case e.removing() && !d.Place.None() && rec.Booking.End.After(v.now):
		return v.leaving(rec, d, e)
	case !e.Connection.Enabled:
		return v.skipped(rec, d, e)
	case d.Status == integration.Waiting:
		return v.waits(rec, d, e)
	}
	return v.pending(rec, d, e)
}

// leaving is the delivery of a booking whose event is to be taken out.
func (v *visit) leaving(rec *store.Booking, d integration.Delivery, e entry) delivery {
	out := delivery{Tone: waiting, Fact: v.say.T("delivery.removing", e.Name)}
	switch {
	case !e.Entry.Enabled:
		out.Fact = v.say.T("delivery.retry.removal", e.Name, v.why(e.id, "switched_off"))
	case d.Attempts > 0:
		out.Fact = v.say.T("delivery.retry.removal", e.Name, v.why(e.id, string(d.Reason)))
		out.Next = v.nextTry(rec, d)
	}
	v.place(&out, d, e)
	return out
}

// nextTry says when it is tried again, and that this is no matter of the
// company's. Of a failure of ours it gives what to look for in the log.
func (v *visit) nextTry(rec *store.Booking, d integration.Delivery) string {
	if d.NextAttemptAt.IsZero() {
		return ""
	}
	when := v.at(rec, v.ahead(d.NextAttemptAt)).Words
	if d.Reason == integration.Internal {
		return v.say.T("delivery.retry.internal", when, reference(rec))
	}
	return v.say.T("delivery.retry.next", when)
}

// reference is what to look for in the log.
func reference(rec *store.Booking) string { return string(rec.Company) + "/" + string(rec.Booking.ID) }

func (v *visit) pending(rec *store.Booking, d integration.Delivery, e entry) delivery {
	if d.Attempts == 0 {
		return delivery{Tone: waiting, Fact: v.say.T("delivery.sending", e.Name)}
	}
	out := delivery{Tone: waiting, Fact: v.say.T(behind("delivery.retry.", rec, d), e.Name, v.why(e.id, string(d.Reason))), Next: v.nextTry(rec, d)}
	if d.Written {
		v.place(&out, d, e) // where the state before is
	}
	return out
}

// behind completes the key of the words for what has not reached the
// integration: a removal, a change of what is there, or a booking of which
// nothing is.
func behind(key string, rec *store.Booking, d integration.Delivery) string {
	switch {
	case rec.State != booking.Confirmed:
		return key + "removal"
	case d.Written && !d.Place.None():
		return key + "change"
	}
	return key + "new"
}

// waits is a delivery that waits for the company, or for the integration to be
// switched on for everyone: to be sent, or to be taken out.
func (v *visit) waits(rec *store.Booking, d integration.Delivery, e entry) delivery {
	fact, plain, removal := "delivery.waiting", "delivery.waiting.plain", rec.State != booking.Confirmed
	if removal {
		fact, plain = "delivery.waiting.removal", "delivery.waiting.removal.plain"
	}
	out := delivery{Tone: waiting, Fact: v.say.T(plain, e.Name)}
	for _, why := range []struct {
		is      bool
		reason  string
		next    string
		removal string
	}{
		{e.calendarGone(), string(e.Reason), "delivery.waiting.calendar.next", "delivery.waiting.calendar.removal"},
		{e.Status == integration.NeedsReauth, string(e.Reason), "delivery.waiting.reauth.next", "delivery.waiting.reauth.removal"},
		{!e.Entry.Enabled, "switched_off", "delivery.waiting.paused.next", "delivery.waiting.paused.removal"},
		{true, "", "delivery.waiting.soon.next", "delivery.waiting.soon.removal"},
	} {
		if !why.is {
			continue
		}
		if why.reason != "" {
			out.Fact = v.say.T(fact, e.Name, v.why(e.id, why.reason))
		}
		if out.Next = v.say.T(why.next); removal {
			out.Next = v.say.T(why.removal)
		}
		break
	}
	v.place(&out, d, e)
	return out
}

func (v *visit) failed(rec *store.Booking, d integration.Delivery, e entry) delivery {
	out := delivery{
		Tone: bad, Fact: v.say.T(behind("delivery.failed.", rec, d), e.Name, v.why(e.id, string(d.Reason))), Next: v.promise(e, "delivery.failed.next"),
	}
	if d.Detail != "" {
		out.Detail = v.say.T("delivery.detail", e.Name, d.Detail)
	}
	if d.Written {
		v.place(&out, d, e)
	}
	return out
}

func (v *visit) skipped(rec *store.Booking, d integration.Delivery, e entry) delivery {
	last := lastAct(rec, e.Connection.ID).Kind
	switch {
	case d.Written && !d.Place.None() && last == gcal.StepVanished:
		return v.gone(e, nil)
	case d.Written && !d.Place.None():
		out := delivery{Tone: off, Fact: v.say.T("delivery.kept", e.Name), Detail: v.say.T("delivery.kept.detail")}
		v.place(&out, d, e)
		return out
	case last == gcal.StepRemoved && rec.State == booking.Confirmed:
		return delivery{Tone: off, Fact: v.say.T("delivery.taken", e.Name)}
	case last == gcal.StepRemoved:
		return delivery{Tone: off, Fact: v.say.T("delivery.removed", e.Name)}
	case rec.State == booking.Deleted:
		return delivery{Tone: off, Fact: v.say.T("delivery.skipped.deleted", e.Name)}
	case rec.State == booking.Reserved && e.Connection.Enabled:
		return delivery{Tone: off, Fact: v.say.T("delivery.skipped.reserved", e.Name)}
	}
	out := delivery{Tone: off, Fact: v.say.T("delivery.skipped", e.Name, v.why(e.id, "not_connected"))}
	if e.Status == integration.Disconnected && rec.State == booking.Confirmed && rec.Booking.End.After(v.now) {
		out.Next = v.say.T("delivery.skipped.next", e.Name)
	}
	return out
}
