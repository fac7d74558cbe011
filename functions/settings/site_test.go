package settings

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/session"
	"github.com/citasync/citasync/shared/store"
	"github.com/citasync/citasync/shared/store/bolt"
)

const (
	salon  booking.CompanyID = "2"
	clinic booking.CompanyID = "7/../2"
)

// site is the panel over a store of its own, with a clock that stands still
// until it is set.
type site struct {
	*testing.T
	store    *bolt.Store
	sessions *session.Manager
	handler  http.Handler
	deps     Deps
	now      time.Time
	log      strings.Builder
}

func newSite(t *testing.T, adapt ...func(*Deps)) *site {
	t.Helper()
	s := &site{T: t, now: time.Date(2026, 12, 1, 14, 30, 0, 0, time.UTC)} // 9:30 in Bogota
	var err error
	if s.store, err = bolt.Open(filepath.Join(t.TempDir(), "store.db"), bolt.NoSync); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.store.Close() })
	public := &url.URL{Scheme: "https", Host: "citas.example"}
	s.sessions, err = session.New(session.Options{
		Secrets: [][]byte{[]byte("an old secret that is long enough")}, PublicURL: public,
		ReturnOrigins: []string{"https://reservas.example"}, Links: s.store, Now: s.clock,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.deps = Deps{
		Store: s.store, Sessions: s.sessions, Publisher: &bell{},
		Secrets: [][]byte{[]byte("an old secret that is long enough")}, PublicURL: public, PlatformURL: "https://reservas.example/empresas/{company}/integraciones",
		Now: s.clock, Log: slog.New(slog.NewTextHandler(&s.log, nil)),
	}
	for _, a := range adapt {
		a(&s.deps)
	}
	if s.handler, err = New(s.deps); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *site) clock() time.Time { return s.now }

// must stops the test at an error.
func (s *site) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *site) claims(company booking.CompanyID) session.Claims {
	return session.Claims{Company: company, Name: "Salón Luz", Locale: "es", TimeZone: "America/Bogota"}
}

func (s *site) token(c session.Claims) string {
	s.Helper()
	token, err := s.sessions.Sign(c)
	s.must(err)
	return token
}

func (s *site) do(r *http.Request) *http.Response {
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return w.Result()
}

// browser is one that keeps its cookie.
type browser struct {
	s      *site
	cookie *http.Cookie // nil: it did not come by a link
	lang   string       // Accept-Language
}

// enter opens a link with the claims.
func (s *site) enter(c session.Claims) *browser {
	s.Helper()
	res := s.do(httptest.NewRequest(http.MethodGet, "/settings?session="+s.token(c), nil))
	defer res.Body.Close()
	if res.StatusCode != http.StatusSeeOther || len(res.Cookies()) != 1 {
		s.Fatalf("a link is answered with %d and the cookies %v", res.StatusCode, res.Cookies())
	}
	return &browser{s: s, cookie: res.Cookies()[0]}
}

func (b *browser) get(path string) *http.Response {
	return b.send(httptest.NewRequest(http.MethodGet, path, nil))
}

// post sends a form as a page of ours does.
func (b *browser) post(path string, form url.Values) *http.Response {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return b.send(r)
}

func (b *browser) send(r *http.Request) *http.Response {
	if b.cookie != nil {
		r.AddCookie(b.cookie)
	}
	if b.lang != "" {
		r.Header.Set("Accept-Language", b.lang)
	}
	return b.s.do(r)
}

// connect stores a connection to Google Calendar as change makes it.
func (s *site) connect(company booking.CompanyID, change func(*integration.Connection)) {
	s.Helper()
	c, err := s.store.Connection(s.Context(), company, integration.GoogleCalendar)
	s.must(err)
	c.Enabled, c.Status, c.ChangedAt, c.CreatedAt = true, integration.Connected, s.now.Add(-72*time.Hour), s.now.Add(-72*time.Hour)
	c.Data = integration.Data{
		AccountEmail: "luz@gmail.example", AccountSubject: "1001", CalendarID: "primary", CalendarName: "luz@gmail.example",
	}
	if change != nil {
		change(&c)
	}
	s.must(s.store.PutConnection(s.Context(), company, &c))
}

// book stores a booking that starts that long from now, as change makes it.
func (s *site) book(company booking.CompanyID, id booking.ID, in time.Duration, change func(*store.Booking)) {
	s.Helper()
	bogota, err := booking.LoadZone("America/Bogota")
	s.must(err)
	start := s.now.Add(in).In(bogota).Truncate(time.Hour)
	rec := &store.Booking{
		Company: company, State: booking.Confirmed, At: s.now.Add(-time.Hour), Revision: 1,
		Booking: booking.Booking{
			ID: id, Service: "Corte de pelo", Start: start, End: start.Add(45 * time.Minute), TimeZone: "America/Bogota",
			Customer: booking.Customer{Name: "Ana Ruiz", Phone: "+573001112233", Email: "ana@example.com"}, Staff: "Luis",
			Location: "Calle 10 #4-21", Notes: "Primera visita.\nAlergia al amoníaco.", URL: "https://reservas.example/bookings/" + url.PathEscape(string(id)),
		},
		Deliveries: map[integration.ID]integration.Delivery{integration.GoogleCalendar: s.delivered(1)},
		History: []store.Step{
			{At: s.now.Add(-2 * time.Hour), Kind: "reserved", Outcome: "ok"},
			{At: s.now.Add(-2 * time.Hour), Kind: "delivery", Integration: integration.GoogleCalendar, Outcome: "skipped", Detail: "not_confirmed"},
			{At: s.now.Add(-time.Hour), Kind: "confirmed", Outcome: "ok"},
			{At: s.now.Add(-time.Hour), Kind: "created", Integration: integration.GoogleCalendar, Outcome: "ok"},
		},
		CreatedAt: s.now.Add(-2 * time.Hour), UpdatedAt: s.now.Add(-time.Hour), ExpireAt: s.now.AddDate(2, 0, 0),
	}
	if change != nil {
		change(rec)
	}
	s.must(s.store.CommitBooking(s.Context(), rec))
}

// delivered is a delivery that has arrived.
func (s *site) delivered(revision int64) integration.Delivery {
	return integration.Delivery{
		Status: integration.Done, Revision: revision, Written: true, ExternalID: "abc123", Link: "https://calendar.google.example/event?eid=abc123",
		Place: integration.Place{Account: "1001", Calendar: "primary"}, UpdatedAt: s.now.Add(-time.Hour),
	}
}

// deliver changes a booking's delivery to Google Calendar.
func deliver(change func(*integration.Delivery)) func(*store.Booking) {
	return func(b *store.Booking) {
		d := b.Deliveries[integration.GoogleCalendar]
		change(&d)
		b.Deliveries[integration.GoogleCalendar] = d
	}
}
