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
	Refused   int                `json:"refused"` // bookings that were refused for good, likewise
	Since     string             `json:"since"`   // the last change of status, account or calendar
	CheckedAt string             `json:"checked_at"`
	Preview   previewJSON        `json:"preview"`
	Action    string             `json:"action"`   // what only the company can do; see actionOf
	Message   string             `json:"message"`  // what the status means and what to do, in the token's language
	Language  string             `json:"language"` // of the notices to customers; empty: the company's own
	// Notices are those to customers that there are, and whether they are sent.
	Notices map[booking.Kind]bool `json:"notices"`
	Options any                   `json:"options"` // see eventOptionsJSON
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
	v, err := h.caller(r, c)
	if err != nil {
		return nil, err
	}
	list := make([]integrationJSON, 0, len(h.offers))
	for _, o := range h.offers {
		e, err := h.entry(r.Context(), c.Company, o)
		if err != nil {
			return nil, err
		}
		i, err := h.integration(r, v, e)
		if err != nil {
			return nil, err
		}
		list = append(list, i)
	}
	return struct {
		Integrations []integrationJSON `json:"integrations"`
	}{list}, nil
}

// integration is how the entry stands, for the caller. The bookings are all that
// is read.
func (h *handler) integration(r *http.Request, v *visit, e entry) (integrationJSON, error) {
	b, err := h.backlog(r.Context(), v.company.ID, e)
	if err != nil {
		return integrationJSON{}, err
	}
	out := integrationJSON{
		ID: e.id, Name: e.Name, Available: e.Entry.Enabled, Enabled: e.Connection.Enabled, Status: e.Status, Reason: e.Reason,
		Account: e.Data.AccountEmail, Calendar: calendarJSON{e.Data.CalendarID, e.Data.CalendarName}, Waiting: b.total(),
		Since: stampUTC(e.Connection.ChangedAt), CheckedAt: stampUTC(e.CheckedAt), Action: actionOf(e),
		Language: e.Options.Language, Notices: map[booking.Kind]bool{}, Options: v.optionsJSON(e),
	}
	_, _, out.Message = v.state(e)
	if e.Connection.Enabled {
		out.Refused = len(b.refused)
	}
	if e.Status == integration.Disconnected || e.Status == integration.NeedsReauth {
		out.Preview = previewJSON{b.preview.add, b.preview.more}
	}
	for _, kind := range e.notices {
		out.Notices[kind] = !e.Options.Mute.Of(kind)
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

// enableIntegration turns an integration on, or says how.
func (h *handler) enableIntegration(r *http.Request, c session.Claims) (any, error) {
	e, v, err := h.usable(r, c)
	if err != nil {
		return nil, err
	}
	if v.news { // who builds the panel himself may never open a link
		if err := h.remember(r.Context(), c); err != nil {
			return nil, err
		}
	}
	return e.enableByCall(r, c, v, e)
}

// linkToConnect answers with a link of ours, to be opened once in the browser of
// whoever has the account at Google. It leads to a page that shows the company's
// name: a link straight to Google would let one company's consent be captured
// for another. With an address to return to that is the page to connect from,
// and what comes of it is told there; otherwise it is the panel.
func (h *handler) linkToConnect(r *http.Request, c session.Claims, _ *visit, _ entry) (any, error) {
	link := session.Claims{
		Company: c.Company, Name: c.Name, Email: c.Email, Phone: c.Phone,
		Country: c.Country, Locale: c.Locale, TimeZone: c.TimeZone,
	}
	var err error
	if link.ReturnURL, err = h.returnTo(r, c); err != nil {
		return nil, err
	}
	if link.ReturnURL != "" {
		link.Connect = session.ConnectGoogleCalendar
	}
	token, err := h.Sessions.Sign(link)
	if err != nil {
		return nil, fmt.Errorf("sign link: %w", err)
	}
	u := h.PublicURL.JoinPath("settings")
	u.RawQuery = url.Values{"session": {token}}.Encode()
	return struct {
		AuthorizeURL string `json:"authorize_url"`
	}{u.String()}, nil
}

// returnTo is where a call wants the browser back: what its body says, or else
// its token; empty if neither does.
func (h *handler) returnTo(r *http.Request, c session.Claims) (string, error) {
	var body struct {
		ReturnURL string `json:"return_url"`
	}
	if err := readOptionalJSON(r, &body); err != nil {
		return "", err
	}
	if body.ReturnURL == "" {
		return c.ReturnURL, nil
	}
	address, ok := h.Sessions.AllowedReturn(body.ReturnURL)
	if !ok {
		return "", fault.Blame("return_url", fmt.Errorf(
			"%w: return_url must be an address of at most 1000 bytes on one of the origins that the installation allows", fault.ErrUnprocessable))
	}
	return address, nil
}

// disableIntegration turns an integration off.
func (h *handler) disableIntegration(r *http.Request, c session.Claims) (any, error) {
	e, v, err := h.called(r, c)
	if err != nil {
		return nil, err
	}
	var body struct {
		Events string `json:"events"`
	}
	if e.events { // of one without, there is nothing to say
		if err := readJSON(r, &body); err != nil {
			return nil, err
		}
		if body.Events != eventsKeep && body.Events != eventsRemove {
			return nil, fault.Blame("events", fmt.Errorf("%w: events must be %q or %q", fault.ErrUnprocessable, eventsKeep, eventsRemove))
		}
	}
	now, err := e.turnOff(r.Context(), c.Company, body.Events == eventsRemove, store.ActorPlatform)
	if err != nil {
		return nil, err
	}
	return h.integration(r, v, e.with(now))
}

// chooseOptions changes the options of an integration.
func (h *handler) chooseOptions(r *http.Request, c session.Claims) (any, error) {
	e, v, err := h.usable(r, c)
	if err != nil {
		return nil, err
	}
	return e.chooseByCall(r, c, v, e)
}

// trialJSON is a step of a test that was tried. After one that failed there is
// none.
type trialJSON struct {
	Step   string             `json:"step"`
	OK     bool               `json:"ok"`
	Reason integration.Reason `json:"reason"`
}

// testIntegration tries the connection.
func (h *handler) testIntegration(r *http.Request, c session.Claims) (any, error) {
	e, v, err := h.usable(r, c)
	if err != nil {
		return nil, err
	}
	t, err := h.probe(r.Context(), e, v, store.ActorPlatform)
	if err != nil {
		return nil, err
	}
	steps := make([]trialJSON, 0, len(e.trials))
	for _, step := range t.done(e.trials) {
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
