package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/config"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/sandbox"
	"github.com/citasync/citasync/shared/store"
	"github.com/citasync/citasync/shared/store/bolt"
	"github.com/citasync/citasync/shared/whatsapp"
)

const (
	appSecret   = "app-secret"
	verifyToken = "verify-token"
)

// place is the function with a store in which one booking's customer was told.
type place struct {
	t     *testing.T
	store *bolt.Store
	conn  *rival
	h     http.Handler
	log   *bytes.Buffer
}

// rival is the store, of which somebody else changes the booking before a commit
// as often as told, and which may be out of order.
type rival struct {
	*bolt.Store
	times int
	err   error
}

func (r *rival) CommitBooking(ctx context.Context, b *store.Booking) error {
	if r.err != nil {
		return r.err
	}
	if r.times > 0 {
		r.times--
		snap, err := r.ReadBooking(ctx, b.Company, b.Booking.ID)
		if err != nil {
			return err
		}
		snap.Booking.AddSteps(store.Step{At: now, Kind: "changed"})
		if err := r.Store.CommitBooking(ctx, snap.Booking); err != nil {
			return err
		}
	}
	return r.Store.CommitBooking(ctx, b)
}

func newPlace(t *testing.T) *place {
	t.Helper()
	s, err := bolt.Open(filepath.Join(t.TempDir(), "store.db"), bolt.NoSync)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	p := &place{t: t, store: s, conn: &rival{Store: s}, log: &bytes.Buffer{}}
	p.h, err = New(Deps{
		Publisher: &queue{}, Companies: s, Secrets: []string{newSecret}, Now: clock, Log: slog.New(slog.NewJSONHandler(p.log, nil)),
		WhatsApp: Receipts(config.Config{
			InstallationID: "test",
			WhatsApp:       config.WhatsAppSender{AppSecret: config.NewSecret(appSecret), VerifyToken: config.NewSecret(verifyToken)},
		}, p.conn),
	})
	if err != nil {
		t.Fatal(err)
	}
	m := integration.Message{Kind: booking.Confirmed, Revision: 1, Start: now.AddDate(0, 0, 1)}
	b := &store.Booking{
		Company: "2", Booking: booking.Booking{ID: "981", Start: m.Start, End: m.Start.AddDate(0, 0, 1), TimeZone: "UTC"},
		State: booking.Confirmed, At: now, Revision: 1, CreatedAt: now, UpdatedAt: now, ExpireAt: now.AddDate(2, 0, 0),
		Deliveries: map[integration.ID]integration.Delivery{integration.WhatsApp: {
			Status: integration.Done, Revision: 1, ExternalID: "wamid.1", UpdatedAt: now,
			Sent: integration.Sent{Announced: m, Sends: 1, Told: m},
		}},
	}
	c := &integration.Connection{ID: integration.WhatsApp, Enabled: true, Status: integration.Connected}
	if err := s.CommitBooking(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if err := s.PutConnection(t.Context(), "2", c); err != nil {
		t.Fatal(err)
	}
	return p
}

// callbackOf is what the message of a booking carries: it is sent to a stand-in,
// which shows it.
func callbackOf(t *testing.T, id booking.ID) string {
	t.Helper()
	box, err := sandbox.New(sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer box.Close()
	sender, err := whatsapp.New(whatsapp.Deps{Installation: "test", HTTP: &http.Client{Transport: box.Transport()}, Sender: config.WhatsAppSender{
		Token: config.NewSecret(sandbox.DefaultWhatsAppToken), PhoneNumberID: sandbox.DefaultWhatsAppPhoneNumberID,
		Templates: config.Templates{booking.Confirmed: {Name: "booking_confirmed", Languages: []string{"es"}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	task := integration.Task{
		Company: integration.Company{ID: "2"}, Booking: booking.Booking{ID: id, Customer: booking.Customer{Phone: "+573001112233"}},
		Delivery: integration.Delivery{Sent: integration.Sent{Announced: integration.Message{Kind: booking.Confirmed, Revision: 1}, Sends: 1}},
	}
	if r := sender.Act(t.Context(), task); r.Delivery.Status != integration.Done {
		t.Fatalf("%+v", r)
	}
	return box.WhatsAppMessages()[0].CallbackData
}

func (p *place) read() *store.Booking {
	p.t.Helper()
	snap, err := p.store.ReadBooking(p.t.Context(), "2", "981", integration.WhatsApp)
	if err != nil {
		p.t.Fatal(err)
	}
	return snap.Booking
}

func statuses(callback string, of ...string) string {
	var all []string
	for _, s := range of {
		status, code, _ := strings.Cut(s, " ")
		errs := ""
		if code != "" {
			errs = `, "errors": [{"code": ` + code + `, "title": "x"}]`
		}
		all = append(all, fmt.Sprintf(`{"id": "wamid.1", "status": %q, "timestamp": "1763910300", "recipient_id": "573001112233", "biz_opaque_callback_data": %q%s}`,
			status, callback, errs))
	}
	return `{"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "messages", "value": {"statuses": [` +
		strings.Join(all, ",") + `]}}]}]}`
}

func (p *place) post(body, secret string) int {
	p.t.Helper()
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = io.WriteString(mac, body)
	r := httptest.NewRequestWithContext(p.t.Context(), http.MethodPost, "/webhooks/whatsapp", strings.NewReader(body))
	r.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	rec := httptest.NewRecorder()
	p.h.ServeHTTP(rec, r)
	return rec.Code
}

func TestReceiptsAreKept(t *testing.T) {
	p := newPlace(t)
	about := callbackOf(t, "981")
	p.conn.times = 2
	for range 3 {
		if code := p.post(statuses(about, "read", "sent", "delivered"), appSecret); code != http.StatusOK {
			t.Fatalf("answer %d", code)
		}
	}
	b := p.read()
	d := b.Deliveries[integration.WhatsApp]
	if d.Receipt.Status != integration.ReceiptRead || d.Status != integration.Done {
		t.Errorf("delivery %+v", d)
	}
	want := []store.Step{
		{At: now, Kind: "changed"},
		{At: now, Kind: "changed"},
		{At: now, Kind: "read", Integration: integration.WhatsApp, Outcome: "ok"},
	}
	if diff := cmp.Diff(want, b.History); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
}

func TestFailureIsTold(t *testing.T) {
	p := newPlace(t)
	if code := p.post(statuses(callbackOf(t, "981"), "failed 131026"), appSecret); code != http.StatusOK {
		t.Fatalf("answer %d", code)
	}
	b := p.read()
	if d := b.Deliveries[integration.WhatsApp]; d.Status != integration.Failed || d.Detail != "131026" || !b.NextAttemptAt.IsZero() {
		t.Errorf("delivery %+v, next attempt %v", d, b.NextAttemptAt)
	}
	want := []store.Step{{At: now, Kind: store.StepDelivery, Integration: integration.WhatsApp, Outcome: "failed", Detail: "rejected: 131026"}}
	if diff := cmp.Diff(want, b.History); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
	c, err := p.store.Connection(t.Context(), "2", integration.WhatsApp)
	if err != nil || c.Refused != 1 || c.NoticeDue.IsZero() {
		t.Errorf("connection %+v, %v", c, err)
	}
	if log := p.log.String(); !strings.Contains(log, `"code":"131026"`) || strings.Contains(log, "57300") {
		t.Errorf("log:\n%s", log)
	}
}

// TestPassingFailureIsTriedAgain: the booking is due when the message is.
func TestPassingFailureIsTriedAgain(t *testing.T) {
	p := newPlace(t)
	if code := p.post(statuses(callbackOf(t, "981"), "failed 130429"), appSecret); code != http.StatusOK {
		t.Fatalf("answer %d", code)
	}
	b := p.read()
	if d := b.Deliveries[integration.WhatsApp]; d.Status != integration.Pending || !b.NextAttemptAt.Equal(d.NextAttemptAt) || !b.NextAttemptAt.After(now) {
		t.Errorf("delivery %+v, next attempt %v", d, b.NextAttemptAt)
	}
}

func TestReceiptsOfOthers(t *testing.T) {
	p := newPlace(t)
	before := p.read()
	for name, body := range map[string]string{
		"an unknown booking": statuses(callbackOf(t, "982"), "sent"), "another installation": statuses("c1.AAAA.Mg.OTgx.confirmed.1", "sent"),
		"no booking": statuses("", "sent"), "a customer's answer": `{"entry": [{"changes": [{"value": {"messages": [{"from": "573001112233"}]}}]}]}`,
	} {
		if code := p.post(body, appSecret); code != http.StatusOK {
			t.Errorf("%s: answer %d", name, code)
		}
	}
	if diff := cmp.Diff(before, p.read()); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
}

func TestReceiptsRefused(t *testing.T) {
	p := newPlace(t)
	body := statuses(callbackOf(t, "981"), "read")
	for name, tt := range map[string]struct {
		body, secret string
		err          error
		want         int
	}{
		"another secret": {body, "guessed", nil, http.StatusUnauthorized}, "not JSON": {"<html>", appSecret, nil, http.StatusBadRequest},
		"too long":     {strings.Repeat(" ", maxReceipts+1), appSecret, nil, http.StatusRequestEntityTooLarge},
		"the store is": {body, appSecret, fault.ErrUnavailable, http.StatusServiceUnavailable},
	} {
		p.conn.err = tt.err
		if code := p.post(tt.body, tt.secret); code != tt.want {
			t.Errorf("%s: answer %d, want %d", name, code, tt.want)
		}
	}
	if d := p.read().Deliveries[integration.WhatsApp]; d.Receipt.Status != "" {
		t.Errorf("receipt %+v", d.Receipt)
	}
}

func TestHandshake(t *testing.T) {
	p := newPlace(t)
	for name, tt := range map[string]struct {
		mode, token string
		code        int
	}{
		"right": {"subscribe", verifyToken, http.StatusOK}, "another token": {"subscribe", "guessed", http.StatusForbidden},
		"no token": {"subscribe", "", http.StatusForbidden}, "another mode": {"unsubscribe", verifyToken, http.StatusForbidden},
	} {
		q := url.Values{"hub.mode": {tt.mode}, "hub.verify_token": {tt.token}, "hub.challenge": {"<b>1158201444"}}
		rec := httptest.NewRecorder()
		p.h.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/webhooks/whatsapp?"+q.Encode(), http.NoBody))
		if rec.Code != tt.code || (rec.Body.String() == "<b>1158201444") != (tt.code == http.StatusOK) {
			t.Errorf("%s: %d %s", name, rec.Code, rec.Body)
		}
		if ct := rec.Header().Get("Content-Type"); rec.Code == http.StatusOK && ct != "text/plain; charset=utf-8" {
			t.Errorf("%s: %s", name, ct)
		}
	}
	rec := httptest.NewRecorder()
	p.h.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodPut, "/webhooks/whatsapp", http.NoBody))
	if rec.Code != http.StatusMethodNotAllowed {
		t.Errorf("PUT: %d", rec.Code)
	}
}

// TestWithoutWhatsApp: an installation without it has no such routes.
func TestWithoutWhatsApp(t *testing.T) {
	if r := Receipts(config.Config{}, nil); r != nil {
		t.Errorf("%+v", r)
	}
	h, err := New(Deps{Publisher: &queue{}, Secrets: []string{newSecret}, Now: clock, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/webhooks/whatsapp", http.NoBody))
	if rec.Code != http.StatusNotFound {
		t.Errorf("answer %d", rec.Code)
	}
}

func clock() time.Time { return now }
