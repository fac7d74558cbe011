package sandbox

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

const webhookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// receiver takes webhooks as the installation would, and answers as it is told.
type receiver struct {
	t      *testing.T
	mu     sync.Mutex
	status int
	body   string
	got    []webhookBody
	ids    []string
}

// RoundTrip implements [http.RoundTripper].
func (r *receiver) RoundTrip(req *http.Request) (*http.Response, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.status == 0 {
		return nil, io.ErrUnexpectedEOF
	}
	payload, err := io.ReadAll(req.Body)
	if err != nil {
		r.t.Error(err)
	}
	wh, err := standardwebhooks.NewWebhook(webhookSecret)
	if err != nil {
		r.t.Error(err)
	}
	if err := wh.Verify(payload, req.Header); err != nil {
		r.t.Error(err)
	}
	if req.URL.String() != "http://localhost:8080/webhooks/bookings" || req.Header.Get("Content-Type") != "application/json" {
		r.t.Errorf("posted to %s as %s", req.URL, req.Header.Get("Content-Type"))
	}
	var b webhookBody
	if err := json.Unmarshal(payload, &b); err != nil {
		r.t.Error(err)
	}
	r.got = append(r.got, b)
	r.ids = append(r.ids, req.Header.Get("webhook-id"))
	return &http.Response{
		Status: fmt.Sprint(r.status, " ", http.StatusText(r.status)), StatusCode: r.status,
		Body: io.NopCloser(strings.NewReader(r.body)), Request: req,
	}, nil
}

func (r *receiver) answer(status int, body string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status, r.body = status, body
}

func demoWorld(t *testing.T, o Options) (*world, *receiver) {
	t.Helper()
	r := &receiver{t: t, status: http.StatusAccepted, body: `{"message_id":"m1"}`}
	o.Demo = &Demo{
		WebhookURL: "http://localhost:8080/webhooks/bookings", WebhookSecret: webhookSecret, PanelURL: "http://localhost:8080/",
		SessionSecret: []byte("0123456789abcdef0123456789abcdef"), Client: &http.Client{Transport: r},
	}
	return local(t, o), r
}

func booking() url.Values {
	return url.Values{
		"service": {"Corte"}, "start": {"2026-12-01T10:00"}, "minutes": {"45"}, "name": {hostile}, "phone": {"300 111 2233"},
		"email": {"ana@example.com"}, "staff": {"Luis"}, "location": {"Calle 10"}, "notes": {hostile},
	}
}

const luna = "/demo/companies/2"

func (w *world) page(path string) string {
	w.t.Helper()
	status, page := w.get(path)
	if status != http.StatusOK {
		w.t.Fatalf("%s: status %d", path, status)
	}
	wantPage(w.t, path, page)
	return page
}

func (w *world) press(path string, form url.Values) {
	w.t.Helper()
	if status, to, body := w.post(path, form); status != http.StatusSeeOther || to != luna {
		w.t.Fatalf("%s: %d to %q %s", path, status, to, body)
	}
}

// TestDemoBooking: a booking's life, as the webhooks tell it.
func TestDemoBooking(t *testing.T) {
	now := time.Now() // the signature is checked against the clock
	w, r := demoWorld(t, Options{URL: "http://127.0.0.1:8081", Now: func() time.Time { return now }})
	w.press(luna+"/bookings", booking())
	w.press(luna+"/bookings/1001/confirm", nil)
	w.press(luna+"/bookings/1001/move", url.Values{"start": {"2026-12-02T23:30"}})
	w.press(luna+"/bookings/1001/delete", nil)
	at := now.UTC().Truncate(time.Microsecond)
	b := webhookBooking{
		ID: "1001", Service: "Corte", Start: "2026-12-01T10:00:00", End: "2026-12-01T10:45:00", TimeZone: "America/Bogota",
		Customer: &demoCustomer{hostile, "300 111 2233", "ana@example.com"}, Staff: "Luis", Location: "Calle 10", Notes: hostile,
		URL: "http://127.0.0.1:8081/demo/companies/2#booking-1001",
	}
	moved := b
	moved.Start, moved.End = "2026-12-02T23:30:00", "2026-12-03T00:15:00"
	want := []webhookBody{ // each a microsecond later, since the clock stands still
		{"booking.reserved", at, webhookData{"2", b}},
		{"booking.confirmed", at.Add(time.Microsecond), webhookData{"2", b}},
		{"booking.confirmed", at.Add(2 * time.Microsecond), webhookData{"2", moved}},
		{"booking.deleted", at.Add(3 * time.Microsecond), webhookData{"2", webhookBooking{ID: "1001"}}},
	}
	if diff := cmp.Diff(want, r.got); diff != "" {
		t.Error(diff)
	}
	page := w.page(luna)
	for _, want := range []string{"eliminada", "miércoles, 2 de diciembre de 2026, 23:30", "todo se ha entregado", "202, mensaje <code>m1</code>", "&lt;b&gt;"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if other := w.page("/demo/companies/1"); strings.Contains(other, "1001") {
		t.Error("another company sees the booking")
	}
	if ids := slices.Compact(slices.Sorted(slices.Values(r.ids))); len(ids) != 4 {
		t.Errorf("%d messages, want 4 different", len(ids))
	}
}

func TestReserveAndConfirm(t *testing.T) {
	w, r := demoWorld(t, Options{})
	form := booking()
	form.Set("then", "confirm")
	w.press(luna+"/bookings", form)
	if len(r.got) != 2 || r.got[1].Type != "booking.confirmed" || !r.got[1].Timestamp.After(r.got[0].Timestamp) {
		t.Errorf("got %+v", r.got)
	}
}

// TestOutbox: what could not be delivered waits, with the reason, also across
// a restart, and is sent again as the same message.
func TestOutbox(t *testing.T) {
	dir := t.TempDir()
	w, r := demoWorld(t, Options{Dir: dir})
	r.answer(0, "")
	w.press(luna+"/bookings", booking())
	if page := w.page(luna); !strings.Contains(page, "no se pudo enviar") || !strings.Contains(page, "Enviar otra vez") {
		t.Errorf("got %s", page)
	}
	r.answer(http.StatusUnprocessableEntity, `{"title":"Unprocessable Entity","errors":[{"field":"data.booking.start","message":"is no hour"}]}`)
	w, r2 := demoWorld(t, Options{Dir: dir})
	r2.answer(r.status, r.body)
	send := luna + "/outbox/" + w.s.state.Demo.Messages[0].ID + "/send"
	w.press(send, nil)
	if page := w.page(luna); !strings.Contains(page, "422 Unprocessable Entity: Unprocessable Entity; data.booking.start: is no hour") {
		t.Errorf("got %s", page)
	}
	r2.answer(http.StatusAccepted, "taken")
	w.press(send, nil)
	w.press(send, nil) // delivered by now: not sent
	if page := w.page(luna); !strings.Contains(page, "todo se ha entregado") || !strings.Contains(page, "reserva 1001: 202") {
		t.Errorf("got %s", page)
	}
	if len(r2.ids) != 2 || r2.ids[0] != r2.ids[1] {
		t.Errorf("sent as %v", r2.ids)
	}
}

func TestDemoRefusals(t *testing.T) {
	w, r := demoWorld(t, Options{})
	w.press(luna+"/bookings", booking())
	with := func(k, v string) url.Values {
		f := maps.Clone(booking())
		f.Set(k, v)
		return f
	}
	for _, tt := range []struct {
		path   string
		form   url.Values
		status int
	}{
		{"/demo/companies/9/bookings", booking(), http.StatusNotFound},
		{luna + "/bookings", with("start", "mañana"), http.StatusUnprocessableEntity},
		{luna + "/bookings", with("minutes", "0"), http.StatusUnprocessableEntity},
		{luna + "/bookings/9/confirm", nil, http.StatusUnprocessableEntity},
		{"/demo/companies/1/bookings/1001/delete", nil, http.StatusUnprocessableEntity}, // another company's
		{luna + "/bookings/1001/move", nil, http.StatusUnprocessableEntity},
		{luna + "/outbox/msg_9/send", nil, http.StatusUnprocessableEntity},
	} {
		status, _, page := w.post(tt.path, tt.form)
		if status != tt.status {
			t.Errorf("%s: %d, want %d", tt.path, status, tt.status)
		}
		wantPage(t, tt.path, page)
	}
	for _, path := range []string{"/demo/companies/9", "/demo/panel?company=9", "/demo/panel"} {
		if status, _ := w.get(path); status != http.StatusNotFound {
			t.Errorf("%s: %d", path, status)
		}
	}
	if len(r.got) != 1 {
		t.Errorf("%d webhooks", len(r.got))
	}
	w.page("/demo")
	w.page("/")
}

func TestPanelLink(t *testing.T) {
	w, _ := demoWorld(t, Options{})
	w.s.demo.Return = true
	seen := map[string]bool{}
	for range 2 {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.base+"/demo/panel?company=2", nil)
		if err != nil {
			t.Fatal(err)
		}
		status, to, _ := w.do(req)
		link, found := strings.CutPrefix(to, "http://localhost:8080/settings?session=")
		if status != http.StatusFound || !found {
			t.Fatalf("%d to %s", status, to)
		}
		claims := jwt.MapClaims{}
		_, err = jwt.ParseWithClaims(link, claims, func(*jwt.Token) (any, error) { return []byte("0123456789abcdef0123456789abcdef"), nil },
			jwt.WithValidMethods([]string{"HS256"}), jwt.WithAudience("citasync"), jwt.WithIssuedAt(), jwt.WithExpirationRequired())
		if err != nil {
			t.Fatal(err)
		}
		if claims["exp"].(float64)-claims["iat"].(float64) != 600 || seen[claims["jti"].(string)] {
			t.Errorf("got %v", claims)
		}
		seen[claims["jti"].(string)] = true
		delete(claims, "exp")
		delete(claims, "iat")
		delete(claims, "jti")
		want := jwt.MapClaims{
			"iss": "demo", "aud": "citasync", "sub": "2", "name": "Estudio Luna", "email": luis, "phone": "+576010000002", "country": "CO",
			"locale": "es", "time_zone": "America/Bogota", "return_url": "http://google.test/demo/companies/2",
		}
		if diff := cmp.Diff(want, claims); diff != "" {
			t.Error(diff)
		}
	}
}

func TestDemoOptions(t *testing.T) {
	good := Demo{WebhookURL: "http://localhost/w", WebhookSecret: webhookSecret, PanelURL: "http://localhost", SessionSecret: []byte("s")}
	if _, err := New(Options{Demo: &good}); err != nil {
		t.Fatal(err)
	}
	bad := Demo{WebhookURL: "w", WebhookSecret: "whsec_!", PanelURL: "", Companies: []Company{{ID: "3", TimeZone: "Mars"}}}
	_, err := New(Options{Demo: &bad})
	if err == nil || strings.Contains(err.Error(), "whsec_!") {
		t.Fatalf("got %v", err)
	}
	for _, want := range []string{`"w"`, `""`, "session secret", "webhook secret", "company 3"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %s", err, want)
		}
	}
}

// TestPresets: whatever the form is filled in with can be reserved.
func TestPresets(t *testing.T) {
	w, r := demoWorld(t, Options{})
	for range 5 {
		v := w.s.demo.view(w.s.demo.Companies[1])
		w.page(luna)
		w.press(luna+"/bookings", url.Values{
			"service": {v.New.Service}, "start": {v.New.Start}, "minutes": {strconv.Itoa(v.New.Minutes)}, "name": {v.New.Customer.Name}, "phone": {v.New.Customer.Phone},
		})
	}
	if len(r.got) != 5 || r.got[0].Data.Booking.Service == r.got[1].Data.Booking.Service {
		t.Errorf("got %+v", r.got)
	}
}

// TestDeliveredMessagesAreForgotten, but not those that wait.
func TestDeliveredMessagesAreForgotten(t *testing.T) {
	var st demoState
	for i := range 3 * maxDelivered {
		st.add(&demoMessage{ID: strconv.Itoa(i), Delivered: i%2 == 0})
	}
	waiting := 0
	for _, m := range st.Messages {
		if !m.Delivered {
			waiting++
		}
	}
	if waiting != 3*maxDelivered/2 || len(st.Messages) > waiting+maxDelivered+1 {
		t.Errorf("%d messages, %d of them waiting", len(st.Messages), waiting)
	}
}
