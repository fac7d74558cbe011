package openapi

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/citasync/citasync/cmd/acceptance/internal/consent"
	"github.com/citasync/citasync/cmd/acceptance/internal/served"
)

var citasync served.Command

func TestMain(m *testing.M) { os.Exit(citasync.Main(m)) }

const ana = "ana@example.com"

var webhookSecret = []byte("a webhook secret of the platform")

// caller calls an installation as a company's platform does, and holds every
// answer against the document.
type caller struct {
	testing.TB
	*document
	server  *served.Server
	company string
	token   string
}

// newCaller starts an installation.
func newCaller(t testing.TB, d *document, env ...string) *caller {
	t.Helper()
	env = append(env, "WEBHOOK_SECRETS=whsec_"+base64.StdEncoding.EncodeToString(webhookSecret))
	c := &caller{TB: t, document: d, server: citasync.Serve(t, env...)}
	return c.of("2", "--name", "Salón Luz", "--phone", "+573001112233", "--locale", "es")
}

// of is a caller for another company, whose token has the claims of the flags.
func (c *caller) of(company string, flags ...string) *caller {
	c.Helper()
	other := *c
	other.company, other.token = company, c.server.Bearer(company, flags...)
	return &other
}

// object is an answer, decoded; empty if it is not JSON.
type object map[string]any

// call makes a call of the API, whose answer must have the status.
func (c *caller) call(status int, method, path, body string, headers ...string) object {
	c.Helper()
	h := http.Header{}
	if c.token != "" {
		h.Set("Authorization", "Bearer "+c.token)
	}
	if body != "" {
		h.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		h.Set(headers[i], headers[i+1])
	}
	return c.send(status, method, c.server.URL+path, body, h)
}

// send makes a request, and checks it and its answer. The status that the answer
// must have may be 0: any that the document has.
func (c *caller) send(status int, method, address, body string, h http.Header) object {
	c.Helper()
	r, err := http.NewRequestWithContext(c.Context(), method, address, strings.NewReader(body))
	if err != nil {
		c.Fatal(err)
	}
	r.Header = h
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		c.Fatal(err)
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err != nil {
		c.Fatal(err)
	}
	if err := c.check(r, []byte(body), res, got); err != nil {
		c.Error(err)
	}
	if status != 0 && res.StatusCode != status {
		c.Errorf("%s %s: %d, want %d: %s", method, r.URL.Path, res.StatusCode, status, got)
	}
	var v object
	if bytes.HasPrefix(got, []byte("{")) {
		if err := json.Unmarshal(got, &v); err != nil {
			c.Error(err)
		}
	}
	if res.StatusCode >= http.StatusBadRequest && (v["status"] != float64(res.StatusCode) || v["title"] != http.StatusText(res.StatusCode)) {
		c.Errorf("%s %s: the problem document does not fit %d: %s", method, r.URL.Path, res.StatusCode, got)
	}
	return v
}

// tell sends a webhook, signed by the secret, whose answer must have the status.
func (c *caller) tell(status int, body string, secret []byte, change ...func(http.Header)) object {
	c.Helper()
	h := http.Header{}
	id, at := "msg_1", strconv.FormatInt(time.Now().Unix(), 10)
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(id + "." + at + "." + body))
	h.Set("Content-Type", "application/json")
	h.Set("webhook-id", id)
	h.Set("webhook-timestamp", at)
	h.Set("webhook-signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	for _, f := range change {
		f(h)
	}
	return c.send(status, http.MethodPost, c.server.URL+"/webhooks/bookings", body, h)
}

// event is a booking event of the company's, of a booking that starts in so many
// days.
func (c *caller) event(kind, id string, days int) string {
	at := time.Now().AddDate(0, 0, days).UTC().Truncate(time.Hour)
	return fmt.Sprintf(`{"type":"booking.%s","timestamp":%q,"data":{"company_id":%q,"booking":{"id":%q,"service":"Corte de pelo","start":%q,"end":%q,`+
		`"time_zone":"America/Bogota","customer":{"name":"Ana Ruiz","phone":"+573001112233","email":"ana@example.com"}}}}`,
		kind, time.Now().UTC().Format(time.RFC3339Nano), c.company, id, at.Format(time.RFC3339), at.Add(time.Hour).Format(time.RFC3339))
}

// connect connects an account, from the address that the API gives.
func (c *caller) connect(account string) {
	c.Helper()
	b := consent.New(c)
	b.Enter(c.call(http.StatusOK, http.MethodPost, google+"enable", "")["authorize_url"].(string))
	if to := b.Decide(c.server.URL, account, true); !strings.Contains(to, "connected") {
		c.Fatalf("connecting leads to %s", to)
	}
}

// integration is one of those of the list.
func (c *caller) integration(id string) object {
	c.Helper()
	for _, i := range c.call(http.StatusOK, http.MethodGet, "/v1/integrations", "")["integrations"].([]any) {
		if object(i.(map[string]any))["id"] == id {
			return i.(map[string]any)
		}
	}
	c.Fatalf("there is no %s", id)
	return nil
}

// until waits for something to come about.
func (c *caller) until(what string, ok func() bool) {
	c.Helper()
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(250 * time.Millisecond) {
		if ok() {
			return
		}
	}
	c.Fatalf("in vain waited for %s", what)
}

// status waits for an integration's status.
func (c *caller) status(id, status string) {
	c.Helper()
	c.until(id+" "+status, func() bool { return c.integration(id)["status"] == status })
}

// delivered waits for a booking's delivery to have a status.
func (c *caller) delivered(booking, id, status string) {
	c.Helper()
	c.until("booking "+booking+" "+status, func() bool {
		deliveries, _ := c.call(0, http.MethodGet, "/v1/bookings/"+url.PathEscape(booking), "")["deliveries"].(map[string]any)
		d, ok := deliveries[id].(map[string]any)
		return ok && d["status"] == status
	})
}

// sandbox tells the sandbox something.
func (c *caller) sandbox(method, path, contentType, body string) {
	c.Helper()
	r, err := http.NewRequestWithContext(c.Context(), method, c.server.Demo+"/sandbox/"+path, strings.NewReader(body))
	if err != nil {
		c.Fatal(err)
	}
	r.Header.Set("Content-Type", contentType)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		c.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode >= http.StatusBadRequest {
		c.Fatalf("%s: %d", path, res.StatusCode)
	}
}

// fault has the sandbox fail.
func (c *caller) fault(operation string, status int) {
	c.Helper()
	c.sandbox(http.MethodPost, "faults", "application/json", fmt.Sprintf(`{"operation":%q,"status":%d}`, operation, status))
}

// jar keeps cookies.
func jar(t testing.TB) http.CookieJar {
	t.Helper()
	j, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return j
}
