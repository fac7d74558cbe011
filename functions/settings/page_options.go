package settings

import (
	"errors"
	"net/http"
	"slices"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/gcal"
	"github.com/citasync/citasync/shared/googleauth"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

// maxRadios is how many calendars are all shown at once.
const maxRadios = 20

// options is the body of the page on which a calendar is chosen.
type options struct {
	Action    string
	Company   booking.CompanyID // whose page it is
	Lead      string
	Gone      string // that the one before is; may be empty
	Choices   []choice
	Long      bool   // too many for a page of radio buttons
	Pick      string // asks to choose, if none of them is the current one
	Limited   string // why there are no more; may be empty
	Reconnect link   // mends that
	Error     string // what was wrong with the answer before
}

// choice is a calendar to choose.
type choice struct {
	ID      string
	Name    string
	Hint    string // may be empty
	Current bool
}

// askCalendar shows the calendars to choose among.
func (h *handler) askCalendar(w http.ResponseWriter, r *http.Request, v *visit, e entry) error {
	cs, err := h.calendars(r.Context(), v.company.ID, e)
	if err != nil {
		return h.noCalendars(w, r, err)
	}
	h.showOptions(w, r, v.options(e, cs), v)
	return nil
}

// chooseCalendar makes the calendar that was chosen the company's.
func (h *handler) chooseCalendar(w http.ResponseWriter, r *http.Request, v *visit, e entry) error {
	cs, err := h.calendars(r.Context(), v.company.ID, e)
	if err != nil {
		return h.noCalendars(w, r, err)
	}
	changed, err := h.takeCalendar(r.Context(), v.company.ID, e, cs, r.PostForm.Get("calendar"), store.ActorCompany)
	switch {
	case errors.Is(err, errNoCalendar):
		body := v.options(e, cs)
		body.Error = v.say.T("options.invalid")
		h.showOptions(w, r, body, v)
		return nil
	case err != nil:
		return h.noCalendars(w, r, err)
	}
	result := resultCalendar
	if !changed {
		result = resultSameCalendar
	}
	http.Redirect(w, r, "/settings?result="+string(result), http.StatusSeeOther)
	return nil
}

// noCalendars answers when nothing can be chosen now. The overview says why, if
// it is a matter of the connection.
func (h *handler) noCalendars(w http.ResponseWriter, r *http.Request, err error) error {
	switch {
	case errors.Is(err, errPaused):
		http.Redirect(w, r, "/settings?result="+string(googleauth.ResultPaused), http.StatusSeeOther)
	case errors.Is(err, errNotConnected):
		http.Redirect(w, r, "/settings", http.StatusSeeOther)
	default:
		return err
	}
	return nil
}

func (h *handler) showOptions(w http.ResponseWriter, r *http.Request, body options, v *visit) {
	p := v.page("options", "overview", v.say.T("options.title"))
	p.Body = body
	if body.Error != "" {
		p.Status = http.StatusUnprocessableEntity
	}
	h.render(w, r, p)
}

func (v *visit) options(e entry, cs calendars) options {
	o := options{
		Action: actionPath(e.id, "options"), Company: v.company.ID, Lead: v.say.T("options.lead", e.Data.AccountEmail),
		Choices: v.choices(e, cs.list), Long: len(cs.list) > maxRadios,
	}
	if !slices.ContainsFunc(o.Choices, func(c choice) bool { return c.Current }) {
		o.Pick = v.say.T("options.pick")
	}
	if e.calendarGone() {
		o.Gone = v.say.T("options.gone", v.calendar(e.Connection, e.Data.AccountSubject, e.Data.CalendarID))
	}
	if cs.limited {
		o.Lead = v.say.T("options.lead.limited")
		o.Limited, o.Reconnect = v.say.T("options.limited"), link{v.to(connectPath), v.say.T("card.reconnect", e.Name)}
		if e.Data.CalendarID == primary && !e.calendarGone() {
			o.Choices = nil // it is the only one, and chosen
		}
	}
	return o
}

// choices names the calendars, of two with one name by their ids too. None that
// is gone is the current one.
func (v *visit) choices(e entry, list []gcal.Choice) []choice {
	named := map[string]int{}
	for _, c := range list {
		named[c.Name]++
	}
	out := make([]choice, 0, len(list))
	for _, c := range list {
		item := choice{ID: c.ID, Name: c.Name, Current: c.ID == e.Data.CalendarID && e.Status == integration.Connected}
		switch {
		case c.ID == primary:
			item.Name, item.Hint = v.say.T("calendar.primary"), c.Name
		case c.Name == "":
			item.Name = c.ID
		case named[c.Name] > 1:
			item.Hint = c.ID
		}
		out = append(out, item)
	}
	return out
}
