package settings

import (
	"net/http"

	"github.com/citasync/citasync/shared/gcal"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/session"
	"github.com/citasync/citasync/shared/store"
)

// trialJSON is a step of a test that was tried. After one that failed there is
// none.
type trialJSON struct {
	Step   gcal.Trial         `json:"step"`
	OK     bool               `json:"ok"`
	Reason integration.Reason `json:"reason"`
}

// testIntegration tries the connection.
func (h *handler) testIntegration(r *http.Request, c session.Claims) (any, error) {
	e, v, err := h.called(r, c)
	if err != nil {
		return nil, err
	}
	t, err := h.probe(r.Context(), e, v, store.ActorPlatform)
	if err != nil {
		return nil, err
	}
	steps := make([]trialJSON, 0, len(gcal.Trials()))
	for _, step := range t.done() {
		steps = append(steps, trialJSON{Step: step, OK: true})
	}
	if t.why != integration.NoReason {
		steps = append(steps, trialJSON{Step: t.failed, Reason: t.why})
	}
	return struct {
		Steps   []trialJSON `json:"steps"`
		Message string      `json:"message"`
	}{steps, sentences(v.advice(e, t)...)}, nil
}

// called is who calls the API, and the integration that the path names.
func (h *handler) called(r *http.Request, c session.Claims) (entry, *visit, error) {
	id, err := h.offered(r)
	if err != nil {
		return entry{}, nil, err
	}
	v, err := h.caller(r, c)
	if err != nil {
		return entry{}, nil, err
	}
	e, err := h.entry(r.Context(), c.Company, id)
	return e, v, err
}

type choiceJSON struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	TimeZone string `json:"time_zone"`
	Chosen   bool   `json:"chosen"`
}

// listCalendars answers with the calendars that the company may choose among.
func (h *handler) listCalendars(r *http.Request, c session.Claims) (any, error) {
	e, _, err := h.called(r, c)
	if err != nil {
		return nil, err
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

// chooseCalendar makes one of them the company's.
func (h *handler) chooseCalendar(r *http.Request, c session.Claims) (any, error) {
	e, _, err := h.called(r, c)
	if err != nil {
		return nil, err
	}
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
	return h.integration(r, c, e.Connection.ID)
}
