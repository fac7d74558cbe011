package settings

import (
	"fmt"
	"net/http"
	"net/url"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/session"
	"github.com/citasync/citasync/shared/store"
)

// integrationJSON is an integration as a company has it. What does not apply
// is an empty string.
type integrationJSON struct {
	ID        integration.ID     `json:"id"`
	Name      string             `json:"name"`
	Available bool               `json:"available"` // not switched off for every company
	Enabled   bool               `json:"enabled"`   // the company wants it
	Status    integration.Status `json:"status"`
	Reason    integration.Reason `json:"reason"`
	Account   string             `json:"account"` // its e-mail
	Calendar  calendarJSON       `json:"calendar"`
	Waiting   int                `json:"waiting"` // bookings that are to be sent yet; see backlog for how far it counts
}

type calendarJSON struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

func (h *handler) listIntegrations(r *http.Request, c session.Claims) (any, error) {
	list := make([]integrationJSON, 0, len(h.Integrations))
	for _, id := range h.Integrations {
		i, err := h.integration(r, c.Company, id)
		if err != nil {
			return nil, err
		}
		list = append(list, i)
	}
	return struct {
		Integrations []integrationJSON `json:"integrations"`
	}{list}, nil
}

func (h *handler) integration(r *http.Request, company booking.CompanyID, id integration.ID) (integrationJSON, error) {
	e, err := h.entry(r.Context(), company, id)
	if err != nil {
		return integrationJSON{}, err
	}
	b, err := h.backlog(r.Context(), company, e.Connection)
	if err != nil {
		return integrationJSON{}, err
	}
	return integrationJSON{
		ID: id, Name: e.Name, Available: e.Entry.Enabled, Enabled: e.Connection.Enabled, Status: e.Status, Reason: e.Reason,
		Account: e.Data.AccountEmail, Calendar: calendarJSON{e.Data.CalendarID, e.Data.CalendarName}, Waiting: b.total(),
	}, nil
}

// enableIntegration answers with a link of ours, to be opened once in the
// browser of whoever has the account at Google. It leads to the panel, which
// shows the company's name: a link straight to Google would let one company's
// consent be captured for another.
func (h *handler) enableIntegration(r *http.Request, c session.Claims) (any, error) {
	if _, err := h.offered(r); err != nil {
		return nil, err
	}
	token, err := h.Sessions.Sign(session.Claims{
		Company: c.Company, Name: c.Name, Email: c.Email, Phone: c.Phone,
		Country: c.Country, Locale: c.Locale, TimeZone: c.TimeZone, ReturnURL: c.ReturnURL,
	})
	if err != nil {
		return nil, fmt.Errorf("sign link: %w", err)
	}
	u := h.PublicURL.JoinPath("settings")
	u.RawQuery = url.Values{"session": {token}}.Encode()
	return struct {
		AuthorizeURL string `json:"authorize_url"`
	}{u.String()}, nil
}

func (h *handler) disableIntegration(r *http.Request, c session.Claims) (any, error) {
	id, err := h.offered(r)
	if err != nil {
		return nil, err
	}
	var body struct {
		Events string `json:"events"`
	}
	if err := readJSON(r, &body); err != nil {
		return nil, err
	}
	if body.Events != eventsKeep && body.Events != eventsRemove {
		return nil, fmt.Errorf("%w: events must be %q or %q", fault.ErrUnprocessable, eventsKeep, eventsRemove)
	}
	if _, err := h.turnOff(r.Context(), c.Company, body.Events == eventsRemove, store.ActorPlatform); err != nil {
		return nil, err
	}
	return h.integration(r, c.Company, id)
}
