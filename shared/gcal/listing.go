package gcal

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"google.golang.org/api/calendar/v3"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/integration"
)

const (
	eventPage    = 500  // a megabyte or less
	calendarPage = 250  // the most that Google gives
	maxCalendars = 1000 // nobody chooses among more: the rest is left out
)

// Query names a calendar of a company's account, and a page of its events.
type Query struct {
	Company    booking.CompanyID
	Connection integration.Connection
	Calendar   string
	From       time.Time // events that end later
	Page       string    // Listing.Next of the page before; empty: the first
}

// errClosed is a calendar in which the account may not write any more.
var errClosed = errors.New("the calendar is closed to the account")

// Listing is one page of the company's events in a calendar. A page may be
// empty and yet not be the last.
type Listing struct {
	Events []Found
	Next   string // empty on the last page
}

// Found is an event of ours.
type Found struct {
	ID       string
	Booking  booking.ID
	Revision int64     // of the booking that it shows; 0: it does not say
	End      time.Time // zero: it does not say

	installation string
	company      booking.CompanyID
}

// Named reports whether the event, found in that calendar of that account, is
// the one that its booking's delivery names.
func (f Found) Named(d integration.Delivery, calendarID, account string) bool {
	if d.Place.Account != account || d.Place.Calendar != calendarID {
		return false
	}
	if d.Written && d.ExternalID != "" {
		return d.ExternalID == f.ID
	}
	return EventID(f.installation, f.company, f.Booking, d.Place.Generation) == f.ID
}

// List returns a page of the company's events. Whether they are ours is seen
// from the events themselves, not only asked of Google. The error of a
// calendar that is gone, or closed to the account, has the reason
// [integration.CalendarMissing].
func (c *Calendar) List(ctx context.Context, q Query) (Listing, error) {
	page, e := c.list(ctx, c.session(q.Company, q.Connection), q)
	if e != nil {
		return Listing{}, e
	}
	return page, nil
}

func (c *Calendar) list(ctx context.Context, s *session, q Query) (Listing, *Error) {
	req := c.api.Events.List(q.Calendar).
		PrivateExtendedProperty(propInstallation+"="+c.deps.Installation, propCompany+"="+string(q.Company)).
		TimeMin(q.From.UTC().Format(time.RFC3339)).MaxResults(eventPage)
	if q.Page != "" {
		req.PageToken(q.Page)
	}
	var got *calendar.Events
	e := s.do(ctx, call{callList, false, func(ctx context.Context, authorization string) (err error) {
		req.Header().Set("Authorization", authorization)
		if got, err = req.Context(ctx).Do(); err == nil && (got == nil || got.Kind == "") {
			err = errAnswer // which must not pass for an empty calendar
		}
		return err
	}})
	if e != nil {
		return Listing{}, e
	}
	switch got.AccessRole {
	case "none", "freeBusyReader", "reader": // what is ours there is beyond reach
		return Listing{}, &Error{Call: callList, Reason: integration.CalendarMissing, class: shut, err: errClosed}
	}
	page := Listing{Next: got.NextPageToken}
	for _, ev := range got.Items {
		if ev.Status != cancelled && c.ours(ev, q.Company) {
			page.Events = append(page.Events, c.found(ev, q.Company))
		}
	}
	return page, nil
}

// Get returns an event of ours. One that is gone, or not ours, is
// [fault.ErrNotFound]; so is every event of a calendar that is gone.
func (c *Calendar) Get(ctx context.Context, q Query, id string) (Found, error) {
	ev, e := c.session(q.Company, q.Connection).get(ctx, q.Calendar, id)
	switch {
	case e != nil && (e.class == absent || e.class == gone):
		return Found{}, fmt.Errorf("event %s: %w: %w", id, fault.ErrNotFound, e)
	case e != nil:
		return Found{}, e
	case !c.ours(ev, q.Company):
		return Found{}, fmt.Errorf("event %s is not ours: %w", id, fault.ErrNotFound)
	}
	return c.found(ev, q.Company), nil
}

func (c *Calendar) found(ev *calendar.Event, company booking.CompanyID) Found {
	p := private(ev)
	f := Found{ID: ev.Id, Booking: booking.ID(p[propBooking]), installation: c.deps.Installation, company: company}
	f.Revision, _ = strconv.ParseInt(p[propRevision], 10, 64) // somebody changed it: 0
	if ev.End != nil {
		f.End, _ = time.Parse(time.RFC3339, ev.End.DateTime) // made an all-day event by hand: zero
	}
	return f
}

// Choice is a calendar that the company may choose.
type Choice struct {
	ID       string // "primary" for the account's own
	Name     string
	TimeZone string // IANA
}

// Calendars lists the calendars that the account may write to, its own first.
// Without the permission to see the list, the error's reason is
// [integration.ScopeMissing]; the account's own can be used all the same.
func (c *Calendar) Calendars(ctx context.Context, company booking.CompanyID, conn integration.Connection) ([]Choice, error) {
	s := c.session(company, conn)
	var own, others []Choice
	for page := ""; ; {
		got, e := s.calendars(ctx, page)
		if e != nil {
			return nil, e
		}
		for _, item := range got.Items {
			choice := Choice{item.Id, cmp.Or(item.SummaryOverride, item.Summary), item.TimeZone}
			if item.Primary {
				choice.ID = primary
				own = append(own, choice)
				continue
			}
			others = append(others, choice)
		}
		if page = got.NextPageToken; page == "" || len(others) >= maxCalendars {
			return append(own, others...), nil
		}
	}
}

func (s *session) calendars(ctx context.Context, page string) (*calendar.CalendarList, *Error) {
	req := s.cal.api.CalendarList.List().MinAccessRole("writer").MaxResults(calendarPage)
	if page != "" {
		req.PageToken(page)
	}
	var got *calendar.CalendarList
	e := s.do(ctx, call{callCalendars, false, func(ctx context.Context, authorization string) (err error) {
		req.Header().Set("Authorization", authorization)
		if got, err = req.Context(ctx).Do(); err == nil && (got == nil || got.Kind == "") {
			err = errAnswer
		}
		return err
	}})
	return got, e
}

// CalendarName names a calendar in a log. An id that may be somebody's e-mail
// address is named by a hash of it.
func CalendarName(id string) string {
	if id == primary || strings.HasSuffix(id, "@group.calendar.google.com") {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	return "sha256:" + hex.EncodeToString(sum[:6])
}
