package sandbox

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"time"
)

// Verification is what came of the last handshake with the receiver of
// webhooks.
type Verification struct {
	URL     string    `json:"url"`         // empty: no receiver
	At      time.Time `json:"at,omitzero"` // zero: not tried yet
	OK      bool      `json:"ok"`
	Status  int       `json:"status"`            // HTTP; 0: no answer
	Problem string    `json:"problem,omitempty"` // why it is not OK
}

// WhatsAppVerification returns what came of the last handshake. Without one
// that went well nothing is told, as Meta lets nobody subscribe without; it is
// tried before the first telling by itself.
func (s *Sandbox) WhatsAppVerification() Verification {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.whatsapp.verification
	v.URL = s.whatsapp.CallbackURL
	return v
}

// VerifyWhatsAppCallback shakes hands with the receiver of webhooks now, as
// "Create a webhook endpoint" has it, and returns what is wrong, if anything
// is.
func (s *Sandbox) VerifyWhatsAppCallback(ctx context.Context) error {
	if s.whatsapp.CallbackURL == "" {
		return errors.New("no callback address")
	}
	return s.whatsapp.verify(ctx)
}

func (w *whatsapp) verify(ctx context.Context) error {
	status, err := w.challenge(ctx)
	v := Verification{At: w.sandbox.now(), Status: status, OK: err == nil}
	if err != nil {
		v.Problem = err.Error()
	}
	w.sandbox.mu.Lock()
	w.verification = v
	w.sandbox.mu.Unlock()
	return err
}

// verified shakes hands unless that went well before. One does, the others wait.
func (w *whatsapp) verified(ctx context.Context) error {
	select {
	case w.handshake <- struct{}{}:
		defer func() { <-w.handshake }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if w.sandbox.WhatsAppVerification().OK {
		return nil
	}
	return w.verify(ctx)
}

// challenge asks the receiver for a number that it is told.
func (w *whatsapp) challenge(ctx context.Context) (status int, err error) {
	number, err := rand.Int(rand.Reader, big.NewInt(1<<31))
	if err != nil {
		return 0, fmt.Errorf("choosing a challenge: %w", err)
	}
	u, err := url.Parse(w.CallbackURL)
	if err != nil {
		return 0, fmt.Errorf("the callback address: %w", err)
	}
	q := u.Query()
	q.Set("hub.mode", "subscribe")
	q.Set("hub.challenge", number.String())
	q.Set("hub.verify_token", w.VerifyToken)
	u.RawQuery = q.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return 0, fmt.Errorf("shaking hands: %w", err)
	}
	status, body, err := w.roundTrip(req)
	switch {
	case err != nil:
		return status, err
	case status != http.StatusOK:
		return status, fmt.Errorf("the receiver answered the handshake with %d", status)
	case body != number.String():
		return status, errors.New("the receiver's answer to the handshake is not the challenge")
	}
	return status, nil
}

// post sends a webhook, signed as "Create a webhook endpoint" has it. Whatever
// is not answered with 200 counts as lost: "Webhooks", on delivery failure.
func (w *whatsapp) post(ctx context.Context, body []byte) (status int, err error) {
	if err := w.verified(ctx); err != nil {
		return 0, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.CallbackURL, bytes.NewReader(body))
	if err != nil {
		return 0, fmt.Errorf("telling: %w", err)
	}
	mac := hmac.New(sha256.New, []byte(w.AppSecret))
	mac.Write(body)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "facebookexternalua")
	req.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	status, _, err = w.roundTrip(req)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("the receiver answered with %d", status)
	}
	return status, err
}

// roundTrip returns the answer's beginning. Its error does not quote the
// address, which has the verify token in it.
func (w *whatsapp) roundTrip(req *http.Request) (status int, body string, err error) {
	res, err := w.Client.Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err
		}
		return 0, "", fmt.Errorf("reaching the receiver: %w", err)
	}
	defer func() { _ = res.Body.Close() }() // it was read as far as wanted
	b, err := io.ReadAll(io.LimitReader(res.Body, 4<<10))
	if err != nil {
		return res.StatusCode, "", fmt.Errorf("reading the receiver's answer: %w", err)
	}
	return res.StatusCode, string(b), nil
}
