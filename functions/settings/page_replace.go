package settings

import (
	"context"
	"fmt"
	"net/http"
	"net/mail"
	"net/url"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/googleauth"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

// offerLife is how long it is remembered which account was chosen at Google in
// place of the connected one.
const offerLife = 10 * time.Minute

// offeredAccount is the address of the account that somebody of the company
// chose at Google lately though another one is connected; empty if it is not
// known. What it is good for is shown and confirmed: nothing depends on it.
func (h *handler) offeredAccount(ctx context.Context, company booking.CompanyID) (string, error) {
	page, err := h.Store.ListActivity(ctx, company, "", 10)
	if err != nil {
		return "", fmt.Errorf("account that was offered: %w", err)
	}
	for _, a := range page.Items {
		if a.Kind == store.ActConnectFailed && a.Outcome == string(googleauth.ResultOtherAccount) {
			if h.Now().Sub(a.At) > offerLife {
				return "", nil
			}
			return address(a.Detail), nil
		}
	}
	return "", nil
}

// address is s if it is an e-mail address and nothing else, and otherwise
// empty.
func address(s string) string {
	if a, err := mail.ParseAddress(s); err != nil || a.Address != s {
		return ""
	}
	return s
}

// startURL is where the consent begins, with an account that Google is asked to
// offer first; empty: none.
func (v *visit) startURL(account string) string {
	q := url.Values{"company": {string(v.company.ID)}}
	if account != "" {
		q.Set("account", account)
	}
	return connectPath + "?" + q.Encode()
}

// replacement asks whether to change accounts, and what becomes of the events
// in the calendar of the one before.
type replacement struct {
	Action  string
	Company booking.CompanyID // whose page it is
	Old     string            // the connected account
	New     string            // empty: not known
	Title   string
	Lead    string
	Facts   []fact
	Error   string // what was wrong with the answer before
	Submit  string
	Stay    string

	Dead           string // why there is nothing to choose; empty: there is
	Events         string // the answer that is chosen already
	Legend         string
	Keep, KeepHint string
	Remove         string
	RemoveHint     string
}

func (v *visit) replacement(e entry, account, chosen, wrong string) *replacement {
	old := e.Data.AccountEmail
	r := &replacement{
		Action: actionPath(e.id, "enable"), Company: v.company.ID, Old: old, New: account, Events: chosen, Error: wrong,
		Title: v.say.T("replace.title"), Lead: v.say.T("replace.lead"), Legend: v.say.T("replace.events", old),
		Keep: v.say.T("replace.keep"), KeepHint: v.say.T("replace.keep.hint"),
		Remove: v.say.T("replace.remove"), RemoveHint: v.say.T("replace.remove.hint"),
		Submit: v.say.T("replace.submit"), Stay: v.say.T("replace.stay", old),
	}
	chose := account
	if account == "" {
		chose = v.say.T("replace.new.unknown")
	}
	for _, f := range [][2]string{{"replace.old", old}, {"replace.new", chose}} {
		r.Facts = append(r.Facts, fact{Name: v.say.T(f[0]), Values: []string{f[1]}})
	}
	if e.Reason.GrantDead() {
		r.Dead = v.say.T("replace.dead", old, v.calendar(e.Connection, e.Data.AccountSubject, e.Data.CalendarID))
	}
	return r
}

// replace turns the connected account off and leads to the consent of the
// other one: at once, or if the events in its calendar are to be removed
// first, back to the overview, which offers it when they are.
func (h *handler) replace(w http.ResponseWriter, r *http.Request, v *visit, e entry) error {
	account, events := address(r.PostForm.Get("account")), r.PostForm.Get("events")
	switch {
	case !e.Entry.Enabled:
		http.Redirect(w, r, "/settings?result="+string(googleauth.ResultPaused), http.StatusSeeOther)
		return nil
	case e.held() && stale(e, account, r.PostForm["old"]):
		http.Redirect(w, r, "/settings", http.StatusSeeOther)
		return nil
	case e.held() && events != eventsKeep && events != eventsRemove:
		h.leadOut(w)
		p := v.page("replace", "overview", v.say.T("replace.title"))
		p.Status, p.Body = http.StatusUnprocessableEntity, v.replacement(e, account, "", v.say.T("disable.invalid"))
		h.render(w, r, p)
		return nil
	}
	c := e.Connection
	if e.held() {
		var err error
		if c, err = e.turnOff(r.Context(), v.company.ID, events == eventsRemove, store.ActorCompany); err != nil {
			return err
		}
	}
	to := v.startURL(account)
	if c.Status != integration.Disconnected {
		to = "/settings?result=" + string(resultReplacing)
	}
	http.Redirect(w, r, to, http.StatusSeeOther) //nolint:gosec // an address of ours, with an account behind it at most
	return nil
}

// stale reports whether the question was of another time: the account that was
// to come is connected, or not the one that was to go.
func stale(e entry, account string, old []string) bool {
	return account != "" && account == e.Data.AccountEmail || len(old) > 0 && old[0] != e.Data.AccountEmail
}

// replacing says how far the turning off of the account before has come, until
// another one is connected, or can't be.
func (v *visit) replacing(e entry, account string) *notice {
	if !e.Entry.Enabled {
		return nil
	}
	if account == "" {
		account = v.say.T("replace.unknown")
	}
	switch {
	case e.Status == integration.Disconnecting:
		return &notice{waiting, v.say.T("result.replacing", account)}
	case e.unremoved():
		return &notice{bad, v.say.T("result.replaced.left", account)}
	case e.Status == integration.Disconnected:
		return &notice{good, v.say.T("result.replaced", account)}
	}
	return nil
}
