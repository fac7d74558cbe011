package settings

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

// pageSize is how many bookings, or acts, a page has.
const pageSize = 25

const (
	historyPath     = "/settings/history"
	historyFilePath = "/settings/history.csv"
)

// history is the body of the page of that name.
type history struct {
	Form  searchForm
	Found string // how many there are on the page, when some were asked for
	Empty string // why there are none
	Days  []day
	Pager pager
}

// day holds bookings that follow one another and start on one day, or are for
// people of one name.
type day struct {
	Title string
	Rows  []row
}

// row is a booking in a list.
type row struct {
	URL        string
	Title      string
	For        string // whom; may be empty
	Span       string // its hours; may be empty
	State      string
	Tone       tone
	Deliveries []delivery
}

// pager leads to other pages of a list; an address without words is none.
type pager struct {
	Label         string
	Newest, Older link
}

// pagerFor leads on to the page at next, and back to the first one from any
// other. Name is the section of the catalogue that has the words, at returns the
// address of a page.
func (v *visit) pagerFor(name, cursor, next string, at func(cursor string) string) pager {
	p := pager{Label: v.say.T(name + ".pages")}
	if cursor != "" {
		p.Newest = link{at(""), v.say.T(name + ".newest")}
	}
	if next != "" {
		p.Older = link{at(next), v.say.T(name + ".older")}
	}
	return p
}

// history shows the bookings that are asked for, or one with its steps.
func (h *handler) history(w http.ResponseWriter, r *http.Request, v *visit) error {
	q := r.URL.Query()
	if q.Has("booking") {
		return h.booking(w, r, v, booking.ID(q.Get("booking")))
	}
	entries, err := h.entries(r, v)
	if err != nil {
		return err
	}
	at, err := h.sought(v, q)
	if err != nil {
		return err
	}
	s, cursor := at.Search, at.Cursor
	list, err := h.search(r, v, s, cursor, pageSize)
	wrong, _ := errors.AsType[*datesError](err)
	if err != nil && wrong == nil {
		return err
	}
	p := v.page("history", "history", v.say.T("history.title"))
	body := history{Form: h.searchForm(v, s, entries), Days: v.days(list.Items, entries, byName(s))}
	body.comeBack(h.soughtURL(v, historyPath, at))
	if wrong != nil {
		p.Status = http.StatusUnprocessableEntity
		body.Form.Error, body.Form.WrongFrom, body.Form.WrongUntil = v.say.T(wrong.key), wrong.from, wrong.until
	}
	v.count(&body, len(list.Items), s, cursor != "" || list.Next != "")
	body.Pager = v.pagerFor("history", cursor, list.Next, func(cursor string) string {
		return h.soughtURL(v, historyPath, sought{s, cursor})
	})
	p.Zone, p.Banners, p.Body = v.say.T("footer.zone.booking"), v.banners(entries), body
	h.render(w, r, p)
	return nil
}

// comeBack lets the pages of the bookings that are listed lead back to the list.
func (b *history) comeBack(list string) {
	_, query, asked := strings.Cut(list, "?")
	if !asked {
		return
	}
	for _, d := range b.Days {
		for i := range d.Rows {
			d.Rows[i].URL += "&" + query
		}
	}
}

// find leads to what the form asks for. Browsers take the fragment of the form's
// address, where what was found begins, along (RFC 9110, section 10.2.2).
func (h *handler) find(w http.ResponseWriter, r *http.Request, v *visit) error {
	if err := v.form(w, r); err != nil {
		return err
	}
	to := h.soughtURL(v, historyPath, sought{Search: searchOf(r.PostForm)})
	http.Redirect(w, r, to, http.StatusSeeOther) // a path of ours, with what was asked for in its query
	return nil
}

// count says how many bookings were found, or why there are none.
func (v *visit) count(body *history, n int, s search, paged bool) {
	asked := s != search{}
	switch {
	case body.Form.Error != "":
	case n == 0 && asked:
		body.Empty = v.say.T("history.none")
	case n == 0:
		body.Empty = v.say.T("history.empty")
	case asked && paged:
		body.Found = v.say.T("history.found.page", n)
	case asked:
		body.Found = v.say.T("history.found", n)
	}
}

// entries are the integrations that the installation has, as they stand for the
// visit's company.
func (h *handler) entries(r *http.Request, v *visit) ([]entry, error) {
	out := make([]entry, 0, len(h.offers))
	for _, o := range h.offers {
		if o.missing {
			continue
		}
		e, err := h.entry(r.Context(), v.company.ID, o)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

// byName reports whether what is found comes in the order of names.
func byName(s search) bool { return s.Find != "" && !dialled(s.Find) }

// days puts bookings that follow one another under one heading: the day, or if
// they come by names the customer's name.
func (v *visit) days(recs []*store.Booking, entries []entry, byName bool) []day {
	var days []day
	for _, rec := range recs {
		title := v.day(rec)
		if byName && rec.Booking.Customer.Name != "" {
			title = rec.Booking.Customer.Name
		}
		if n := len(days); n == 0 || days[n-1].Title != title {
			days = append(days, day{Title: title})
		}
		last := &days[len(days)-1]
		last.Rows = append(last.Rows, v.row(rec, entries, byName))
	}
	return days
}

// day is the day on which a booking starts. Of one whose deletion is all that
// was ever heard, none is known.
func (v *visit) day(rec *store.Booking) string {
	if rec.Booking.Start.IsZero() {
		return v.say.T("history.nodate")
	}
	return v.say.Day(rec.Booking.Start)
}

// when is the day and the hours of a booking.
func (v *visit) when(rec *store.Booking) string {
	b := rec.Booking
	if b.Start.IsZero() {
		return v.day(rec)
	}
	return v.say.T("booking.when.value", v.say.Day(b.Start), v.say.Span(b.Start, b.End))
}

// bookingURL is the address of a booking's page.
func bookingURL(id booking.ID) string { return historyPath + "?booking=" + url.QueryEscape(string(id)) }

func (v *visit) row(rec *store.Booking, entries []entry, byName bool) row {
	b := rec.Booking
	out := row{
		URL: bookingURL(rec.Booking.ID), Title: v.title(rec),
		State: v.say.T("state." + string(rec.State)), Tone: stateTone(rec.State),
	}
	if b.Customer.Name != "" && !byName {
		out.For = v.say.T("booking.for", b.Customer.Name)
	}
	switch {
	case byName:
		out.Span = v.when(rec)
	case !b.Start.IsZero():
		out.Span = v.say.Span(b.Start, b.End)
	}
	for _, e := range entries {
		if !e.quiet(rec.Deliveries[e.id]) {
			out.Deliveries = append(out.Deliveries, v.delivery(rec, e))
		}
	}
	return out
}

// title is the booking's service, or its number if it has none.
func (v *visit) title(rec *store.Booking) string {
	if rec.Booking.Service != "" {
		return rec.Booking.Service
	}
	return v.say.T("booking.untitled", string(rec.Booking.ID))
}

func stateTone(k booking.Kind) tone {
	switch k {
	case booking.Confirmed:
		return good
	case booking.Reserved:
		return waiting
	case booking.Deleted:
	}
	return off
}

// name is what an integration is called in the entries, or by default.
func name(entries []entry, id integration.ID) string {
	for _, e := range entries {
		if e.Connection.ID == id {
			return e.Name
		}
	}
	return store.DefaultEntry(id).Name
}
