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

// chooseCalendarByCall makes one of them the company's.
func (h *handler) chooseCalendarByCall(r *http.Request, c session.Claims, e entry) (any, error) {
	var body struct {
		Calendar string `json:"calendar"`
	}
	if err := readJSON(r, &body); err != nil {
		return nil, err
	}
	cs, err := h.calendars(r.Context(), c.Company, e)
	if err != nil {
		return nil, err
	}
	if _, err := h.takeCalendar(r.Context(), c.Company, e, cs, body.Calendar, store.ActorPlatform); err != nil {
		return nil, err
	}
	return h.integration(r, c, e.offer)
}
