package webhook

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestSpecificationExample signs the example of the Standard Webhooks
// libraries.
func TestSpecificationExample(t *testing.T) {
	h, err := Sign("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := h.Get("webhook-signature"); got != "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" {
		t.Errorf("got %s", got)
	}
	if h.Get("webhook-id") != "msg_p5jXN8AQM9LWM0D4loKWxJek" || h.Get("webhook-timestamp") != "1614265330" {
		t.Errorf("headers %v", h)
	}
}

func signature(t testing.TB, secret string) string {
	t.Helper()
	h, err := Sign(secret, "msg_1", now, []byte(example))
	if err != nil {
		t.Fatal(err)
	}
	return h.Get("webhook-signature")
}

func TestSignatures(t *testing.T) {
	fresh, old, other := signature(t, newSecret), signature(t, oldSecret), signature(t, otherSecret)
	tests := []struct {
		name, header string
		status       int
	}{
		{"new secret", fresh, 202},
		{"old secret", old, 202},
		{"unknown secret", other, 401},
		{"several signatures, one of a known secret", other + " " + old, 202},
		{"known first", fresh + " " + other, 202},
		{"several unknown", other + " " + other, 401},
		{"asymmetric signature beside ours", "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg== " + fresh, 202},
		{"ours under another version", strings.Replace(fresh, "v1,", "v1a,", 1), 401},
		{"ours under version 2", strings.Replace(fresh, "v1,", "v2,", 1), 401},
		{"empty signature", "v1,", 401},
		{"part of it", fresh[:len(fresh)-2], 401},
		{"not base64", "v1,!!!!", 401},
		{"no comma", strings.Replace(fresh, ",", "", 1), 401},
		{"spaces", "   ", 401},
	}
	for _, test := range tests {
		w := newWorld(t)
		r := signed(t, example)
		r.Header.Set("webhook-signature", test.header)
		if rec := w.send(r); rec.Code != test.status {
			t.Errorf("%s: got %d %s", test.name, rec.Code, rec.Body)
		}
	}
}

func TestTolerance(t *testing.T) {
	for _, test := range []struct {
		off    time.Duration
		status int
	}{
		{0, 202},
		{5 * time.Minute, 202},
		{-5 * time.Minute, 202},
		{5*time.Minute + time.Nanosecond, 401},
		{-5*time.Minute - time.Nanosecond, 401},
		{24 * time.Hour, 401},
	} {
		w := newWorld(t)
		w.now = now.Add(test.off)
		body := strings.Replace(example, "2026-11-23T15:04:05.123Z", "2026-11-23T14:00:00Z", 1)
		if rec := w.send(signed(t, body)); rec.Code != test.status {
			t.Errorf("%s off: got %d %s", test.off, rec.Code, rec.Body)
		}
	}
	for _, seconds := range []int64{0, -1, 1<<63 - 1, -1 << 63} {
		w := newWorld(t)
		r := httptest.NewRequest(http.MethodPost, "/webhooks/bookings", strings.NewReader(example))
		h, err := Sign(newSecret, "msg_1", time.Unix(seconds, 0), []byte(example))
		if err != nil {
			t.Fatal(err)
		}
		h.Set("webhook-timestamp", strconv.FormatInt(seconds, 10))
		r.Header = h
		if rec := w.send(r); rec.Code != http.StatusUnauthorized || !strings.Contains(rec.Body.String(), "webhook-timestamp") {
			t.Errorf("%d: got %d %s", seconds, rec.Code, rec.Body)
		}
	}
}

func TestSecrets(t *testing.T) {
	bad := []string{
		"", "whsec_", "whsec_%%%", "whsec_c2hvcnQ=", strings.TrimPrefix(newSecret, "whsec_"), "WHSEC_" + newSecret[6:],
		"whsec_" + strings.Repeat("QUFB", 22), // 66 bytes
	}
	for _, secret := range bad {
		_, err := New(Deps{Secrets: []string{newSecret, secret}})
		if err == nil || !strings.Contains(err.Error(), "secret 2 of 2") {
			t.Errorf("%q: %v", secret, err)
		}
		if _, err := Sign(secret, "msg_1", now, nil); err == nil {
			t.Errorf("%q signs", secret)
		}
		if value := strings.TrimPrefix(secret, "whsec_"); value != "" && strings.Contains(fmt.Sprint(err), value) {
			t.Errorf("the error tells the secret: %v", err)
		}
	}
	if _, err := New(Deps{}); err == nil {
		t.Error("no secret is enough")
	}
}

// FuzzReceive sends any body and headers: nothing that does not carry a
// signature of ours is published, whatever it looks like.
func FuzzReceive(f *testing.F) {
	f.Add([]byte(example), "msg_1", "1795446300", signature(f, newSecret), "application/json")
	f.Add([]byte(example), "msg_1", "+1795446300", signature(f, otherSecret)+" v1a,x v1", "application/json; charset=utf-8")
	f.Add([]byte("{"), "", "9223372036854775807", "v1,", "x/y;=")
	f.Fuzz(func(t *testing.T, body []byte, id, timestamp, signature, contentType string) {
		w := newWorld(t)
		r := httptest.NewRequest(http.MethodPost, "/webhooks/bookings", strings.NewReader(string(body)))
		r.Header = http.Header{
			"Webhook-Id": {id}, "Webhook-Timestamp": {timestamp}, "Webhook-Signature": {signature}, "Content-Type": {contentType},
		}
		rec := w.send(r)
		if (rec.Code == http.StatusAccepted) != (len(w.queue.messages) == 1) || rec.Code >= 500 {
			t.Fatalf("got %d %s, %d messages", rec.Code, rec.Body, len(w.queue.messages))
		}
		if rec.Code == http.StatusAccepted && (string(body) != example || id != "msg_1") {
			t.Fatalf("accepted %q as %q", body, id)
		}
	})
}

// FuzzSignedBody signs any body: it is accepted, or refused for what it says.
func FuzzSignedBody(f *testing.F) {
	f.Add(example)
	f.Add(strings.Replace(example, "300 111 2233", "tel:+57-300;ext=1", 1))
	f.Add(`{"type": "booking.deleted"}`)
	f.Fuzz(func(t *testing.T, body string) {
		w := newWorld(t)
		switch rec := w.send(signed(t, body)); rec.Code {
		case http.StatusAccepted, http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusRequestEntityTooLarge:
		default:
			t.Fatalf("got %d %s", rec.Code, rec.Body)
		}
	})
}
