package sandbox

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// calendarEntry is a calendar as "CalendarList" in Google's reference shows it.
type calendarEntry struct {
	Kind             string     `json:"kind"`
	ETag             string     `json:"etag"`
	ID               string     `json:"id"`
	Summary          string     `json:"summary"`
	TimeZone         string     `json:"timeZone"`
	ColorID          string     `json:"colorId"`
	Selected         bool       `json:"selected"`
	AccessRole       string     `json:"accessRole"`
	DefaultReminders []Reminder `json:"defaultReminders"`
	Primary          bool       `json:"primary,omitempty"`
}

func (c Calendar) entry() calendarEntry {
	return calendarEntry{
		Kind: "calendar#calendarListEntry", ETag: `"` + subjectOf(c.ID)[:16] + `"`, ID: c.ID, Summary: c.Summary,
		TimeZone: c.TimeZone, ColorID: "14", Selected: true, AccessRole: c.AccessRole,
		DefaultReminders: []Reminder{}, Primary: c.Primary,
	}
}

type calendarPage struct {
	Kind          string          `json:"kind"`
	ETag          string          `json:"etag"`
	NextPageToken string          `json:"nextPageToken,omitempty"`
	Items         []calendarEntry `json:"items"`
}

func (s *Sandbox) listCalendars(c *call) (any, error) {
	least := c.query.Get("minAccessRole")
	if least != "" && !slices.Contains(roles(), least) {
		return nil, invalid("Invalid minAccessRole value.")
	}
	p, err := c.paging(100, 250)
	if err != nil {
		return nil, err
	}
	out := calendarPage{Kind: "calendar#calendarList", ETag: `"p1"`, Items: []calendarEntry{}}
	calendars := s.Calendars(c.account)
	for i := p.from; i < len(calendars); i++ {
		if slices.Index(roles(), calendars[i].AccessRole) < slices.Index(roles(), least) {
			continue
		}
		if len(out.Items) == p.size {
			out.NextPageToken = p.token(i)
			break
		}
		out.Items = append(out.Items, calendars[i].entry())
	}
	return out, nil
}

func (s *Sandbox) getCalendar(c *call) (any, error) {
	var out calendarEntry
	err := s.read(func(st *state) error {
		cal, err := st.calendar(c.account, c.calendar)
		if err == nil {
			out = cal.entry()
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

type eventPage struct {
	Kind             string     `json:"kind"`
	ETag             string     `json:"etag"`
	Summary          string     `json:"summary"`
	Updated          string     `json:"updated"`
	TimeZone         string     `json:"timeZone"`
	AccessRole       string     `json:"accessRole"`
	DefaultReminders []Reminder `json:"defaultReminders"`
	NextPageToken    string     `json:"nextPageToken,omitempty"`
	Items            []Event    `json:"items"`
}

// listEvents lists a calendar's events in the order in which they were added:
// Google's is unspecified but stable.
func (s *Sandbox) listEvents(c *call) (any, error) {
	f, err := c.eventFilter()
	if err != nil {
		return nil, err
	}
	p, err := c.paging(250, 2500)
	if err != nil {
		return nil, err
	}
	out := eventPage{Kind: "calendar#events", ETag: `"p1"`, DefaultReminders: []Reminder{}, Items: []Event{}}
	err = s.read(func(st *state) error {
		cal, err := st.calendar(c.account, c.calendar)
		if err != nil {
			return err
		}
		out.Summary, out.TimeZone, out.AccessRole = cal.Summary, cal.TimeZone, cal.AccessRole
		out.Updated = c.at.UTC().Format(googleTime)
		for i := p.from; i < len(cal.Order); i++ {
			e := cal.Events[cal.Order[i]]
			if !f.matches(e) {
				continue
			}
			if len(out.Items) == p.size {
				out.NextPageToken = p.token(i)
				break
			}
			out.Items = append(out.Items, e.shown(s.behaviour))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// listParameters are the parameters of a listing of events. singleEvents
// changes nothing: there are no recurring events.
func listParameters() []string {
	return []string{
		"maxResults", "pageToken", "privateExtendedProperty", "sharedExtendedProperty",
		"timeMin", "timeMax", "showDeleted", "singleEvents", "maxAttendees",
	}
}

// eventFilter says which events a listing is for.
type eventFilter struct {
	private, shared [][2]string // all of them must be there
	from, to        time.Time   // zero: open
	cancelled       bool        // these too
}

func (c *call) eventFilter() (eventFilter, error) {
	f := eventFilter{cancelled: c.query.Get("showDeleted") == "true"}
	var err error
	if f.private, err = pairs(c.query["privateExtendedProperty"]); err != nil {
		return f, err
	}
	if f.shared, err = pairs(c.query["sharedExtendedProperty"]); err != nil {
		return f, err
	}
	if f.from, err = c.instant("timeMin"); err != nil {
		return f, err
	}
	if f.to, err = c.instant("timeMax"); err != nil {
		return f, err
	}
	if !f.from.IsZero() && !f.to.IsZero() && !f.to.After(f.from) {
		e := apiErr(http.StatusBadRequest, "timeRangeEmpty")
		e.location, e.locationType = "timeMax", "parameter"
		return f, e
	}
	return f, nil
}

// matches: an event that ends after the lower bound and starts before the
// upper one, both exclusive, as "Events: list" has it.
func (f *eventFilter) matches(e *storedEvent) bool {
	switch {
	case e.Status == cancelled && !f.cancelled,
		!f.from.IsZero() && !e.EndsAt.After(f.from),
		!f.to.IsZero() && !e.StartsAt.Before(f.to):
		return false
	case len(f.private) == 0 && len(f.shared) == 0:
		return true
	case e.ExtendedProperties == nil:
		return false
	}
	return hasAll(e.ExtendedProperties.Private, f.private) && hasAll(e.ExtendedProperties.Shared, f.shared)
}

func hasAll(m map[string]string, wanted [][2]string) bool {
	for _, p := range wanted {
		if v, ok := m[p[0]]; !ok || v != p[1] {
			return false
		}
	}
	return true
}

func pairs(values []string) ([][2]string, error) {
	var out [][2]string
	for _, v := range values {
		key, value, ok := strings.Cut(v, "=")
		if !ok || key == "" {
			return nil, invalid("Invalid extended property constraint.")
		}
		out = append(out, [2]string{key, value})
	}
	return out, nil
}

func (c *call) instant(parameter string) (time.Time, error) {
	v := c.query.Get(parameter)
	if v == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, v)
	if err != nil {
		e := apiErr(http.StatusBadRequest, "badRequest")
		e.location, e.locationType = parameter, "parameter"
		return t, e
	}
	return t, nil
}
