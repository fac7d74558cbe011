package settings

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

// No company sees another's data, whatever it asks for. The ids are chosen to
// reach over from one to the other.
func TestTenants(t *testing.T) {
	s := newSite(t)
	const mine, theirs = salon, clinic
	s.connect(mine, nil)
	s.book(mine, "mine", 24*hour, nil)
	secrets := []string{"secret-id", "Cirugía", "Pedro", "paciente@example.com", "clinic@gmail.example", "Clínica"}
	s.connect(theirs, func(c *integration.Connection) { c.Data.AccountEmail = "clinic@gmail.example" })
	for _, id := range []booking.ID{"secret-id", "mine-too", "../2/mine"} {
		s.book(theirs, id, 24*hour, func(b *store.Booking) {
			b.Booking.Service, b.Booking.Customer = "Cirugía", booking.Customer{Name: "Pedro", Email: "paciente@example.com"}
		})
	}
	s.must(s.store.AddActivity(t.Context(), theirs, store.Activity{At: s.now, Kind: "connected", Integration: integration.GoogleCalendar, Outcome: "ok", Detail: "clinic@gmail.example"}))
	page := body(t, s.call(theirs, http.MethodGet, "/v1/bookings?limit=1", ""))
	var list struct {
		NextCursor string `json:"next_cursor"`
	}
	s.must(json.Unmarshal([]byte(page), &list))
	if list.NextCursor == "" || !strings.Contains(page, "Cirugía") {
		t.Fatalf("the other company's own list is %s", page)
	}
	cursor := url.QueryEscape(list.NextCursor)
	b := s.enter(s.claims(mine))
	for _, path := range []string{
		"/settings", "/settings?company=7%2F..%2F2", "/settings/history", "/settings/history?cursor=" + cursor, "/settings/activity",
		"/settings/history?booking=secret-id", "/settings/history?booking=..%2F2%2Fmine", "/settings/history?booking=7%2F..%2F2%00secret-id",
		"/v1/integrations", "/v1/bookings", "/v1/bookings?cursor=" + cursor, "/v1/activity", "/v1/activity?cursor=" + cursor,
		"/v1/bookings/secret-id", "/v1/bookings/mine-too", "/v1/bookings/..%2F2%2Fmine", "/v1/bookings/7%2F..%2F2%2Fsecret-id",
	} {
		var res *http.Response
		if strings.HasPrefix(path, "/v1") {
			res = s.call(mine, http.MethodGet, path, "")
		} else {
			res = b.get(path)
		}
		got := body(t, res)
		for _, secret := range secrets {
			if strings.Contains(got, secret) {
				t.Errorf("%s shows %q", path, secret)
			}
		}
	}
}

func TestHealth(t *testing.T) {
	s := newSite(t)
	if got := body(t, s.do(httptest.NewRequest(http.MethodGet, "/health", nil))); got != "ok" {
		t.Errorf("%q", got)
	}
}
