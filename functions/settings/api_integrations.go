package settings

import (
	"fmt"
	"net/http"
	"net/url"

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
	Refused   int                `json:"refused"` // bookings that were refused for good, likewise
	Since     string             `json:"since"`   // the last change of status, account or calendar
	CheckedAt string             `json:"checked_at"`
	Preview   previewJSON        `json:"preview"`
	Action    string             `json:"action"`  // what only the company can do; see actionOf
	Message   string             `json:"message"` // what the status means and what to do, in the token's language
}

// previewJSON is what connecting, or connecting again, would do; zero while
// there is nothing to connect.
type previewJSON struct {
	Add  int  `json:"add"`  // upcoming bookings that would get an event
	More bool `json:"more"` // there are more than were looked at
}

type calendarJSON struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

func (h *handler) listIntegrations(r *http.Request, c session.Claims) (any, error) {
	list := make([]integrationJSON, 0, len(h.Integrations))
	for _, id := range h.Integrations {
		i, err := h.integration(r, c, id)
		if err != nil {
			return nil, err
		}
		list = append(list, i)
	}
	return struct {
		Integrations []integrationJSON `json:"integrations"`
	}{list}, nil
}

func (h *handler) integration(r *http.Request, c session.Claims, id integration.ID) (integrationJSON, error) {
	e, err := h.entry(r.Context(), c.Company, id)
	if err != nil {
		return integrationJSON{}, err
	}
	v, err := h.caller(r, c)
	if err != nil {
		return integrationJSON{}, err
	}
	b, err := h.backlog(r.Context(), c.Company, e)
	if err != nil {
		return integrationJSON{}, err
	}
	out := integrationJSON{
		ID: id, Name: e.Name, Available: e.Entry.Enabled, Enabled: e.Connection.Enabled, Status: e.Status, Reason: e.Reason,
		Account: e.Data.AccountEmail, Calendar: calendarJSON{e.Data.CalendarID, e.Data.CalendarName}, Waiting: b.total(),
		Since: stampUTC(e.Connection.ChangedAt), CheckedAt: stampUTC(e.CheckedAt), Action: actionOf(e),
	}
	_, _, out.Message = v.state(e)
	if e.Connection.Enabled {
		out.Refused = len(b.refused)
	}
	if e.Status == integration.Disconnected || e.Status == integration.NeedsReauth {
		out.Preview = previewJSON{b.preview.add, b.preview.more}
	}
	return out, nil
}

// actionOf is what only the company can do to have its bookings sent again.
func actionOf(e entry) string {
	switch {
	case e.calendarGone():
		return "choose_calendar"
	case e.Status == integration.NeedsReauth:
		return "reconnect"
	}
	return ""
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
	return h.integration(r, c, id)
}
