package settings

import (
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/gcal"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

func (s *site) retrying(b *store.Booking) {
	deliver(func(d *integration.Delivery) {
		*d = integration.Delivery{
			Status: integration.Pending, Reason: integration.Quota, Attempts: 2,
			NextAttemptAt: s.now.Add(5 * time.Minute), UpdatedAt: s.now.Add(-time.Minute),
		}
	})(b)
	b.NextAttemptAt = s.now.Add(5 * time.Minute)
}

// taken is a booking whose event was removed when the integration was turned off.
func (s *site) taken(b *store.Booking) {
	const google = integration.GoogleCalendar
	b.History = append(b.History,
		store.Step{At: s.now.Add(-time.Minute), Kind: "removed", Integration: google, Outcome: "ok"},
		store.Step{At: s.now, Kind: "delivery", Integration: google, Outcome: "skipped", Detail: "not_connected"})
	deliver(func(d *integration.Delivery) {
		*d = integration.Delivery{Status: integration.Skipped, Place: integration.Place{Generation: 1}}
	})(b)
}

// never is a booking that was never sent anywhere.
func never(b *store.Booking) {
	deliver(func(d *integration.Delivery) { *d = integration.Delivery{Status: integration.Skipped, Revision: 1} })(b)
}

// refused is a booking that Google does not take.
func refused(b *store.Booking) {
	deliver(func(d *integration.Delivery) {
		*d = integration.Delivery{Status: integration.Failed, Revision: 1, Reason: integration.Rejected, Detail: "timeRangeEmpty (400)"}
	})(b)
}

// gone is a booking whose event was deleted by hand.
func gone(b *store.Booking) {
	deliver(func(d *integration.Delivery) { d.Detail = gcal.DetailGone })(b)
	b.History = append(b.History, store.Step{At: b.At, Kind: gcal.StepVanished, Integration: integration.GoogleCalendar, Outcome: "ok"})
}

// offer notes that another account was chosen at Google, that long ago.
func (s *site) offer(account string, ago time.Duration) {
	s.must(s.store.AddActivity(s.Context(), salon, store.Activity{
		At: s.now.Add(-ago), Kind: store.ActConnectFailed, Integration: integration.GoogleCalendar, Actor: store.ActorCompany,
		Outcome: "other_account", Detail: account,
	}))
}

// share gives the salon an address for its feed, always the same.
func (s *site) share() {
	c, err := s.store.Company(s.Context(), salon)
	s.must(err)
	keys, err := newFeedKeys(s.deps.Secrets)
	s.must(err)
	c.FeedSeed = "seed"
	c.FeedTokenHash = hashOf(feedToken(keys[0], salon, c.FeedSeed))
	s.must(s.store.PutCompany(s.Context(), &c))
}

func (s *site) lostCalendar() {
	s.connect(salon, func(c *integration.Connection) {
		c.Data.CalendarName = "Agenda del salón"
		c.NeedReauth(integration.CalendarMissing, s.now.Add(-hour))
	})
}

func waits(why integration.Reason) func(*store.Booking) {
	return deliver(func(d *integration.Delivery) {
		*d = integration.Delivery{Status: integration.Waiting, Reason: why, Revision: 1}
	})
}

func tombstone(b *store.Booking) {
	b.State, b.Booking = booking.Deleted, booking.Booking{ID: b.Booking.ID}
	b.History = []store.Step{{At: b.At, Kind: "deleted", Outcome: "ok"}}
	deliver(func(d *integration.Delivery) {
		*d = integration.Delivery{Status: integration.Done, Revision: 1, UpdatedAt: b.At}
	})(b)
}

// allSteps fills a booking's history with a step of every kind.
func allSteps(b *store.Booking) {
	add := func(kind string, id integration.ID, outcome, detail string) {
		b.History = append(b.History, store.Step{At: b.At.Add(time.Duration(len(b.History)) * time.Minute), Kind: kind, Integration: id, Outcome: outcome, Detail: detail})
	}
	const google = integration.GoogleCalendar
	add("changed", "", "ok", "")
	add("delivery", google, "pending", "quota")
	add("updated", google, "ok", "")
	add("delivery", google, "failed", "rejected: timeRangeEmpty (400)")
	add("delivery", google, "waiting", "switched_off")
	add("removed", google, "ok", "")
	add("vanished", google, "ok", "")
	add("tickled", google, "ok", "with a feather")
	add("deleted", "", "ok", "")
	add("tickled", "", "ok", "")
	for len(b.History) < store.MaxSteps {
		add("changed", "", "ok", "")
	}
}

func (s *site) deadGrant() {
	s.connect(salon, func(c *integration.Connection) { c.NeedReauth(integration.Revoked, s.now.Add(-hour)) })
	s.book(salon, "1", 24*hour, waits(integration.Revoked))
}

func (s *site) pause() {
	e, err := s.store.Entry(s.Context(), integration.GoogleCalendar)
	s.must(err)
	e.Enabled, e.ChangedAt = false, s.now
	s.must(s.store.PutEntry(s.Context(), &e))
}

// everyDelivery books a booking for each way in which a delivery can stand.
func (s *site) everyDelivery() {
	s.connect(salon, func(c *integration.Connection) {
		c.Data.CalendarID, c.Data.CalendarName = "cal@group.example", "Agenda del salón"
	})
	s.book(salon, "01", 30*hour, deliver(func(d *integration.Delivery) { d.Place.Calendar = "cal@group.example" }))
	s.book(salon, "02", 29*hour, s.retrying)
	s.book(salon, "03", 28*hour, deliver(func(d *integration.Delivery) { *d = integration.Delivery{Status: integration.Pending, Revision: 1} }))
	s.book(salon, "04", 27*hour, refused)
	s.book(salon, "12", 26*hour, gone)
	s.book(salon, "13", 25*hour, func(b *store.Booking) {
		s.retrying(b)
		deliver(func(d *integration.Delivery) { d.Reason = integration.Internal })(b)
	})
	s.book(salon, "05", 5*hour, func(b *store.Booking) {
		b.State, b.Booking.Service = booking.Reserved, "Manicura <script>alert(1)</script>"
		deliver(func(d *integration.Delivery) { *d = integration.Delivery{Status: integration.Skipped, Revision: 1} })(b)
	})
	s.book(salon, "06", 4*hour, func(b *store.Booking) {
		b.State = booking.Deleted
		deliver(func(d *integration.Delivery) {
			*d = integration.Delivery{Status: integration.Done, Revision: 1, UpdatedAt: s.now.Add(-26 * hour), Place: integration.Place{Generation: 1}}
		})(b)
	})
	s.book(salon, "07", 3*hour, func(b *store.Booking) {
		b.State = booking.Deleted
		s.retrying(b)
	})
	s.book(salon, "08", -20*hour, func(b *store.Booking) {
		b.Booking.End = b.Booking.Start.Add(20 * hour)
		deliver(func(d *integration.Delivery) { d.Written, d.Link = false, "" })(b)
	})
	s.book(salon, "09", -21*hour, waits(integration.NoReason))
	s.book(salon, "10", -9000*hour, nil)
	s.book(salon, "11", 0, tombstone)
}

// everyAct adds an act of every kind.
func (s *site) everyAct() {
	at := s.now.AddDate(0, -13, 0)
	for _, a := range []store.Activity{
		{Kind: "connect_started", Actor: "company", Outcome: "ok"},
		{Kind: "connect_failed", Actor: "company", Outcome: "denied"},
		{Kind: "connect_failed", Actor: "company", Outcome: "scope_missing"},
		{Kind: "connected", Actor: "company", Outcome: "ok", Detail: "luz@gmail.example"},
		{Kind: "connect_failed", Actor: "company", Outcome: "other_account", Detail: "nueva@gmail.example"},
		{Kind: "calendar_chosen", Actor: "company", Outcome: "ok", Detail: "Agenda del salón"},
		{Kind: "options_changed", Actor: "company", Outcome: "ok", Detail: "title, description, reminder, color, invite_customer, language"},
		{Kind: "connection_tested", Actor: "company", Outcome: "ok"},
		{Kind: "connection_tested", Actor: "platform", Outcome: "outage", Detail: "remove"},
		{Kind: "connection_tested", Actor: "company", Outcome: "rejected", Detail: "write"},
		{Kind: "needs_reauth", Actor: "system", Outcome: "calendar_missing"},
		{Kind: "needs_reauth", Actor: "system", Outcome: "revoked"},
		{Kind: "reconnected", Actor: "company", Outcome: "ok", Detail: "luz@gmail.example"},
		{Kind: "caught_up", Actor: "system", Outcome: "ok", Detail: "21"},
		{Kind: "turned_off", Actor: "platform", Outcome: "ok", Detail: "remove"},
		{Kind: "disconnected", Actor: "system", Outcome: "ok"},
		{Kind: "disconnected", Actor: "system", Outcome: "outage"},
		{Kind: "tickled", Actor: "operator", Outcome: "giggles"},
	} {
		a.At, a.Integration = at, integration.GoogleCalendar
		s.must(s.store.AddActivity(s.Context(), salon, a))
		at = at.Add(580 * hour)
	}
}
