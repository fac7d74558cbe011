package sandbox

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
)

// Google's scopes that matter to the sandbox.
const (
	ScopeEvents       = "https://www.googleapis.com/auth/calendar.events"
	ScopeCalendarList = "https://www.googleapis.com/auth/calendar.calendarlist.readonly"

	scopeCalendar         = "https://www.googleapis.com/auth/calendar"
	scopeCalendarReadOnly = "https://www.googleapis.com/auth/calendar.readonly"
	scopeEventsReadOnly   = "https://www.googleapis.com/auth/calendar.events.readonly"
	scopeCalendarListAll  = "https://www.googleapis.com/auth/calendar.calendarlist"
)

const (
	opInsert = "events.insert"
	opPatch  = "events.patch"
)

func (s *Sandbox) routeCalendar(mux *http.ServeMux) {
	const (
		list   = "/calendar/v3/users/me/calendarList"
		events = "/calendar/v3/calendars/{calendar}/events"
	)
	readList := []string{ScopeCalendarList, scopeCalendarListAll, scopeCalendar, scopeCalendarReadOnly}
	write := []string{ScopeEvents, scopeCalendar}
	read := append([]string{scopeEventsReadOnly, scopeCalendarReadOnly}, write...)
	writing := []string{"sendUpdates", "maxAttendees", "supportsAttachments", "conferenceDataVersion"}
	for _, route := range []struct {
		pattern, name      string
		scopes, parameters []string
		perform            operation
	}{
		{"GET " + list, "calendarList.list", readList, []string{"maxResults", "pageToken", "minAccessRole", "showDeleted", "showHidden"}, s.listCalendars},
		{"GET " + list + "/{calendar}", "calendarList.get", readList, nil, s.getCalendar},
		{"GET " + events, "events.list", read, listParameters(), s.listEvents},
		{"POST " + events, opInsert, write, writing, s.insertEvent},
		{"GET " + events + "/{event}", "events.get", read, []string{"maxAttendees"}, s.getEvent},
		{"PUT " + events + "/{event}", "events.update", write, writing, s.updateEvent},
		{"PATCH " + events + "/{event}", opPatch, write, writing, s.patchEvent},
		{"DELETE " + events + "/{event}", "events.delete", write, []string{"sendUpdates"}, s.deleteEvent},
	} {
		mux.Handle(route.pattern, s.serve(endpoint{
			name:    route.name,
			prepare: func(c *call) error { return s.authenticate(c, route.scopes, route.parameters) },
			perform: route.perform,
			failure: apiFault,
		}))
	}
	mux.HandleFunc("/calendar/v3/", func(w http.ResponseWriter, _ *http.Request) {
		apiErr(http.StatusNotFound, "notFound").answer().write(w)
	})
}

// authenticate finds the account of the call's access token, which must have
// one of the scopes, and takes the call from its quota. The call may have the
// parameters.
func (s *Sandbox) authenticate(c *call, scopes, parameters []string) error {
	var granted []string
	err := s.read(func(st *state) error {
		t := st.AccessTokens[c.bearer]
		if t == nil || !s.now().Before(t.Expires) {
			return apiErr(http.StatusUnauthorized, "authError")
		}
		g := st.Grants[t.Grant]
		c.account, granted = g.Account, g.Scopes
		return nil
	})
	if err != nil {
		return err
	}
	if err := s.quotas.take(c.account, c.at, s.Behaviour().Quota, c.units()); err != nil {
		return err
	}
	if !slices.ContainsFunc(scopes, func(scope string) bool { return slices.Contains(granted, scope) }) {
		return apiErr(http.StatusForbidden, "insufficientPermissions")
	}
	return c.allow(parameters)
}

// units is how many requests of its quota Google counts the call as ("Events:
// patch" in the Calendar API's reference).
func (c *call) units() int {
	if c.operation == opPatch {
		return 3
	}
	return 1
}

// allow refuses a parameter that the sandbox would have to ignore, so that no
// test passes for the wrong reason.
func (c *call) allow(parameters []string) error {
	common := []string{"alt", "prettyPrint", "key", "quotaUser"}
	for _, name := range slices.Sorted(maps.Keys(c.query)) {
		if !slices.Contains(parameters, name) && !slices.Contains(common, name) {
			return invalid("The sandbox does not know the parameter " + name + ".")
		}
	}
	return nil
}

// askedID is the id that an insert asks for; empty if it leaves it to Google.
func (c *call) askedID() string {
	var in struct {
		ID string `json:"id"`
	}
	_ = json.Unmarshal(c.body, &in) // a body that is not JSON asks for none
	return in.ID
}
