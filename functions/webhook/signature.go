package webhook

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/citasync/citasync/shared/fault"
)

// tolerance is how far a webhook's timestamp may be from our clock, exactly
// that far included.
const tolerance = 5 * time.Minute

// The sizes of a secret, in bytes, that the specification of Standard Webhooks
// asks for ("Signature scheme").
const (
	minSecret = 24
	maxSecret = 64
)

// verifier checks signatures with each of the secrets.
type verifier []*standardwebhooks.Webhook

func newVerifier(secrets []string) (verifier, error) {
	if len(secrets) == 0 {
		return nil, errors.New("no webhook secret: nobody could be believed")
	}
	var v verifier
	for i, s := range secrets {
		w, err := newWebhook(s)
		if err != nil {
			return nil, fmt.Errorf("webhook secret %d of %d: %w", i+1, len(secrets), err)
		}
		v = append(v, w)
	}
	return v, nil
}

// newWebhook checks what the library does not: with a secret of no bytes
// anyone can sign. The error does not repeat the secret.
func newWebhook(secret string) (*standardwebhooks.Webhook, error) {
	text, ok := strings.CutPrefix(secret, "whsec_")
	key, err := base64.StdEncoding.DecodeString(text)
	if !ok || err != nil || len(key) < minSecret || len(key) > maxSecret {
		return nil, fmt.Errorf("must be whsec_ and %d to %d bytes in base64", minSecret, maxSecret)
	}
	return standardwebhooks.NewWebhookRaw(key)
}

// verify checks who sent a webhook, then when. The library's own check of the
// time reads the machine's clock.
func (v verifier) verify(body []byte, h http.Header, now time.Time) error {
	for _, name := range []string{
		standardwebhooks.HeaderWebhookID, standardwebhooks.HeaderWebhookTimestamp, standardwebhooks.HeaderWebhookSignature,
	} {
		if h.Get(name) == "" {
			return fmt.Errorf("%w: the header %s is missing", fault.ErrUnauthenticated, name)
		}
	}
	seconds, err := strconv.ParseInt(h.Get(standardwebhooks.HeaderWebhookTimestamp), 10, 64)
	if err != nil {
		return fmt.Errorf("%w: webhook-timestamp must be in seconds since 1970", fault.ErrUnauthenticated)
	}
	if !v.signed(body, h) {
		return fmt.Errorf("%w: no signature in webhook-signature fits the id, the timestamp, the body and a known secret", fault.ErrUnauthenticated)
	}
	if now.Sub(time.Unix(seconds, 0)).Abs() > tolerance {
		return fmt.Errorf("%w: webhook-timestamp must be within five minutes of now", fault.ErrUnauthenticated)
	}
	return nil
}

func (v verifier) signed(body []byte, h http.Header) bool {
	for _, w := range v {
		if w.VerifyIgnoringTimestamp(body, h) == nil {
			return true
		}
	}
	return false
}

// Sign returns the headers with which a sender posts a body: those of Standard
// Webhooks, and the content type. A webhook that is sent again keeps its id.
func Sign(secret, id string, at time.Time, body []byte) (http.Header, error) {
	w, err := newWebhook(secret)
	if err != nil {
		return nil, fmt.Errorf("webhook secret: %w", err)
	}
	signature, err := w.Sign(id, at, body)
	if err != nil {
		return nil, fmt.Errorf("sign webhook %q: %w", id, err)
	}
	h := http.Header{}
	h.Set("Content-Type", "application/json")
	h.Set(standardwebhooks.HeaderWebhookID, id)
	h.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(at.Unix(), 10))
	h.Set(standardwebhooks.HeaderWebhookSignature, signature)
	return h, nil
}
