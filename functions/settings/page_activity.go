package settings

import (
	"fmt"
	"net/http"
	"strings"
	"time"

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
	body := activityBody{Pager: v.pagerFor(activityPath, "activity", cursor, list.Next)}
	for _, a := range list.Items {
		body.Acts = append(body.Acts, v.act(a, entries))
	}
	p := v.page("activity", "activity", v.say.T("activity.title"))
	p.Zone, p.Body = v.say.T("footer.zone", v.zone), body
	h.render(w, r, p)
	return nil
}

func (v *visit) act(a store.Activity, entries []entry) act {
	out := act{
		At:   moment{v.moment(a.At), a.At.UTC().Format(time.RFC3339)},
		What: v.say.T(v.say.Or("act."+a.Kind, "act.other"), name(entries, a.Integration)),
		Who:  v.say.T(v.say.Or("actor."+a.Actor, "actor.system")),
	}
	var more []string
	for _, s := range []string{a.Outcome, a.Detail} {
		if s == "" || s == "ok" {
			continue
		}
		if key := v.say.Or("outcome."+s, "why."+s, ""); key != "" {
			s = v.say.T(key)
		}
		more = append(more, s)
	}
	out.Detail = strings.Join(more, " · ")
	return out
}
