package sandbox

import (
	"net/http"
	"sync"
	"time"
)

// Quota limits the Calendar API's requests per minute, counted in fixed
// windows. Zero means what Google documents, a negative number no limit.
type Quota struct {
	PerUser    int `json:"per_user"`    // 0: 600
	PerProject int `json:"per_project"` // 0: 10,000
	Status     int `json:"status"`      // 403 or 429, since Google answers with either; 0: 403
}

// The limits that "Manage quotas" of the Calendar API documents.
const (
	defaultPerUser    = 600
	defaultPerProject = 10_000
)

type quotas struct {
	mu      sync.Mutex
	project window
	users   map[string]*window
}

type window struct {
	start time.Time
	count int
}

// take counts a request of so many units and refuses it if the one before was
// the last. A request refused for its user's sake counts against nobody.
func (q *quotas) take(user string, now time.Time, limit Quota, units int) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.users == nil {
		q.users = make(map[string]*window)
	}
	w := q.users[user]
	if w == nil {
		w = &window{}
		q.users[user] = w
	}
	if !w.has(now, limit.PerUser, defaultPerUser) {
		return rateLimited("Queries per minute per user", limit.Status)
	}
	if !q.project.has(now, limit.PerProject, defaultPerProject) {
		return rateLimited("Queries per minute", limit.Status)
	}
	w.count += units
	q.project.count += units
	return nil
}

// has reports whether the window at that time has room for one more.
func (w *window) has(now time.Time, limit, fallback int) bool {
	if since := now.Sub(w.start); since >= time.Minute || since < 0 {
		*w = window{start: now}
	}
	if limit == 0 {
		limit = fallback
	}
	return limit < 0 || w.count < limit
}

func rateLimited(limit string, status int) error {
	e := apiErr(http.StatusForbidden, "rateLimitExceeded")
	if status != 0 {
		e.Code = status
	}
	e.Message = "Quota exceeded for quota metric 'Queries' and limit '" + limit +
		"' of service 'calendar-json.googleapis.com' for consumer 'project_number:" + projectNumber + "'."
	return e
}
