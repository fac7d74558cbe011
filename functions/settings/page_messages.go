package settings

import (
	"errors"
	"net/http"
	"slices"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/googleauth"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/session"
	"github.com/citasync/citasync/shared/store"
)

// resultOptions: which notices are sent, and how, is as was asked.
const resultOptions googleauth.Result = "options"

// enableMessages turns the notices to customers on.
func (h *handler) enableMessages(w http.ResponseWriter, r *http.Request, v *visit, e entry) error {
	result := googleauth.ResultConnected
	switch _, err := h.turnMessagesOn(r.Context(), v.company.ID, e, store.ActorCompany); {
	case errors.Is(err, errPaused):
		result = googleauth.ResultPaused
	case err != nil:
		return err
	}
	http.Redirect(w, r, overviewURL(e.id, result), http.StatusSeeOther)
	return nil
}

// enableMessagesByCall does so for the platform.
func (h *handler) enableMessagesByCall(r *http.Request, _ session.Claims, v *visit, e entry) (any, error) {
	now, err := h.turnMessagesOn(r.Context(), v.company.ID, e, store.ActorPlatform)
	if err != nil {
		return nil, err
	}
	return h.integration(r, v, e.with(now))
}

// messageOptions is the body of the page on which the notices to customers are
// chosen.
type messageOptions struct {
	Action    string
	Company   booking.CompanyID // whose page it is
	Lead      string
	Languages []choice // empty: there is only one
	Notices   []choice
	Error     string // what was wrong with the answer before
}

// askMessages shows which notices are sent, and in which language.
func (h *handler) askMessages(w http.ResponseWriter, r *http.Request, v *visit, e entry) error {
	if e.Status != integration.Connected {
		http.Redirect(w, r, "/settings", http.StatusSeeOther) // there is nothing to choose
		return nil
	}
	h.showMessages(w, r, v, v.messageOptions(e, e.Options))
	return nil
}

func (h *handler) showMessages(w http.ResponseWriter, r *http.Request, v *visit, body messageOptions) {
	p := v.page("messages", "overview", v.say.T("messages.title"))
	p.Body = body
	if body.Error != "" {
		p.Status = http.StatusUnprocessableEntity
	}
	h.render(w, r, p)
}

func (v *visit) messageOptions(e entry, chosen integration.Options) messageOptions {
	o := messageOptions{Action: actionPath(e.id, "options"), Company: v.company.ID, Lead: v.say.T("messages.lead")}
	if len(e.languages) > 1 {
		o.Languages = append(o.Languages, choice{
			Name: v.say.T("messages.language.own"), Hint: v.languageOf(""), Current: chosen.Language == "",
		})
		for _, lang := range e.languages {
			o.Languages = append(o.Languages, choice{ID: lang, Name: v.languageOf(lang), Current: chosen.Language == lang})
		}
	}
	for _, kind := range e.notices {
		o.Notices = append(o.Notices, choice{
			ID: string(kind), Name: v.say.T("messages." + string(kind)), Hint: v.say.T("messages." + string(kind) + ".hint"), Current: !chosen.Mute.Of(kind),
		})
	}
	return o
}

// languageOf names a language of messages; empty is the company's own.
func (v *visit) languageOf(lang string) string {
	if lang == "" {
		lang = v.company.Locale
	}
	return v.say.T(v.say.Or("language."+lang, "language.es"))
}

// chooseMessages changes which notices are sent, and how.
func (h *handler) chooseMessages(w http.ResponseWriter, r *http.Request, v *visit, e entry) error {
	form := r.PostForm
	set := func(o *integration.Options) error {
		for _, kind := range e.notices {
			if err := e.mute(&o.Mute, kind, !slices.Contains(form["notice"], string(kind))); err != nil {
				return err
			}
		}
		if err := e.speak(o, form.Get("language")); err != nil {
			return err
		}
		return e.heard(o.Mute)
	}
	switch _, err := h.setMessages(r.Context(), v.company.ID, store.ActorCompany, set); {
	case errors.Is(err, errNotConnected):
		http.Redirect(w, r, "/settings", http.StatusSeeOther)
	case errors.Is(err, errNoNotice), errors.Is(err, errNotOffered):
		chosen := e.Options
		_ = set(&chosen) // what was wrong with it is known
		body := v.messageOptions(e, chosen)
		body.Error = v.say.T("messages.invalid")
		h.showMessages(w, r, v, body)
	case err != nil:
		return err
	default:
		http.Redirect(w, r, overviewURL(e.id, resultOptions), http.StatusSeeOther)
	}
	return nil
}

// chooseMessagesByCall does so for the platform. What the call does not name
// stays as it is.
func (h *handler) chooseMessagesByCall(r *http.Request, _ session.Claims, v *visit, e entry) (any, error) {
	var body struct {
		Language *string               `json:"language"`
		Notices  map[booking.Kind]bool `json:"notices"`
	}
	if err := readJSON(r, &body); err != nil {
		return nil, err
	}
	now, err := h.setMessages(r.Context(), v.company.ID, store.ActorPlatform, func(o *integration.Options) error {
		if body.Language != nil {
			if err := e.speak(o, *body.Language); err != nil {
				return fault.Blame("language", err)
			}
		}
		for kind, on := range body.Notices {
			if err := e.mute(&o.Mute, kind, !on); err != nil {
				return fault.Blame("notices", err)
			}
		}
		if err := e.heard(o.Mute); err != nil {
			return fault.Blame("notices", err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return h.integration(r, v, e.with(now))
}
