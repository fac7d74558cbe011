package settings

import (
	"fmt"
	"net/http"
	"net/url"

	"github.com/citasync/citasync/shared/googleauth"
	"github.com/citasync/citasync/shared/integration"
)

// Results of turning an integration off, beside those of an authorisation.
const (
	resultDisconnected googleauth.Result = "disconnected"
	resultRemoving     googleauth.Result = "removing"
)

// calendarURL is where Google Calendar opens, for the account that the browser
// uses there.
const calendarURL = "https://calendar.google.com/"

// maxLeft is how many of the events that were left behind are listed.
const maxLeft = 20

// tone is how a state looks. It never stands alone: a mark and words say it as
// well.
type tone string

const (
	good    tone = "good"
	waiting tone = "waiting"
	bad     tone = "bad"
	off     tone = "off"
)

// Mark is the tone's sign, for the eye: screen readers hear the words.
func (t tone) Mark() string {
	switch t {
	case good:
		return "✓"
	case waiting:
		return "…"
	case bad:
		return "!"
	case off:
	}
	return "–"
}

// overview is the body of the page of that name.
type overview struct {
	Notice *notice
	Cards  []card
}

// notice says how what the visitor just did went.
type notice struct {
	Tone  tone
	Words string
}

// Role is how a screen reader is to take the notice.
func (n notice) Role() string {
	if n.Tone == bad {
		return "alert"
	}
	return "status"
}

// card is an integration as the overview shows it.
type card struct {
	ID       integration.ID
	Name     string
	Tone     tone
	Status   string
	Explain  string
	Facts    []fact
	Left     []link
	LeftMore string
	Does     []string
	Leaves   []string
	Connect  link
	Note     string // beside Connect
	Disable  link
}

// fact is a term with what is to be said of it.
type fact struct {
	Name   string
	Values []string
	Link   link
}

// link leads somewhere, or if URL is empty it is only words.
type link struct{ URL, Words string }

// overview shows the integrations.
func (h *handler) overview(w http.ResponseWriter, r *http.Request, v *visit) error {
	var body overview
	for _, id := range h.Integrations {
		e, err := h.entry(r.Context(), v.company.ID, id)
		if err != nil {
			return err
		}
		b, err := h.backlog(r.Context(), v.company.ID, e.Connection)
		if err != nil {
			return err
		}
		body.Cards = append(body.Cards, v.card(e, b))
		if id == integration.GoogleCalendar {
			body.Notice = v.notice(googleauth.Result(r.FormValue("result")), e)
		}
	}
	p := v.page("overview", "overview", v.say.T("overview.title"))
	p.Zone, p.Body = v.say.T("footer.zone", v.zone), body
	h.render(w, r, p)
	return nil
}

// notice puts the result of a change into words. One that the connection
// belies is not said: anybody can make up an address, or open it again later.
func (v *visit) notice(res googleauth.Result, e entry) *notice {
	key := "result." + string(res)
	switch res {
	case googleauth.ResultOtherCompany:
		return &notice{bad, v.say.T(key, v.name())}
	case googleauth.ResultDenied, googleauth.ResultScopeMissing, googleauth.ResultNoRefreshToken, googleauth.ResultFailed:
		if e.Status == integration.Connected {
			return &notice{waiting, v.say.T(key + ".still")}
		}
	case resultDisconnected:
		if e.unremoved() {
			return &notice{bad, v.say.T("result.left")}
		}
	default:
	}
	if !holds(res, e) {
		return nil
	}
	n := &notice{bad, v.say.T(key)}
	if res.Connected() || res == resultDisconnected || res == resultRemoving {
		n.Tone = good
	}
	return n
}

// holds reports whether a result can be true of the connection as it is now.
func holds(res googleauth.Result, e entry) bool {
	switch res {
	case googleauth.ResultConnected, googleauth.ResultReconnected:
		return e.Status == integration.Connected
	case googleauth.ResultExpired:
		return e.Status != integration.Connected
	case googleauth.ResultBusy:
		return e.Status == integration.Disconnecting
	case googleauth.ResultPaused:
		return !e.Entry.Enabled
	case resultDisconnected:
		return !e.Connection.Enabled
	case resultRemoving:
		return e.Status == integration.Disconnecting
	default:
		return googleauth.ParseResult(string(res)) != ""
	}
}

func (v *visit) card(e entry, b *backlog) card {
	id := string(e.Connection.ID)
	c := card{ID: e.Connection.ID, Name: e.Name}
	c.Tone, c.Status, c.Explain = v.state(e)
	for i := 1; i <= 2; i++ {
		c.Does = append(c.Does, v.say.T(fmt.Sprintf("%s.does.%d", id, i)))
		c.Leaves = append(c.Leaves, v.say.T(fmt.Sprintf("%s.leaves.%d", id, i)))
	}
	if e.Status != integration.Disconnected {
		c.Facts = v.facts(e, b)
	} else if e.unremoved() {
		c.Left, c.LeftMore = v.left(e, b)
	}
	v.actions(&c, e)
	return c
}

// state is how the connection stands: in a word, and what it means.
func (v *visit) state(e entry) (tone, string, string) {
	say := v.say
	switch {
	case e.Status == integration.Disconnecting && e.RemoveEvents:
		return waiting, say.T("status.disconnecting"), say.T("explain.removing")
	case e.Status == integration.Disconnecting:
		return waiting, say.T("status.disconnecting"), say.T("explain.returning")
	case e.Status == integration.NeedsReauth:
		return bad, say.T("status.needs_reauth"), v.andPaused(e, say.T(say.Or("explain."+string(e.Reason), "explain.other")))
	case e.Status == integration.Connected && !e.Entry.Enabled:
		return waiting, say.T("status.paused"), say.T("explain.paused", e.Name)
	case e.Status == integration.Connected:
		return good, say.T("status.connected"), say.T("explain.connected", e.Name)
	}
	explain := say.T("explain.disconnected", e.Name)
	if e.unremoved() {
		explain = say.T("explain.left", e.Name, v.why(string(e.Reason)))
	}
	if !e.Entry.Enabled {
		return waiting, say.T("status.paused"), v.andPaused(e, explain)
	}
	return off, say.T("status.disconnected"), explain
}

// andPaused adds to an explanation why there is nothing to press to connect.
func (v *visit) andPaused(e entry, explain string) string {
	if e.Entry.Enabled {
		return explain
	}
	return explain + " " + v.say.T("explain.paused.off", e.Name)
}

// why puts a class of failure, or why a delivery rests, into words.
func (v *visit) why(reason string) string {
	return v.say.T(v.say.Or("why."+reason, "why.unknown"))
}

func (v *visit) facts(e entry, b *backlog) []fact {
	var f []fact
	if e.Data.AccountEmail != "" {
		f = append(f, fact{Name: v.say.T("card.account"), Values: []string{e.Data.AccountEmail}})
	}
	if name := v.calendar(e.Connection, e.Data.AccountSubject, e.Data.CalendarID); name != "" {
		calendar := fact{Name: v.say.T("card.calendar"), Values: []string{name}}
		if e.Status == integration.Connected {
			calendar.Link = link{calendarURL, v.say.T("card.open", e.Name)}
		}
		f = append(f, calendar)
	}
	if e.Status == integration.Disconnecting {
		return f // nothing is sent any more, and nothing waits
	}
	last := v.say.T("card.last.none")
	if !b.last.IsZero() {
		last = v.moment(b.last)
	}
	f = append(f, fact{Name: v.say.T("card.last"), Values: []string{last}})
	return append(f, v.backlogFact(e, b))
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
	f.Link = link{"/settings/history", v.say.T("card.waiting.see")}
	return f
}

// waitsFor is what ends the waiting of a delivery.
func waitsFor(e entry) string {
	switch {
	case e.Status == integration.NeedsReauth:
		return "reauth"
	case !e.Entry.Enabled:
		return "paused"
	}
	return "soon"
}

// left lists the events of future bookings that could not be removed.
func (v *visit) left(e entry, b *backlog) ([]link, string) {
	var links []link
	for _, rec := range b.left[:min(len(b.left), maxLeft)] {
		words := v.title(rec)
		if name := rec.Booking.Customer.Name; name != "" {
			words += " " + v.say.T("booking.for", name)
		}
		words += ", " + v.say.Moment(rec.Booking.Start, v.now)
		links = append(links, link{rec.Deliveries[e.Connection.ID].Link, words})
	}
	if n := len(b.left) - len(links); n > 0 {
		return links, v.say.T("card.left.more", n)
	}
	return links, ""
}

// actions offers what can be done: to connect again while a removal runs would
// be refused, and so would be to connect what is switched off for everyone.
func (v *visit) actions(c *card, e entry) {
	page := "?" + url.Values{"company": {string(v.company.ID)}}.Encode()
	connect := link{connectPath + page, v.say.T("card.connect", e.Name)}
	disable := link{"/settings/integrations/" + string(e.Connection.ID) + "/disable" + page, v.say.T("card.disable", e.Name)}
	switch e.Status {
	case integration.Disconnected:
		if e.Entry.Enabled {
			c.Connect, c.Note = connect, v.say.T("card.connect.note")
		}
	case integration.NeedsReauth:
		c.Disable = disable
		if e.Entry.Enabled {
			connect.Words = v.say.T("card.reconnect", e.Name)
			c.Connect, c.Note = connect, v.say.T("card.connect.note")
		}
	case integration.Connected:
		c.Disable = disable
	case integration.Disconnecting:
	}
}
