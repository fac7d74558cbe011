package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/bus"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/logging"
)

// MaxBody is the longest body that is read, in bytes.
const MaxBody = 64 << 10

// publishTimeout is short enough for the platform to hear of a failure before
// it gives up waiting.
const publishTimeout = 10 * time.Second

// Deps are what the handler needs.
type Deps struct {
	Publisher bus.Publisher
	Companies Companies // for the country of phone numbers without a country code
	Secrets   []string  // "whsec_…", newest first: any of them may have signed
	WhatsApp  *WhatsApp // nil: there are no routes for it
	Now       func() time.Time
	Log       *slog.Logger
}

// New returns the handler of all of the function's routes. It fails if there
// is no secret, or one that is not of Standard Webhooks' form.
func New(d Deps) (http.Handler, error) {
	v, err := newVerifier(d.Secrets)
	if err != nil {
		return nil, err
	}
	h := &handler{
		verifier:  v,
		countries: newCountries(d.Companies, d.Now, d.Log),
		publisher: d.Publisher,
		now:       d.Now,
		log:       d.Log,
	}
	mux := http.NewServeMux()
	mux.Handle("POST /webhooks/bookings", fault.Handler(d.Log, h.receive))
	mux.Handle("/webhooks/bookings", fault.Handler(d.Log, notAllowed("POST")))
	if d.WhatsApp != nil {
		rc := &receiver{*d.WhatsApp, d.Now, d.Log}
		mux.Handle("GET /webhooks/whatsapp", fault.Handler(d.Log, rc.verify))
		mux.Handle("POST /webhooks/whatsapp", fault.Handler(d.Log, rc.receive))
		mux.Handle("/webhooks/whatsapp", fault.Handler(d.Log, notAllowed("GET, HEAD, POST")))
	}
	mux.HandleFunc("GET /health", fault.Health)
	mux.Handle("/health", fault.Handler(d.Log, notAllowed("GET, HEAD")))
	mux.Handle("/", fault.Handler(d.Log, func(http.ResponseWriter, *http.Request) error { return fault.ErrNotFound }))
	return logging.Traced(mux), nil
}

func notAllowed(allow string) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Allow", allow)
		return fault.ErrMethod
	}
}

type handler struct {
	verifier  verifier
	countries *countries
	publisher bus.Publisher
	now       func() time.Time
	log       *slog.Logger
}

// receive answers POST /webhooks/bookings.
func (h *handler) receive(w http.ResponseWriter, r *http.Request) error {
	e, err := h.read(w, r)
	if err != nil {
		return err
	}
	ctx := logging.With(r.Context(), slog.String("company", string(e.Company)), slog.String("booking", string(e.Booking.ID)))
	if phone := e.Booking.Customer.Phone; phone != "" {
		e.Booking.Customer.Phone = h.countries.normalise(ctx, e.Company, phone)
	}
	id, err := h.publish(ctx, e)
	if err != nil {
		return err
	}
	h.log.InfoContext(ctx, "webhook accepted", "kind", string(e.Kind), "message_id", id)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusAccepted)
	_ = json.NewEncoder(w).Encode(map[string]string{"message_id": id}) // a platform that has gone will send it again
	return nil
}

// read returns the event of a request that passes every check.
func (h *handler) read(w http.ResponseWriter, r *http.Request) (booking.Event, error) {
	body, err := readBody(w, r, MaxBody)
	if err != nil {
		return booking.Event{}, err
	}
	now := h.now()
	if err := h.verifier.verify(body, r.Header, now); err != nil {
		return booking.Event{}, err
	}
	if err := checkContentType(r.Header.Get("Content-Type")); err != nil {
		return booking.Event{}, err
	}
	return booking.Decode(body, now)
}

func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &long):
		return nil, fmt.Errorf("%w: the body must not be longer than %d bytes", fault.ErrTooLarge, limit)
	case err != nil:
		return nil, fmt.Errorf("%w: the body ended early: %w", fault.ErrInvalid, err)
	}
	return body, nil
}

func checkContentType(value string) error {
	media, params, err := mime.ParseMediaType(value)
	charset, given := params["charset"]
	if err != nil || media != "application/json" || given && !strings.EqualFold(charset, "utf-8") {
		return fmt.Errorf("%w: Content-Type must be application/json, in UTF-8", fault.ErrMediaType)
	}
	return nil
}

// publish returns the id of the message that carries the event.
func (h *handler) publish(ctx context.Context, e booking.Event) (string, error) {
	data, err := booking.Encode(e)
	if err != nil {
		return "", err
	}
	topic, err := topicOf(e.Kind)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	id, err := h.publisher.Publish(ctx, topic, bus.Message{Data: data, Attributes: map[string]string{
		bus.AttrType:    e.Kind.EventType(),
		bus.AttrCompany: string(e.Company),
		bus.AttrBooking: string(e.Booking.ID),
		bus.AttrTrace:   logging.TraceOf(ctx).String(),
	}})
	if err != nil {
		return "", unpublished{company: e.Company, booking: e.Booking.ID, topic: topic, cause: err}
	}
	return id, nil
}

func topicOf(k booking.Kind) (bus.Topic, error) {
	switch k {
	case booking.Reserved:
		return bus.Reserved, nil
	case booking.Confirmed:
		return bus.Confirmed, nil
	case booking.Deleted:
		return bus.Deleted, nil
	}
	return "", fmt.Errorf("no topic for events of kind %q", k)
}

// unpublished is the failure to publish an event. Whatever the class of its
// cause, to the platform it is that the service is unavailable: a topic that
// is missing, for example, must not be answered with 404.
type unpublished struct {
	company booking.CompanyID
	booking booking.ID
	topic   bus.Topic
	cause   error
}

func (u unpublished) Error() string {
	return fmt.Sprintf("publish event of company %q, booking %q on %s: %v", u.company, u.booking, u.topic, u.cause)
}

// Unwrap leaves the cause out on purpose.
func (u unpublished) Unwrap() error { return fault.ErrUnavailable }
