package local

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/sandbox"
)

const phone = "+573001112233"

// notified is a world whose company has the notices to customers switched on,
// and Google Calendar if so wanted. What WhatsApp tells comes to its own
// handler.
func notified(t *testing.T, google bool, behaviour sandbox.WhatsAppBehaviour, test func(*world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var w *world
		w = newWorldWith(t, 1, sandbox.Options{WhatsApp: sandbox.WhatsApp{
			CallbackURL: "https://citasync.test/webhooks/whatsapp",
			Client:      &http.Client{Transport: handled(func() http.Handler { return w.first().Public })},
		}}, map[string]string{
			"WHATSAPP_EMULATOR_URL": "https://whatsapp.test",
			"WHATSAPP_TOKEN":        sandbox.DefaultWhatsAppToken, "WHATSAPP_PHONE_NUMBER_ID": sandbox.DefaultWhatsAppPhoneNumberID,
			"WHATSAPP_APP_SECRET": sandbox.DefaultWhatsAppAppSecret, "WHATSAPP_VERIFY_TOKEN": sandbox.DefaultWhatsAppVerifyToken,
			"WHATSAPP_TEMPLATES": "reserved=booking_reserved confirmed=booking_confirmed deleted=booking_deleted",
		})
		defer w.google.Close()
		check(t, w.google.SetWhatsAppBehaviour(behaviour))
		if google {
			w.mustConnect(acme, ana)
			w.maintain(2*time.Minute, 10*time.Second)
		}
		w.turnOn(true)
		w.google.ClearRequests()
		test(w)
	})
}

// handled is a round tripper to a handler that may change.
type handled func() http.Handler

func (h handled) RoundTrip(r *http.Request) (*http.Response, error) {
	in := r.Clone(r.Context())
	in.RequestURI = r.URL.RequestURI()
	rec := httptest.NewRecorder()
	h().ServeHTTP(rec, in)
	return rec.Result(), nil
}

// turnOn switches the notices of the company on or off.
func (w *world) turnOn(on bool) {
	w.t.Helper()
	time.Sleep(time.Millisecond) // it is not of the same instant as what was told before
	c, err := w.store.Connection(context.Background(), acme, integration.WhatsApp)
	check(w.t, err)
	c.Enabled, c.Status, c.ChangedAt = on, integration.Disconnected, time.Now()
	if on {
		c.Status = integration.Connected
	}
	check(w.t, w.store.PutConnection(context.Background(), acme, &c))
	time.Sleep(time.Millisecond)
}

// news is an event of a booking two days ahead, told now.
func news(kind booking.Kind, id booking.ID, text string) booking.Event {
	start := time.Now().UTC().Truncate(time.Hour).Add(48 * time.Hour)
	return booking.Event{Kind: kind, At: time.Now().UTC().Truncate(time.Microsecond), Company: acme, Booking: booking.Booking{
		ID: id, Service: text, Start: start, End: start.Add(time.Hour), TimeZone: "UTC", Customer: booking.Customer{Name: "Ana Ruiz", Phone: phone},
	}}
}

// wantMessages compares what arrived, as templates' names.
func (w *world) wantMessages(when string, want ...string) {
	w.t.Helper()
	var got []string
	for _, m := range w.google.WhatsAppMessages() {
		got = append(got, strings.TrimPrefix(m.Template, "booking_"))
	}
	if !slices.Equal(got, want) {
		w.t.Errorf("%s: messages %q, want %q", when, got, want)
	}
}

// notice is the delivery to WhatsApp.
func (w *world) notice(id booking.ID) integration.Delivery {
	w.t.Helper()
	s, err := w.store.ReadBooking(context.Background(), acme, id)
	check(w.t, err)
	if s.Booking == nil {
		w.t.Fatalf("booking %q is not known", id)
	}
	return s.Booking.Deliveries[integration.WhatsApp]
}

func (w *world) wantNotice(when string, id booking.ID, status integration.DeliveryStatus, detail string) {
	w.t.Helper()
	if d := w.notice(id); d.Status != status || d.Detail != detail {
		w.t.Errorf("%s: notice %s %q, want %s %q: %+v", when, d.Status, d.Detail, status, detail, d)
	}
}

// slowly applies the second event while the first one's message is under way.
func (w *world) slowly(first, second booking.Event) {
	w.t.Helper()
	_, err := w.google.AddFault(sandbox.Fault{Operation: sandbox.OpWhatsAppSend, Action: sandbox.Delay, Latency: 3 * time.Second, Times: 1})
	check(w.t, err)
	var wg sync.WaitGroup
	wg.Go(func() { w.apply(first) })
	time.Sleep(time.Second)
	wg.Go(func() { w.apply(second) })
	wg.Wait()
}

func (w *world) switchNotices(on bool) {
	w.t.Helper()
	e, err := w.store.Entry(context.Background(), integration.WhatsApp)
	check(w.t, err)
	e.Enabled, e.ChangedAt = on, time.Now()
	check(w.t, w.store.PutEntry(context.Background(), &e))
}
