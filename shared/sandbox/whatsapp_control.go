package sandbox

import (
	"errors"
	"net/http"
	"time"
)

// routeControl adds what scripts use.
func (w *whatsapp) routeControl(mux *http.ServeMux) {
	s := w.sandbox
	show := func(name string, what func() any) http.HandlerFunc {
		return func(rw http.ResponseWriter, _ *http.Request) {
			jsonAnswer(http.StatusOK, map[string]any{name: what()}).write(rw)
		}
	}
	mux.HandleFunc("GET /sandbox/whatsapp/messages.json", show("messages", func() any { return s.WhatsAppMessages() }))
	mux.HandleFunc("DELETE /sandbox/whatsapp/messages.json", func(rw http.ResponseWriter, _ *http.Request) {
		done(rw, s.ClearWhatsAppMessages(), http.StatusInternalServerError)
	})
	mux.HandleFunc("GET /sandbox/whatsapp/errors.json", show("errors", func() any { return WhatsAppErrors() }))
	mux.HandleFunc("GET /sandbox/whatsapp/templates.json", show("templates", func() any { return s.WhatsAppTemplates() }))
	mux.HandleFunc("PUT /sandbox/whatsapp/templates.json", change(s.SetWhatsAppTemplate))
	mux.HandleFunc("GET /sandbox/whatsapp/behaviour", func(rw http.ResponseWriter, _ *http.Request) {
		jsonAnswer(http.StatusOK, s.WhatsAppBehaviour().wire()).write(rw)
	})
	mux.HandleFunc("PUT /sandbox/whatsapp/behaviour", change(func(b wireWhatsAppBehaviour) error {
		return s.SetWhatsAppBehaviour(b.behaviour())
	}))
	mux.HandleFunc("POST /sandbox/whatsapp/statuses", change(func(p wireMessageStatus) error {
		if p.Message == "" {
			return errors.New("no message")
		}
		return s.TellWhatsAppStatus(p.Message, p.planned())
	}))
	mux.HandleFunc("GET /sandbox/whatsapp/verification", func(rw http.ResponseWriter, _ *http.Request) {
		jsonAnswer(http.StatusOK, s.WhatsAppVerification()).write(rw)
	})
	mux.HandleFunc("POST /sandbox/whatsapp/verification", func(rw http.ResponseWriter, r *http.Request) {
		done(rw, s.VerifyWhatsAppCallback(r.Context()), http.StatusBadGateway)
	})
}

// change is an endpoint whose body is what f takes.
func change[T any](f func(T) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var in T
		err := decodeStrictly(w, r, &in)
		if err == nil {
			err = f(in)
		}
		done(w, err, http.StatusBadRequest)
	}
}

// done answers with nothing, or with the error under that status.
func done(w http.ResponseWriter, err error, status int) {
	if errors.Is(err, errNoMessage) {
		status = http.StatusNotFound
	}
	if err != nil {
		controlError(w, status, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// wirePlannedStatus is a [PlannedStatus] as JSON, wireMessageStatus one of a
// message that was accepted.
type (
	wirePlannedStatus struct {
		Status MessageStatus `json:"status"`
		Code   int           `json:"code,omitempty"`
		After  wireDuration  `json:"after,omitempty"`
		Late   wireDuration  `json:"late,omitempty"`
		Times  int           `json:"times,omitempty"`
	}
	wireMessageStatus struct {
		Message string `json:"message"`
		wirePlannedStatus
	}
)

func (p PlannedStatus) wire() wirePlannedStatus {
	return wirePlannedStatus{p.Status, p.Code, wireDuration(p.After), wireDuration(p.Late), p.Times}
}

func (p wirePlannedStatus) planned() PlannedStatus {
	return PlannedStatus{p.Status, p.Code, time.Duration(p.After), time.Duration(p.Late), p.Times}
}

// wireWhatsAppBehaviour is a [WhatsAppBehaviour] as JSON.
type wireWhatsAppBehaviour struct {
	Statuses       []wirePlannedStatus `json:"statuses"` // null: the usual
	PerSecond      int                 `json:"per_second"`
	PairInterval   wireDuration        `json:"pair_interval"`
	PairBurst      int                 `json:"pair_burst"`
	Tries          int                 `json:"tries"`
	NoReadReceipts bool                `json:"no_read_receipts"`
}

func (b WhatsAppBehaviour) wire() wireWhatsAppBehaviour {
	out := wireWhatsAppBehaviour{
		PerSecond: b.PerSecond, PairInterval: wireDuration(b.PairInterval), PairBurst: b.PairBurst, Tries: b.Tries, NoReadReceipts: b.NoReadReceipts,
	}
	if b.Statuses != nil {
		out.Statuses = make([]wirePlannedStatus, 0, len(b.Statuses))
	}
	for _, p := range b.Statuses {
		out.Statuses = append(out.Statuses, p.wire())
	}
	return out
}

func (b wireWhatsAppBehaviour) behaviour() WhatsAppBehaviour {
	out := WhatsAppBehaviour{
		PerSecond: b.PerSecond, PairInterval: time.Duration(b.PairInterval), PairBurst: b.PairBurst, Tries: b.Tries, NoReadReceipts: b.NoReadReceipts,
	}
	if b.Statuses != nil {
		out.Statuses = make([]PlannedStatus, 0, len(b.Statuses))
	}
	for _, p := range b.Statuses {
		out.Statuses = append(out.Statuses, p.planned())
	}
	return out
}
