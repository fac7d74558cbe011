package sandbox

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
)

//go:embed pages
var pageFiles embed.FS

//nolint:gochecknoglobals // compiled once, read only
var pageTemplates = template.Must(template.New("").Funcs(template.FuncMap{
	"day":   dayTitle,
	"clock": func(t time.Time) string { return t.UTC().Format("02/01/2006 15:04:05") },
}).ParseFS(pageFiles, "pages/*.html"))

func (s *Sandbox) routePages(mux *http.ServeMux) {
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		render(w, http.StatusOK, "index", s.demo != nil)
	})
	mux.HandleFunc("GET /sandbox/style.css", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFileFS(w, r, pageFiles, "pages/style.css")
	})
	mux.HandleFunc("GET /sandbox/requests", func(w http.ResponseWriter, _ *http.Request) {
		requests := s.Requests()
		slices.Reverse(requests)
		render(w, http.StatusOK, "requests", requests[:min(len(requests), 500)])
	})
	mux.HandleFunc("POST /sandbox/requests/clear", func(w http.ResponseWriter, r *http.Request) {
		s.ClearRequests()
		http.Redirect(w, r, "/sandbox/requests", http.StatusSeeOther)
	})
	mux.HandleFunc("GET /sandbox/calendar", s.showCalendar)
	mux.HandleFunc("POST /sandbox/calendar/delete", s.deleteByHand)
	mux.HandleFunc("GET /sandbox/account", s.showAccount)
	mux.HandleFunc("POST /sandbox/account/revoke", s.changeAccount(func(email string) error {
		_, err := s.RevokeGrants(email)
		return err
	}))
	mux.HandleFunc("POST /sandbox/account/expire", s.changeAccount(s.ExpireAccessTokens))
}

// render answers with a page. It is executed whole before any of it is sent.
// The policy leaves form-action open: consent redirects to another site.
func render(w http.ResponseWriter, status int, name string, data any) {
	var b bytes.Buffer
	if err := pageTemplates.ExecuteTemplate(&b, name, data); err != nil {
		http.Error(w, "error interno", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'")
	w.WriteHeader(status)
	_, _ = b.WriteTo(w) // the browser has gone: nobody is left to tell
}

type calendarView struct {
	Accounts  []Account
	Account   string
	Calendars []Calendar
	Calendar  Calendar
	Days      []calendarDay
}

type calendarDay struct {
	Day    time.Time
	Events []eventView
}

// colorNames are Google's for the colours of events, by their ids.
var colorNames = map[string]string{ //nolint:gochecknoglobals // a constant, but for the language
	"1": "lavanda", "2": "salvia", "3": "uva", "4": "flamenco", "5": "plátano", "6": "mandarina",
	"7": "pavo real", "8": "grafito", "9": "arándano", "10": "albahaca", "11": "tomate",
}

type eventView struct {
	Event
	Hours, Zone string
	Color       string // its name; empty: the calendar's own
	Cancelled   bool
	starts      time.Time // on the wall clock of Zone
}

// showCalendar shows the events of ?account= and ?calendar=, by default the
// first account's primary calendar.
func (s *Sandbox) showCalendar(w http.ResponseWriter, r *http.Request) {
	v := calendarView{Accounts: s.Accounts(), Account: r.FormValue("account")}
	if s.Calendars(v.Account) == nil {
		v.Account = v.Accounts[0].Email
	}
	v.Calendars = s.Calendars(v.Account)
	v.Calendar = v.Calendars[0]
	for _, c := range v.Calendars {
		if c.ID == r.FormValue("calendar") {
			v.Calendar = c
		}
	}
	v.Days = s.days(v.Account, v.Calendar)
	render(w, http.StatusOK, "calendar", v)
}

// days are a calendar's events by the day on which each starts at its place.
func (s *Sandbox) days(email string, c Calendar) []calendarDay {
	var views []eventView
	_ = s.read(func(st *state) error { // a calendar deleted meanwhile has no days
		cal, err := st.calendar(email, c.ID)
		if err != nil {
			return err
		}
		for _, id := range cal.Order {
			views = append(views, s.view(cal.Events[id], c.TimeZone))
		}
		return nil
	})
	slices.SortStableFunc(views, func(a, b eventView) int { return a.starts.Compare(b.starts) })
	var days []calendarDay
	for _, v := range views {
		day := time.Date(v.starts.Year(), v.starts.Month(), v.starts.Day(), 0, 0, 0, 0, time.UTC)
		if len(days) == 0 || !days[len(days)-1].Day.Equal(day) {
			days = append(days, calendarDay{Day: day})
		}
		last := &days[len(days)-1]
		last.Events = append(last.Events, v)
	}
	return days
}

// view shows an event in its own time zone, in which its people meet.
func (s *Sandbox) view(e *storedEvent, home string) eventView {
	v := eventView{
		Event: e.Event, Zone: orDefault(e.Start.TimeZone, home), Color: colorNames[e.ColorID], Cancelled: e.Status == cancelled,
	}
	zone, err := s.zones.load(v.Zone)
	if err != nil { // it was loaded when the event was written
		zone = time.UTC
	}
	starts, ends := e.StartsAt.In(zone), e.EndsAt.In(zone)
	v.Hours = starts.Format("15:04") + "–" + ends.Format("15:04")
	if e.Start.Date != "" {
		v.Hours = "todo el día"
	}
	_, offset := starts.Zone()
	v.starts = starts.Add(time.Duration(offset) * time.Second).UTC()
	return v
}

func (s *Sandbox) deleteByHand(w http.ResponseWriter, r *http.Request) {
	email, calendar := r.PostFormValue("account"), r.PostFormValue("calendar")
	if err := s.DeleteEvent(email, calendar, r.PostFormValue("event")); err != nil {
		render(w, http.StatusNotFound, "refused", "Ese evento ya no existe.")
		return
	}
	q := url.Values{"account": {email}, "calendar": {calendar}}
	http.Redirect(w, r, "/sandbox/calendar?"+q.Encode(), http.StatusSeeOther)
}

type accountView struct {
	Accounts []Account
	Account  string
	Grants   []Grant
}

func (s *Sandbox) showAccount(w http.ResponseWriter, r *http.Request) {
	v := accountView{Accounts: s.Accounts(), Account: r.FormValue("account")}
	if s.Calendars(v.Account) == nil {
		v.Account = v.Accounts[0].Email
	}
	v.Grants = s.Grants(v.Account)
	render(w, http.StatusOK, "account", v)
}

// changeAccount is a button on the account's page.
func (s *Sandbox) changeAccount(f func(email string) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		email := r.PostFormValue("account")
		if s.Calendars(email) == nil {
			render(w, http.StatusNotFound, "refused", "Esa cuenta no existe.")
			return
		}
		if err := f(email); err != nil {
			render(w, http.StatusInternalServerError, "refused", "No se pudo guardar el cambio.")
			return
		}
		http.Redirect(w, r, "/sandbox/account?"+url.Values{"account": {email}}.Encode(), http.StatusSeeOther)
	}
}

// dayTitle is a day in Spanish: "martes, 1 de diciembre de 2026".
func dayTitle(t time.Time) string {
	weekdays := [...]string{"domingo", "lunes", "martes", "miércoles", "jueves", "viernes", "sábado"}
	months := [...]string{
		"enero", "febrero", "marzo", "abril", "mayo", "junio",
		"julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre",
	}
	return fmt.Sprintf("%s, %s de %s de %d", weekdays[t.Weekday()], strconv.Itoa(t.Day()), months[t.Month()-1], t.Year())
}
