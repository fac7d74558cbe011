package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	google "google.golang.org/api/calendar/v3"
	"google.golang.org/api/googleapi"
)

// spoilt is what a client sees of an insert that a fault takes, and whether
// the event is there afterwards.
type spoilt struct {
	fault Fault
	check func(*testing.T, error)
	there bool
	late  bool // the event comes when the fault's Late has passed
}

func wantLost(t *testing.T, err error) {
	t.Helper()
	var e *googleapi.Error
	if err == nil || errors.As(err, &e) || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want a lost connection", err)
	}
}

func wantTimeout(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want a time-out", err)
	}
}

func wantStatus(code int, reason string) func(*testing.T, error) {
	return func(t *testing.T, err error) {
		t.Helper()
		wantAPIError(t, err, code, reason)
	}
}

// spoiltInserts are the faults of every kind. The client waits for longer than
// short and not as long as long or late.
func spoiltInserts(short, long, late time.Duration) map[string]spoilt {
	const op = "events.insert"
	fine := func(t *testing.T, err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	notJSON := func(t *testing.T, err error) {
		t.Helper()
		var e *googleapi.Error
		if err == nil || errors.As(err, &e) && (e.Code != http.StatusBadGateway || !strings.Contains(e.Body, "<p>")) {
			t.Errorf("got %v", err)
		}
	}
	return map[string]spoilt{
		"latency":               {fault: Fault{Operation: op, Latency: short}, check: fine, there: true},
		"latency, client gone":  {fault: Fault{Operation: op, Latency: long}, check: wantTimeout},
		"status":                {fault: Fault{Operation: op, Status: 503}, check: wantStatus(503, "backendError")},
		"status, applied":       {fault: Fault{Operation: op, Status: 500, Applied: true}, check: wantStatus(500, "backendError"), there: true},
		"rate limit":            {fault: Fault{Operation: op, Status: 403, Reason: "rateLimitExceeded"}, check: wantStatus(403, "rateLimitExceeded")},
		"not enabled":           {fault: Fault{Operation: op, Status: 403, Reason: "accessNotConfigured"}, check: wantStatus(403, "accessNotConfigured")},
		"dropped before":        {fault: Fault{Operation: op, Action: DropBefore}, check: wantLost},
		"dropped after":         {fault: Fault{Operation: op, Action: DropAfter}, check: wantLost, there: true},
		"answered late":         {fault: Fault{Operation: op, Action: AnswerLate, Late: short}, check: fine, there: true},
		"answered too late":     {fault: Fault{Operation: op, Action: AnswerLate, Late: long}, check: wantTimeout, there: true},
		"applied late":          {fault: Fault{Operation: op, Action: ApplyLate, Late: late}, check: wantTimeout, late: true},
		"garbage":               {fault: Fault{Operation: op, Action: Garbage}, check: notJSON},
		"garbage as an error":   {fault: Fault{Operation: op, Action: Garbage, Status: 502}, check: notJSON},
		"garbage, applied":      {fault: Fault{Operation: op, Action: Garbage, Applied: true}, check: notJSON, there: true},
		"of another operation":  {fault: Fault{Operation: "events.update", Status: 503}, check: fine, there: true},
		"of another account":    {fault: Fault{Operation: "*", Account: luis, Status: 503}, check: fine, there: true},
		"of all on events":      {fault: Fault{Operation: "events.*", Account: ana, Status: 503}, check: wantStatus(503, "backendError")},
		"latency, then dropped": {fault: Fault{Operation: op, Latency: short, Action: DropAfter}, check: wantLost, there: true},
	}
}

// spoil makes an insert under a fault.
func (w *world) spoil(t *testing.T, tt spoilt, clientWait time.Duration) {
	t.Helper()
	svc := w.api(w.connect(ana))
	if _, err := w.s.AddFault(tt.fault); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), clientWait)
	defer cancel()
	_, err := svc.Events.Insert("primary", haircut("event1")).Context(ctx).Do()
	tt.check(t, err)
}

func TestFaultsWithoutNetwork(t *testing.T) {
	const clientWait = 10 * time.Second
	for name, tt := range spoiltInserts(clientWait/2, clientWait*2, clientWait*2) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := local(t, Options{})
				began := time.Now()
				w.spoil(t, tt, clientWait)
				if took := time.Since(began); took > clientWait {
					t.Errorf("took %v", took)
				}
				synctest.Wait()
				if got := w.has(ana, "event1"); got != tt.there {
					t.Errorf("the event is there: %v, want %v", got, tt.there)
				}
				time.Sleep(tt.fault.Late)
				synctest.Wait()
				if got := w.has(ana, "event1"); got != (tt.there || tt.late) {
					t.Errorf("in the end the event is there: %v", got)
				}
			})
		})
	}
}

// TestFaultsOverANetwork: a client that shall see a time-out waits a moment for
// an answer that would come in an hour; one that shall not has a minute.
func TestFaultsOverANetwork(t *testing.T) {
	const moment = 200 * time.Millisecond
	for name, tt := range spoiltInserts(moment/10, time.Hour, 2*moment) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := served(t, Options{})
			clientWait := time.Minute
			if tt.fault.Action == ApplyLate || tt.fault.Latency == time.Hour || tt.fault.Late == time.Hour {
				clientWait = moment
			}
			w.spoil(t, tt, clientWait)
			if !tt.there && !tt.late && w.has(ana, "event1") {
				t.Error("the event is there")
			}
			for (tt.there || tt.late) && !w.has(ana, "event1") {
				time.Sleep(moment / 10) // go test's own time-out ends a wait for nothing
			}
		})
	}
}

// TestTransportErrors: what the round tripper itself returns.
func TestTransportErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := local(t, Options{})
		request := func(ctx context.Context) error {
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.base+"/oauth2/revoke", http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			res, err := w.s.Transport().RoundTrip(req)
			if err == nil {
				_ = res.Body.Close()
			}
			return err
		}
		if _, err := w.s.AddFault(Fault{Operation: "revoke", Action: DropBefore, Times: 1}); err != nil {
			t.Fatal(err)
		}
		if err := request(t.Context()); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("dropped: %v", err)
		}
		if _, err := w.s.AddFault(Fault{Operation: "revoke", Latency: time.Hour}); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		began := time.Now()
		if err := request(ctx); !errors.Is(err, context.Canceled) || time.Since(began) != time.Second {
			t.Errorf("cancelled: %v after %v", err, time.Since(began))
		}
		if err := request(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled before: %v", err)
		}
		if n := len(w.s.Requests()); n != 2 {
			t.Errorf("%d requests arrived, want 2", n)
		}
	}) // fails if a goroutine is left
}

// TestHangingCallEnds: without an answer and without a time-out.
func TestHangingCallEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := local(t, Options{})
		svc := w.api(w.connect(ana))
		if _, err := w.s.AddFault(Fault{Operation: "*", Action: ApplyLate, Late: time.Second}); err != nil {
			t.Fatal(err)
		}
		_, err := svc.Events.Insert("primary", haircut("event1")).Do()
		wantLost(t, err)
		if !w.has(ana, "event1") {
			t.Error("not applied")
		}
	})
}

// TestLateCallIsJudgedOnArrival: a grant that ends meanwhile does not undo it.
func TestLateCallIsJudgedOnArrival(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := local(t, Options{})
		svc := w.api(w.connect(ana))
		if _, err := w.s.AddFault(Fault{Operation: "events.insert", Action: ApplyLate, Late: time.Minute}); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := svc.Events.Insert("primary", haircut("event1")).Context(ctx).Do()
		wantTimeout(t, err)
		if _, err := w.s.RevokeGrants(ana); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		if !w.has(ana, "event1") {
			t.Error("not applied")
		}
	})
}

// fates makes so many listings and shows which a fault took.
func (w *world) fates(svc *google.Service, n int) string {
	var b strings.Builder
	for range n {
		if _, err := svc.Events.List("primary").Do(); err != nil {
			b.WriteByte('x')
		} else {
			b.WriteByte('.')
		}
	}
	return b.String()
}

func TestFaultConditions(t *testing.T) {
	c := newClock()
	w := local(t, Options{Now: c.now})
	svc := w.api(w.connect(ana))
	for _, tt := range []struct {
		name  string
		fault Fault
		want  string
	}{
		{"all", Fault{}, "xxxxxx"},
		{"after", Fault{After: 2}, "..xxxx"},
		{"times", Fault{Times: 3}, "xxx..."},
		{"after, times", Fault{After: 1, Times: 2}, ".xx..."},
		{"over", Fault{Until: c.at}, "......"},
		{"until", Fault{Until: c.at.Add(1)}, "xxxxxx"},
		{"never by chance", Fault{Probability: 1e-18}, "......"},
	} {
		tt.fault.Operation, tt.fault.Status = "events.list", 500
		if _, err := w.s.AddFault(tt.fault); err != nil {
			t.Fatal(err)
		}
		if got := w.fates(svc, 6); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
		w.s.ClearFaults()
	}
}

func TestChanceIsRepeatable(t *testing.T) {
	w := local(t, Options{})
	svc := w.api(w.connect(ana))
	run := func(seed uint64) string {
		defer w.s.ClearFaults()
		if _, err := w.s.AddFault(Fault{Operation: "*", Probability: 0.5, Seed: seed, Status: 500}); err != nil {
			t.Fatal(err)
		}
		return w.fates(svc, 40)
	}
	first, again, other := run(1), run(1), run(2)
	if first != again || first == other || !strings.Contains(first, "x") || !strings.Contains(first, ".") {
		t.Errorf("got %s, %s, %s", first, again, other)
	}
}

// TestFirstFaultWins: and the others' counters stand still.
func TestFirstFaultWins(t *testing.T) {
	w := local(t, Options{})
	svc := w.api(w.connect(ana))
	for _, f := range []Fault{{Operation: "events.list", Times: 2, Status: 500}, {Operation: "*", Times: 1, Status: 503}} {
		if _, err := w.s.AddFault(f); err != nil {
			t.Fatal(err)
		}
	}
	var got []int
	for range 4 {
		_, err := svc.Events.List("primary").Do()
		var e *googleapi.Error
		if asError(err, &e) {
			got = append(got, e.Code)
		}
	}
	if diff := cmp.Diff([]int{500, 500, 503}, got); diff != "" {
		t.Error(diff)
	}
	faults := w.s.Faults()
	if len(faults) != 2 || !w.s.ClearFault(faults[0].ID) || w.s.ClearFault(faults[0].ID) || len(w.s.Faults()) != 1 {
		t.Errorf("got %+v", faults)
	}
}

func TestRetryAfter(t *testing.T) {
	w := local(t, Options{})
	svc := w.api(w.connect(ana))
	if _, err := w.s.AddFault(Fault{Operation: "*", Status: 429, Reason: "rateLimitExceeded", RetryAfter: 1500 * time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	_, err := svc.Events.List("primary").Do()
	wantAPIError(t, err, http.StatusTooManyRequests, "rateLimitExceeded")
	var e *googleapi.Error
	if asError(err, &e); e.Header.Get("Retry-After") != "2" {
		t.Errorf("Retry-After %q", e.Header.Get("Retry-After"))
	}
}

func TestFaultsOfTokens(t *testing.T) {
	w := local(t, Options{})
	tok := w.connect(ana)
	if _, err := w.s.AddFault(Fault{Operation: "token", GrantType: "refresh_token", Times: 1, Status: 503}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.s.AddFault(Fault{Operation: "token", Account: ana, Times: 1, Status: 400, Reason: "invalid_grant"}); err != nil {
		t.Fatal(err)
	}
	_, err := w.refresh(tok.RefreshToken)
	wantTokenError(t, err, "internal_failure")
	_, err = w.refresh(tok.RefreshToken)
	wantTokenError(t, err, "invalid_grant")
	if _, err = w.refresh(tok.RefreshToken); err != nil {
		t.Error(err)
	}
}

func TestFaultRefused(t *testing.T) {
	s, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []Fault{
		{Status: 500}, {Operation: "*", Status: 200}, {Operation: "*", Action: Answer}, {Operation: "*", Action: "explode"},
		{Operation: "*", Action: Garbage, Status: 99}, {Operation: "*", Probability: 1.5}, {Operation: "*", Latency: -1}, {Operation: "*", After: -1},
	} {
		if _, err := s.AddFault(f); err == nil {
			t.Errorf("accepted %+v", f)
		}
	}
	if len(s.Faults()) != 0 {
		t.Error("a refused fault is active")
	}
}

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
