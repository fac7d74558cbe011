package sandbox

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
)

func (w *world) control(method, path, body string) (status int, answer string) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.base+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	status, _, answer = w.do(req)
	return status, strings.TrimSpace(answer)
}

func TestWhatsAppControl(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, p := writer(t, Options{})
		id := w.mustSend(nil)
		w.s.Wait()
		const chosen = `{"statuses":[{"status":"failed","code":131026,"after":"1s","late":"1m0s","times":2}],"per_second":1,` +
			`"pair_interval":"3s","pair_burst":2,"tries":4,"no_read_receipts":true}`
		const usual = `{"statuses":null,"per_second":0,"pair_interval":"0s","pair_burst":0,"tries":0,"no_read_receipts":false}`
		for _, step := range []struct {
			method, path, body string
			status             int
			want               string // a part; empty: whatever
		}{
			{"GET", "behaviour", "", 200, usual},
			{"PUT", "behaviour", chosen, 204, ""},
			{"GET", "behaviour", "", 200, chosen},
			{"PUT", "behaviour", `{"statuses":[]}`, 204, ""},
			{"GET", "behaviour", "", 200, `{"statuses":[],"per_second":0,`},
			{"PUT", "behaviour", `{"statuses":[{"status":"lost"}]}`, 400, `unknown status \"lost\"`},
			{"PUT", "behaviour", `{"tries":-1}`, 400, "below zero"},
			{"PUT", "behaviour", `{"statusses":[]}`, 400, "unknown field"},
			{"PUT", "behaviour", `{}`, 204, ""},
			{"GET", "behaviour", "", 200, usual},
			{"GET", "templates.json", "", 200, `{"templates":[{"name":"booking_reserved","language":"es","category":"UTILITY","status":"APPROVED","body":"Hola, {{1}}:`},
			{"PUT", "templates.json", `{"name":"n","language":"es","status":"PAUSED","body":"Hola."}`, 204, ""},
			{"PUT", "templates.json", `{"name":"n"}`, 400, "a template needs"},
			{"GET", "templates.json", "", 200, `{"name":"n","language":"es","category":"","status":"PAUSED","body":"Hola."}]}`},
			{"GET", "errors.json", "", 200, `{"code":131026,"status":400,"title":"Message Undeliverable",`},
			{"GET", "messages.json", "", 200, `{"messages":[{"id":"` + id + `","recipient":"573001112233","template":"booking_reserved",`},
			{"GET", "verification", "", 200, `{"url":"` + callbackURL + `","at":"2000-01-01T00:00:00.5Z","ok":true,"status":200}`},
			{"POST", "verification", "", 204, ""},
			{"POST", "statuses", `{"message":"` + id + `","status":"failed","code":131026,"times":2}`, 204, ""},
			{"POST", "statuses", `{"message":"wamid.none","status":"read"}`, 404, "no such message"},
			{"POST", "statuses", `{"status":"read"}`, 400, "no message"},
			{"POST", "statuses", `{"message":"` + id + `","status":"read","late":"soon"}`, 400, ""},
			{"DELETE", "messages.json", "", 204, ""},
			{"GET", "messages.json", "", 200, `{"messages":[]}`},
		} {
			status, got := w.control(step.method, "/sandbox/whatsapp/"+step.path, step.body)
			w.s.Wait()
			if status != step.status || !strings.Contains(got, step.want) {
				t.Errorf("%s %s %s: got %d %s", step.method, step.path, step.body, status, got)
			}
		}
		p.want(t, "sent", "delivered", "failed 131026", "failed 131026")
		if p.shaken != 2 {
			t.Errorf("%d handshakes", p.shaken)
		}
		p.refuse = true
		if status, got := w.control("POST", "/sandbox/whatsapp/verification", ""); status != http.StatusBadGateway || !strings.Contains(got, "403") {
			t.Errorf("got %d %s", status, got)
		}
	})
}

// TestFaultControl: a fault of WhatsApp's is shown with what the sandbox filled
// in.
func TestFaultControl(t *testing.T) {
	w := local(t, Options{})
	for _, step := range []struct {
		body   string
		status int
	}{
		{`{"operation":"whatsapp.send","recipient":"+573001112233","template":"booking_reserved","times":1,"reason":"131026"}`, 201},
		{`{"operation":"whatsapp.send","reason":"0"}`, 201},
		{`{"operation":"whatsapp.send","action":"fail-status","reason":"9"}`, 400},
	} {
		if status, got := w.control("POST", "/sandbox/faults", step.body); status != step.status {
			t.Errorf("%s: %d %s", step.body, status, got)
		}
	}
	const want = `{"faults":[{"id":"1","operation":"whatsapp.send","recipient":"+573001112233","template":"booking_reserved","times":1,` +
		`"action":"fail-status","reason":"131026"},{"id":"2","operation":"whatsapp.send","action":"answer","status":401,"reason":"0"}]}`
	if _, got := w.control("GET", "/sandbox/faults", ""); got != want {
		t.Errorf("got %s", got)
	}
}
