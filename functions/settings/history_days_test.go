package settings

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/store"
)

// bookEach books for every half hour of three days, the given one between two
// others, and returns those that start on it, the latest first. Each has its
// instant for an id.
func (s *site) bookEach(zone, day string) []string {
	s.Helper()
	loc, err := booking.LoadZone(zone)
	s.must(err)
	at, err := time.Parse(time.DateOnly, day)
	s.must(err)
	var on []string
	for i := range 6 * 24 {
		start := at.Add(time.Duration(i-2*24)*30*time.Minute + 5*time.Minute).In(loc)
		id := start.UTC().Format("2006-01-02T1504")
		s.book(salon, booking.ID(id), 0, func(b *store.Booking) {
			b.Booking.Start, b.Booking.End, b.Booking.TimeZone = start, start.Add(20*time.Minute), zone
		})
		if start.Format(time.DateOnly) == day {
			on = append(on, id)
		}
	}
	slices.Reverse(on)
	return on
}

// A day is what clocks show as that day, also where they are changed at
// midnight.
func TestHistoryDays(t *testing.T) {
	for _, tc := range []struct{ zone, day string }{
		{"America/Bogota", "2026-12-01"},
		{"America/Santiago", "2026-09-05"},
		{"America/Santiago", "2026-09-06"}, // it begins at one
		{"America/Santiago", "2026-04-04"}, // it has 25 hours
		{"America/Havana", "2026-03-08"},
		{"America/Havana", "2026-11-01"},
		{"Africa/Cairo", "2026-04-23"},
		{"Africa/Cairo", "2026-04-24"},
		{"Asia/Beirut", "2026-03-28"},
		{"Asia/Beirut", "2026-03-29"},
	} {
		t.Run(fmt.Sprint(tc.zone, " ", tc.day), func(t *testing.T) {
			s := newSite(t)
			want := s.bookEach(tc.zone, tc.day)
			who := s.claims(salon)
			who.TimeZone = tc.zone
			b := s.enter(who)
			if got := b.found(url.Values{"from": {tc.day}, "until": {tc.day}}); !slices.Equal(got, want) {
				t.Errorf("the panel finds %v, want %v", got, want)
			}
			query := "?from=" + tc.day + "&until=" + tc.day
			if got := strings.Count(body(t, b.get(historyFilePath+query)), "\n") - 1; got != len(want) {
				t.Errorf("the file has %d bookings, want %d", got, len(want))
			}
			r := httptest.NewRequest(http.MethodGet, "/v1/bookings"+query+"&limit=200", nil)
			r.Header.Set("Authorization", "Bearer "+s.token(who))
			if got := strings.Count(body(t, s.do(r)), `"revision":`); got != len(want) {
				t.Errorf("the API finds %d, want %d", got, len(want))
			}
		})
	}
}

// A day that can't be asked for is marked in the form, and no other, and the
// words are for what is wrong with it. As a file there is no form.
func TestHistoryDatesRefused(t *testing.T) {
	s := newSite(t)
	const unknown, order = "Hay un día que no existe o que no se puede buscar.", "el primero no puede ser posterior al último"
	b := s.enter(s.claims(salon))
	for _, tc := range []struct {
		query, said string
		marked      []string
	}{
		{"from=yesterday", unknown, []string{"from"}},
		{"from=0000-01-01&until=2026-12-01", unknown, []string{"from"}},
		{"until=2026-13-01", unknown, []string{"until"}},
		{"from=2026-12-02&until=9999-12-31", unknown, []string{"until"}},
		{"from=2026-02-30&until=2026-13-01", unknown, []string{"from", "until"}},
		{"from=2026-12-02&until=2026-12-01", order, []string{"from", "until"}},
	} {
		t.Run(tc.query, func(t *testing.T) {
			res := b.get(historyPath + "?" + tc.query)
			page := body(t, res)
			var marked []string
			for _, m := range regexp.MustCompile(`id="([a-z]+)"[^>]* aria-invalid="true"`).FindAllStringSubmatch(page, -1) {
				marked = append(marked, m[1])
			}
			if res.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(page, tc.said) || !slices.Equal(marked, tc.marked) {
				t.Errorf("it is answered with %d, marks %v, and does not say %q", res.StatusCode, marked, tc.said)
			}
			file := b.get(historyFilePath + "?" + tc.query)
			file.Body.Close()
			if file.StatusCode != http.StatusBadRequest {
				t.Errorf("as a file it is answered with %d", file.StatusCode)
			}
		})
	}
	if res := b.get(historyPath + "?from=2026-12-01&until=2026-12-01"); res.StatusCode != http.StatusOK {
		t.Errorf("one day is answered with %d", res.StatusCode)
	}
}

// Days are those of the zone that the link or the token names, and without one
// of the company's.
func TestHistoryZone(t *testing.T) {
	s := newSite(t) // it is 9:30 in Bogota, and 23:30 in Tokyo
	s.book(salon, "1", hour, nil)
	for _, tc := range []struct{ name, said, stored, day string }{
		{"the link's before the company's", "America/Bogota", "Asia/Tokyo", "2026-12-01"},
		{"likewise, the other way round", "Asia/Tokyo", "America/Bogota", "2026-12-02"},
		{"the company's", "", "Asia/Tokyo", "2026-12-02"},
		{"a link's that is none", "Asia/Atlantis", "Asia/Tokyo", "2026-12-02"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			who := s.claims(salon)
			who.TimeZone = tc.said
			b := s.enter(who)
			c, err := s.store.Company(t.Context(), salon)
			s.must(err)
			c.TimeZone = tc.stored // since that link another was opened
			s.must(s.store.PutCompany(t.Context(), &c))
			for _, day := range []string{"2026-12-01", "2026-12-02"} {
				want := 0
				if day == tc.day {
					want = 1
				}
				if got := b.found(url.Values{"from": {day}, "until": {day}}); len(got) != want {
					t.Errorf("the panel finds %v on %s", got, day)
				}
				r := httptest.NewRequest(http.MethodGet, "/v1/bookings?from="+day+"&until="+day, nil)
				r.Header.Set("Authorization", "Bearer "+s.token(who))
				if got := strings.Count(body(t, s.do(r)), `"revision":`); got != want {
					t.Errorf("the API finds %d on %s", got, day)
				}
			}
		})
	}
}
