package settings

import (
	"net/http"

	"github.com/citasync/citasync/shared/session"
	"github.com/citasync/citasync/shared/store"
)

type choiceJSON struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	TimeZone string `json:"time_zone"`
	Chosen   bool   `json:"chosen"`
}

// listCalendars answers with the calendars that the company may choose among.
func (h *handler) listCalendars(r *http.Request, c session.Claims) (any, error) {
	e, _, err := h.called(r, c)
	switch {
	case err != nil:
		return nil, err
	case !e.events:
		return nil, errNoCalendars
	}
	cs, err := h.calendars(r.Context(), c.Company, e)
	if err != nil {
		return nil, err
	}
	list := make([]choiceJSON, 0, len(cs.list))
	for _, item := range cs.list {
		chosen := item.ID == e.Data.CalendarID && !e.calendarGone()
		list = append(list, choiceJSON{item.ID, item.Name, item.TimeZone, chosen})
	}
	return struct {
		Calendars []choiceJSON `json:"calendars"`
		Limited   bool         `json:"limited"`
	}{list, cs.limited}, nil
}

// eventOptionsJSON is how a company has its events. Title and description are
// the templates in use, also if they are the default's.
type eventOptionsJSON struct {
	Title       string `json:"title"`
	Description string `json:"description"`
	Reminder    string `json:"reminder"`
	Color       string `json:"color"`
	Invite      bool   `json:"invite_customer"`
	Language    string `json:"language"`
}

// optionsJSON is what the API shows of an integration's options, beside those
// that have their own place.
func (v *visit) optionsJSON(e entry) any {
	if !e.events {
		return struct{}{}
	}
	o, c := e.Options, v.company.Company
	return eventOptionsJSON{titleIn(o), descriptionIn(c, o), reminderCode(o.Reminder), o.Color, o.InviteCustomer, o.Language}
}

// changeEventsByCall changes what the call names.
func (h *handler) changeEventsByCall(r *http.Request, _ session.Claims, v *visit, e entry) (any, error) {
	var ch eventChange
	if err := readJSON(r, &ch); err != nil {
		return nil, err
	}
	if !ch.named() {
		return nil, errNothing
	}
	done, err := h.changeEvents(r.Context(), v.company.ID, e, ch, store.ActorPlatform)
	if err != nil {
		return nil, err
	}
	return h.integration(r, v, e.with(done.now))
}
