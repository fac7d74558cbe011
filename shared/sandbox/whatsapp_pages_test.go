package sandbox

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// wantWords checks that a page is well formed and has these words, and returns
// it.
func (w *world) wantWords(path string, words ...string) string {
	w.t.Helper()
	status, page := w.get(path)
	if status != http.StatusOK {
		w.t.Errorf("%s: status %d", path, status)
	}
	wantPage(w.t, path, page)
	for _, want := range words {
		if !strings.Contains(page, want) {
			w.t.Errorf("%s lacks %q", path, want)
		}
	}
	return page
}

func TestWhatsAppPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, p := writer(t, Options{})
		w.wantWords("/sandbox/whatsapp", "Todavía no se ha escrito a nadie", "todavía sin verificar")
		w.wantWords("/sandbox/whatsapp/phones/123", "Aquí no hay mensajes", "WhatsApp de &#43;123")
		w.mustSend(map[string]any{"template": filledIn("booking_reserved", "es", hostile, "b", "c", "d", "e")})
		w.wantWords("/sandbox/whatsapp", "aceptado", "1 mensaje ")
		time.Sleep(time.Second)
		w.wantWords("/sandbox/whatsapp", "enviado", "dirección verificada")
		time.Sleep(time.Second)
		w.wantWords("/sandbox/whatsapp", "entregado")
		w.mustFault(Fault{Operation: OpWhatsAppSend, Reason: "131026", Times: 1})
		w.mustSend(map[string]any{"template": filledIn("booking_deleted", "es", "a", "b", "c", "d", "e")})
		w.mustSend(map[string]any{"to": otherPhone})
		const conversation = "/sandbox/whatsapp/phones/573001112233"
		page := w.wantWords(conversation, "&lt;b&gt;", "01/01/2000 00:00:00 UTC", "no entregado", "131026: Message Undeliverable", "leído", "booking_deleted (es)")
		if strings.Index(page, "booking_reserved") > strings.Index(page, "booking_deleted") {
			t.Error("the newest is not the last")
		}
		w.s.Wait()
		if got := p.told(); got[len(got)-1] != "delivered" || !strings.Contains(strings.Join(got, " "), "read") {
			t.Errorf("told %v", got)
		}
		page = w.wantWords("/sandbox/whatsapp", "+573001112233</a> · 2 mensajes", "+34600000011</a> · 1 mensaje ", "no entregado")
		if strings.Index(page, "+34600000011") > strings.Index(page, "+573001112233") {
			t.Error("who was written to last does not come first")
		}
		for _, other := range []string{"+57%20300%20111%202233", "300%20111%202233"} {
			w.wantWords("/sandbox/whatsapp/phones/"+other, "131026", "WhatsApp de &#43;573001112233")
		}
		w.wantWords("/sandbox/requests", "booking_reserved (es)", "&#43;573001112233")
		w.wantWords("/", `href="/sandbox/whatsapp"`)
	})
}

// TestUntold: a page shows what could not be told.
func TestUntold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, p := writer(t, Options{})
		p.answers = []int{0, 500}
		w.mustSend(nil)
		time.Sleep(2 * time.Second)
		w.wantWords("/sandbox/whatsapp/phones/573001112233", "«sent» (2 intentos): <span", "the receiver answered with 500")
		p.refuse = true
		if err := w.s.VerifyWhatsAppCallback(t.Context()); err == nil {
			t.Error("verified")
		}
		w.wantWords("/sandbox/whatsapp", "la verificación falló", "answered the handshake with 403")
	})
	w := local(t, Options{})
	w.wantWords("/sandbox/whatsapp", "A ninguna dirección")
}

// TestConversationsKeptApart: numbers that end alike are found only if it is
// clear whose.
func TestConversationsKeptApart(t *testing.T) {
	w := local(t, Options{})
	w.mustSend(map[string]any{"to": "+34600000011"})
	w.mustSend(map[string]any{"to": "+57600000011"})
	w.mustSend(map[string]any{"to": "+573001112233"})
	for phone, want := range map[string]int{"600000011": 0, "34600000011": 1, "3001112233": 1, "112233": 0, "": 0, "+57 600 000 011": 1} {
		if got := len(w.s.conversation(phone)); got != want {
			t.Errorf("%q: %d messages, want %d", phone, got, want)
		}
	}
}

// TestDemoShowsPhone, as it was given, with the conversation behind it.
func TestDemoShowsPhone(t *testing.T) {
	w, _ := demoWorld(t, Options{})
	w.press(luna+"/bookings", booking())
	w.wantWords(luna, `href="/sandbox/whatsapp/phones/300%20111%202233">WhatsApp de 300 111 2233</a>`, `href="/sandbox/whatsapp"`)
}
