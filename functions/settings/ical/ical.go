// Package ical writes a company's bookings as an iCalendar object (RFC 5545),
// for the calendar apps that subscribe to it.
package ical

import (
	"bytes"
	"crypto/sha256"
	"encoding/base32"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	ics "github.com/arran4/golang-ical"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/gcal"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

// Refresh is how often an app is asked to look again.
const Refresh = 15 * time.Minute

// refresh is Refresh as a duration of RFC 5545.
const refresh = "PT15M"

// Feed is what all bookings of a calendar have in common.
type Feed struct {
	Name    string // of the calendar, for people
	Domain  string // under which the bookings' ids are unique
	Company integration.Company
}

// Encode writes the calendar: an event for each booking that is confirmed, with
// the texts that Google Calendar would get by default, and a cancelled one for
// each that was. The same bookings give the same bytes. An event's UID stays the
// same for good and its SEQUENCE rises with each change, so an app that keeps
// events changes and cancels its own. Times are in UTC, which needs no
// definitions of zones: apps show them where they are.
func (f Feed) Encode(recs []*store.Booking) []byte {
	c := ics.NewCalendarFor("Citasync")
	c.SetMethod(ics.MethodPublish)
	c.SetCalscale("GREGORIAN")
	c.SetName(clean(f.Name))
	c.SetRefreshInterval(refresh)
	c.SetXPublishedTTL(refresh)
	for _, rec := range recs {
		if status, ok := statusOf(rec); ok {
			f.add(c, rec, status)
		}
	}
	var b bytes.Buffer
	_ = c.SerializeTo(&b, ics.WithNewLineWindows) // only a writer fails
	return b.Bytes()
}

func (f Feed) add(c *ics.Calendar, rec *store.Booking, status ics.ObjectStatus) {
	b := rec.Booking
	e := c.AddEvent(f.uid(rec))
	e.SetDtStampTime(rec.At)
	e.SetCreatedTime(rec.CreatedAt)
	e.SetModifiedAt(rec.At)
	e.SetSequence(int(max(0, rec.Revision-1)))
	e.SetStatus(status)
	e.SetStartAt(b.Start)
	e.SetEndAt(b.End)
	title, description := gcal.Texts(integration.Task{Company: f.Company, Booking: b, State: rec.State})
	e.SetSummary(clean(title))
	if description != "" {
		e.SetDescription(clean(description))
	}
	if b.Location != "" {
		e.SetLocation(clean(b.Location))
	}
	if u, err := url.Parse(b.URL); err == nil && u.Host != "" {
		e.SetURL(u.String())
	}
	if status == ics.ObjectStatusCancelled {
		e.SetTimeTransparency(ics.TransparencyTransparent)
	}
}

// statusOf is a booking's status; none of one that never was confirmed, or of
// which no time is known.
func statusOf(rec *store.Booking) (ics.ObjectStatus, bool) {
	switch {
	case rec.Booking.Start.IsZero():
		return "", false
	case rec.State == booking.Confirmed:
		return ics.ObjectStatusConfirmed, true
	}
	return ics.ObjectStatusCancelled, wasConfirmed(rec)
}

// wasConfirmed reports whether the booking was ever in the calendar. Of a
// history that is full the beginning is not known: then it may have been.
func wasConfirmed(rec *store.Booking) bool {
	return len(rec.History) >= store.MaxSteps || slices.ContainsFunc(rec.History, func(s store.Step) bool {
		return s.Integration == "" && (s.Kind == string(booking.Confirmed) || s.Kind == "changed")
	})
}

// uid names a booking for good, and for nobody who does not know it.
func (f Feed) uid(rec *store.Booking) string {
	sum := sha256.Sum256([]byte(string(rec.Company) + "\x00" + string(rec.Booking.ID)))
	return strings.ToLower(base32.HexEncoding.EncodeToString(sum[:20])) + "@" + f.Domain
}

// clean leaves out the characters that a text of RFC 5545 must not have.
func clean(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, s)
}
