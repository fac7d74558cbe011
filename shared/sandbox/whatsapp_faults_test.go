package sandbox

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func (w *world) mustFault(f Fault) {
	w.t.Helper()
	if _, err := w.s.AddFault(f); err != nil {
		w.t.Fatal(err)
	}
}

// TestErrorTable: by code, each once, and complete.
func TestErrorTable(t *testing.T) {
	all := WhatsAppErrors()
	if !slices.IsSortedFunc(all, func(a, b WhatsAppError) int { return a.Code - b.Code }) || len(all) < 60 {
		t.Errorf("%d codes, or not in order", len(all))
	}
	seen := map[int]bool{}
	for _, e := range all {
		if e.Status < 400 || e.Status > 599 || e.Title == "" || e.Details == "" || seen[e.Code] {
			t.Errorf("got %+v", e)
		}
		seen[e.Code] = true
		if got, ok := whatsAppError(e.Code); !ok || got != e {
			t.Errorf("%d is not found", e.Code)
		}
	}
}

// TestEveryCode comes on demand, at once and by webhook, and by itself the way
// that the table says.
func TestEveryCode(t *testing.T) {
	for _, e := range WhatsAppErrors() {
		for _, action := range []Action{"", Answer, FailStatus} {
			t.Run(strconv.Itoa(e.Code)+" "+string(action), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w, p := writer(t, Options{})
					w.mustFault(Fault{Operation: OpWhatsAppSend, Reason: strconv.Itoa(e.Code), Action: action, Times: 1})
					_, err := w.send(t.Context(), message(nil))
					w.s.Wait()
					if action == FailStatus || action == "" && e.Asynchronous {
						if err != nil {
							t.Fatal(err)
						}
						p.want(t, "failed "+strconv.Itoa(e.Code))
						return
					}
					got := wantGraphError(t, err, e.Code, e.Status)
					if got.Data.Details != e.Details || got.Message != "(#"+strconv.Itoa(e.Code)+") "+e.Title || len(w.s.WhatsAppMessages()) != 0 {
						t.Errorf("got %+v with %+v", got, got.Data)
					}
					w.mustSend(nil)
				})
			})
		}
	}
}

// TestFaultsByStatus: a fault without a code has the Graph API's for its status.
func TestFaultsByStatus(t *testing.T) {
	w := local(t, Options{})
	for status, code := range map[int]int{400: 1, 401: 190, 403: 10, 404: 1, 429: 130429, 500: 131000, 502: 1, 503: 2} {
		w.mustFault(Fault{Operation: "whatsapp.*", Status: status, Times: 1})
		_, err := w.send(t.Context(), message(nil))
		wantGraphError(t, err, code, status)
	}
	if got := failure(graphFault(&Fault{Status: 429, RetryAfter: 1500 * time.Millisecond})).header.Get("Retry-After"); got != "2" {
		t.Errorf("retry after %q", got)
	}
	w.mustFault(Fault{Operation: OpWhatsAppSend, Status: 429, Reason: "131056"})
	_, err := w.send(t.Context(), message(nil))
	wantGraphError(t, err, 131056, 429)
	for _, f := range []Fault{
		{Operation: OpWhatsAppSend, Action: FailStatus},
		{Operation: OpWhatsAppSend, Action: FailStatus, Reason: "7"},
		{Operation: OpWhatsAppSend, Action: FailStatus, Reason: "outage"},
		{Operation: OpWhatsAppSend, Action: Answer, Reason: "7"},
	} {
		if _, err := w.s.AddFault(f); err == nil {
			t.Errorf("took %+v", f)
		}
	}
}

// TestFaultsThatMatch: by recipient, however it is written, and by template.
func TestFaultsThatMatch(t *testing.T) {
	for name, tt := range map[string]struct {
		fault   Fault
		spoilt  map[string]any
		another map[string]any
	}{
		"recipient": {Fault{Recipient: "57 300 1112233"}, nil, map[string]any{"to": otherPhone}},
		"template":  {Fault{Template: "booking_reserved"}, nil, map[string]any{"template": filledIn("booking_deleted", "es", "a", "b", "c", "d", "e")}},
	} {
		t.Run(name, func(t *testing.T) {
			w := local(t, Options{})
			tt.fault.Operation, tt.fault.Reason = OpWhatsAppSend, "131000"
			w.mustFault(tt.fault)
			_, err := w.send(t.Context(), message(tt.spoilt))
			wantGraphError(t, err, 131000, http.StatusInternalServerError)
			w.mustSend(tt.another)
		})
	}
	w := local(t, Options{})
	w.mustFault(Fault{Operation: "events.*", Status: 503})
	w.mustFault(Fault{Operation: "*", Account: ana, Status: 503})
	w.mustSend(nil)
}

// TestSpoiltSending: what the client sees, and whether the message was accepted.
func TestSpoiltSending(t *testing.T) {
	lost := func(err error) bool {
		var e *sendError
		return err != nil && !errors.As(err, &e) && !errors.Is(err, context.DeadlineExceeded)
	}
	late := func(err error) bool { return errors.Is(err, context.DeadlineExceeded) }
	fine := func(err error) bool { return err == nil }
	refused := func(err error) bool { return errors.As(err, new(*sendError)) }
	for name, tt := range map[string]struct {
		fault Fault
		check func(error) bool
		told  []string
	}{
		"latency":              {Fault{Latency: time.Second}, fine, []string{"sent", "delivered"}},
		"latency, client gone": {Fault{Latency: time.Hour}, late, nil},
		"status":               {Fault{Status: 500}, refused, nil},
		"status, applied":      {Fault{Status: 500, Applied: true}, refused, []string{"sent", "delivered"}},
		"garbage":              {Fault{Action: Garbage}, lost, nil},
		"dropped before":       {Fault{Action: DropBefore}, lost, nil},
		"dropped after":        {Fault{Action: DropAfter}, lost, []string{"sent", "delivered"}},
		"answered late":        {Fault{Action: AnswerLate, Late: time.Hour}, late, []string{"sent", "delivered"}},
		"applied late":         {Fault{Action: ApplyLate, Late: time.Hour}, late, []string{"sent", "delivered"}},
		"fails late":           {Fault{Action: FailStatus, Reason: "131026", Late: time.Hour}, fine, []string{"failed 131026"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, p := writer(t, Options{})
				tt.fault.Operation = OpWhatsAppSend
				w.mustFault(tt.fault)
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				if _, err := w.send(ctx, message(nil)); !tt.check(err) {
					t.Errorf("got %v", err)
				}
				time.Sleep(2 * time.Hour)
				p.want(t, tt.told...)
				if got := w.s.Requests()[0]; got.Fault == "" || got.Operation != OpWhatsAppSend {
					t.Errorf("got %+v", got)
				}
				if diff := cmp.Diff(min(len(tt.told), 1), len(w.s.WhatsAppMessages())); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}
