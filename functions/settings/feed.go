package settings

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/citasync/citasync/functions/settings/ical"
	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/logging"
	"github.com/citasync/citasync/shared/store"
)

// What a feed holds: the bookings that end today or later, and those that began
// so many days ago or later, as far as there are no more than so many.
const (
	feedDays = 30
	feedMost = 5_000
)

var errNoFeed = fmt.Errorf("%w: no such feed", fault.ErrNotFound)

// feed answers with a company's bookings as an iCalendar object. The address is
// the whole proof: apps that subscribe to it can't sign in. An address that is
// wrong, or was taken back, is not told from one that never was.
func (h *handler) feed(w http.ResponseWriter, r *http.Request) error {
	company, err := h.feedOf(r)
	if err != nil {
		return err
	}
	ctx := logging.With(r.Context(), slog.String("company", string(company.ID)))
	recs, err := h.feedBookings(ctx, company.ID, feedMost)
	if err != nil {
		return err
	}
	say := h.words.Speaker(company.Locale)
	name := company.Name
	if name == "" {
		name = string(company.ID)
	}
	data := ical.Feed{Name: say.T("feed.calendar", name), Domain: h.PublicURL.Hostname(), Company: company.Company}.Encode(recs)
	h.Log.LogAttrs(ctx, slog.LevelInfo, "feed read", slog.Int("bookings", len(recs)))
	serveFeed(w, r, data)
	return nil
}

// serveFeed sends the object, or that it is what the app has already (RFC 9110,
// section 13.1.2).
func serveFeed(w http.ResponseWriter, r *http.Request, data []byte) {
	sum := sha256.Sum256(data)
	head := w.Header()
	head.Set("Cache-Control", "private, no-cache") // kept, but asked for again
	head.Set("Content-Type", "text/calendar; charset=utf-8")
	head.Set("ETag", `"`+hex.EncodeToString(sum[:16])+`"`)
	head.Set("X-Robots-Tag", "noindex")
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader(string(data)))
}

// feedOf is the company whose feed the address opens.
func (h *handler) feedOf(r *http.Request) (store.Company, error) {
	token, ok := strings.CutSuffix(r.PathValue("file"), ".ics")
	if !ok {
		return store.Company{}, errNoFeed
	}
	id, ok := companyOf(token)
	if !ok {
		return store.Company{}, errNoFeed
	}
	company, err := h.Store.Company(r.Context(), id)
	if err != nil {
		return store.Company{}, fmt.Errorf("read company: %w", err)
	}
	if !opens(token, &company) {
		return store.Company{}, errNoFeed
	}
	return company, nil
}

// feedBookings reads at most so many: what is from today on, soonest end first,
// and then the past, latest start first. So where there are too many it is the
// oldest that are left out. They change their day once a day, not with every
// second, so that an unchanged calendar stays the same.
func (h *handler) feedBookings(ctx context.Context, company booking.CompanyID, most int) ([]*store.Booking, error) {
	today := h.Now().UTC().Truncate(24 * time.Hour)
	var recs []*store.Booking
	more, err := h.scan(ctx, company, store.Query{EndsAfter: today}, most, func(rec *store.Booking) { recs = append(recs, rec) })
	if room := most - len(recs); err == nil && room > 0 {
		past := store.Query{Filter: store.Filter{From: today.AddDate(0, 0, -feedDays), Until: today}}
		more, err = h.scan(ctx, company, past, room, func(rec *store.Booking) {
			if !rec.Booking.End.After(today) { // otherwise it is there already
				recs = append(recs, rec)
			}
		})
	}
	if err != nil {
		return nil, fmt.Errorf("feed: %w", err)
	}
	if more || len(recs) == most {
		h.Log.WarnContext(ctx, "feed is full", slog.Int("bookings", len(recs)))
	}
	return recs, nil
}
