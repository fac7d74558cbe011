package settings

import (
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

// moment is a time for people and for machines.
type moment struct{ Words, Machine string }

// delivery is what became of a booking at an integration: the proof, or the
// reason and what happens next.
type delivery struct {
	Tone     tone
	Fact     string
	At       *moment // when it became so
	Calendar string
	Link     link // to the event
	Detail   string
	Next     string
}

// at is a time as it is said of a booking: where the appointment is.
func (v *visit) at(rec *store.Booking, t time.Time) moment {
	loc := v.zone
	if rec.Booking.TimeZone != "" {
		loc = rec.Booking.Start.Location()
	}
	return moment{v.say.Moment(t.In(loc), v.now), t.UTC().Format(time.RFC3339)}
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
	switch d.Status {
	case integration.Done:
		return v.done(rec, d, e)
	case integration.Pending:
		return v.pending(rec, d, e)
	case integration.Waiting:
		return v.waits(d, e)
	case integration.Failed:
		return v.failed(d, e)
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
		return delivery{Tone: off, Fact: v.say.T("delivery.absent", e.Name), Next: v.say.T("delivery.absent.next")}
	}
	out := delivery{Tone: good, Fact: v.say.T("delivery.done", e.Name), At: &when}
	v.place(&out, d, e)
	return out
}

// place says where the event is.
func (v *visit) place(out *delivery, d integration.Delivery, e entry) {
	out.Calendar = v.calendar(e.Connection, d.Place.Account, d.Place.Calendar)
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

func (v *visit) pending(rec *store.Booking, d integration.Delivery, e entry) delivery {
	if d.Attempts == 0 {
		return delivery{Tone: waiting, Fact: v.say.T("delivery.sending", e.Name)}
	}
	key := "delivery.retry"
	if rec.State != booking.Confirmed {
		key = "delivery.retry.removal"
	}
	out := delivery{Tone: waiting, Fact: v.say.T(key, e.Name, v.why(string(d.Reason)))}
	if !d.NextAttemptAt.IsZero() {
		out.Next = v.say.T("delivery.retry.next", v.at(rec, v.ahead(d.NextAttemptAt)).Words)
	}
	return out
}

func (v *visit) waits(d integration.Delivery, e entry) delivery {
	out := delivery{Tone: waiting, Fact: v.say.T("delivery.waiting.plain", e.Name)}
	for _, why := range []struct {
		is     bool
		reason string
		next   string
	}{
		{e.Status == integration.NeedsReauth, string(e.Reason), "delivery.waiting.reauth.next"},
		{!e.Entry.Enabled, "switched_off", "delivery.waiting.paused.next"},
		{true, "", "delivery.waiting.next"},
	} {
		if !why.is {
			continue
		}
		if why.reason != "" {
			out.Fact = v.say.T("delivery.waiting", e.Name, v.why(why.reason))
		}
		out.Next = v.say.T(why.next)
		break
	}
	v.place(&out, d, e)
	return out
}

func (v *visit) failed(d integration.Delivery, e entry) delivery {
	out := delivery{Tone: bad, Fact: v.say.T("delivery.failed", e.Name, v.why(string(d.Reason))), Next: v.say.T("delivery.failed.next")}
	if d.Detail != "" {
		out.Detail = v.say.T("delivery.detail", e.Name, d.Detail)
	}
	return out
}

func (v *visit) skipped(rec *store.Booking, d integration.Delivery, e entry) delivery {
	switch {
	case d.Written && !d.Place.None():
		out := delivery{Tone: off, Fact: v.say.T("delivery.kept", e.Name), Detail: v.say.T("delivery.kept.detail")}
		v.place(&out, d, e)
		return out
	case rec.State == booking.Deleted:
		return delivery{Tone: off, Fact: v.say.T("delivery.skipped.deleted", e.Name)}
	case rec.State == booking.Reserved && e.Connection.Enabled:
		return delivery{Tone: off, Fact: v.say.T("delivery.skipped.reserved", e.Name)}
	}
	return delivery{Tone: off, Fact: v.say.T("delivery.skipped", e.Name, v.why("not_connected"))}
}
