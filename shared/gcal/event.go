package gcal

import (
	"net/mail"
	"strconv"
	"strings"
	"time"

	"google.golang.org/api/calendar/v3"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
)

// The private extended properties that every event of ours carries.
const (
	propInstallation = "citasync_installation"
	propCompany      = "citasync_company"
	propBooking      = "citasync_booking"
	propRevision     = "citasync_revision"
)

// event is the booking as an event, but for its id.
func (c *Calendar) event(t integration.Task) *calendar.Event {
	b := t.Booking
	return &calendar.Event{
		Status:      confirmed,
		Summary:     summary(t),
		Description: describe(t),
		Location:    cut(b.Location, maxLocation),
		Start:       dateTime(b.Start, b.TimeZone),
		End:         dateTime(b.End, b.TimeZone),
		Source:      source(t),
		Attendees:   attendees(t),
		Reminders:   reminders(t.Connection.Options.Reminder),
		ColorId:     t.Connection.Options.Color,
		ExtendedProperties: &calendar.EventExtendedProperties{Private: map[string]string{
			propInstallation: c.deps.Installation,
			propCompany:      string(t.Company.ID),
			propBooking:      string(b.ID),
			propRevision:     strconv.FormatInt(t.Revision, 10),
		}},
	}
}

// clearing makes an update empty what the booking no longer has.
func clearing(ev *calendar.Event) *calendar.Event {
	ev.ForceSendFields = []string{"Description", "Location", "Attendees"}
	if ev.Source == nil {
		ev.NullFields = append(ev.NullFields, "Source")
	}
	if ev.ColorId == "" {
		ev.NullFields = append(ev.NullFields, "ColorId")
	}
	return ev
}

// reminders are those of an event, in place of any that it has. Google takes
// none beside the calendar's own.
func reminders(r integration.Reminder) *calendar.EventReminders {
	if !r.Own {
		return &calendar.EventReminders{UseDefault: true, NullFields: []string{"Overrides"}}
	}
	out := &calendar.EventReminders{Overrides: []*calendar.EventReminder{}, ForceSendFields: []string{"UseDefault", "Overrides"}}
	if m := int64(r.Before / time.Minute); m > 0 {
		out.Overrides = append(out.Overrides, &calendar.EventReminder{Method: "popup", Minutes: m})
	}
	return out
}

// dateTime is the wall clock with its offset and, so that calendars show it as
// people there say it, its zone. A booking with nothing but an offset has no
// zone that could be named: the offset says it all.
func dateTime(t time.Time, zone string) *calendar.EventDateTime {
	if strings.HasPrefix(zone, "+") || strings.HasPrefix(zone, "-") {
		zone = ""
	}
	return &calendar.EventDateTime{DateTime: t.Format(time.RFC3339), TimeZone: zone}
}

// source links back to the booking's page.
func source(t integration.Task) *calendar.EventSource {
	if t.Booking.URL == "" {
		return nil
	}
	return &calendar.EventSource{Title: wordsOf(localeOf(t)).booking + " " + string(t.Booking.ID), Url: t.Booking.URL}
}

// attendees is the customer, if the company invites her and Google could write
// to her. An address that could not be one would have the event refused.
func attendees(t integration.Task) []*calendar.EventAttendee {
	if !t.Connection.Options.InviteCustomer {
		return nil
	}
	c := t.Booking.Customer
	a, err := mail.ParseAddress(c.Email)
	if err != nil || a.Name != "" || a.Address != strings.TrimSpace(c.Email) {
		return nil
	}
	return []*calendar.EventAttendee{{Email: a.Address, DisplayName: c.Name}}
}

// ours reports whether the event is this installation's, for the company.
func (c *Calendar) ours(ev *calendar.Event, company booking.CompanyID) bool {
	p := private(ev)
	return p[propInstallation] == c.deps.Installation && p[propCompany] == string(company)
}

func private(ev *calendar.Event) map[string]string {
	if ev.ExtendedProperties == nil {
		return nil
	}
	return ev.ExtendedProperties.Private
}
