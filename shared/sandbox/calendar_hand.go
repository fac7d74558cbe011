package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

var errNoAccount = errors.New("no such account")

// Events lists everything that is or was in a calendar, cancelled events with
// their content, in the order of insertion. The events are the caller's to
// read only.
func (s *Sandbox) Events(email, calendar string) ([]Event, error) {
	var out []Event
	err := s.read(func(st *state) error {
		cal, err := st.calendar(email, calendar)
		if err != nil {
			return err
		}
		for _, id := range cal.Order {
			out = append(out, cal.Events[id].Event)
		}
		return nil
	})
	return out, err
}

// AddEvent adds an event as its owner would by hand or another application
// would; it must have a start and an end. It returns the event as it is kept.
func (s *Sandbox) AddEvent(email, calendar string, e Event) (Event, error) {
	e, err := e.clone()
	if err != nil {
		return e, err
	}
	if e.ID == "" {
		e.ID = randomEventID()
	}
	err = s.change(func(st *state) error {
		cal, err := st.calendar(email, calendar)
		if err != nil {
			return err
		}
		if cal.Events[e.ID] != nil {
			return apiErr(http.StatusConflict, "duplicate")
		}
		stored, err := s.store(st, cal, email, nil, e, s.url)
		if err == nil {
			e = stored.Event
		}
		return err
	})
	return e, err
}

// EditEvent changes an event as its owner would by hand.
func (s *Sandbox) EditEvent(email, calendar, id string, change func(*Event)) error {
	return s.change(func(st *state) error {
		cal, err := st.calendar(email, calendar)
		if err != nil {
			return err
		}
		old := cal.Events[id]
		if old == nil || old.Status == cancelled {
			return fmt.Errorf("editing event %s by hand: %w", id, apiErr(http.StatusNotFound, "notFound"))
		}
		e, err := old.clone()
		if err != nil {
			return err
		}
		change(&e)
		_, err = s.store(st, cal, email, old, e, s.url)
		return err
	})
}

// DeleteEvent deletes an event as its owner would by hand.
func (s *Sandbox) DeleteEvent(email, calendar, id string) error {
	return s.change(func(st *state) error {
		cal, err := st.calendar(email, calendar)
		if err != nil {
			return err
		}
		e := cal.Events[id]
		if e == nil || e.Status == cancelled {
			return fmt.Errorf("deleting event %s by hand: %w", id, apiErr(http.StatusNotFound, "notFound"))
		}
		s.cancel(st, e)
		return nil
	})
}

// clone makes sure that nobody else holds what the sandbox keeps.
func (e Event) clone() (Event, error) {
	data, err := json.Marshal(e)
	if err != nil {
		return Event{}, fmt.Errorf("copying an event: %w", err)
	}
	var out Event
	if err := json.Unmarshal(data, &out); err != nil {
		return Event{}, fmt.Errorf("copying an event: %w", err)
	}
	return out, nil
}
