package webhook

import (
	"context"
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/config"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/logging"
	"github.com/citasync/citasync/shared/store"
	"github.com/citasync/citasync/shared/whatsapp"
)

// maxReceipts is the longest body of receipts that is read: Meta says 3 MB.
const maxReceipts = 3 << 20

// Bookings keeps the bookings that receipts are about.
type Bookings interface {
	ReadBooking(ctx context.Context, company booking.CompanyID, id booking.ID, of ...integration.ID) (store.Snapshot, error)
	CommitBooking(ctx context.Context, b *store.Booking) error
	PutConnection(ctx context.Context, company booking.CompanyID, c *integration.Connection, acts ...store.Activity) error
}

// WhatsApp is what the routes under /webhooks/whatsapp need.
type WhatsApp struct {
	Bookings     Bookings
	Installation string
	AppSecret    string
	VerifyToken  string
}

// Receipts returns what the configuration says of them; nil if that is nothing.
func Receipts(c config.Config, bookings Bookings) *WhatsApp {
	if c.WhatsApp.AppSecret.IsZero() {
		return nil
	}
	return &WhatsApp{
		Bookings: bookings, Installation: c.InstallationID,
		AppSecret: c.WhatsApp.AppSecret.Reveal(), VerifyToken: c.WhatsApp.VerifyToken.Reveal(),
	}
}

// receiver takes in what WhatsApp tells of messages that were sent.
type receiver struct {
	WhatsApp
	now func() time.Time
	log *slog.Logger
}

// verify answers Meta's question whether this is the right place ("Webhooks:
// Getting started"): the token that was agreed on for the challenge.
func (rc *receiver) verify(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	if q.Get("hub.mode") != "subscribe" || subtle.ConstantTimeCompare([]byte(q.Get("hub.verify_token")), []byte(rc.VerifyToken)) != 1 {
		return fmt.Errorf("%w: hub.mode must be subscribe and hub.verify_token what WHATSAPP_VERIFY_TOKEN says", fault.ErrForbidden)
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = io.WriteString(w, q.Get("hub.challenge")) //nolint:gosec // as plain text, to somebody who knows the token
	return nil
}

// receive answers POST. An error has Meta send the whole again, which does no
// harm: a receipt that is known says nothing new.
func (rc *receiver) receive(w http.ResponseWriter, r *http.Request) error {
	body, err := readBody(w, r, maxReceipts)
	if err != nil {
		return err
	}
	if !whatsapp.Signed(body, r.Header.Get("X-Hub-Signature-256"), rc.AppSecret) {
		return fmt.Errorf("%w: X-Hub-Signature-256 must be that of the body, by WHATSAPP_APP_SECRET", fault.ErrUnauthenticated)
	}
	receipts, err := whatsapp.Receipts(body, rc.Installation)
	if err != nil {
		return fmt.Errorf("%w: %w", fault.ErrInvalid, err)
	}
	for _, told := range receipts {
		ctx := logging.With(r.Context(), slog.String("company", string(told.Company)), slog.String("booking", string(told.Booking)))
		if err := rc.take(ctx, told); err != nil {
			return fmt.Errorf("receipt of company %q, booking %q: %w", told.Company, told.Booking, err)
		}
	}
	w.WriteHeader(http.StatusOK) // Meta takes nothing else for received
	return nil
}

// take lays a receipt into its booking's record, and again if that was changed
// meanwhile. One for a booking that is not known is nobody's.
func (rc *receiver) take(ctx context.Context, told whatsapp.Told) error {
	return store.Again(ctx, func() error {
		snap, err := rc.Bookings.ReadBooking(ctx, told.Company, told.Booking, integration.WhatsApp)
		if err != nil {
			return err
		}
		if snap.Booking == nil {
			rc.log.WarnContext(ctx, "receipt for a booking that is not known")
			return nil
		}
		return rc.lay(ctx, snap, told.Receipt)
	})
}

func (rc *receiver) lay(ctx context.Context, snap store.Snapshot, r integration.Receipt) error {
	b, now := snap.Booking, rc.now().UTC().Truncate(time.Microsecond)
	before, ok := b.Deliveries[integration.WhatsApp]
	if !ok {
		return nil
	}
	d, news, err := whatsapp.Take(integration.Task{
		Booking: b.Booking, State: b.State, At: b.At, Revision: b.Revision, Delivery: before, Now: now,
	}, r)
	if !news {
		return err
	}
	if d.Status == integration.Failed && before.Status != integration.Failed {
		if err := rc.refused(ctx, snap, now); err != nil {
			return err
		}
	}
	b.Deliveries[integration.WhatsApp] = d
	b.UpdatedAt = now
	if d.Status == integration.Pending && !d.NextAttemptAt.IsZero() {
		b.DueBy(d.NextAttemptAt)
	}
	if s, ok := step(d, before, r, now); ok {
		b.AddSteps(s)
	}
	if err := rc.Bookings.CommitBooking(ctx, b); err != nil {
		return err
	}
	rc.tell(ctx, d, before, r)
	return nil
}

// refused records in the connection that the company is to be told of a message
// that failed for good.
func (rc *receiver) refused(ctx context.Context, snap store.Snapshot, now time.Time) error {
	c := snap.Connections[integration.WhatsApp]
	if c.Status != integration.Connected {
		return nil
	}
	c.Refuse(now)
	return rc.Bookings.PutConnection(ctx, snap.Booking.Company, &c)
}

// step is what the booking's history says of a receipt: nothing of one that
// repeats the answer to the call.
func step(d, before integration.Delivery, r integration.Receipt, now time.Time) (store.Step, bool) {
	s := store.Step{At: now, Kind: string(r.Status), Integration: integration.WhatsApp, Outcome: "ok"}
	switch {
	case r.Status == integration.ReceiptFailed:
		s.Kind, s.Outcome, s.Detail = store.StepDelivery, string(integration.Failed), string(whatsapp.ReasonOf(r.Code))+": "+r.Code
		if d.Status == integration.Pending {
			s.Outcome = string(integration.Pending)
		}
	case r.Status == integration.ReceiptSent && before.ExternalID == r.ID:
		return store.Step{}, false
	}
	return s, true
}

// tell logs a receipt. A failure is logged as the engine logs one, so that the
// same alerts count it.
func (rc *receiver) tell(ctx context.Context, d, before integration.Delivery, r integration.Receipt) {
	attrs := []slog.Attr{
		slog.String("integration", string(integration.WhatsApp)), slog.Int64("revision", r.Revision), slog.String("kind", string(r.Kind)),
	}
	if r.Status != integration.ReceiptFailed {
		rc.log.LogAttrs(ctx, slog.LevelInfo, "receipt "+string(r.Status), append(attrs, slog.Bool("settled", d.Status != before.Status))...)
		return
	}
	why, level := whatsapp.ReasonOf(r.Code), slog.LevelWarn
	if why == integration.Internal {
		level = slog.LevelError
	}
	rc.log.LogAttrs(ctx, level, "delivery "+string(d.Status), append(attrs, slog.String("reason", string(why)), slog.String("code", r.Code))...)
}
