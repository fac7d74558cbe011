package settings

import (
	"fmt"
	"net/url"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

// calendarURL is where Google Calendar opens, for the account that the browser
// uses there.
const calendarURL = "https://calendar.google.com/"

// How many bookings a card lists.
const (
	maxLeft    = 20 // whose events were left behind
	maxRefused = 5
)

// card is an integration as the overview shows it.
type card struct {
	ID      integration.ID
	Name    string
	Tone    tone
	Status  string
	Explain string
	Facts   []fact
	Lists   []list
	Why     []fact   // what it does, and what it leaves alone
	Preview []string // what Connect would do
	Connect link     // or what else mends the connection
	Enable  *button  // in place of Connect
	Note    string   // beside them
	Test    *button
	Disable link
}

// fact is a term with what is to be said of it.
type fact struct {
	Name   string
	Values []string
	Links  []link
}

// list is some of the bookings, with how many more there are.
type list struct {
	Title string
	Items []item
	More  string
}

// item is a booking in a list, with what is to be said of it if anything is.
type item struct {
	link
	Note string
}

// link leads somewhere, or if URL is empty it is only words.
type link struct{ URL, Words string }

// button posts a form that asks nothing.
type button struct {
	Action  string
	Company booking.CompanyID // whose page it is
	Booking booking.ID        // what it is about; may be empty
	Words   string
	Primary bool
}

// actionPath is where one of the things is done that can be done with an
// integration.
func actionPath(id integration.ID, action string) string {
	return "/settings/integrations/" + string(id) + "/" + action
}

// to is a path with the company whose page leads there.
func (v *visit) to(path string) string {
	return path + "?" + url.Values{"company": {string(v.company.ID)}}.Encode()
}

func (v *visit) card(e entry, b *backlog) card {
	c := card{ID: e.id, Name: e.Name, Why: v.reasons(e)}
	c.Tone, c.Status, c.Explain = v.state(e)
	if !e.events {
		v.messagesCard(&c, e, b)
		return c
	}
	switch {
	case e.Status != integration.Disconnected:
		c.Facts = v.facts(e, b)
		if e.Connection.Enabled && len(b.refused) > 0 {
			c.Lists = append(c.Lists, v.refused(b))
		}
	case e.unremoved() && len(b.left) > 0:
		c.Lists = append(c.Lists, v.left(e, b))
	}
	v.actions(&c, e, b)
	return c
}

// reasons say what an integration does for a company, of notices with each that
// there is, and what it leaves alone.
func (v *visit) reasons(e entry) []fact {
	var does []string
	for _, kind := range e.wanted() {
		does = append(does, v.say.T(string(e.id)+".does."+string(kind)))
	}
	return []fact{
		{Name: v.say.T("card.does"), Values: append(does, v.points(e.id, "does")...)},
		{Name: v.say.T("card.leaves"), Values: v.points(e.id, "leaves")},
	}
}

// points are the sentences of that name about an integration.
func (v *visit) points(id integration.ID, name string) []string {
	var all []string
	for i := 1; ; i++ {
		key := v.say.Or(fmt.Sprintf("%s.%s.%d", id, name, i), "")
		if key == "" {
			return all
		}
		all = append(all, v.say.T(key))
	}
}

// facts are what there is to know of a connection. What needs the company comes
// first.
func (v *visit) facts(e entry, b *backlog) []fact {
	var f []fact
	one := func(key, value string, links ...link) {
		f = append(f, fact{Name: v.say.T(key), Values: []string{value}, Links: links})
	}
	if e.Status == integration.NeedsReauth {
		one("card.since", v.moment(e.Connection.ChangedAt))
		f = append(f, v.backlogFact(e, b))
	}
	if e.Data.AccountEmail != "" {
		one("card.account", e.Data.AccountEmail)
	}
	if name := v.calendar(e.Connection, e.Data.AccountSubject, e.Data.CalendarID); name != "" {
		one("card.calendar", name, v.calendarLinks(e)...)
	}
	if e.Status == integration.Disconnecting {
		return f // nothing is sent any more, and nothing waits
	}
	last := v.say.T("card.last.none")
	if !b.last.IsZero() {
		last = v.moment(b.last)
	}
	one("card.last", last)
	if e.Status == integration.NeedsReauth {
		return f
	}
	f = append(f, v.backlogFact(e, b))
	if at := e.CheckedAt; !at.IsZero() {
		one("card.checked", v.moment(at))
	}
	return f
}

func (v *visit) calendarLinks(e entry) []link {
	if e.Status != integration.Connected {
		return nil
	}
	links := []link{{calendarURL, v.say.T("card.open", e.Name)}}
	if e.Entry.Enabled {
		links = append(links, link{v.to(actionPath(e.id, "options")), v.say.T("card.options")})
	}
	return links
}

// backlogFact says how many bookings wait, and for what.
func (v *visit) backlogFact(e entry, b *backlog) fact {
	f := fact{Name: v.say.T(v.own(e.id, "card.waiting"))}
	add := func(n int, key string, args ...any) {
		if n > 0 {
			f.Values = append(f.Values, v.say.T(v.own(e.id, key), append([]any{n}, args...)...))
		}
	}
	add(b.waiting, "waiting."+waitsFor(e))
	add(b.sending, "waiting.sending")
	add(b.retrying, "waiting.retry", v.why(e.id, string(b.reason)), v.moment(v.ahead(b.next)))
	if b.total() == 0 {
		f.Values = append(f.Values, v.say.T(v.own(e.id, "card.waiting.none")))
		return f
	}
	if b.more {
		f.Values = append(f.Values, v.say.T("waiting.more", b.total()))
	}
	f.Links = []link{{historyPath, v.say.T("card.waiting.see")}}
	return f
}

// waitsFor is what ends the waiting of a delivery.
func waitsFor(e entry) string {
	switch {
	case e.calendarGone():
		return "calendar"
	case e.Status == integration.NeedsReauth:
		return "reauth"
	case !e.Entry.Enabled:
		return "paused"
	}
	return "soon"
}

// left lists the events of future bookings that could not be removed.
func (v *visit) left(e entry, b *backlog) list {
	return v.list("card.left", b.left, maxLeft, func(rec *store.Booking) item {
		return item{link: link{rec.Deliveries[e.id].Link, v.brief(rec)}}
	})
}

// refused lists the bookings that were refused for good.
func (v *visit) refused(b *backlog) list {
	return v.list("card.refused", b.refused, maxRefused, func(rec *store.Booking) item {
		return item{link: link{bookingURL(rec.Booking.ID), v.brief(rec)}}
	})
}

// brief names a booking in a few words.
func (v *visit) brief(rec *store.Booking) string {
	words := v.title(rec)
	if name := rec.Booking.Customer.Name; name != "" {
		words += " " + v.say.T("booking.for", name)
	}
	return words + ", " + v.say.Moment(rec.Booking.Start, v.now)
}

// list names the first bookings. Key says what the list is, and followed by
// ".more" how many more there are.
func (v *visit) list(key string, recs []*store.Booking, most int, one func(*store.Booking) item) list {
	l := list{Title: v.say.T(key)}
	for _, rec := range recs[:min(len(recs), most)] {
		l.Items = append(l.Items, one(rec))
	}
	if n := len(recs) - len(l.Items); n > 0 {
		l.More = v.say.T(key+".more", n)
	}
	return l
}

// actions offers what can be done: to connect again while a removal runs would
// be refused, and so would be what needs Google while it is switched off for
// everyone.
func (v *visit) actions(c *card, e entry, b *backlog) {
	connect := link{v.to(connectPath), v.say.T("card.connect", e.Name)}
	switch e.Status {
	case integration.Connected:
		if e.Entry.Enabled {
			c.Test = v.button(e, "test", "card.test")
		}
	case integration.NeedsReauth:
		connect = v.mend(e)
	case integration.Disconnected, integration.Disconnecting:
	}
	if e.Status == integration.Connected || e.Status == integration.NeedsReauth {
		c.Disable = link{v.to(actionPath(e.id, "disable")), v.say.T("card.disable", e.Name)}
	}
	if e.Entry.Enabled && (e.Status == integration.Disconnected || e.Status == integration.NeedsReauth) {
		c.Connect, c.Preview = connect, v.preview(e, b)
		if !e.calendarGone() {
			c.Note = v.say.T("card.connect.note")
		}
	}
}

// button posts an action of the integration.
func (v *visit) button(e entry, action, key string) *button {
	return &button{Action: actionPath(e.id, action), Company: v.company.ID, Words: v.say.T(v.own(e.id, key), e.Name)}
}

// mend is what the company has to do to a connection that needs it.
func (v *visit) mend(e entry) link {
	if e.calendarGone() {
		return link{v.to(actionPath(e.id, "options")), v.say.T("card.choose")}
	}
	return link{v.to(connectPath), v.say.T("card.reconnect", e.Name)}
}

// mending is what the company does to have its bookings added.
func mending(e entry) string {
	switch {
	case e.calendarGone():
		return "calendar"
	case e.Status == integration.NeedsReauth:
		return "reconnect"
	}
	return "connect"
}

// preview says what mending the connection, or making it, will add.
func (v *visit) preview(e entry, b *backlog) []string {
	var said []string
	p := b.preview
	switch {
	case p.add == 0 && (p.more || e.Status == integration.Disconnected && p.kept > 0):
	case p.add == 0 && e.Status == integration.NeedsReauth:
		said = append(said, v.say.T("preview.complete"))
	case p.add == 0:
		said = append(said, v.say.T("preview.none"))
	case p.more:
		said = append(said, v.say.T("preview.more."+mending(e), p.add))
	default:
		said = append(said, v.say.T("preview.add."+mending(e), p.add))
	}
	if e.Status == integration.NeedsReauth && b.waiting > p.add {
		said = append(said, v.say.T("preview.behind"))
	}
	if e.Status == integration.Disconnected && p.kept > 0 {
		said = append(said, v.say.T("preview.kept", p.kept))
	}
	if e.Options.InviteCustomer && p.add+p.kept > 0 {
		said = append(said, v.say.T("preview.invited"))
	}
	return said
}
