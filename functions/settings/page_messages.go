package settings

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/citasync/citasync/shared/booking"
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
	Was       map[string]string // what the fields hold by what is stored; see marks
	Error     string            // what was wrong with the answer before
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
	o := messageOptions{
		Action: actionPath(e.id, "options"), Company: v.company.ID, Lead: v.say.T("messages.lead"), Was: marks(messageFields(e)),
	}
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

// noticeField names the form's field of a notice, behind which its kind follows.
const noticeField = "notice."

// messageFields are the form's fields with what they hold by what is stored.
func messageFields(e entry) map[string]string {
	fields := map[string]string{optLanguage: e.Options.Language}
	for _, kind := range e.notices {
		fields[noticeField+string(kind)] = strconv.FormatBool(!e.Options.Mute.Of(kind))
	}
	return fields
}

// messageForm is what a form of notices names.
func messageForm(form url.Values, kinds []booking.Kind) messageChange {
	ch := messageChange{Language: changedField(form, optLanguage), Notices: map[booking.Kind]*bool{}}
	for _, kind := range kinds {
		ch.Notices[kind] = changedBox(form, noticeField+string(kind))
	}
	return ch
}

// chooseMessages changes which notices are sent, and how.
func (h *handler) chooseMessages(w http.ResponseWriter, r *http.Request, v *visit, e entry) error {
	ch := messageForm(r.PostForm, e.notices)
	switch _, err := h.setMessages(r.Context(), v.company.ID, store.ActorCompany, e, ch); {
	case errors.Is(err, errNotConnected):
		http.Redirect(w, r, overviewURL(e.id, resultOff), http.StatusSeeOther)
	case errors.Is(err, errNoNotice), errors.Is(err, errNotOffered):
		chosen := e.Options
		_ = ch.apply(e.offer, &chosen) // what was wrong with it is known
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
	var ch messageChange
	if err := readJSON(r, &ch); err != nil {
		return nil, err
	}
	if !ch.named() {
		return nil, errNoMessages
	}
	now, err := h.setMessages(r.Context(), v.company.ID, store.ActorPlatform, e, ch)
	if err != nil {
		return nil, err
	}
	return h.integration(r, v, e.with(now))
}
