package settings

import (
	"fmt"
	"net/http"

	"github.com/citasync/citasync/shared/googleauth"
	"github.com/citasync/citasync/shared/integration"
)

// connectingPath is the page that a link made to connect leads to.
const connectingPath = "/settings/connect"

// connecting is the body of the page from which a company connects that sees the
// rest at its platform. Nobody is led straight to Google: the page says whose
// bookings they are, so that one company's consent can't be had for another.
type connecting struct {
	Notice  *notice
	Lead    string
	Card    card
	Details link // the panel's page of it; empty while there is nothing to see
	Back    link // to the platform; without an address there is none
}

// connectPage shows how the connection stands, and what there is to do about it.
func (h *handler) connectPage(w http.ResponseWriter, r *http.Request, v *visit) error {
	e, err := h.calendarEntry(r, v)
	if err != nil {
		return err
	}
	b, err := h.backlog(r.Context(), v.company.ID, e)
	if err != nil {
		return err
	}
	body := connecting{Card: v.card(e, b), Back: v.wayBack(e)}
	body.Card.Facts = v.connectionFacts(e)
	state := connectState(e)
	body.Lead = v.say.T("connect."+state+".lead", v.name())
	switch {
	case state != "new":
		body.Details = link{"/settings", v.say.T("connect.details")}
	case v.session.Outcome(string(e.id), "") != "":
		body.Lead += " " + v.say.T("connect.return")
	}
	if googleauth.Result(r.FormValue("result")) == googleauth.ResultExpired {
		body.Notice = v.notice(googleauth.ResultExpired, e, "")
	}
	p := v.page("connect", "", v.say.T("connect."+state+".title", e.Name))
	p.Company, p.Said, p.Body = "", body.Notice, body // without the panel's navigation: whoever is here wants one thing
	h.render(w, r, p)
	return nil
}

// connectState is what the page is about: to connect, that there is nothing left
// to do, or how things stand, which the card explains.
func connectState(e entry) string {
	switch {
	case !e.Entry.Enabled:
	case e.Status == integration.Disconnected:
		return "new"
	case e.Status == integration.Connected:
		return "done"
	}
	return "state"
}

// calendarEntry is Google Calendar as it stands for the visit's company.
func (h *handler) calendarEntry(r *http.Request, v *visit) (entry, error) {
	for _, o := range h.offers {
		if o.id == integration.GoogleCalendar {
			return h.entry(r.Context(), v.company.ID, o)
		}
	}
	return entry{}, fmt.Errorf("offers: %w", errNoIntegration)
}

// connectionFacts are whose connection it is, and with what.
func (v *visit) connectionFacts(e entry) []fact {
	f := []fact{{Name: v.say.T("connect.company"), Values: []string{v.name()}}}
	if e.Data.AccountEmail != "" {
		f = append(f, fact{Name: v.say.T("card.account"), Values: []string{e.Data.AccountEmail}})
	}
	if name := v.calendar(e.Connection, e.Data.AccountSubject, e.Data.CalendarID); name != "" {
		f = append(f, fact{Name: v.say.T("card.calendar"), Values: []string{name}})
	}
	return f
}

// wayBack leads to the platform, and does nothing else.
func (v *visit) wayBack(e entry) link {
	if connectState(e) == "new" {
		return link{v.back, v.say.T("connect.cancel")}
	}
	return link{v.back, v.say.T("connect.back")}
}
