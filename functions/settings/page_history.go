package settings

import (
	"fmt"
	"net/http"
	"net/url"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

// pageSize is how many bookings, or acts, a page has.
const pageSize = 25

const historyPath = "/settings/history"

// history is the body of the page of that name.
type history struct {
	Days  []day
	Pager pager
}

// day holds bookings that follow one another and start on one day.
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
// other. Name is the section of the catalogue that has the words.
func (v *visit) pagerFor(path, name, cursor, next string) pager {
	p := pager{Label: v.say.T(name + ".pages")}
	if cursor != "" {
		p.Newest = link{path, v.say.T(name + ".newest")}
	}
	if next != "" {
		p.Older = link{path + "?cursor=" + url.QueryEscape(next), v.say.T(name + ".older")}
	}
	return p
}

// history shows all bookings, or one with its steps.
func (h *handler) history(w http.ResponseWriter, r *http.Request, v *visit) error {
	q := r.URL.Query()
	if q.Has("booking") {
		return h.booking(w, r, v, booking.ID(q.Get("booking")))
	}
	entries, err := h.entries(r, v)
	if err != nil {
		return err
	}
	cursor := q.Get("cursor")
	list, err := h.Store.ListBookings(r.Context(), v.company.ID, store.Query{Cursor: cursor, Limit: pageSize})
	if err != nil {
		return fmt.Errorf("history: %w", err)
	}
	p := v.page("history", "history", v.say.T("history.title"))
	p.Zone, p.Banners = v.say.T("footer.zone.booking"), v.banners(entries)
	p.Body = history{Days: v.days(list.Items, entries), Pager: v.pagerFor(historyPath, "history", cursor, list.Next)}
	h.render(w, r, p)
	return nil
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

func (v *visit) days(recs []*store.Booking, entries []entry) []day {
	var days []day
	for _, rec := range recs {
		title := v.day(rec)
		if n := len(days); n == 0 || days[n-1].Title != title {
			days = append(days, day{Title: title})
		}
		last := &days[len(days)-1]
		last.Rows = append(last.Rows, v.row(rec, entries))
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

// bookingURL is the address of a booking's page.
func bookingURL(rec *store.Booking) string {
	return historyPath + "?booking=" + url.QueryEscape(string(rec.Booking.ID))
}

func (v *visit) row(rec *store.Booking, entries []entry) row {
	b := rec.Booking
	out := row{
		URL: bookingURL(rec), Title: v.title(rec),
		State: v.say.T("state." + string(rec.State)), Tone: stateTone(rec.State),
	}
	if b.Customer.Name != "" {
		out.For = v.say.T("booking.for", b.Customer.Name)
	}
	if !b.Start.IsZero() {
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
