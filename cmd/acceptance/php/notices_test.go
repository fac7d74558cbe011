package php

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/citasync/citasync/cmd/acceptance/internal/served"
	"github.com/citasync/citasync/shared/bus"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/notify"
)

const pusher = "citasync-push@project.iam.gserviceaccount.com"

// google stands for the keys with which Google signs.
type google struct {
	testing.TB
	key   *rsa.PrivateKey
	certs *httptest.Server
}

func newGoogle(t testing.TB) *google {
	t.Helper()
	g := &google{TB: t, key: newKey(t)}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &g.key.PublicKey, g.key)
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(map[string]string{"key-1": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))})
	if err != nil {
		t.Fatal(err)
	}
	g.certs = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) }))
	t.Cleanup(g.certs.Close)
	return g
}

func newKey(t testing.TB) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// sign makes a token with a header and claims, by a key.
func sign(t testing.TB, key *rsa.PrivateKey, header string, claims map[string]any) string {
	t.Helper()
	body, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	signed := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString(body)
	sum := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// receiver is the example's address for notices, served by PHP.
type receiver struct {
	*platform
	google *google
	url    string
	log    *served.Log
}

func newReceiver(t testing.TB, p *platform, env ...string) *receiver {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	r := &receiver{p, newGoogle(t), "http://" + addr + "/citasync", &served.Log{}}
	cmd := exec.CommandContext(t.Context(), "php", "-S", addr, "notices.php")
	cmd.Dir, cmd.Stderr = p.dir, r.log
	cmd.Env = append(p.env, "CITASYNC_DIR="+t.TempDir(), "CITASYNC_PUSH_AUDIENCE="+r.url, "CITASYNC_PUSH_EMAIL="+pusher,
		"CITASYNC_PUSH_CERTS="+r.google.certs.URL)
	cmd.Env = append(cmd.Env, env...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("log of PHP:\n%s", r.log)
		}
	})
	for range 100 {
		if c, err := net.Dial("tcp", addr); err == nil {
			_ = c.Close()
			return r
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal("PHP does not listen")
	return nil
}

// token is what the subscription signs, as change makes it.
func (r *receiver) token(change map[string]any) string {
	claims := map[string]any{
		"iss": "https://accounts.google.com", "aud": r.url, "sub": "1", "email": pusher, "email_verified": true,
		"iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
	}
	maps.Copy(claims, change)
	return sign(r, r.google.key, `{"alg":"RS256","typ":"JWT","kid":"key-1"}`, claims)
}

// push posts a body, and returns the status that it is answered with.
func (r *receiver) push(authorization string, body []byte) int {
	r.Helper()
	req, err := http.NewRequestWithContext(r.Context(), http.MethodPost, r.url, bytes.NewReader(body))
	if err != nil {
		r.Fatal(err)
	}
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		r.Fatal(err)
	}
	defer res.Body.Close()
	if said, err := io.ReadAll(res.Body); err != nil || len(said) > 0 {
		r.Errorf("answered with %q, %v", said, err)
	}
	return res.StatusCode
}

// told demands that the words were logged so often. The log takes its time.
func (r *receiver) told(words string, want int) {
	r.Helper()
	for range 50 {
		if strings.Count(r.log.String(), words) >= max(want, 1) {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if got := strings.Count(r.log.String(), words); got != want {
		r.Errorf("%q was told %d times, not %d", words, got, want)
	}
}

// envelope is a message as Pub/Sub pushes it.
func envelope(t testing.TB, m bus.Message) []byte {
	t.Helper()
	body, err := json.Marshal(map[string]any{
		"message":      map[string]any{"data": m.Data, "attributes": m.Attributes, "messageId": "1", "publishTime": time.Now().UTC()},
		"subscription": "projects/p/subscriptions/integration-events",
	})
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// Publish is [bus.Publisher]: it pushes to the receiver, and fails unless the
// message is acknowledged.
func (r *receiver) Publish(_ context.Context, topic bus.Topic, m bus.Message) (string, error) {
	if topic != bus.IntegrationEvents {
		return "", errors.New("on another topic")
	}
	if status := r.push("Bearer "+r.token(nil), envelope(r, m)); status != http.StatusNoContent {
		return "", fmt.Errorf("answered with %d", status)
	}
	return "1", nil
}

// notifier sends what the installation sends.
func (r *receiver) notifier() *notify.Notifier {
	r.Helper()
	n, err := notify.New(notify.Deps{Publisher: r, Settings: "https://booking.example.com/companies/{company}"})
	if err != nil {
		r.Fatal(err)
	}
	return n
}

// TestNotices delivers real notices, each more than once, to both ways of
// keeping what was dealt with.
func TestNotices(t *testing.T) {
	for name, prepare := range map[string]func(*platform){
		"in files":   func(*platform) {},
		"in a table": func(p *platform) { p.database("OnceInTable") },
	} {
		t.Run(name, func(t *testing.T) {
			p := examples(t)
			prepare(p)
			r := newReceiver(t, p)
			n := r.notifier()
			since := time.Now().Add(-time.Hour)
			dead := notify.Notice{
				Kind: notify.NeedsReauth, Company: integration.Company{ID: "2"}, Integration: integration.GoogleCalendar,
				Reason: integration.Revoked, Since: since, Bookings: 3,
			}
			well := dead
			well.Kind, well.Reason, well.Bookings = notify.CaughtUp, integration.NoReason, 21
			for range 3 {
				for _, notice := range []notify.Notice{dead, well} {
					if err := n.Send(t.Context(), notice); err != nil {
						t.Fatal(err)
					}
				}
			}
			r.told("company 2 has to reconnect google-calendar at https://booking.example.com/companies/2", 1)
			r.told("21 added", 1)
		})
	}
}

// TestForeignPush: what is not the subscription's is refused, and nothing comes
// of it.
func TestForeignPush(t *testing.T) {
	r := newReceiver(t, examples(t))
	body := envelope(t, bus.Message{Data: []byte(`{"type":"integration.caught_up","timestamp":"2026-12-01T10:00:00Z","data":{"id":"abc","company_id":"2",` +
		`"integration":"google-calendar","reason":"","since":"2026-12-01T09:00:00Z","reminder":0,"bookings":21,"settings_url":""}}`)})
	good := r.token(nil)
	claims := map[string]any{"aud": r.url, "email": pusher, "email_verified": true, "iss": "https://accounts.google.com", "exp": time.Now().Add(time.Hour).Unix(), "iat": time.Now().Unix()}
	head, rest, _ := strings.Cut(good, ".")
	for name, authorization := range map[string]string{
		"without":               "",
		"another scheme":        "Basic " + good,
		"not a token":           "Bearer x.y.z",
		"signed by another":     "Bearer " + sign(t, newKey(t), `{"alg":"RS256","kid":"key-1"}`, claims),
		"by a key not Google's": "Bearer " + sign(t, r.google.key, `{"alg":"RS256","kid":"key-2"}`, claims),
		"without a key's name":  "Bearer " + sign(t, r.google.key, `{"alg":"RS256"}`, claims),
		"of another algorithm":  "Bearer " + sign(t, r.google.key, `{"alg":"HS256","kid":"key-1"}`, claims),
		"of no algorithm":       "Bearer " + base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","kid":"key-1"}`)) + "." + strings.Split(rest, ".")[0] + ".",
		"altered":               "Bearer " + head + "." + strings.Split(r.token(map[string]any{"sub": "2"}), ".")[1] + "." + strings.Split(rest, ".")[1],
		"for another audience":  "Bearer " + r.token(map[string]any{"aud": "https://elsewhere.example"}),
		"of another account":    "Bearer " + r.token(map[string]any{"email": "other@project.iam.gserviceaccount.com"}),
		"of nobody in proof":    "Bearer " + r.token(map[string]any{"email_verified": false}),
		"of another issuer":     "Bearer " + r.token(map[string]any{"iss": "https://evil.example"}),
		"expired":               "Bearer " + r.token(map[string]any{"exp": time.Now().Add(-2 * time.Minute).Unix()}),
		"of the future":         "Bearer " + r.token(map[string]any{"iat": time.Now().Add(time.Hour).Unix()}),
		"without an end":        "Bearer " + r.token(map[string]any{"exp": nil}),
	} {
		if status := r.push(authorization, body); status != http.StatusUnauthorized {
			t.Errorf("%s: %d", name, status)
		}
	}
	r.told("21 added", 0)
	if status := r.push("Bearer "+good, body); status != http.StatusNoContent {
		t.Errorf("the subscription's own: %d", status)
	}
	r.told("21 added", 1)
}

// TestPushesOfOtherKinds: what is not known is acknowledged, what is no notice
// is not.
func TestPushesOfOtherKinds(t *testing.T) {
	r := newReceiver(t, examples(t))
	auth := "Bearer " + r.token(nil)
	for data, want := range map[string]int{
		`{"type":"integration.renamed","data":{"id":"new-1","company_id":"2"}}`: http.StatusNoContent,
		`{"type":"integration.renamed","data":{}}`:                              http.StatusBadRequest,
		`not JSON`: http.StatusBadRequest,
	} {
		if status := r.push(auth, envelope(t, bus.Message{Data: []byte(data)})); status != want {
			t.Errorf("%s: %d, want %d", data, status, want)
		}
	}
	if status := r.push(auth, []byte("x")); status != http.StatusBadRequest {
		t.Errorf("no envelope: %d", status)
	}
	res, err := http.Get(r.url)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", res.StatusCode)
	}
}
