package settings

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

// found are the ids of the bookings that a call of the list answers with, in
// order of their ids.
func (s *site) found(query string) []string {
	s.Helper()
	res := s.call(salon, http.MethodGet, "/v1/bookings?"+query, "")
	var page struct {
		Bookings []struct {
			ID string `json:"id"`
		} `json:"bookings"`
	}
	if err := json.Unmarshal([]byte(body(s.T, res)), &page); err != nil || res.StatusCode != http.StatusOK {
		s.Fatalf("%s: %d, %v", query, res.StatusCode, err)
	}
	ids := []string{}
	for _, b := range page.Bookings {
		ids = append(ids, b.ID)
	}
	slices.Sort(ids)
	return ids
}

func TestAPIFilters(t *testing.T) {
	s := newSite(t) // it is 9:30 on 1 December in Bogota
	named := func(name, phone string) func(*store.Booking) {
		return func(b *store.Booking) { b.Booking.Customer = booking.Customer{Name: name, Phone: phone} }
	}
	s.book(salon, "yesterday", -24*hour, named("Ana Ruiz", "+573001112233"))
	s.book(salon, "tomorrow", 24*hour, func(b *store.Booking) {
		named("Ana María Gil", "+573009998877")(b)
		waits(integration.Revoked)(b)
	})
	s.book(salon, "later", 48*hour, func(b *store.Booking) { named("Luis Paz", "3001112233")(b); b.State = booking.Reserved; never(b) })
	for query, want := range map[string][]string{
		"":                  {"later", "tomorrow", "yesterday"},
		"state=&from=&name": {"later", "tomorrow", "yesterday"},
		"state=reserved":    {"later"},
		"integration=google-calendar&status=waiting": {"tomorrow"},
		"from=2026-12-02":                                       {"later", "tomorrow"},
		"until=2026-12-02":                                      {"tomorrow", "yesterday"},
		"from=2026-12-02&until=2026-12-02":                      {"tomorrow"},
		"from=" + url.QueryEscape("2026-12-02T09:00:00-05:00"):  {"later", "tomorrow"},
		"until=" + url.QueryEscape("2026-12-02T09:00:00-05:00"): {"yesterday"},
		"phone=" + url.QueryEscape("+57 300 111 2233"):          {"yesterday"},
		"name=ana":                                                                {"tomorrow", "yesterday"},
		"name=" + url.QueryEscape("ANA maria"):                                    {"tomorrow"},
		"name=ana&state=confirmed&from=2026-12-01":                                {"tomorrow"},
		"name=ana&integration=google-calendar&status=done&limit=1":                {"yesterday"},
		"phone=" + url.QueryEscape("+57 300 111 2233") + "&until=2026-11-01":      {},
		"name=" + url.QueryEscape("´"):                                            {}, // nothing is left of it
		"phone=" + strings.Repeat("7", 60):                                        {}, // longer than any phone
		"from=0001-01-02&until=9999-12-30":                                        {"later", "tomorrow", "yesterday"},
		"state=confirmed&until=" + url.QueryEscape("2026-12-01T00:00:00.5-05:00"): {"yesterday"},
	} {
		if diff := cmp.Diff(want, s.found(query)); diff != "" {
			t.Errorf("%s -want +got:\n%s", query, diff)
		}
	}
}

// A parameter that can't be understood is named.
func TestAPIFiltersRefused(t *testing.T) {
	s := newSite(t)
	for query, names := range map[string]string{
		"state=lost":                                           "state",
		"integration=google-calendar":                          "status",
		"status=done":                                          "integration",
		"integration=fax&status=done":                          "integration",
		"integration=google-calendar&status=delivered":         "status",
		"from=tomorrow":                                        "from",
		"until=2026-02-30":                                     "until",
		"from=2026-12-02&until=2026-12-01":                     "until",
		"from=2026-12-02T10:00:00Z&until=2026-12-02T10:00:00Z": "until",
		"until=9999-12-31":                                     "until",
		"until=9999-12-31T23:00:00-05:00":                      "until",
		"from=0000-01-01":                                      "from",
		"phone=1&name=a":                                       "name",
		"limit=0":                                              "limit",
		"cursor=!":                                             "cursor",
	} {
		res := s.call(salon, http.MethodGet, "/v1/bookings?"+query, "")
		var p struct {
			Field string `json:"field"`
		}
		text := body(t, res)
		if err := json.Unmarshal([]byte(text), &p); err != nil || res.StatusCode != http.StatusBadRequest || p.Field != names {
			t.Errorf("%s: %d, %v, %s, want one that names %s", query, res.StatusCode, err, text, names)
		}
	}
}
