package settings

import (
	"net/http"

	"github.com/citasync/citasync/shared/session"
)

// listActivity answers with a page of the company's acts. They have the form
// of a booking's steps.
func (h *handler) listActivity(r *http.Request, c session.Claims) (any, error) {
	limit, err := limitOf(r)
	if err != nil {
		return nil, err
	}
	cursor := r.URL.Query().Get("cursor")
	page, err := h.Store.ListActivity(r.Context(), c.Company, cursor, limit)
	if err != nil {
		return nil, wrongCursor(cursor, err)
	}
	list := make([]stepJSON, 0, len(page.Items))
	for _, a := range page.Items {
		list = append(list, stepJSON{stampUTC(a.At), a.Kind, a.Integration, a.Outcome, a.Detail})
	}
	return struct {
		Activity   []stepJSON `json:"activity"`
		NextCursor string     `json:"next_cursor"`
	}{list, page.Next}, nil
}
