package sandbox

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	anasPhone   = "+573001112233"
	otherPhone  = "+34600000011"
	callbackURL = "http://citasync.test/webhooks/whatsapp"
)

// phoneBook takes webhooks as an installation would, and answers as it is told.
type phoneBook struct {
	t *testing.T

	mu       sync.Mutex
	answers  []int         // to webhooks, one after the other; 0: none, the connection is lost; at the end 200
	delay    time.Duration // of every answer
	refuse   bool          // handshakes
	mangle   bool          // the challenge
	shaken   int
	statuses []webhookStatus // that were taken
	arrivals []time.Time     // of webhooks, taken or not
	bodies   []string
}

// RoundTrip implements [http.RoundTripper].
func (p *phoneBook) RoundTrip(r *http.Request) (*http.Response, error) {
	p.mu.Lock()
	delay := p.delay
	p.mu.Unlock()
	if !wait(r.Context(), delay) {
		return nil, r.Context().Err()
	}
	if at := r.URL.Scheme + "://" + r.URL.Host + r.URL.Path; at != callbackURL {
		p.t.Errorf("called at %s", at)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if r.Method == http.MethodGet {
		return p.shake(r)
	}
	return p.take(r)
}

func (p *phoneBook) shake(r *http.Request) (*http.Response, error) {
	p.shaken++
	q := r.URL.Query()
	if p.refuse || q.Get("hub.mode") != "subscribe" || q.Get("hub.verify_token") != DefaultWhatsAppVerifyToken || q.Get("hub.challenge") == "" {
		return respond(http.StatusForbidden, ""), nil
	}
	if p.mangle {
		return respond(http.StatusOK, `"`+q.Get("hub.challenge")+`"`), nil
	}
	return respond(http.StatusOK, q.Get("hub.challenge")), nil
}

func (p *phoneBook) take(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	mac := hmac.New(sha256.New, []byte(DefaultWhatsAppAppSecret))
	mac.Write(body)
	if got := r.Header.Get("X-Hub-Signature-256"); got != "sha256="+hex.EncodeToString(mac.Sum(nil)) || r.Method != http.MethodPost {
		p.t.Errorf("%s, signed %s", r.Method, got)
	}
	p.arrivals = append(p.arrivals, time.Now())
	status := http.StatusOK
	if len(p.answers) > 0 {
		status, p.answers = p.answers[0], p.answers[1:]
	}
	if status == 0 {
		return nil, io.ErrUnexpectedEOF
	}
	if status == http.StatusOK {
		var payload webhookPayload
		if err := json.Unmarshal(body, &payload); err != nil {
			p.t.Error(err)
		}
		p.statuses = append(p.statuses, payload.Entry[0].Changes[0].Value.Statuses...)
		p.bodies = append(p.bodies, string(body))
	}
	return respond(status, ""), nil
}

func respond(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}

// told are the statuses that were taken, as "sent", "failed 131026".
func (p *phoneBook) told() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []string
	for _, s := range p.statuses {
		word := string(s.Status)
		for _, e := range s.Errors {
			word += fmt.Sprint(" ", e.Code)
		}
		out = append(out, word)
	}
	return out
}

func (p *phoneBook) want(t *testing.T, words ...string) {
	t.Helper()
	if diff := cmp.Diff(words, p.told()); diff != "" {
		t.Error(diff)
	}
}

// writer is a world in which WhatsApp tells a phone book.
func writer(t *testing.T, o Options) (*world, *phoneBook) {
	t.Helper()
	p := &phoneBook{t: t}
	o.WhatsApp.CallbackURL = callbackURL
	o.WhatsApp.Client = &http.Client{Transport: p}
	w := local(t, o)
	t.Cleanup(w.s.Close)
	return w, p
}

// message is the body of a call that sends one; nil in change takes a field out.
func message(change map[string]any) map[string]any {
	params := []any{}
	for _, text := range []string{"Ana", "Peluquería Sol", "Corte", "martes, 1 de diciembre", "10:00"} {
		params = append(params, map[string]any{"type": "text", "text": text})
	}
	m := map[string]any{
		"messaging_product": "whatsapp", "recipient_type": "individual", "to": anasPhone, "type": "template",
		"template": map[string]any{
			"name": "booking_reserved", "language": map[string]any{"code": "es"},
			"components": []any{map[string]any{"type": "body", "parameters": params}},
		},
	}
	maps.Copy(m, change)
	maps.DeleteFunc(m, func(_ string, v any) bool { return v == nil })
	return m
}

// graph calls the Graph API and returns its answer.
func (w *world) graph(ctx context.Context, path, token string, body any) (int, []byte, error) {
	w.t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		w.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.base+path, bytes.NewReader(b))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	res, err := w.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	return res.StatusCode, answer, err
}

const messagesPath = "/v23.0/" + DefaultWhatsAppPhoneNumberID + "/messages"

// sendError is an error of the Graph API.
type sendError struct {
	status int
	graphErrorDetail
}

// Error is Meta's message.
func (e *sendError) Error() string { return e.Message }

// send sends a message and returns its id, or a *sendError.
func (w *world) send(ctx context.Context, body map[string]any) (string, error) {
	w.t.Helper()
	status, answer, err := w.graph(ctx, messagesPath, DefaultWhatsAppToken, body)
	if err != nil {
		return "", err
	}
	if status != http.StatusOK {
		var e graphErrorBody
		if err := json.Unmarshal(answer, &e); err != nil {
			return "", err
		}
		return "", &sendError{status, e.Error}
	}
	var a sendAnswer
	if err := json.Unmarshal(answer, &a); err != nil {
		return "", err
	}
	return a.Messages[0].ID, nil
}

func (w *world) mustSend(change map[string]any) string {
	w.t.Helper()
	id, err := w.send(w.t.Context(), message(change))
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

// wantGraphError checks an error's code and HTTP status.
func wantGraphError(t *testing.T, err error, code, status int) *sendError {
	t.Helper()
	var e *sendError
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want %d", err, code)
	}
	if e.Code != code || e.status != status || e.TraceID == "" || e.Message == "" {
		t.Errorf("got %d %+v, want %d with status %d", e.status, e.graphErrorDetail, code, status)
	}
	return e
}
