package settings

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

// indented is a JSON answer, for comparing.
func indented(t *testing.T, res *http.Response) string {
	t.Helper()
	if ct := res.Header.Get("Content-Type"); ct != "application/json" {
		t.Errorf("content type %q", ct)
	}
	var v any
	if err := json.Unmarshal([]byte(body(t, res)), &v); err != nil {
		t.Fatal(err)
	}
	data, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestAPIShapes(t *testing.T) {
	s := newSite(t)
	s.connect(salon, func(c *integration.Connection) { c.CheckedAt = s.now.Add(-4 * hour) })
	s.book(salon, "a/b", 24*hour, func(b *store.Booking) { gone(b); b.History = b.History[:1] })
	s.book(salon, "r", 72*hour, refused)
	s.book(salon, "5", 0, tombstone)
	s.book(salon, "w", 48*hour, waits(integration.Revoked))
	s.must(s.store.AddActivity(t.Context(), salon, store.Activity{
		At: s.now, Kind: "connected", Integration: integration.GoogleCalendar, Actor: "company", Outcome: "ok", Detail: "luz@gmail.example",
	}))
	const appointment = `{
 "customer": {
  "email": "ana@example.com",
  "name": "Ana Ruiz",
  "phone": "+573001112233"
 },
 "deliveries": {
  "google-calendar": {
   "attempts": 0,
   "calendar_id": "primary",
   "detail": "deleted_in_google_calendar",
   "event_id": "abc123",
   "link": "https://calendar.google.example/event?eid=abc123",
   "message": "Borrado a mano en Google Calendar. Si cambias la reserva (por ejemplo, la hora), volverá al calendario.",
   "message_id": "",
   "next_attempt_at": "",
   "reason": "",
   "receipt": "",
   "receipt_at": "",
   "status": "done",
   "updated_at": "2026-12-01T13:30:00Z"
  }
 },
 "end": "2026-12-02T09:45:00-05:00",
 "history": [
  {
   "at": "2026-12-01T12:30:00Z",
   "detail": "",
   "integration": "",
   "kind": "reserved",
   "outcome": "ok"
  }
 ],
 "id": "a/b",
 "location": "Calle 10 #4-21",
 "notes": "Primera visita.\nAlergia al amoníaco.",
 "revision": 1,
 "service": "Corte de pelo",
 "staff": "Luis",
 "start": "2026-12-02T09:00:00-05:00",
 "state": "confirmed",
 "time_zone": "America/Bogota",
 "url": "https://reservas.example/bookings/a%2Fb"
}`
	for _, tc := range []struct{ path, want string }{
		{"/v1/integrations", `{
 "integrations": [
  {
   "account": "luz@gmail.example",
   "action": "",
   "available": true,
   "calendar": {
    "id": "primary",
    "name": "luz@gmail.example"
   },
   "checked_at": "2026-12-01T10:30:00Z",
   "enabled": true,
   "id": "google-calendar",
   "language": "",
   "message": "Tus reservas confirmadas se añaden solas a Google Calendar.",
   "name": "Google Calendar",
   "notices": {},
   "options": {
    "color": "",
    "description": "Cliente: {customer}\nTeléfono: {phone}\nCorreo: {email}\nProfesional: {staff}\nNotas: {notes}",
    "invite_customer": false,
    "language": "",
    "reminder": "",
    "title": "{service} – {customer}"
   },
   "preview": {
    "add": 0,
    "more": false
   },
   "reason": "",
   "refused": 1,
   "since": "2026-11-28T14:30:00Z",
   "status": "connected",
   "waiting": 1
  },
  {
   "account": "",
   "action": "",
   "available": false,
   "calendar": {
    "id": "",
    "name": ""
   },
   "checked_at": "",
   "enabled": false,
   "id": "whatsapp",
   "language": "",
   "message": "Esta instalación no tiene WhatsApp configurado.",
   "name": "WhatsApp",
   "notices": {},
   "options": {},
   "preview": {
    "add": 0,
    "more": false
   },
   "reason": "",
   "refused": 0,
   "since": "",
   "status": "disconnected",
   "waiting": 0
  }
 ]
}`},
		{"/v1/bookings/a%2Fb", appointment},
		{"/v1/bookings/5", `{
 "customer": {
  "email": "",
  "name": "",
  "phone": ""
 },
 "deliveries": {
  "google-calendar": {
   "attempts": 0,
   "calendar_id": "",
   "detail": "",
   "event_id": "",
   "link": "",
   "message": "Nunca llegó a Google Calendar, no había nada que quitar.",
   "message_id": "",
   "next_attempt_at": "",
   "reason": "",
   "receipt": "",
   "receipt_at": "",
   "status": "done",
   "updated_at": "2026-12-01T13:30:00Z"
  }
 },
 "end": "",
 "history": [
  {
   "at": "2026-12-01T13:30:00Z",
   "detail": "",
   "integration": "",
   "kind": "deleted",
   "outcome": "ok"
  }
 ],
 "id": "5",
 "location": "",
 "notes": "",
 "revision": 1,
 "service": "",
 "staff": "",
 "start": "",
 "state": "deleted",
 "time_zone": "",
 "url": ""
}`},
		{"/v1/activity", `{
 "activity": [
  {
   "at": "2026-12-01T14:30:00Z",
   "detail": "luz@gmail.example",
   "integration": "google-calendar",
   "kind": "connected",
   "outcome": "ok"
  }
 ],
 "next_cursor": ""
}`},
	} {
		if diff := cmp.Diff(tc.want, indented(t, s.call(salon, http.MethodGet, tc.path, ""))); diff != "" {
			t.Errorf("%s -want +got:\n%s", tc.path, diff)
		}
	}
}

// A company without anything gets empty lists, not null.
func TestAPIEmpty(t *testing.T) {
	s := newSite(t)
	for path, want := range map[string]string{
		"/v1/bookings": `{"bookings":[],"next_cursor":""}`,
		"/v1/activity": `{"activity":[],"next_cursor":""}`,
	} {
		if got := strings.TrimSpace(body(t, s.call(salon, http.MethodGet, path, ""))); got != want {
			t.Errorf("%s: %s", path, got)
		}
	}
}

// Pages follow one another without a gap or a repetition, latest start first.
func TestAPIPages(t *testing.T) {
	s := newSite(t)
	var want []string
	for i := range 7 {
		id := fmt.Sprint("b", i)
		s.book(salon, booking.ID(id), time.Duration(-i)*24*hour, nil)
		want = append(want, id)
	}
	var got []string
	for cursor := ""; ; {
		var page struct {
			Bookings []struct {
				ID string `json:"id"`
			} `json:"bookings"`
			NextCursor string `json:"next_cursor"`
		}
		res := s.call(salon, http.MethodGet, "/v1/bookings?limit=3&cursor="+url.QueryEscape(cursor), "")
		if err := json.Unmarshal([]byte(body(t, res)), &page); err != nil {
			t.Fatal(err)
		}
		for _, b := range page.Bookings {
			got = append(got, b.ID)
		}
		if cursor = page.NextCursor; cursor == "" {
			break
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestAPIRefuses(t *testing.T) {
	const disable = "/v1/integrations/google-calendar/disable"
	for _, tc := range []struct {
		method, path, body string
		status             int
		names              string // what the problem's detail must name
	}{
		{"GET", "/v1/bookings?limit=0", "", 400, "limit"},
		{"GET", "/v1/bookings?limit=201", "", 400, "limit"},
		{"GET", "/v1/bookings?limit=", "", 400, "limit"},
		{"GET", "/v1/bookings?limit=ten", "", 400, "limit"},
		{"GET", "/v1/bookings?cursor=!", "", 400, "cursor"},
		{"GET", "/v1/activity?cursor=!", "", 400, "cursor"},
		{"GET", "/v1/activity?limit=201", "", 400, "limit"},
		{"GET", "/v1/bookings/nobody", "", 404, "booking"},
		{"GET", "/v1/nowhere", "", 404, ""},
		{"GET", "/v1", "", 404, "no such page"},
		{"POST", "/v1", "{}", 404, "no such page"},
		{"GET", "/v1/", "", 404, "no such page"},
		{"GET", "/v1?limit=1", "", 404, "no such page"},
		{"POST", "/v1/integrations/fax/enable", "", 404, "integration"},
		{"POST", "/v1/integrations/fax/disable", `{"events":"keep"}`, 404, "integration"},
		{"POST", "/v1/integrations/whatsapp/enable", "", 409, "not configured"},
		{"POST", "/v1/integrations/fax/test", "", 404, "integration"},
		{"GET", "/v1/integrations/whatsapp/calendars", "", 404, "integration"},
		{"POST", "/v1/integrations/fax/options", `{"calendar":"primary"}`, 404, "integration"},
		{"POST", "/v1/integrations/google-calendar/options", "", 415, "application/json"},
		{"POST", "/v1/integrations/google-calendar/options", `[]`, 400, "JSON"},
		{"POST", "/v1/integrations/google-calendar/options", `{"calendar":"another"}`, 422, "calendar"},
		{"POST", disable, `{"events":"burn"}`, 422, "events"},
		{"POST", disable, `{}`, 422, "events"},
		{"POST", disable, `{"events":`, 400, "JSON"},
		{"POST", disable, `[]`, 400, "JSON"},
		{"POST", disable, `{"events":"keep"}{"events":"remove"}`, 400, "JSON"},
		{"POST", disable, `{"events":"keep"}` + strings.Repeat(" ", maxBody), 413, "bytes"},
		{"POST", disable, "", 415, "application/json"},
		{"POST", disable, `{"events":"` + strings.Repeat("k", maxBody) + `"}`, 413, "bytes"},
	} {
		t.Run(tc.path+tc.body[:min(len(tc.body), 20)], func(t *testing.T) {
			s := newSite(t)
			s.connect(salon, nil)
			res := s.call(salon, tc.method, tc.path, tc.body)
			checkProblem(t, res, tc.status, tc.names)
		})
	}
}

func checkProblem(t *testing.T, res *http.Response, status int, names string) {
	t.Helper()
	var p struct {
		Status int    `json:"status"`
		Detail string `json:"detail"`
	}
	ct := res.Header.Get("Content-Type")
	if err := json.Unmarshal([]byte(body(t, res)), &p); err != nil || ct != "application/problem+json" {
		t.Fatalf("not a problem document: %v, %s", err, ct)
	}
	if res.StatusCode != status || p.Status != status || !strings.Contains(p.Detail, names) {
		t.Errorf("%d, %+v, want %d that names %q", res.StatusCode, p, status, names)
	}
}

// Nobody gets in without a token that is good now; a session's cookie is none.
func TestAPIUnauthenticated(t *testing.T) {
	s := newSite(t)
	opened := s.token(s.claims(salon))
	(&browser{s: s}).get("/settings?session=" + opened).Body.Close()
	cookie := s.enter(s.claims(salon)).cookie
	for _, route := range []string{
		"GET /v1/integrations", "POST /v1/integrations/google-calendar/enable", "POST /v1/integrations/google-calendar/disable",
		"POST /v1/integrations/google-calendar/test", "GET /v1/integrations/google-calendar/calendars", "POST /v1/integrations/google-calendar/options",
		"GET /v1/bookings", "GET /v1/bookings/1", "GET /v1/activity",
	} {
		for name, auth := range map[string]string{
			"none": "", "nonsense": "Bearer x", "expired": "Bearer " + s.expired("es"), "used as a link": "Bearer " + opened, "a cookie's": "Bearer " + cookie.Value,
		} {
			method, path, _ := strings.Cut(route, " ")
			r := httptest.NewRequest(method, path, nil)
			if auth != "" {
				r.Header.Set("Authorization", auth)
			}
			r.AddCookie(cookie)
			res := s.do(r)
			if got := res.Header.Get("WWW-Authenticate"); got == "" {
				t.Errorf("%s with %s: no WWW-Authenticate", route, name)
			}
			checkProblem(t, res, http.StatusUnauthorized, "")
		}
	}
}
