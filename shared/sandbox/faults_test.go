package sandbox

import (
	"context"
	"errors"
	"io"
	"net/http"
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
		{Status: 500},
		{Operation: "*", Status: 200},
		{Operation: "*", Action: Answer},
		{Operation: "*", Action: "explode"},
		{Operation: "*", Action: Garbage, Status: 99},
		{Operation: "*", Probability: 1.5},
		{Operation: "*", Latency: -1},
		{Operation: "*", After: -1},
	} {
		if _, err := s.AddFault(f); err == nil {
			t.Errorf("accepted %+v", f)
		}
	}
	if len(s.Faults()) != 0 {
		t.Error("a refused fault is active")
	}
}
