package settings

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/citasync/citasync/functions/settings/words"
	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/logging"
	"github.com/citasync/citasync/shared/session"
	"github.com/citasync/citasync/shared/store"
)

// visit is a request for a page by a company that was let in.
type visit struct {
	company store.Company
	session session.Session
	say     *words.Speaker
	zone    *time.Location // the company's
	back    string         // to the platform; may be empty
	now     time.Time
}

// visited adapts a page's function: it lets the browser's company in, and answers
// an error with a page that says it in words.
func (h *handler) visited(show func(http.ResponseWriter, *http.Request, *visit) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, err := h.visit(w, r)
		if err == nil {
			r = r.WithContext(logging.With(r.Context(), slog.String("company", string(v.company.ID))))
			err = show(w, r, v)
		}
		if err != nil {
			h.fail(w, r, v, err)
		}
	})
}

func (h *handler) visit(w http.ResponseWriter, r *http.Request) (*visit, error) {
	s, err := h.Sessions.FromRequest(w, r)
	if err != nil {
		return nil, fmt.Errorf("session: %w", err)
	}
	company, err := h.Store.Company(r.Context(), s.Company)
	if err != nil {
		return nil, fmt.Errorf("read company %q: %w", s.Company, err)
	}
	v := &visit{company: company, session: s, now: h.Now()}
	v.say = h.words.Speaker(s.Locale, company.Locale, r.Header.Get("Accept-Language"))
	v.zone = zone(s.TimeZone, company.TimeZone)
	if v.back = s.ReturnURL; v.back == "" {
		v.back = h.platform(s.Company)
	}
	return v, nil
}

// zone is the first of the zones that can be loaded.
func zone(names ...string) *time.Location {
	for _, name := range names {
		if loc, err := booking.LoadZone(name); err == nil {
			return loc
		}
	}
	return time.UTC
}

// name is what the company is called.
func (v *visit) name() string {
	for _, s := range []string{v.session.Name, v.company.Name} {
		if s != "" {
			return s
		}
	}
	return string(v.company.ID)
}

// moment writes a time in the company's zone.
func (v *visit) moment(t time.Time) string { return v.say.Moment(t.In(v.zone), v.now) }

// entry is an integration of the catalogue with the company's connection.
type entry struct {
	integration.Entry
	integration.Connection
}

// entry reads both halves of it.
func (h *handler) entry(ctx context.Context, company booking.CompanyID, id integration.ID) (entry, error) {
	e, err := h.Store.Entry(ctx, id)
	if err != nil {
		return entry{}, fmt.Errorf("catalogue entry of %s: %w", id, err)
	}
	c, err := h.Store.Connection(ctx, company, id)
	if err != nil {
		return entry{}, fmt.Errorf("connection to %s: %w", id, err)
	}
	return entry{e, c}, nil
}

// linkOr opens the link that the address may hold, and otherwise goes on to
// next.
func (h *handler) linkOr(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		switch {
		case !q.Has("session"):
			next.ServeHTTP(w, r)
		case r.Method == http.MethodHead:
			// What only looks whether a link is alive must not use it up.
			w.WriteHeader(http.StatusOK)
		default:
			if err := h.openLink(w, r, q.Get("session")); err != nil {
				h.fail(w, r, nil, err)
			}
		}
	})
}

// openLink begins a session and leads to an address without the token.
func (h *handler) openLink(w http.ResponseWriter, r *http.Request, token string) error {
	claims, s, err := h.Sessions.Open(r.Context(), token)
	if err != nil {
		return fmt.Errorf("open link: %w", err)
	}
	ctx := logging.With(r.Context(), slog.String("company", string(s.Company)))
	if err := h.remember(ctx, claims); err != nil {
		// The link is used up by now: better in with old data than out.
		h.Log.LogAttrs(ctx, slog.LevelError, "company not updated", slog.String("error", err.Error()))
	}
	if len(claims.Ignored) > 0 {
		h.Log.LogAttrs(ctx, slog.LevelWarn, "claims of a link left out", slog.Any("claims", claims.Ignored))
	}
	if err := h.Sessions.SetCookie(w, s); err != nil {
		return fmt.Errorf("begin session: %w", err)
	}
	http.Redirect(w, r, "/settings", http.StatusSeeOther)
	return nil
}

// fail answers with a page that says what went wrong and where to go. Of a
// request by nobody known v is nil.
func (h *handler) fail(w http.ResponseWriter, r *http.Request, v *visit, err error) {
	fault.Log(h.Log, r, err)
	p := page{Speaker: h.words.Speaker(r.Header.Get("Accept-Language")), Template: "error", Status: fault.Status(err)}
	if v != nil {
		p = v.page("error", "", "")
		p.Status = fault.Status(err)
	}
	key := failure(err, p.Status)
	p.Title, p.Body = p.T(key+".title"), p.T(key)
	switch {
	case key == "error.500":
		p.Body = p.T(key, logging.TraceOf(r.Context()).ID)
	case p.Status == http.StatusUnauthorized:
		p.Return = h.platform("")
	}
	h.render(w, r, p)
}

// failure is the key of the words for an error.
func failure(err error, status int) string {
	switch {
	case errors.Is(err, session.ErrUsed):
		return "error.401.used"
	case errors.Is(err, session.ErrExpired):
		return "error.401.expired"
	}
	switch status {
	case http.StatusUnauthorized:
		return "error.401"
	case http.StatusForbidden:
		return "error.403"
	case http.StatusNotFound:
		return "error.404"
	case http.StatusConflict, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return "error.503"
	}
	if status < http.StatusInternalServerError {
		return "error.400"
	}
	return "error.500"
}

// platform is the address of the platform's page that leads here. While the
// company is not known, it is the platform's front page.
func (h *handler) platform(company booking.CompanyID) string {
	const hole = "{company}"
	if company != "" || !strings.Contains(h.PlatformURL, hole) {
		return strings.ReplaceAll(h.PlatformURL, hole, url.PathEscape(string(company)))
	}
	u, err := url.Parse(strings.ReplaceAll(h.PlatformURL, hole, "0"))
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host + "/"
}
