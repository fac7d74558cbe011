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
	Does    []string
	Leaves  []string
	Preview []string // what Connect would do
	Connect link     // or what else mends the connection
	Note    string   // beside Connect
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
	Items []link
	More  string
}

// link leads somewhere, or if URL is empty it is only words.
type link struct{ URL, Words string }

// button posts a form that asks nothing.
type button struct {
	Action  string
	Company booking.CompanyID // whose page it is
	Words   string
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
	id := string(e.Connection.ID)
	c := card{ID: e.Connection.ID, Name: e.Name}
	c.Tone, c.Status, c.Explain = v.state(e)
	for i := 1; i <= 2; i++ {
		c.Does = append(c.Does, v.say.T(fmt.Sprintf("%s.does.%d", id, i)))
		c.Leaves = append(c.Leaves, v.say.T(fmt.Sprintf("%s.leaves.%d", id, i)))
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
		links = append(links, link{v.to(actionPath(e.Connection.ID, "options")), v.say.T("card.options")})
	}
	return links
}

// backlogFact says how many bookings wait, and for what.
func (v *visit) backlogFact(e entry, b *backlog) fact {
	f := fact{Name: v.say.T("card.waiting")}
	add := func(n int, key string, args ...any) {
		if n > 0 {
			f.Values = append(f.Values, v.say.T(key, append([]any{n}, args...)...))
		}
	}
	add(b.waiting, "waiting."+waitsFor(e))
	add(b.sending, "waiting.sending")
	add(b.retrying, "waiting.retry", v.why(string(b.reason)), v.moment(v.ahead(b.next)))
	if b.total() == 0 {
		f.Values = append(f.Values, v.say.T("card.waiting.none"))
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
	return v.list("card.left", b.left, maxLeft, func(rec *store.Booking) string { return rec.Deliveries[e.Connection.ID].Link })
}

// refused lists the bookings that were refused for good.
func (v *visit) refused(b *backlog) list {
	return v.list("card.refused", b.refused, maxRefused, bookingURL)
}

// list names the first bookings. Key says what the list is, and followed by
// ".more" how many more there are.
func (v *visit) list(key string, recs []*store.Booking, most int, address func(*store.Booking) string) list {
	l := list{Title: v.say.T(key)}
	for _, rec := range recs[:min(len(recs), most)] {
		words := v.title(rec)
		if name := rec.Booking.Customer.Name; name != "" {
			words += " " + v.say.T("booking.for", name)
		}
		words += ", " + v.say.Moment(rec.Booking.Start, v.now)
		l.Items = append(l.Items, link{address(rec), words})
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
			c.Test = &button{actionPath(e.Connection.ID, "test"), v.company.ID, v.say.T("card.test")}
		}
	case integration.NeedsReauth:
		connect = v.mend(e)
	case integration.Disconnected, integration.Disconnecting:
	}
	if e.Status == integration.Connected || e.Status == integration.NeedsReauth {
		c.Disable = link{v.to(actionPath(e.Connection.ID, "disable")), v.say.T("card.disable", e.Name)}
	}
	if e.Entry.Enabled && (e.Status == integration.Disconnected || e.Status == integration.NeedsReauth) {
		c.Connect, c.Preview = connect, v.preview(e, b.preview)
		if !e.calendarGone() {
			c.Note = v.say.T("card.connect.note")
		}
	}
}

// mend is what the company has to do to a connection that needs it.
func (v *visit) mend(e entry) link {
	if e.calendarGone() {
		return link{v.to(actionPath(e.Connection.ID, "options")), v.say.T("card.choose")}
	}
	return link{v.to(connectPath), v.say.T("card.reconnect", e.Name)}
}

// preview says what mending the connection, or making it, will add.
func (v *visit) preview(e entry, p preview) []string {
	var said []string
	switch {
	case p.add == 0 && p.more:
	case p.add == 0 && e.Status == integration.NeedsReauth:
		said = append(said, v.say.T("preview.complete"))
	case p.add == 0:
		said = append(said, v.say.T("preview.none"))
	case p.more:
		said = append(said, v.say.T("preview.more", p.add))
	default:
		said = append(said, v.say.T("preview.add", p.add))
	}
	if e.Status == integration.Disconnected && p.kept > 0 {
		said = append(said, v.say.T("preview.kept", p.kept))
	}
	return said
}
