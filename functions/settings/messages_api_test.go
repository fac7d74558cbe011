package settings

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/session"
	"github.com/citasync/citasync/shared/store"
)

// The API turns on and off as the panel does, by the platform, as often as it
// likes, and answers with the integration.
func TestMessagesByAPI(t *testing.T) {
	m := newMessenger(t, bilingual())
	const rest = `"reason":"","account":"","calendar":{"id":"","name":""},"waiting":0,"refused":0,"since":"2026-12-01T14:30:00Z",` +
		`"checked_at":"","preview":{"add":0,"more":false},"action":"","message":`
	const notices = `,"language":"","notices":{"confirmed":true,"deleted":true,"reserved":true},"options":{}}` + "\n"
	const on = `{"id":"whatsapp","name":"WhatsApp","available":true,"enabled":true,"status":"connected",` + rest +
		`"Tus clientes reciben por WhatsApp los avisos de sus reservas."` + notices //nolint:misspell // Spanish
	const off = `{"id":"whatsapp","name":"WhatsApp","available":true,"enabled":false,"status":"disconnected",` + rest +
		`"Tus clientes no reciben ningún aviso por WhatsApp."` + notices //nolint:misspell // Spanish
	m.book(salon, "1", 24*hour, m.untold(integration.Skipped, integration.NotConnected))
	for _, step := range []struct{ call, body, want string }{
		{"enable", "", on},
		{"enable", `{}`, on},
		{"disable", `{"events":"remove"}`, off},
		{"disable", "", off},
		{"disable", `{"events":"burn"}`, off},
		{"enable", "", on},
		{"disable", "not JSON", off},
	} {
		if diff := cmp.Diff(step.want, body(t, m.call(salon, http.MethodPost, messagesCall+step.call, step.body))); diff != "" {
			t.Errorf("%s %s -want +got:\n%s", step.call, step.body, diff)
		}
	}
	want := []string{"turned_off by platform ok ", "connected by platform ok ", "turned_off by platform ok ", "connected by platform ok "}
	if diff := cmp.Diff(want, m.doings()); diff != "" {
		t.Errorf("activities -want +got:\n%s", diff)
	}
	if n := m.requests(); n > 0 {
		t.Errorf("WhatsApp was called %d times", n)
	}
	if c := m.notices(clinic); c.Status != integration.Disconnected {
		t.Errorf("the other company's notices are %s", c.Status)
	}
}

// TestEnablingRemembersTheCompany: a platform that builds the panel itself may
// never open a link, and what the token says of the company is known all the
// same.
func TestEnablingRemembersTheCompany(t *testing.T) {
	m := newMessenger(t, bilingual())
	token := m.token(session.Claims{Company: "api-only", Name: "Salón Sol", Country: "CO", Locale: "es", TimeZone: "America/Bogota"})
	r := httptest.NewRequest(http.MethodPost, messagesCall+"enable", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	if res := m.do(r); res.StatusCode != http.StatusOK {
		t.Fatalf("answer %d", res.StatusCode)
	}
	c, err := m.store.Company(t.Context(), "api-only")
	if err != nil || c.Name != "Salón Sol" || c.Country != "CO" || c.TimeZone != "America/Bogota" {
		t.Errorf("company %+v, %v", c, err)
	}
}

// What a call does not name stays as it is.
func TestMessagesOptionsByAPI(t *testing.T) {
	m := newMessenger(t, bilingual())
	const options = messagesCall + "options"
	checkProblem(t, m.call(salon, http.MethodPost, options, `{"language":"en"}`), http.StatusConflict, "not connected")
	m.notify(salon, func(c *integration.Connection) { c.Options.Language = "fr" }) // of a time when there were other templates
	for _, step := range []struct{ body, language, notices string }{
		{`{"notices":{"reserved":false,"confirmed":null},"language":null}`, "fr", `{"confirmed":true,"deleted":true,"reserved":false}`},
		{`{"language":"en"}`, "en", `{"confirmed":true,"deleted":true,"reserved":false}`},
		{`{"language":"en","notices":{"reserved":null}}`, "en", `{"confirmed":true,"deleted":true,"reserved":false}`},
		{`{"language":"","notices":{"reserved":true,"deleted":false}}`, "", `{"confirmed":true,"deleted":false,"reserved":true}`},
	} {
		got := body(t, m.call(salon, http.MethodPost, options, step.body))
		if want := `"language":"` + step.language + `","notices":` + step.notices + `,"options":{}}`; !strings.Contains(got, want) {
			t.Errorf("%s: %s", step.body, got)
		}
	}
	if n := len(m.doings()); n != 3 {
		t.Errorf("%d activities", n)
	}
	before := m.notices(salon)
	for _, tc := range []struct {
		body   string
		status int
		names  string
	}{
		{`{"language":"fr"}`, 422, "language"},
		{`{"notices":{"birthday":true}}`, 422, "notices"},
		{`{"notices":{"confirmed":false,"reserved":false}}`, 422, "disable"},
		{`{}`, 422, "language and notices"},
		{`{"notices":{}}`, 422, "language and notices"},
		{`{"notices":{"reserved":null},"language":null}`, 422, "language and notices"},
		{`{"notice":{"reserved":false}}`, 422, "language and notices"},
		{`{"notices":["confirmed"]}`, 400, "notices takes no array"},
		{"", 415, "application/json"},
	} {
		checkProblem(t, m.call(salon, http.MethodPost, options, tc.body), tc.status, tc.names)
	}
	if diff := cmp.Diff(before, m.notices(salon)); diff != "" {
		t.Errorf("what was refused changed something:\n%s", diff)
	}
	checkProblem(t, m.call(salon, http.MethodGet, messagesCall+"calendars", ""), http.StatusNotFound, "calendars")
}

// A booking tells what became of its message, in fields of their own.
func TestMessagesBookingByAPI(t *testing.T) {
	m := newMessenger(t, bilingual())
	m.notify(salon, nil)
	m.book(salon, "read", 24*hour, m.told(m.receipt(integration.ReceiptRead, "")))
	m.book(salon, "sent", 24*hour, m.told(nil))
	m.book(salon, "failed", 24*hour, func(b *store.Booking) {
		m.unheard(integration.Rejected, "131026")(b)
		d := b.Deliveries[integration.WhatsApp]
		m.receipt(integration.ReceiptFailed, "131026")(&d)
		b.Deliveries[integration.WhatsApp] = d
	})
	for id, want := range map[string]map[string]any{
		"read": {
			"status": "done", "reason": "", "detail": "", "message": "WhatsApp de confirmación leído. Enviado: hoy, 09:00.",
			"message_id": "wamid.A", "receipt": "read", "receipt_at": "2026-12-01T14:10:00Z",
		},
		"sent": {
			"status": "done", "reason": "", "detail": "", "message": "WhatsApp de confirmación enviado.",
			"message_id": "wamid.A", "receipt": "", "receipt_at": "",
		},
		"failed": {
			"status": "failed", "reason": "rejected", "detail": "131026",
			"message": "WhatsApp de confirmación sin entregar: ese número no tiene WhatsApp, o su WhatsApp es demasiado antiguo. " +
				"Código de WhatsApp: 131026. Si corriges el teléfono en la plataforma de reservas, se volverá a intentar.",
			"message_id": "wamid.A", "receipt": "failed", "receipt_at": "2026-12-01T14:10:00Z",
		},
	} {
		for k, v := range map[string]any{
			"event_id": "", "calendar_id": "", "link": "", "attempts": 0., "updated_at": "2026-12-01T14:00:00Z", "next_attempt_at": "",
		} {
			want[k] = v
		}
		var got struct {
			Deliveries map[string]map[string]any `json:"deliveries"`
		}
		m.must(json.Unmarshal([]byte(body(t, m.call(salon, http.MethodGet, "/v1/bookings/"+id, ""))), &got))
		if diff := cmp.Diff(want, got.Deliveries["whatsapp"]); diff != "" {
			t.Errorf("%s -want +got:\n%s", id, diff)
		}
		if got := got.Deliveries["google-calendar"]; got["event_id"] != "abc123" || got["message_id"] != "" || got["receipt"] != "" {
			t.Errorf("the calendar's delivery is %v", got)
		}
	}
}

// A receipt is that of the message that the status is about, and of no other.
func TestReceiptOf(t *testing.T) {
	start := time.Date(2026, 12, 2, 9, 0, 0, 0, time.UTC)
	first := integration.Message{Kind: booking.Reserved, Revision: 1, Start: start}
	second := integration.Message{Kind: booking.Confirmed, Revision: 2, Start: start}
	of := func(m integration.Message, s integration.ReceiptStatus) integration.Receipt {
		return integration.Receipt{Kind: m.Kind, Revision: m.Revision, Status: s}
	}
	for _, tc := range []struct {
		name string
		d    integration.Delivery
		want integration.ReceiptStatus
	}{
		{"none", integration.Delivery{Status: integration.Done, Sent: integration.Sent{Announced: first, Told: first}}, ""},
		{"its own", integration.Delivery{Status: integration.Done, Sent: integration.Sent{Announced: first, Told: first}, Receipt: of(first, "read")}, "read"},
		{"an older one's", integration.Delivery{Status: integration.Done, Sent: integration.Sent{Announced: second, Told: second}, Receipt: of(first, "read")}, ""},
		{"an older one's, of one under way", integration.Delivery{Status: integration.Pending, Sent: integration.Sent{Announced: second, Told: first}, Receipt: of(first, "read")}, ""},
		{"of a later one that was not needed", integration.Delivery{Status: integration.Done, Sent: integration.Sent{Announced: second, Told: first}, Receipt: of(second, "sent")}, ""},
		{"failed", integration.Delivery{Status: integration.Failed, Sent: integration.Sent{Announced: second}, Receipt: of(second, "failed")}, "failed"},
	} {
		if got := receiptOf(tc.d).Status; got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}
