package sandbox

import (
	"net/http"
	"slices"
	"time"
)

func (w *whatsapp) routePages(mux *http.ServeMux) {
	mux.HandleFunc("GET /sandbox/whatsapp", func(rw http.ResponseWriter, _ *http.Request) {
		render(rw, http.StatusOK, "whatsapp", w.phones())
	})
	mux.HandleFunc("GET /sandbox/whatsapp/phones/{phone}", w.showConversation)
}

type whatsappView struct {
	Phones       []phoneView // who was written to last comes first
	Verification Verification
}

type phoneView struct {
	Phone string // digits
	Count int
	Last  messageView
}

// messageView is a message as its recipient sees it, with what the sender knows
// of it.
type messageView struct {
	WhatsAppMessage
	Happened MessageStatus
	Error    WhatsAppError // if it failed
	Untold   []WhatsAppStatus
}

func (w *whatsapp) view(m WhatsAppMessage, now time.Time) messageView {
	v := messageView{WhatsAppMessage: m, Happened: m.StatusAt(now)}
	for _, s := range m.Statuses {
		if s.Status == Failed && v.Happened == Failed {
			v.Error, _ = whatsAppError(s.Code) // it is known, or it would not have been planned
		}
		if s.Told.IsZero() && s.Attempts > 0 {
			v.Untold = append(v.Untold, s)
		}
	}
	return v
}

func (w *whatsapp) phones() whatsappView {
	v := whatsappView{Verification: w.sandbox.WhatsAppVerification()}
	counts := make(map[string]int)
	messages := w.sandbox.WhatsAppMessages()
	for _, m := range messages {
		counts[m.Recipient]++
	}
	now := w.sandbox.now()
	for _, m := range slices.Backward(messages) {
		if n := counts[m.Recipient]; n > 0 {
			v.Phones = append(v.Phones, phoneView{m.Recipient, n, w.view(m, now)})
			counts[m.Recipient] = 0
		}
	}
	return v
}

type conversationView struct {
	Phone    string
	Messages []messageView // oldest first
}

// showConversation shows a phone's messages, and so reads them: that the page
// is a GET is as it is with the app, which a look makes say so.
func (w *whatsapp) showConversation(rw http.ResponseWriter, r *http.Request) {
	phone := r.PathValue("phone")
	if err := w.sandbox.ReadConversation(phone); err != nil {
		render(rw, http.StatusInternalServerError, "refused", "No se pudo guardar el cambio.")
		return
	}
	v := conversationView{Phone: digits(phone)}
	now := w.sandbox.now()
	for _, m := range w.sandbox.conversation(phone) {
		v.Phone = m.Recipient
		v.Messages = append(v.Messages, w.view(m, now))
	}
	render(rw, http.StatusOK, "conversation", v)
}
