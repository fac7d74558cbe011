package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	google "google.golang.org/api/calendar/v3"
)

func TestQuota(t *testing.T) {
	c := newClock()
	w := local(t, Options{Now: c.now})
	svc, other := w.api(w.connect(ana)), w.api(w.connect(luis))
	if got := w.fates(svc, defaultPerUser+1); strings.Count(got, ".") != defaultPerUser || !strings.HasSuffix(got, "x") {
		t.Errorf("%d passed", strings.Count(got, "."))
	}
	_, err := svc.Events.List("primary").Do()
	wantAPIError(t, err, http.StatusForbidden, "rateLimitExceeded")
	if got := w.fates(other, 1); got != "." {
		t.Error("another user is limited too")
	}
	c.at = c.at.Add(time.Minute)
	if got := w.fates(svc, 1); got != "." {
		t.Error("still limited after a minute")
	}
	for _, step := range []struct {
		quota     Quota
		ana, luis string
	}{
		{Quota{PerUser: 2, PerProject: 3, Status: 429}, "..xx", ".xxx"},
		{Quota{PerUser: -1, PerProject: -1}, "....", "...."},
	} {
		c.at = c.at.Add(time.Minute)
		if err := w.s.SetBehaviour(Behaviour{Quota: step.quota}); err != nil {
			t.Fatal(err)
		}
		if a, l := w.fates(svc, 4), w.fates(other, 4); a != step.ana || l != step.luis {
			t.Errorf("%+v: %s and %s", step.quota, a, l)
		}
		if _, err := svc.Events.List("primary").Do(); step.quota.Status != 0 {
			wantAPIError(t, err, http.StatusTooManyRequests, "rateLimitExceeded")
		}
	}
}

// A patch counts as three requests.
func TestQuotaOfPatch(t *testing.T) {
	c := newClock()
	w := local(t, Options{Now: c.now})
	if err := w.s.SetBehaviour(Behaviour{Quota: Quota{PerUser: 5}}); err != nil {
		t.Fatal(err)
	}
	svc := w.api(w.connect(ana))
	if _, err := svc.Events.Patch("primary", "nowhere", &google.Event{}).Do(); err == nil {
		t.Fatal("an event that is not there was patched")
	}
	if got := w.fates(svc, 4); got != "..xx" {
		t.Errorf("after a patch %s", got)
	}
}

func TestBehaviourRefused(t *testing.T) {
	s, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range []Behaviour{{UpdateOfCancelled: "shrug"}, {Quota: Quota{Status: 500}}} {
		if err := s.SetBehaviour(b); err == nil {
			t.Errorf("accepted %+v", b)
		}
	}
}

func TestControlEndpoints(t *testing.T) {
	w := served(t, Options{})
	send := func(method, path, body string) (int, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, w.base+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		status, _, answer := w.do(req)
		return status, strings.TrimSpace(answer)
	}
	const fault = `{"operation":"events.*","account":"ana@example.com","after":1,"times":2,"until":"2026-12-01T00:00:00Z","probability":0.5,` +
		`"seed":7,"latency":"1.5s","action":"answer","status":429,"reason":"rateLimitExceeded","retry_after":"2s","applied":true,"late":"1m0s"}`
	for _, step := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", "/sandbox/faults", "", 200, `{"faults":[]}`},
		{"POST", "/sandbox/faults", fault, 201, `{"id":"1"}`},
		{"GET", "/sandbox/faults", "", 200, `{"faults":[{"id":"1",` + fault[1:] + `]}`},
		{"POST", "/sandbox/faults", `{"operation":"*","status":500,"tiems":1}`, 400, ""},
		{"POST", "/sandbox/faults", `{"operation":"*","latency":"soon"}`, 400, ""},
		{"POST", "/sandbox/faults", `{"status":500}`, 400, ""},
		{"DELETE", "/sandbox/faults/9", "", 404, ""},
		{"DELETE", "/sandbox/faults/1", "", 204, ""},
		{"POST", "/sandbox/faults", `{"operation":"*","status":500}`, 201, `{"id":"2"}`},
		{"DELETE", "/sandbox/faults", "", 204, ""},
		{"GET", "/sandbox/faults", "", 200, `{"faults":[]}`},
		{"PATCH", "/sandbox/behaviour", `{"update_of_cancelled":"gone","quota":{"per_user":5}}`, 200, ""},
		{"PATCH", "/sandbox/behaviour", `{"rotate_refresh_tokens":true}`, 200, ""},
		{"PATCH", "/sandbox/behaviour", `{"update_of_cancelled":"shrug"}`, 400, ""},
		{"PATCH", "/sandbox/behaviour", `{"other":1}`, 400, ""},
		{"GET", "/sandbox/behaviour", "", 200, `{"update_of_cancelled":"gone","cancelled_details":false,"rotate_refresh_tokens":true,"omit_refresh_token":false,` +
			`"omit_expires_in":false,"omit_id_token":false,"quota":{"per_user":5,"per_project":0,"status":0}}`},
		{"GET", "/calendar/v3/colors", "", 404, ""},
	} {
		status, got := send(step.method, step.path, step.body)
		if status != step.status || step.want != "" && got != step.want {
			t.Errorf("%s %s %s: got %d %s", step.method, step.path, step.body, status, got)
		}
	}
	w.connect(ana)
	if _, got := send("GET", "/sandbox/requests.json", ""); !strings.Contains(got, `"operation":"token","account":"ana@example.com","grant_type":"authorization_code","status":200`) {
		t.Errorf("got %s", got)
	}
	if status, _ := send("DELETE", "/sandbox/requests.json", ""); status != 204 || len(w.s.Requests()) != 0 {
		t.Error("the log is not empty")
	}
}

// TestOtherSitesAreRefused: a page elsewhere can't press the buttons.
func TestOtherSitesAreRefused(t *testing.T) {
	w := local(t, Options{})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.base+"/sandbox/account/revoke", strings.NewReader("account="+ana))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	if status, _, _ := w.do(req); status != http.StatusForbidden {
		t.Errorf("status %d", status)
	}
}

// TestLog: order of arrival, no secret, and a bound on its size.
func TestLog(t *testing.T) {
	w := local(t, Options{})
	tok := w.connect(ana)
	svc := w.api(tok)
	if _, err := w.s.AddFault(Fault{Operation: "events.delete", Action: DropAfter}); err != nil {
		t.Fatal(err)
	}
	w.mustInsert(svc, haircut("event1"))
	if err := svc.Events.Delete("primary", "event1").SendUpdates("none").Do(); err == nil {
		t.Error("not dropped")
	}
	if _, err := w.api(luisToken()).Events.Get("primary", "event1").Do(); err == nil {
		t.Error("no error")
	}
	if diff := cmp.Diff([]string{"auth", "token", "events.insert", "events.delete", "events.get"}, w.operations()); diff != "" {
		t.Error(diff)
	}
	dropped, refused := w.s.Requests()[3], w.s.Requests()[4]
	if dropped.Status != 0 || dropped.Fault != DropAfter || dropped.SendUpdates != "none" || refused.Status != http.StatusUnauthorized || refused.Account != "" {
		t.Errorf("got %+v and %+v", dropped, refused)
	}
	if all := fmt.Sprintf("%+v", w.s.Requests()); strings.Contains(all, tok.AccessToken) || strings.Contains(all, tok.RefreshToken) {
		t.Error("a token is in the log")
	}
	for range 2 * maxRequests {
		w.s.log.begin(&call{operation: "filler"})
	}
	if n := len(w.s.Requests()); n < maxRequests || n > 2*maxRequests || slices.Contains(w.operations(), "auth") {
		t.Errorf("%d requests are kept", n)
	}
	w.s.ClearRequests()
	if len(w.s.Requests()) != 0 {
		t.Error("not cleared")
	}
}

// FuzzFault: what the control endpoint accepts is a valid fault, and is shown
// as it was given.
func FuzzFault(f *testing.F) {
	f.Add(`{"operation":"*","latency":"1s","status":500}`)
	f.Add(`{"operation":"token","action":"drop-after","until":"2026-12-01T00:00:00Z"}`)
	f.Fuzz(func(t *testing.T, body string) {
		s, err := New(Options{})
		if err != nil {
			t.Fatal(err)
		}
		w := &world{t, s, "http://google.test", &http.Client{Transport: s.Transport()}}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.base+"/sandbox/faults", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		status, _, _ := w.do(req)
		if (status == http.StatusCreated) != (len(s.Faults()) == 1) {
			t.Fatalf("status %d, %d faults", status, len(s.Faults()))
		}
		for _, got := range s.Faults() {
			if got.validate() != nil || got.wire().fault() != got {
				t.Errorf("got %+v", got)
			}
		}
	})
}
