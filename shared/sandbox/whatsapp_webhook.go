package sandbox

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
)

// tell tells a status after that time, again and again until it is taken or
// enough was tried.
func (w *whatsapp) tell(ctx context.Context, message string, status int, delay time.Duration) {
	tries := w.sandbox.WhatsAppBehaviour().tries()
	for try := range tries {
		if !wait(ctx, delay) || w.tellOnce(ctx, message, status) {
			return
		}
		delay = min(time.Second<<min(try, 10), 5*time.Minute)
	}
}

// tellOnce reports whether there is nothing more to tell.
func (w *whatsapp) tellOnce(ctx context.Context, message string, status int) bool {
	body, err := w.webhook(message, status)
	if err != nil { // the message was forgotten
		return true
	}
	answer, err := w.post(ctx, body)
	if ctx.Err() != nil {
		return true
	}
	_ = w.sandbox.change(func(st *state) error { // a message forgotten meanwhile keeps nothing
		m, kept := st.message(message)
		if kept != nil {
			return kept
		}
		s, kept := m.status(status)
		if kept != nil {
			return kept
		}
		s.Attempts++
		s.Answer, s.Problem = answer, ""
		if err != nil {
			s.Problem = err.Error()
		} else {
			s.Told = w.sandbox.now()
		}
		return nil
	})
	return err == nil
}

func (m *WhatsAppMessage) status(id int) (*WhatsAppStatus, error) {
	i := slices.IndexFunc(m.Statuses, func(s WhatsAppStatus) bool { return s.ID == id })
	if i < 0 {
		return nil, errNoMessage
	}
	return &m.Statuses[i], nil
}

// The parts of a webhook that tells of a status: Meta's page "Status messages
// webhook reference".
type (
	webhookPayload struct {
		Object string         `json:"object"`
		Entry  []webhookEntry `json:"entry"`
	}
	webhookEntry struct {
		ID      string          `json:"id"`
		Changes []webhookChange `json:"changes"`
	}
	webhookChange struct {
		Value webhookValue `json:"value"`
		Field string       `json:"field"`
	}
	webhookValue struct {
		Product  string          `json:"messaging_product"`
		Metadata webhookMetadata `json:"metadata"`
		Statuses []webhookStatus `json:"statuses"`
	}
	webhookMetadata struct {
		DisplayPhoneNumber string `json:"display_phone_number"`
		PhoneNumberID      string `json:"phone_number_id"`
	}
	webhookStatus struct {
		ID           string               `json:"id"`
		Status       MessageStatus        `json:"status"`
		Timestamp    string               `json:"timestamp"` // Unix time
		RecipientID  string               `json:"recipient_id"`
		CallbackData string               `json:"biz_opaque_callback_data,omitempty"`
		Conversation *webhookConversation `json:"conversation,omitempty"`
		Pricing      *webhookPricing      `json:"pricing,omitempty"`
		Errors       []webhookError       `json:"errors,omitempty"`
	}
	webhookConversation struct {
		ID      string        `json:"id"`
		Expires string        `json:"expiration_timestamp,omitempty"` // Unix time
		Origin  webhookOrigin `json:"origin"`
	}
	webhookOrigin struct {
		Type string `json:"type"`
	}
	webhookPricing struct {
		Billable bool   `json:"billable"`
		Model    string `json:"pricing_model"`
		Type     string `json:"type"`
		Category string `json:"category"`
	}
	webhookError struct {
		Code    int            `json:"code"`
		Title   string         `json:"title"`
		Message string         `json:"message"`
		Data    graphErrorData `json:"error_data"`
		Href    string         `json:"href"`
	}
)

// webhook is the body that tells of a status.
func (w *whatsapp) webhook(message string, status int) ([]byte, error) {
	var told webhookStatus
	err := w.sandbox.read(func(st *state) error {
		m, err := st.message(message)
		if err != nil {
			return err
		}
		s, err := m.status(status)
		if err == nil {
			told = m.webhook(s)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(webhookPayload{"whatsapp_business_account", []webhookEntry{{
		ID: businessAccountID,
		Changes: []webhookChange{{Field: "messages", Value: webhookValue{
			Product:  "whatsapp",
			Metadata: webhookMetadata{businessPhone, w.PhoneNumberID},
			Statuses: []webhookStatus{told},
		}}},
	}}})
	if err != nil {
		return nil, fmt.Errorf("encoding a webhook: %w", err)
	}
	return escapeUnicode(body), nil
}

func (m *WhatsAppMessage) webhook(s *WhatsAppStatus) webhookStatus {
	out := webhookStatus{
		ID: m.ID, Status: s.Status, Timestamp: unixSeconds(s.At), RecipientID: m.Recipient, CallbackData: m.CallbackData,
	}
	if s.Status == Failed {
		e, _ := whatsAppError(s.Code) // it is known, or it would not have been planned
		out.Errors = []webhookError{{
			Code: e.Code, Title: e.Title, Message: e.Title, Data: graphErrorData{Details: e.Details},
			Href: "/documentation/business-messaging/whatsapp/support/error-codes",
		}}
		return out
	}
	if s.Status == Read && slices.ContainsFunc(m.Statuses, func(s WhatsAppStatus) bool { return s.Status == Delivered }) {
		return out // the price was told with the delivery
	}
	out.Pricing = &webhookPricing{Billable: true, Model: "PMP", Type: "regular", Category: m.Category}
	if m.majorVersion() < 24 {
		out.Conversation = m.webhookConversation(s)
	}
	return out
}

// webhookConversation is told before version 24: each message has its own.
func (m *WhatsAppMessage) webhookConversation(s *WhatsAppStatus) *webhookConversation {
	id := sha256.Sum256([]byte(m.ID))
	c := &webhookConversation{ID: hex.EncodeToString(id[:16]), Origin: webhookOrigin{m.Category}}
	if s.Status == Sent {
		c.Expires = unixSeconds(s.At.Add(24 * time.Hour))
	}
	return c
}

func (m *WhatsAppMessage) majorVersion() int {
	major, _, _ := strings.Cut(strings.TrimPrefix(m.Version, "v"), ".")
	n, _ := strconv.Atoi(major) // it is a number, or the call would not have been accepted
	return n
}

func unixSeconds(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }

// escapeUnicode writes JSON in ASCII, as Meta does: its signature is of that.
func escapeUnicode(body []byte) []byte {
	var b bytes.Buffer
	for _, r := range string(body) {
		switch {
		case r < 0x80:
			b.WriteRune(r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		}
	}
	return b.Bytes()
}
