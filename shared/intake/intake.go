// Package intake is the one handler behind the functions that a booking's
// messages are pushed to: it unwraps the message, decodes its event and
// applies it.
package intake

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/bus"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/logging"
)

// maxBody bounds a push request. Events are at most 64 KiB, a third more in
// base64, and attributes come on top.
const maxBody = 1 << 20

// Deps are what the handler needs.
type Deps struct {
	// Apply records the event; see converge.Engine.
	Apply func(context.Context, booking.Event) error
	Now   func() time.Time
	Log   *slog.Logger
}

// Push is the body of a Pub/Sub push request ("Receive push messages" in its
// documentation). An Eventarc CloudEvent of type
// google.cloud.pubsub.topic.v1.messagePublished has the same, or has it in
// "data" when it comes in structured mode.
type Push struct {
	Message struct {
		Data       []byte            `json:"data"` // base64 in JSON
		Attributes map[string]string `json:"attributes"`
		MessageID  string            `json:"messageId"`
	} `json:"message"`
	Subscription    string `json:"subscription"`
	DeliveryAttempt int    `json:"deliveryAttempt"` // 0 without a dead-letter policy
}

// Decode reads a push request's body.
func Decode(r io.Reader) (Push, error) {
	var body struct {
		Push
		Data *Push `json:"data"`
	}
	if err := json.NewDecoder(r).Decode(&body); err != nil {
		return Push{}, fmt.Errorf("%w push envelope: %w", fault.ErrInvalid, err)
	}
	p := body.Push
	if p.Message.MessageID == "" && body.Data != nil {
		p = *body.Data
	}
	if p.Message.MessageID == "" {
		return Push{}, fmt.Errorf("%w push envelope: message.messageId is missing", fault.ErrInvalid)
	}
	return p, nil
}

// New returns the handler: POST on any path takes a message, GET /health
// answers ok.
//
// 204 acknowledges a message that is recorded. 400 refuses one that can never
// be, so that it ends in the dead-letter topic and not in silence. Anything
// else asks for it to be delivered again.
func New(deps Deps) http.Handler {
	h := &handler{deps}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", fault.Health)
	mux.Handle("POST /", fault.Handler(deps.Log, h.receive))
	return mux
}

type handler struct{ Deps }

func (h *handler) receive(w http.ResponseWriter, r *http.Request) error {
	push, err := Decode(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return err
	}
	// In place, so that whoever logs about this request, up to the one who
	// recovers from a panic, tells of the message.
	*r = *r.WithContext(push.Context(r.Context()))
	if err := h.apply(r.Context(), push.Message.Data); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (h *handler) apply(ctx context.Context, data []byte) error {
	ev, err := booking.Decode(data, h.Now())
	if err != nil { // of whatever kind, it is as bad the next time
		return fmt.Errorf("%w message: %s", fault.ErrInvalid, err.Error())
	}
	return h.Apply(ctx, ev)
}

// Context returns a context whose log lines tell of the message, in the trace
// of the request that published it.
func (p *Push) Context(ctx context.Context) context.Context {
	ctx = logging.WithTrace(ctx, p.Message.Attributes[bus.AttrTrace])
	attrs := []slog.Attr{slog.String("message_id", p.Message.MessageID)}
	if p.DeliveryAttempt > 0 {
		attrs = append(attrs, slog.Int("delivery_attempt", p.DeliveryAttempt))
	}
	return logging.With(ctx, attrs...)
}
