package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/bus"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/logging"
	"github.com/citasync/citasync/shared/store"
)

const (
	newSecret   = "whsec_bmV3LXNlY3JldC1vZi0zMi1ieXRlcy1mb3ItdGVzdHM="
	oldSecret   = "whsec_b2xkLXNlY3JldC1vZi0zMi1ieXRlcy1mb3ItdGVzdHM="
	otherSecret = "whsec_bm90LXRoZS1zZWNyZXQtb2YtdGhpcy1wbGF0Zm9ybSE="
)

var now = time.Date(2026, 11, 23, 15, 5, 0, 0, time.UTC)

const example = `{"type": "booking.confirmed", "timestamp": "2026-11-23T15:04:05.123Z", "data": {"company_id": 2, "booking": {
	"id": "981", "service": "Corte de pelo", "start": "2026-12-01T10:00:00", "end": "2026-12-01T10:45:00", "time_zone": "America/Bogota",
	"customer": {"name": "Ana Ruiz", "phone": "300 111 2233", "email": "ana@example.com"},
	"staff": "Luis", "location": "Calle 10 #4-21", "notes": "Primera visita", "url": "https://example.com/bookings/981"}}}`

// queue keeps what is published in memory.
type queue struct {
	mu       sync.Mutex
	messages []published
	err      error
}

type published struct {
	Topic   bus.Topic
	Message bus.Message
}

func (q *queue) Publish(ctx context.Context, topic bus.Topic, m bus.Message) (string, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if _, bounded := ctx.Deadline(); !bounded {
		return "", errors.New("publishing could take for ever")
	}
	if q.err != nil {
		return "", q.err
	}
	q.messages = append(q.messages, published{topic, m})
	return fmt.Sprintf("m-%d", len(q.messages)), nil
}

// companies keeps companies in memory, and counts how often it is read.
type companies struct {
	country map[booking.CompanyID]string
	reads   int
	err     error
}

func (c *companies) Company(_ context.Context, id booking.CompanyID) (store.Company, error) {
	c.reads++
	company := store.DefaultCompany(id)
	company.Country = c.country[id]
	return company, c.err
}

// world is a function with all that it touches.
type world struct {
	handler   http.Handler
	queue     *queue
	companies *companies
	log       *bytes.Buffer
	now       time.Time
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{
		queue:     &queue{},
		companies: &companies{country: map[booking.CompanyID]string{"2": "CO", "3": "es"}},
		log:       &bytes.Buffer{},
		now:       now,
	}
	var err error
	w.handler, err = New(Deps{
		Publisher: w.queue,
		Companies: w.companies,
		Secrets:   []string{newSecret, oldSecret},
		Now:       func() time.Time { return w.now },
		Log:       logging.New(w.log, "", slog.LevelInfo),
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// signed returns a request that nothing is wrong with but perhaps its body.
func signed(t testing.TB, body string) *http.Request {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/webhooks/bookings", strings.NewReader(body))
	h, err := Sign(newSecret, "msg_1", now, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = h
	return r
}

func (w *world) send(r *http.Request) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	return rec
}

func TestAccepted(t *testing.T) {
	w := newWorld(t)
	r := signed(t, example)
	r.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	rec := w.send(r)
	if rec.Code != http.StatusAccepted || strings.TrimSpace(rec.Body.String()) != `{"message_id":"m-1"}` ||
		rec.Header().Get("Content-Type") != "application/json" {
		t.Fatalf("got %d %s", rec.Code, rec.Body)
	}
	got := w.queue.messages[0]
	wantAttributes := map[string]string{
		"type": "booking.confirmed", "company_id": "2", "booking_id": "981",
		"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
	}
	if diff := cmp.Diff(wantAttributes, got.Message.Attributes); diff != "" || got.Topic != bus.Confirmed {
		t.Errorf("on %s, attributes (-want +got):\n%s", got.Topic, diff)
	}
	want, err := booking.Decode([]byte(strings.Replace(example, "300 111 2233", "+573001112233", 1)), now)
	if err != nil {
		t.Fatal(err)
	}
	if e, err := booking.Decode(got.Message.Data, now); err != nil || e != want {
		t.Errorf("published %+v, %v\nwant %+v", e, err, want)
	}
	checkLog(t, w, map[string]any{
		"severity": "INFO", "message": "webhook accepted", "kind": "confirmed", "message_id": "m-1",
		"company": "2", "booking": "981", "trace": "0af7651916cd43dd8448eb211c80319c",
	})
}

// checkLog wants one line, with these attributes and no others but the time.
func checkLog(t *testing.T, w *world, want map[string]any) {
	t.Helper()
	var got map[string]any
	if err := json.Unmarshal(w.log.Bytes(), &got); err != nil {
		t.Fatalf("log %s: %v", w.log, err)
	}
	delete(got, "time")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}

func TestTopicOfEachKind(t *testing.T) {
	for kind, topic := range map[string]bus.Topic{"reserved": bus.Reserved, "confirmed": bus.Confirmed, "deleted": bus.Deleted} {
		w := newWorld(t)
		rec := w.send(signed(t, strings.Replace(example, "booking.confirmed", "booking."+kind, 1)))
		if rec.Code != http.StatusAccepted || w.queue.messages[0].Topic != topic {
			t.Errorf("%s: got %d %s, %+v", kind, rec.Code, rec.Body, w.queue.messages)
		}
		if got := w.queue.messages[0].Message.Attributes[bus.AttrType]; got != "booking."+kind {
			t.Errorf("%s: attribute %q", kind, got)
		}
	}
}

func TestTolerated(t *testing.T) {
	padding := strings.Repeat(" ", MaxBody-len(example))
	tests := []struct {
		name string
		body string
		edit func(http.Header)
	}{
		{"charset", example, func(h http.Header) { h.Set("Content-Type", `application/json; charset="UTF-8"`) }},
		{"capitals", example, func(h http.Header) { h.Set("Content-Type", "Application/JSON") }},
		{"the longest body", example + padding, func(http.Header) {}},
		{"unusable traceparent", example, func(h http.Header) { h.Set("Traceparent", "x") }},
	}
	for _, test := range tests {
		w := newWorld(t)
		r := signed(t, test.body)
		test.edit(r.Header)
		if rec := w.send(r); rec.Code != http.StatusAccepted || len(w.queue.messages) != 1 {
			t.Errorf("%s: got %d %s", test.name, rec.Code, rec.Body)
		}
	}
}

func TestNotPublished(t *testing.T) {
	for _, cause := range []error{
		fmt.Errorf("queue: %w", fault.ErrUnavailable),
		fmt.Errorf("topic: %w", fault.ErrNotFound),
		context.DeadlineExceeded,
		errors.New("disk full"),
	} {
		w := newWorld(t)
		w.queue.err = cause
		rec := w.send(signed(t, example))
		if rec.Code != http.StatusServiceUnavailable || rec.Header().Get("Retry-After") == "" ||
			rec.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%v: got %d %v", cause, rec.Code, rec.Header())
		}
		if strings.Contains(rec.Body.String(), cause.Error()) {
			t.Errorf("the answer tells the cause: %s", rec.Body)
		}
		if log := w.log.String(); !strings.Contains(log, cause.Error()) || !strings.Contains(log, `"severity":"ERROR"`) ||
			strings.Contains(log, "Ana") || strings.Contains(log, "111 2233") || strings.Contains(log, "3001112233") {
			t.Errorf("%v: log %s", cause, log)
		}
	}
}

func TestOtherRoutes(t *testing.T) {
	tests := []struct {
		method, path string
		status       int
		allow        string
	}{
		{http.MethodGet, "/health", http.StatusOK, ""},
		{http.MethodHead, "/health", http.StatusOK, ""},
		{http.MethodPost, "/health", http.StatusMethodNotAllowed, "GET, HEAD"},
		{http.MethodGet, "/webhooks/bookings", http.StatusMethodNotAllowed, "POST"},
		{http.MethodPut, "/webhooks/bookings", http.StatusMethodNotAllowed, "POST"},
		{http.MethodOptions, "/webhooks/bookings", http.StatusMethodNotAllowed, "POST"},
		{http.MethodPost, "/webhooks/bookings/", http.StatusNotFound, ""},
		{http.MethodGet, "/", http.StatusNotFound, ""},
	}
	for _, test := range tests {
		w := newWorld(t)
		rec := w.send(httptest.NewRequest(test.method, test.path, nil))
		if rec.Code != test.status || rec.Header().Get("Allow") != test.allow {
			t.Errorf("%s %s: got %d, Allow %q", test.method, test.path, rec.Code, rec.Header().Get("Allow"))
		}
		if problem := rec.Header().Get("Content-Type") == "application/problem+json"; problem != (test.status >= 400) {
			t.Errorf("%s %s: Content-Type %q", test.method, test.path, rec.Header().Get("Content-Type"))
		}
	}
}

func TestPhones(t *testing.T) {
	tests := []struct{ name, company, phone, want string }{
		{"local", "2", "300 111 2233", "+573001112233"},
		{"international", "2", "+34 612 34 56 78", "+34612345678"},
		{"international, unknown country", "9", "+57 (300) 111-2233", "+573001112233"},
		{"local, country in small letters", "3", "612 34 56 78", "+34612345678"},
		{"international access code", "3", "00573001112233", "+573001112233"},
		{"local, unknown country", "9", "300 111 2233", "300 111 2233"},
		{"no number", "2", "pregunta por Ana", "pregunta por Ana"},
		{"too short", "2", "123", "123"},
		{"none", "2", "", ""},
	}
	for _, test := range tests {
		w := newWorld(t)
		body := strings.Replace(strings.Replace(example, "300 111 2233", test.phone, 1), `"company_id": 2`, `"company_id": `+test.company, 1)
		if rec := w.send(signed(t, body)); rec.Code != http.StatusAccepted {
			t.Errorf("%s: got %d %s", test.name, rec.Code, rec.Body)
			continue
		}
		e, err := booking.Decode(w.queue.messages[0].Message.Data, now)
		if err != nil || e.Booking.Customer.Phone != test.want {
			t.Errorf("%s: got %q, %v", test.name, e.Booking.Customer.Phone, err)
		}
	}
}

func TestCountryIsReadOnceAMinute(t *testing.T) {
	w := newWorld(t)
	send := func(want int) {
		t.Helper()
		if rec := w.send(signed(t, example)); rec.Code != http.StatusAccepted || w.companies.reads != want {
			t.Errorf("got %d %s, %d reads, want %d", rec.Code, rec.Body, w.companies.reads, want)
		}
	}
	send(1)
	w.now = now.Add(time.Minute - time.Nanosecond)
	send(1)
	w.now = now.Add(time.Minute)
	send(2)
	w.now = now.Add(2 * time.Minute)
	w.companies.err = fault.ErrUnavailable
	send(3)
	send(4) // a failure is not remembered
	e, err := booking.Decode(w.queue.messages[4].Message.Data, now)
	if err != nil || e.Booking.Customer.Phone != "300 111 2233" {
		t.Errorf("without the company: %q, %v", e.Booking.Customer.Phone, err)
	}
	if log := w.log.String(); strings.Count(log, "country not read") != 2 {
		t.Errorf("log %s", log)
	}
}

func TestCountriesAreBounded(t *testing.T) {
	c := newCountries(&companies{}, func() time.Time { return now }, slog.New(slog.DiscardHandler))
	for i := range 3 * maxCountries {
		c.of(t.Context(), booking.CompanyID(strconv.Itoa(i)))
	}
	if len(c.known) > maxCountries {
		t.Errorf("%d countries are kept", len(c.known))
	}
}

func TestBodyEndsEarly(t *testing.T) {
	w := newWorld(t)
	r := signed(t, example)
	r.Body = io.NopCloser(io.MultiReader(strings.NewReader(example[:50]), brokenReader{}))
	if rec := w.send(r); rec.Code != http.StatusBadRequest {
		t.Errorf("got %d %s", rec.Code, rec.Body)
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
