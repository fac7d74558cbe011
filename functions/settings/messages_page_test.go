package settings

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/citasync/citasync/functions/settings/words"
	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/sandbox"
	"github.com/citasync/citasync/shared/store"
)

// messagesPages are the pages that tell of the notices to customers.
func messagesPages() []struct {
	name   string
	given  func(*messenger)
	ask    func(*browser) *http.Response
	status int // zero: 200
} {
	at := func(path string) func(*browser) *http.Response {
		return func(b *browser) *http.Response { return b.get(path) }
	}
	overview, overviewOf := at("/settings"), func(result string) func(*browser) *http.Response {
		return at("/settings?integration=whatsapp&result=" + result)
	}
	test := func(b *browser) *http.Response {
		r := httptest.NewRequest(http.MethodPost, messagesPath+"test", nil)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		r.Header.Set("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01") // the page may name it
		return b.follow(b.send(r))
	}
	failing := func(f sandbox.Fault) func(*messenger) {
		return func(m *messenger) {
			m.notify(salon, nil)
			m.phone(salonPhone)
			m.fail(f)
		}
	}
	return []struct {
		name   string
		given  func(*messenger)
		ask    func(*browser) *http.Response
		status int
	}{
		{name: "overview-messages-off", given: func(m *messenger) {
			m.book(salon, "1", 24*hour, m.untold(integration.Skipped, integration.NotConnected))
		}, ask: overview},
		{name: "overview-messages-on", given: func(m *messenger) {
			m.phone(salonPhone)
			m.notify(salon, nil)
			m.connect(salon, nil)
			m.book(salon, "1", 24*hour, m.told(nil))
		}, ask: overviewOf("connected")},
		{name: "overview-messages-paused", given: func(m *messenger) {
			m.notify(salon, nil)
			m.halt()
			m.book(salon, "1", 24*hour, m.untold(integration.Waiting, integration.SwitchedOff))
		}, ask: overview},
		{name: "overview-messages-paused-off", given: func(m *messenger) { m.halt() }, ask: overviewOf("paused")},
		{name: "overview-messages-failing", given: func(m *messenger) {
			m.phone(salonPhone)
			m.notify(salon, func(c *integration.Connection) { c.Options.Language, c.Options.Mute.Reserved = "en", true })
			for i, code := range []string{"invalid_phone", "131026", "131009", "131050", "unconfirmed", "131049", "130472"} {
				m.book(salon, booking.ID(fmt.Sprint("f", i)), time.Duration(i+1)*24*hour, m.unheard(integration.Rejected, code))
			}
			m.book(salon, "slow", 48*hour, m.telling(2, 0, integration.Quota))
			m.book(salon, "new", 49*hour, m.telling(0, 1, integration.NoReason))
		}, ask: overviewOf("options")},
		{name: "overview-messages-no-phone", given: func(m *messenger) { m.notify(salon, nil) }, ask: overview},
		{name: "overview-messages-turned-off", given: func(*messenger) {}, ask: overviewOf("disconnected")},
		{name: "messages", given: func(m *messenger) { m.notify(salon, nil) }, ask: at(messagesPath + "options")},
		{name: "messages-invalid", given: func(m *messenger) { m.notify(salon, nil) }, ask: func(b *browser) *http.Response {
			return b.post(messagesPath+"options", typed(noticesForm(), map[string]string{"language": "en"}))
		}, status: 422},
		{name: "messages-disable", given: func(m *messenger) { m.notify(salon, nil) }, ask: func(b *browser) *http.Response {
			return b.post(messagesPath+"disable", nil)
		}},
		{name: "test-message-none", given: func(m *messenger) { m.notify(salon, nil); m.phone(salonPhone) }, ask: at(messagesPath + "test")},
		{name: "test-message-ok", given: func(m *messenger) { m.notify(salon, nil); m.phone(salonPhone) }, ask: test},
		{name: "test-message-no-phone", given: func(m *messenger) { m.notify(salon, nil) }, ask: test},
		{name: "test-message-refused", given: failing(sandbox.Fault{Reason: "131026", Action: sandbox.Answer}), ask: test},
		{name: "test-message-ours", given: failing(sandbox.Fault{Reason: "190"}), ask: test},
		{name: "test-message-slow", given: failing(sandbox.Fault{Status: 503, Action: sandbox.Garbage}), ask: test},
		{name: "test-message-quota", given: failing(sandbox.Fault{Reason: "131056"}), ask: test},
		{name: "history-messages", given: (*messenger).everyMessage, ask: at("/settings/history")},
		{name: "history-messages-off", given: func(m *messenger) {
			m.book(salon, "never", 24*hour, m.untold(integration.Skipped, integration.NotConnected))
			m.book(salon, "pending", 25*hour, m.telling(1, 0, integration.Outage))
			m.book(salon, "read", 26*hour, m.told(m.receipt(integration.ReceiptRead, "")))
		}, ask: at("/settings/history")},
		{name: "booking-messages", given: func(m *messenger) {
			m.notify(salon, nil)
			m.connect(salon, nil)
			m.book(salon, "1", 24*hour, m.everyReceipt)
		}, ask: at("/settings/history?booking=1")},
		{name: "activity-messages", given: (*messenger).everyDoing, ask: at("/settings/activity")},
	}
}

// TestMessagesPages renders them in every language.
func TestMessagesPages(t *testing.T) {
	for _, tc := range messagesPages() {
		for _, lang := range words.Languages() {
			t.Run(tc.name+"."+lang, func(t *testing.T) {
				t.Parallel()
				m := newMessenger(t, bilingual())
				tc.given(m)
				claims := m.claims(salon)
				claims.Locale = lang
				checkPage(t, tc.ask(m.enter(claims)), max(tc.status, 200), tc.name+"."+lang)
			})
		}
	}
}

// everyMessage books a booking for each way in which a message can stand.
func (m *messenger) everyMessage() {
	m.notify(salon, nil)
	deleted := func(then func(*store.Booking)) func(*store.Booking) {
		return func(b *store.Booking) { b.State = booking.Deleted; then(b) }
	}
	for i, how := range []func(*store.Booking){
		m.told(nil),
		m.told(m.receipt(integration.ReceiptSent, "")),
		m.told(m.receipt(integration.ReceiptDelivered, "")),
		m.told(m.receipt(integration.ReceiptRead, "")),
		func(b *store.Booking) { b.State = booking.Reserved; m.told(m.receipt(integration.ReceiptRead, ""))(b) },
		m.telling(0, 1, integration.NoReason),
		m.telling(1, 0, integration.Quota),
		m.telling(1, 1, integration.Outage),
		m.telling(2, 2, integration.Outage),
		m.telling(3, 0, integration.Internal),
		m.unheard(integration.Rejected, "131026"),
		m.unheard(integration.Rejected, "131009"),
		m.unheard(integration.Rejected, "invalid_phone"),
		m.unheard(integration.Outage, "unconfirmed"),
		m.unheard(integration.Internal, "131042"),
		m.untold(integration.Waiting, integration.SwitchedOff),
		m.untold(integration.Skipped, integration.TooEarly),
		m.untold(integration.Skipped, integration.TooLate),
		m.untold(integration.Skipped, integration.NoPhone),
		m.untold(integration.Skipped, integration.NotConnected),
		deleted(func(b *store.Booking) {
			m.untold(integration.Skipped, integration.NotWanted)(b)
			d := b.Deliveries[integration.WhatsApp]
			d.Sent.Told = integration.Message{Kind: booking.Confirmed, Revision: 1}
			b.Deliveries[integration.WhatsApp] = d
		}),
		nil, // of a time when there were no notices
	} {
		m.book(salon, booking.ID(fmt.Sprintf("%02d", i)), time.Duration(40-i)*hour, how)
	}
}

// everyReceipt gives a booking a message, with all that may become of it.
func (m *messenger) everyReceipt(b *store.Booking) {
	m.told(m.receipt(integration.ReceiptRead, ""))(b)
	add := func(kind, outcome, detail string) {
		b.History = append(b.History, store.Step{At: m.now.Add(-20 * time.Minute), Kind: kind, Integration: integration.WhatsApp, Outcome: outcome, Detail: detail})
	}
	add("delivered", "ok", "")
	add("read", "ok", "")
	add(store.StepDelivery, "pending", "quota: 131056")
	add(store.StepDelivery, "failed", "rejected: 131026")
	add(store.StepDelivery, "failed", "rejected: 131009")
	add(store.StepDelivery, "failed", "rejected: invalid_phone")
	add(store.StepDelivery, "failed", "outage: unconfirmed")
	add(store.StepDelivery, "waiting", integration.SwitchedOff)
	add(store.StepDelivery, "skipped", integration.TooLate)
	add(store.StepDelivery, "skipped", integration.NotWanted)
}

// everyDoing adds every activity that the notices have.
func (m *messenger) everyDoing() {
	for i, a := range []store.Activity{
		{Kind: store.ActConnected, Actor: store.ActorCompany, Outcome: "ok"},
		{Kind: store.ActOptionsChanged, Actor: store.ActorPlatform, Outcome: "ok"},
		{Kind: actTested, Actor: store.ActorCompany, Outcome: "ok"},
		{Kind: actTested, Actor: store.ActorCompany, Outcome: "rejected", Detail: "send: 131026"},
		{Kind: actTested, Actor: store.ActorCompany, Outcome: "internal", Detail: "send: 190"},
		{Kind: store.ActTurnedOff, Actor: store.ActorCompany, Outcome: "ok"},
		{Kind: store.ActDisconnected, Actor: "operator", Outcome: "ok"},
	} {
		a.At, a.Integration = m.now.Add(time.Duration(i-100)*hour), integration.WhatsApp
		m.must(m.store.AddActivity(m.Context(), salon, a))
	}
}

// TestMessageTakenAndFailed: a message that WhatsApp took and then failed to
// deliver, and that is to be sent again, is not shown as being sent.
func TestMessageTakenAndFailed(t *testing.T) {
	m := newMessenger(t, bilingual())
	m.notify(salon, nil)
	m.book(salon, "1", 24*hour, m.telling(0, 0, integration.Quota))
	page := body(t, m.enter(m.claims(salon)).get("/settings/history?booking=1"))
	if !strings.Contains(page, "todavía sin enviar") || strings.Contains(page, "se está enviando") {
		t.Errorf("the booking's page does not say that it is tried again:\n%s", page)
	}
}

// TestMessageFile: a file's times are of no day in particular.
func TestMessageFile(t *testing.T) {
	m := newMessenger(t, bilingual())
	m.everyMessage()
	file := body(t, m.enter(m.claims(salon)).get(historyFilePath))
	if !strings.Contains(file, "Enviado: 2026-12-01 ") {
		t.Errorf("it does not say when messages were sent: %s", file)
	}
	for _, day := range []string{"hoy", "ayer", "mañana"} {
		if strings.Contains(file, day+",") {
			t.Errorf("it says %s: %s", day, file)
		}
	}
}
