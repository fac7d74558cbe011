package sandbox

import (
	"encoding/json"
	"net/http"
	"net/url"
)

// The five operations on one event. Each returns what the API answers.

func (s *Sandbox) insertEvent(c *call) (any, error) {
	var in Event
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if in.ID == "" {
		in.ID = randomEventID()
	} else if err := checkEventID(in.ID); err != nil {
		return nil, err
	}
	return s.write(c, func(st *state, cal *calendar) (*storedEvent, error) {
		if cal.Events[in.ID] != nil {
			return nil, apiErr(http.StatusConflict, "duplicate")
		}
		return s.store(st, cal, c.account, nil, in, c.link)
	})
}

func (s *Sandbox) updateEvent(c *call) (any, error) {
	var in Event
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	return s.write(c, func(st *state, cal *calendar) (*storedEvent, error) {
		old, err := s.changeable(c, cal)
		if err != nil {
			return nil, err
		}
		return s.store(st, cal, c.account, old, in, c.link)
	})
}

func (s *Sandbox) patchEvent(c *call) (any, error) {
	var patch map[string]any
	if err := c.decode(&patch); err != nil {
		return nil, err
	}
	return s.write(c, func(st *state, cal *calendar) (*storedEvent, error) {
		old, err := s.changeable(c, cal)
		if err != nil {
			return nil, err
		}
		in, err := old.patched(patch)
		if err != nil {
			return nil, err
		}
		return s.store(st, cal, c.account, old, in, c.link)
	})
}

func (s *Sandbox) deleteEvent(c *call) (any, error) {
	_, err := s.write(c, func(st *state, cal *calendar) (*storedEvent, error) {
		old := cal.Events[c.event]
		switch {
		case old == nil:
			return nil, apiErr(http.StatusNotFound, "notFound")
		case old.Status == cancelled:
			return nil, apiErr(http.StatusGone, "deleted")
		}
		if err := c.checkIfMatch(old); err != nil {
			return nil, err
		}
		s.cancel(st, old)
		return old, nil
	})
	return nil, err
}

func (s *Sandbox) getEvent(c *call) (any, error) {
	var out Event
	err := s.read(func(st *state) error {
		cal, err := st.calendar(c.account, c.calendar)
		if err != nil {
			return err
		}
		e := cal.Events[c.event]
		if e == nil {
			return apiErr(http.StatusNotFound, "notFound")
		}
		out = e.shown(s.behaviour)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// write runs f on the call's calendar, if the account may write there.
func (s *Sandbox) write(c *call, f func(*state, *calendar) (*storedEvent, error)) (any, error) {
	var out Event
	err := s.change(func(st *state) error {
		cal, err := st.calendar(c.account, c.calendar)
		if err != nil {
			return err
		}
		if !cal.writable() {
			return apiErr(http.StatusForbidden, "requiredAccessLevel")
		}
		e, err := f(st, cal)
		if err == nil {
			out = e.Event
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// changeable returns the call's event if it may be changed.
func (s *Sandbox) changeable(c *call, cal *calendar) (*storedEvent, error) {
	old := cal.Events[c.event]
	if old == nil {
		return nil, apiErr(http.StatusNotFound, "notFound")
	}
	if old.Status == cancelled {
		switch s.behaviour.UpdateOfCancelled {
		case Restored:
		case Gone:
			return nil, apiErr(http.StatusGone, "deleted")
		case Forbidden, "":
			return nil, apiErr(http.StatusForbidden, "forbidden")
		}
	}
	return old, c.checkIfMatch(old)
}

// store settles what a client wrote and puts it into the calendar, in place
// of the old event if there is one. What only Google writes is kept or made.
func (s *Sandbox) store(st *state, cal *calendar, email string, old *storedEvent, in Event, link string) (*storedEvent, error) {
	starts, ends, err := in.settle(&s.zones, cal.TimeZone)
	if err != nil {
		return nil, err
	}
	now := s.now().UTC().Format(googleTime)
	in.Kind, in.EventType = "calendar#event", "default"
	in.Updated, in.ETag = now, st.nextETag()
	if old == nil {
		me := &Person{Email: email, Self: true}
		in.Creator, in.Organizer = me, cal.organizer(me)
		in.Created, in.Sequence, in.ICalUID = now, 0, in.ID+"@google.com"
		in.HTMLLink = eventLink(link, email, cal.ID, in.ID)
		cal.Order = append(cal.Order, in.ID)
	} else {
		in.ID, in.Created, in.ICalUID, in.HTMLLink = old.ID, old.Created, old.ICalUID, old.HTMLLink
		in.Creator, in.Organizer, in.Sequence = old.Creator, old.Organizer, old.Sequence
		if !old.StartsAt.Equal(starts) || !old.EndsAt.Equal(ends) || old.Status != in.Status {
			in.Sequence++
		}
	}
	e := &storedEvent{Event: in, StartsAt: starts, EndsAt: ends}
	cal.Events[in.ID] = e
	return e, nil
}

// cancel deletes an event in the only way there is.
func (s *Sandbox) cancel(st *state, e *storedEvent) {
	e.Status, e.ETag = cancelled, st.nextETag()
	e.Updated = s.now().UTC().Format(googleTime)
	e.Sequence++
}

// patched returns the event as a client would write it to change only what
// the patch names: RFC 7396.
func (e *storedEvent) patched(patch map[string]any) (Event, error) {
	data, err := json.Marshal(e.Event)
	if err != nil {
		return Event{}, err
	}
	var whole map[string]any
	if err := json.Unmarshal(data, &whole); err != nil {
		return Event{}, err
	}
	if data, err = json.Marshal(merge(whole, patch)); err != nil {
		return Event{}, err
	}
	var out Event
	if err := json.Unmarshal(data, &out); err != nil {
		return Event{}, invalid("Invalid Value")
	}
	return out, nil
}

func merge(into, patch map[string]any) map[string]any {
	for k, v := range patch {
		inner, isObject := v.(map[string]any)
		old, wasObject := into[k].(map[string]any)
		switch {
		case v == nil:
			delete(into, k)
		case isObject && wasObject:
			into[k] = merge(old, inner)
		default:
			into[k] = v
		}
	}
	return into
}

// shown is the event as the API shows it. Of a cancelled one only the id is
// sure to be there, says Google's reference.
func (e *storedEvent) shown(b Behaviour) Event {
	if e.Status != cancelled || b.CancelledDetails {
		return e.Event
	}
	return Event{Kind: e.Kind, ETag: e.ETag, ID: e.ID, Status: cancelled, Sequence: e.Sequence}
}

func (c *calendar) organizer(me *Person) *Person {
	if c.Primary {
		return me
	}
	return &Person{Email: c.ID, DisplayName: c.Summary, Self: true}
}

// calendar finds one of an account's calendars; "primary" is its own.
func (st *state) calendar(email, id string) (*calendar, error) {
	if acc := st.Accounts[email]; acc != nil {
		for _, c := range acc.Calendars {
			if c.ID == id || c.Primary && id == "primary" {
				return c, nil
			}
		}
	}
	return nil, apiErr(http.StatusNotFound, "notFound")
}

// googleTime is the form of created and updated.
const googleTime = "2006-01-02T15:04:05.000Z"

// eventLink leads to the event on the sandbox's own calendar page.
func eventLink(base, email, calendar, event string) string {
	q := url.Values{"account": {email}, "calendar": {calendar}}
	return base + "/sandbox/calendar?" + q.Encode() + "#" + event
}

// checkIfMatch refuses a write to an event that has changed since the client
// read it, if the client asked for that.
func (c *call) checkIfMatch(e *storedEvent) error {
	if c.ifMatch == "" || c.ifMatch == "*" || c.ifMatch == e.ETag {
		return nil
	}
	err := apiErr(http.StatusPreconditionFailed, "conditionNotMet")
	err.location, err.locationType = "If-Match", "header"
	return err
}
