package settings

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/citasync/citasync/shared/store"
)

const activityPath = "/settings/activity"

// activityBody is the body of the page of activity.
type activityBody struct {
	Acts  []act
	Pager pager
}

// act is an activity in words.
type act struct {
	At     moment
	What   string
	Detail string
	Who    string
}

// activity shows who did what and when.
func (h *handler) activity(w http.ResponseWriter, r *http.Request, v *visit) error {
	entries, err := h.entries(r, v)
	if err != nil {
		return err
	}
	cursor := r.URL.Query().Get("cursor")
	list, err := h.Store.ListActivity(r.Context(), v.company.ID, cursor, pageSize)
	if err != nil {
		return fmt.Errorf("activity: %w", err)
	}
	var body activityBody
	body.Pager = v.pagerFor("activity", cursor, list.Next, func(cursor string) string {
		q := url.Values{}
		if cursor != "" {
			q.Set("cursor", cursor)
		}
		return addressed(activityPath, q)
	})
	for _, a := range list.Items {
		body.Acts = append(body.Acts, v.act(a, entries))
	}
	p := v.page("activity", "activity", v.say.T("activity.title"))
	p.Zone, p.Body, p.Banners = v.say.T("footer.zone", v.zone), body, v.banners(entries)
	h.render(w, r, p)
	return nil
}

// act puts an activity into words. What its outcome and detail mean may depend
// on its kind; what has no words is shown as it is.
func (v *visit) act(a store.Activity, entries []entry) act {
	key := v.own(a.Integration, "act."+a.Kind+"."+a.Outcome, "act."+a.Kind, "act.other")
	out := act{
		At:   v.momentOf(a.At),
		What: v.say.T(key, name(entries, a.Integration)),
		Who:  v.say.T(v.say.Or("actor."+a.Actor, "actor.system")),
	}
	var more []string
	for _, s := range []string{a.Outcome, a.Detail} {
		if s == "" || s == "ok" {
			continue
		}
		more = append(more, v.inWords(a.Integration, s, "outcome."+a.Kind+".", "outcome.", "why."))
	}
	out.Detail = strings.Join(more, " · ")
	switch a.Kind {
	case store.ActCaughtUp:
		out.Detail = v.say.T("act.caught_up.added", a.Detail)
	case store.ActOptionsChanged:
		out.Detail = v.optionsInWords(a.Detail)
	}
	return out
}
