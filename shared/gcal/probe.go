package gcal

import (
	"context"
	"time"

	"google.golang.org/api/calendar/v3"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
)

// propProbe marks an event that was written to see whether one can be.
const propProbe = "citasync_probe"

// Trial is a step of a test of a connection.
type Trial string

// The steps, in their order: each needs the ones before it.
const (
	TrialRead   Trial = "read"   // the grant is accepted, and the calendar is there
	TrialWrite  Trial = "write"  // an event can be written
	TrialRemove Trial = "remove" // and removed
)

// Trials lists the steps in their order.
func Trials() []Trial { return []Trial{TrialRead, TrialWrite, TrialRemove} }

// Probe tries what the connection is for, by an event of an hour from now that
// it writes into the chosen calendar and removes again. It returns the steps
// that succeeded, and the error of the one that did not; see [ReasonOf]. An
// event that could not be removed is found by the next listing: it has no
// booking.
func (c *Calendar) Probe(ctx context.Context, company booking.CompanyID, conn integration.Connection, title string) (done []Trial, err error) {
	s, name := c.session(company, conn), target(conn)
	if _, err := c.List(ctx, Query{Company: company, Connection: conn, Calendar: name, From: c.deps.Now().AddDate(100, 0, 0)}); err != nil {
		return nil, err
	}
	got, e := s.insert(ctx, name, c.probe(company, title))
	if e != nil {
		return []Trial{TrialRead}, e
	}
	if e := s.remove(ctx, name, got.Id, tellNobody); e != nil && e.class != gone {
		return []Trial{TrialRead, TrialWrite}, e
	}
	return Trials(), nil
}

// probe leaves its id to Google, so that a call that is tried again after an
// answer was lost may leave an event behind, but never meets a burnt id.
func (c *Calendar) probe(company booking.CompanyID, title string) *calendar.Event {
	start := c.deps.Now().UTC().Truncate(time.Minute).Add(time.Hour)
	return &calendar.Event{
		Summary: title, Transparency: "transparent",
		Start: dateTime(start, "UTC"), End: dateTime(start.Add(15*time.Minute), "UTC"),
		Reminders: &calendar.EventReminders{ForceSendFields: []string{"UseDefault"}},
		ExtendedProperties: &calendar.EventExtendedProperties{Private: map[string]string{
			propInstallation: c.deps.Installation, propCompany: string(company), propProbe: "1",
		}},
	}
}
