package settings

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/bus"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/googleauth"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/logging"
	"github.com/citasync/citasync/shared/store"
)

// connectPath is where the consent at Google begins. The panel leads there by a
// link: browsers apply the policy for forms to where a form's answer redirects
// to, which would be Google.
const connectPath = "/oauth/start"

// maxForm bounds a form, in bytes: the longest templates fit, of whose characters
// a browser makes up to 12 bytes each.
const maxForm = 64 << 10

// What becomes of an integration's events when it is turned off.
const (
	eventsKeep   = "keep"
	eventsRemove = "remove"
)

// errOtherCompany is a request from a page of another company than the one that
// the browser has open by now: all its tabs share one session.
var errOtherCompany = fmt.Errorf("%w: asked on the page of another company", fault.ErrState)

// same refuses what a page of another company asks for. A request need not name
// a company.
func (v *visit) same(named []string) error {
	for _, id := range named {
		if id != string(v.company.ID) {
			return errOtherCompany
		}
	}
	return nil
}

// form reads what was posted, and refuses it from a page of another company.
func (v *visit) form(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return fmt.Errorf("%w: %w", formFault(err), err)
	}
	return v.same(r.PostForm["company"])
}

// overviewURL is the overview that tells how a change of the integration went.
func overviewURL(id integration.ID, res googleauth.Result) string {
	q := url.Values{"result": {string(res)}}
	if id != integration.GoogleCalendar { // whose consent leads here without naming it
		q.Set("integration", string(id))
	}
	return "/settings?" + q.Encode()
}

// connectCalendar leads to where the consent begins, perhaps of another account
// than the connected one.
func (h *handler) connectCalendar(w http.ResponseWriter, r *http.Request, v *visit, e entry) error {
	if r.PostForm.Get("replace") == "yes" {
		return h.replace(w, r, v, e)
	}
	http.Redirect(w, r, connectPath, http.StatusSeeOther)
	return nil
}

// askDisable asks whether to turn the integration off, and changes nothing.
func (h *handler) askDisable(w http.ResponseWriter, r *http.Request, v *visit, e entry) error {
	h.confirm(w, r, v, e, eventsKeep, "")
	return nil
}

// disable asks once, and turns the integration off once the answer is yes.
func (h *handler) disable(w http.ResponseWriter, r *http.Request, v *visit, e entry) error {
	events := r.PostForm.Get("events")
	switch {
	case r.PostForm.Get("confirm") != "yes":
		h.confirm(w, r, v, e, eventsKeep, "")
		return nil
	case e.events && events != eventsKeep && events != eventsRemove:
		h.confirm(w, r, v, e, "", v.say.T("disable.invalid"))
		return nil
	}
	c, err := e.turnOff(r.Context(), v.company.ID, events == eventsRemove, store.ActorCompany)
	if err != nil {
		return err
	}
	result := resultDisconnected
	if c.Status == integration.Disconnecting && c.RemoveEvents {
		result = resultRemoving
	}
	http.Redirect(w, r, overviewURL(e.id, result), http.StatusSeeOther)
	return nil
}

func formFault(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return fault.ErrTooLarge
	}
	return fault.ErrInvalid
}

// confirmation is the body of the page that asks.
type confirmation struct {
	Action  string
	Company booking.CompanyID // whose page it is
	Lead    string
	Ask     bool   // what becomes of the events
	Events  string // the answer that is chosen already
	Remove  string // what removing means
	Error   string // what was wrong with the answer before
}

func (h *handler) confirm(w http.ResponseWriter, r *http.Request, v *visit, e entry, chosen, wrong string) {
	if !e.Connection.Enabled {
		http.Redirect(w, r, "/settings", http.StatusSeeOther) // there is nothing to turn off
		return
	}
	body := confirmation{
		Action: actionPath(e.id, "disable"), Company: v.company.ID, Ask: e.events, Events: chosen, Error: wrong,
		Lead: v.say.T(v.own(e.id, "disable.lead.plain"), e.Name), Remove: v.say.T("disable.remove.hint"),
	}
	if e.Data.AccountEmail != "" {
		body.Lead = v.say.T("disable.lead", e.Name, e.Data.AccountEmail)
	}
	if e.Reason.GrantDead() {
		body.Remove = v.say.T("disable.remove.dead")
	}
	p := v.page("disable", "overview", v.say.T("disable.title", e.Name))
	p.Body = body
	if wrong != "" {
		p.Status = http.StatusUnprocessableEntity
	}
	h.render(w, r, p)
}

// turnCalendarOff disconnects the company for the actor, and wakes maintain for
// what is left to do.
func (h *handler) turnCalendarOff(ctx context.Context, company booking.CompanyID, remove bool, actor string) (integration.Connection, error) {
	c, err := h.Grants.Disconnect(ctx, company, remove, actor)
	if err != nil {
		return c, fmt.Errorf("turn %s off: %w", integration.GoogleCalendar, err)
	}
	h.wake(ctx, "disconnected", company)
	return c, nil
}

// wake has maintain look at what a change of the company's connection owes. The
// record says what that is: if the message is lost, the next tick finds it.
func (h *handler) wake(ctx context.Context, task string, company booking.CompanyID) {
	if err := bus.Wake(ctx, h.Publisher, task, string(company), logging.TraceOf(ctx).String()); err != nil {
		h.Log.LogAttrs(ctx, slog.LevelWarn, "maintain not woken", slog.String("error", err.Error()))
	}
}
