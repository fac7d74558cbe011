package settings

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/citasync/citasync/functions/settings/words"
	"github.com/citasync/citasync/shared/booking"
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
	lasting bool // times are written so that they can be read on any other day
	news    bool // of a call: its token says more of the company than is stored
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
	return h.visitBy(r, s)
}

// caller is a call of the API as a visit, for what it is told in words.
func (h *handler) caller(r *http.Request, c session.Claims) (*visit, error) {
	v, err := h.visitBy(r, session.Session{Company: c.Company, Name: c.Name, Locale: c.Locale, TimeZone: c.TimeZone})
	if err != nil {
		return nil, err
	}
	stored := v.company.Company
	overlay(&v.company.Company, c)
	v.news = v.company.Company != stored
	return v, nil
}

func (h *handler) visitBy(r *http.Request, s session.Session) (*visit, error) {
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

// momentOf is a time in the company's zone, for a page.
func (v *visit) momentOf(t time.Time) moment {
	return moment{v.moment(t), t.UTC().Format(time.RFC3339)}
}

// own is the key of what is said of an integration: the first that has words,
// those of the integration's own before those for any.
func (v *visit) own(id integration.ID, keys ...string) string {
	all := make([]string, 0, 2*len(keys))
	for _, k := range keys {
		all = append(all, string(id)+"."+k, k)
	}
	return v.say.Or(all...)
}

// entry is an integration of the catalogue with the company's connection.
type entry struct {
	integration.Entry
	integration.Connection
	offer
}

// with is the entry once its connection has changed to that. One that is missing
// stays off.
func (e entry) with(c integration.Connection) entry {
	if !e.missing {
		e.Connection = c
	}
	return e
}

// removing reports whether the events of future bookings are being taken out.
func (e entry) removing() bool { return e.Status == integration.Disconnecting && e.RemoveEvents }

// held reports whether there is an account, in use or not.
func (e entry) held() bool {
	return e.Status == integration.Connected || e.Status == integration.NeedsReauth
}

// choosable reports whether another calendar of the account can be chosen.
func (e entry) choosable() bool { return e.Status == integration.Connected || e.calendarGone() }

// calendarGone reports whether another calendar is what the connection needs.
func (e entry) calendarGone() bool {
	return e.Status == integration.NeedsReauth && e.Reason == integration.CalendarMissing
}

// unremoved reports whether the last removal ended before all events were out.
func (e entry) unremoved() bool {
	return e.Status == integration.Disconnected && e.Reason != integration.NoReason
}

// entry reads both halves of it. One that is missing is off, whatever it was
// before.
func (h *handler) entry(ctx context.Context, company booking.CompanyID, o offer) (entry, error) {
	e, err := h.Store.Entry(ctx, o.id)
	if err != nil {
		return entry{}, fmt.Errorf("catalogue entry of %s: %w", o.id, err)
	}
	if o.missing {
		e.Enabled = false
		return entry{e, store.DefaultConnection(o.id), o}, nil
	}
	c, err := h.Store.Connection(ctx, company, o.id)
	if err != nil {
		return entry{}, fmt.Errorf("connection to %s: %w", o.id, err)
	}
	return entry{e, c, o}, nil
}
