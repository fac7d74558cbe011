package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// demoMessage is a webhook in the platform's outbox, where it stays until the
// receiver has taken it.
type demoMessage struct {
	ID        string          `json:"id"` // the same at every try
	Company   string          `json:"company"`
	Booking   string          `json:"booking"`
	Type      string          `json:"type"`
	Body      json.RawMessage `json:"body"`
	Created   time.Time       `json:"created"`
	Attempts  int             `json:"attempts"`
	Delivered bool            `json:"delivered"`
	Status    int             `json:"status"`     // of the last answer; 0: none
	MessageID string          `json:"message_id"` // the receiver's
	Problem   string          `json:"problem"`    // what was wrong with the last try
}

// webhookBody is the event that a webhook tells of.
type webhookBody struct {
	Type      string      `json:"type"`
	Timestamp time.Time   `json:"timestamp"`
	Data      webhookData `json:"data"`
}

type webhookData struct {
	CompanyID string         `json:"company_id"`
	Booking   webhookBooking `json:"booking"`
}

// webhookBooking has only its id when it was deleted.
type webhookBooking struct {
	ID       string        `json:"id"`
	Service  string        `json:"service,omitempty"`
	Start    string        `json:"start,omitempty"`
	End      string        `json:"end,omitempty"`
	TimeZone string        `json:"time_zone,omitempty"`
	Customer *demoCustomer `json:"customer,omitempty"`
	Staff    string        `json:"staff,omitempty"`
	Location string        `json:"location,omitempty"`
	Notes    string        `json:"notes,omitempty"`
	URL      string        `json:"url,omitempty"`
}

// newMessage tells of the booking as it is now.
func newMessage(b *demoBooking, here string) (*demoMessage, error) {
	w := webhookBooking{ID: b.ID}
	if b.State != "deleted" {
		end, err := b.end()
		if err != nil {
			return nil, err
		}
		w = webhookBooking{
			ID: b.ID, Service: b.Service, Start: b.Start, End: end, TimeZone: b.TimeZone, Customer: &b.Customer,
			Staff: b.Staff, Location: b.Location, Notes: b.Notes, URL: here + "/demo/companies/" + b.Company + "#booking-" + b.ID,
		}
	}
	body := webhookBody{"booking." + b.State, b.At, webhookData{b.Company, w}}
	data, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("encoding a webhook: %w", err)
	}
	return &demoMessage{
		ID: "msg_" + randomToken(), Company: b.Company, Booking: b.ID, Type: body.Type, Body: data, Created: b.At,
	}, nil
}

// maxDelivered is how many delivered messages the platform remembers.
const maxDelivered = 100

func (st *demoState) add(m *demoMessage) {
	surplus := -maxDelivered
	for _, old := range st.Messages {
		if old.Delivered {
			surplus++
		}
	}
	st.Messages = slices.DeleteFunc(st.Messages, func(old *demoMessage) bool {
		if old.Delivered && surplus > 0 {
			surplus--
			return true
		}
		return false
	})
	st.Messages = append(st.Messages, m)
}

func (d *demo) sendAgain(r *http.Request, _ Company) error {
	return d.send(r.Context(), r.PathValue("message"))
}

// send posts a message that waits in the outbox and records what came of it.
func (d *demo) send(ctx context.Context, id string) error {
	var m demoMessage
	err := d.sandbox.read(func(st *state) error {
		waiting, err := st.Demo.message(id)
		if err == nil {
			m = *waiting
		}
		return err
	})
	if err != nil || m.Delivered {
		return err
	}
	m.Status, m.MessageID, m.Problem = d.post(ctx, m)
	return d.sandbox.change(func(st *state) error {
		kept, err := st.Demo.message(id)
		if err != nil {
			return err
		}
		kept.Attempts++
		if !kept.Delivered {
			kept.Status, kept.MessageID, kept.Problem = m.Status, m.MessageID, m.Problem
			kept.Delivered = m.Problem == ""
		}
		return nil
	})
}

func (st *demoState) message(id string) (*demoMessage, error) {
	for _, m := range st.Messages {
		if m.ID == id {
			return m, nil
		}
	}
	return nil, errors.New("ese aviso no existe")
}

// post sends a message once. Signature and timestamp are of the moment, as
// Standard Webhooks asks of every try. The problem is empty if it was taken.
func (d *demo) post(ctx context.Context, m demoMessage) (status int, messageID, problem string) {
	now := d.sandbox.now()
	signature, err := d.signer.Sign(m.ID, now, m.Body)
	if err != nil {
		return 0, "", err.Error()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.WebhookURL, bytes.NewReader(m.Body))
	if err != nil {
		return 0, "", err.Error()
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(standardwebhooks.HeaderWebhookID, m.ID)
	req.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	req.Header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	res, err := d.Client.Do(req)
	if err != nil {
		return 0, "", "no se pudo enviar: " + err.Error()
	}
	defer func() { _ = res.Body.Close() }() // it was read as far as wanted
	body, err := io.ReadAll(io.LimitReader(res.Body, 16<<10))
	if err != nil {
		return res.StatusCode, "", "no se pudo leer la respuesta: " + err.Error()
	}
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return res.StatusCode, "", refusal(res.Status, body)
	}
	var taken struct {
		MessageID string `json:"message_id"`
	}
	_ = json.Unmarshal(body, &taken) // a receiver need not say how it calls the message
	return res.StatusCode, taken.MessageID, ""
}

// refusal is what a problem document (RFC 9457), or any other answer, says.
func refusal(status string, body []byte) string {
	var p struct {
		Title, Detail string
		Errors        []struct{ Field, Message string }
	}
	if json.Unmarshal(body, &p) != nil || p.Title+p.Detail == "" {
		return status
	}
	words := []string{status + ": " + orDefault(p.Detail, p.Title)}
	for _, e := range p.Errors {
		words = append(words, e.Field+": "+e.Message)
	}
	return strings.Join(words, "; ")
}
