package settings

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

// wrong is the error of a parameter that can't be understood. The words begin
// with its name.
func wrong(name, words string, args ...any) error {
	return fault.Blame(name, fmt.Errorf("%w: %s %s", fault.ErrInvalid, name, fmt.Sprintf(words, args...)))
}

// filterOf reads which bookings a call asks for. A parameter that is empty counts
// as not given.
func (v *visit) filterOf(r *http.Request) (store.Filter, error) {
	q := r.URL.Query()
	f := store.Filter{Phone: strings.TrimSpace(q.Get("phone")), Name: strings.TrimSpace(q.Get("name"))}
	if f.Phone != "" && f.Name != "" {
		return f, wrong("name", "and phone can't be asked for at once")
	}
	if f.Phone != "" {
		f.Phone = v.phone(f.Phone)
	}
	for _, read := range []func(url.Values, *store.Filter) error{stateOf, statusOf, v.spanOf} {
		if err := read(q, &f); err != nil {
			return f, err
		}
	}
	return f, nil
}

// stateOf reads the state of the bookings.
func stateOf(q url.Values, f *store.Filter) error {
	f.State = booking.Kind(q.Get("state"))
	if f.State == "" {
		return nil
	}
	if _, err := booking.ParseKind(f.State.EventType()); err != nil {
		return wrong("state", "must be %s, %s or %s", booking.Reserved, booking.Confirmed, booking.Deleted)
	}
	return nil
}

// statusOf reads how the deliveries to an integration stand.
func statusOf(q url.Values, f *store.Filter) (err error) {
	id, status := q.Get("integration"), q.Get("status")
	switch {
	case id == "" && status == "":
		return nil
	case id == "":
		return wrong("integration", "is missing: a status is one integration's")
	case status == "":
		return wrong("status", "is missing: an integration alone narrows nothing down")
	}
	if f.Integration, err = integration.ParseID(id); err != nil {
		return wrong("integration", "is none that there is")
	}
	if f.Status, err = store.ParseStatus(status); err != nil {
		return wrong("status", "must be %s, %s, %s, %s, %s or %s",
			integration.Pending, integration.Done, integration.Waiting, integration.Failed, integration.Skipped, store.Gone)
	}
	return nil
}

// spanOf reads between which times the bookings start. A day counts whole, at
// either end.
func (v *visit) spanOf(q url.Values, f *store.Filter) error {
	var err error
	if f.From, err = v.instant("from", q.Get("from"), 0); err != nil {
		return err
	}
	if f.Until, err = v.instant("until", q.Get("until"), 1); err != nil {
		return err
	}
	if !f.From.IsZero() && !f.Until.IsZero() && !f.Until.After(f.From) {
		return wrong("until", "must be later than from")
	}
	return nil
}

// instant is the time that a parameter gives: itself, or of a day of the
// company's when that begins which is so many days later. Zero: it is not given.
func (v *visit) instant(name, s string, days int) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		day, err := time.Parse(time.DateOnly, s)
		if err != nil {
			return t, wrong(name, "must be a time as 2026-12-01T10:00:00-05:00 or a day as 2026-12-01")
		}
		t = booking.StartOfDay(day.AddDate(0, 0, days), v.zone)
	}
	if y := t.UTC().Year(); y < 1 || y > 9999 { // no store goes further
		return t, wrong(name, "must lie in the years 1 to 9999")
	}
	return t, nil
}
