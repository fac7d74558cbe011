package settings

import (
	"context"
	"fmt"
	"html/template"
	"net/http"
	"net/url"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/store"
)

const feedPath = "/settings/feed"

// What can be done with the address of a feed.
const (
	feedCreate  = "create"
	feedReplace = "replace"
	feedRemove  = "remove"
)

// feedBody is the body of the page of the calendar feed.
type feedBody struct {
	Notice  *notice
	Company booking.CompanyID
	On      bool
	Address string       // empty if there is none that can be shown
	App     template.URL // opens the address in the calendar app of this device
	Current string       // tells this address from the next, and nothing of it
	Most    int          // bookings that it has room for
}

// askFeed shows the address of the company's feed, and what can be done with it.
func (h *handler) askFeed(w http.ResponseWriter, r *http.Request, v *visit) error {
	body := feedBody{Company: v.company.ID, On: v.company.FeedTokenHash != "", Current: currentFeed(&v.company), Most: feedMost}
	if t := h.keys.shown(&v.company); t != "" {
		u := h.PublicURL.JoinPath("feeds", t+".ics")
		body.Address = u.String()
		u.Scheme = "webcal"
		body.App = template.URL(u.String()) //nolint:gosec // our own address, whose scheme html/template does not know
	}
	body.Notice = v.feedNotice(r.URL.Query().Get("result"), body.On)
	p := v.page("feed", "feed", v.say.T("feed.title"))
	p.Said, p.Body = body.Notice, body
	h.render(w, r, p)
	return nil
}

// feedNotice says how what was just done went, unless the state belies it.
func (v *visit) feedNotice(result string, on bool) *notice {
	switch {
	case result == feedCreate && on, result == feedReplace && on, result == feedRemove && !on:
		return &notice{good, v.say.T("feed.result." + result)}
	}
	return nil
}

// currentFeed tells a company's address from its next one.
func currentFeed(c *store.Company) string { return c.FeedTokenHash[:min(8, len(c.FeedTokenHash))] }

// changeFeed makes an address, puts another one in its place or takes it back.
// What was asked of another address than the present one was done before.
func (h *handler) changeFeed(w http.ResponseWriter, r *http.Request, v *visit) error {
	if err := v.form(w, r); err != nil {
		return err
	}
	action := r.PostForm.Get("action")
	change, ok := map[string]func(*store.Company){
		feedCreate: h.keys.give, feedReplace: h.keys.give,
		feedRemove: func(c *store.Company) { c.FeedTokenHash, c.FeedSeed = "", "" },
	}[action]
	if !ok {
		return fmt.Errorf("%w: action must be %s, %s or %s", fault.ErrUnprocessable, feedCreate, feedReplace, feedRemove)
	}
	current := r.PostForm.Get("current")
	err := h.changeCompany(r.Context(), v.company.ID, func(c *store.Company) bool {
		if currentFeed(c) != current || action == feedRemove && current == "" {
			return false
		}
		change(c)
		return true
	}, store.Activity{At: v.now, Kind: "feed_" + action, Actor: store.ActorCompany, Outcome: "ok"})
	if err != nil {
		return err
	}
	http.Redirect(w, r, feedPath+"?"+url.Values{"result": {action}}.Encode(), http.StatusSeeOther)
	return nil
}

// changeCompany changes a company's record, again if somebody else does at the
// same time, and notes the act, both or neither. Change reports whether there is
// anything to write.
func (h *handler) changeCompany(ctx context.Context, id booking.CompanyID, change func(*store.Company) bool, acts ...store.Activity) error {
	return store.Again(ctx, func() error {
		company, err := h.Store.Company(ctx, id)
		if err != nil {
			return fmt.Errorf("read company: %w", err)
		}
		if !change(&company) {
			return nil
		}
		if err := h.Store.PutCompany(ctx, &company, acts...); err != nil {
			return fmt.Errorf("write company: %w", err)
		}
		return nil
	})
}
