package intake

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/logging"
)

const (
	event = `{"type":"booking.deleted","timestamp":"2026-11-23T15:04:05.123Z","data":{"company_id":"2","booking":{"id":981}}}`
	trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
)

func envelope(data string) string {
	return fmt.Sprintf(`{"message":{"data":%q,"attributes":{"traceparent":%q},"messageId":"77","publishTime":"2026-11-23T15:04:06Z"},
		"subscription":"projects/p/subscriptions/s","deliveryAttempt":3}`, base64.StdEncoding.EncodeToString([]byte(data)), trace)
}

func TestReceive(t *testing.T) {
	for _, c := range []struct {
		name, body string
		err        error
		status     int
		applied    bool
	}{
		{"push", envelope(event), nil, http.StatusNoContent, true},
		{"CloudEvent, structured", `{"specversion":"1.0","type":"google.cloud.pubsub.topic.v1.messagePublished","data":` + envelope(event) + `}`, nil, http.StatusNoContent, true},
		{"not JSON", "hello", nil, http.StatusBadRequest, false},
		{"no message", `{"subscription":"s"}`, nil, http.StatusBadRequest, false},
		{"data not base64", `{"message":{"data":"!","messageId":"1"}}`, nil, http.StatusBadRequest, false},
		{"event not JSON", envelope("hello"), nil, http.StatusBadRequest, false},
		{"event invalid", envelope(strings.Replace(event, "booking.deleted", "booking.lost", 1)), nil, http.StatusBadRequest, false},
		{"event of the future", envelope(strings.Replace(event, "2026", "2036", 1)), nil, http.StatusBadRequest, false},
		{"too long", `{"message":{"data":"` + strings.Repeat("A", maxBody) + `","messageId":"1"}}`, nil, http.StatusBadRequest, false},
		{"store out of order", envelope(event), errors.New("disk full"), http.StatusInternalServerError, true},
		{"store unavailable", envelope(event), fault.ErrUnavailable, http.StatusServiceUnavailable, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got *booking.Event
			var log bytes.Buffer
			h := New(Deps{
				Apply: func(_ context.Context, ev booking.Event) error { got = &ev; return c.err },
				Now:   func() time.Time { return time.Date(2026, 11, 23, 15, 5, 0, 0, time.UTC) },
				Log:   logging.New(&log, "", nil),
			})
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(c.body)))
			if w.Code != c.status {
				t.Errorf("answered %d %s, want %d", w.Code, w.Body, c.status)
			}
			if (got != nil) != c.applied || got != nil && (got.Kind != booking.Deleted || got.Company != "2" || got.Booking.ID != "981") {
				t.Errorf("applied %+v", got)
			}
			checkLog(t, log.Bytes(), c.status, c.applied)
		})
	}
}

// checkLog demands one line for what went wrong, in the message's trace once
// that is known.
func checkLog(t *testing.T, log []byte, status int, known bool) {
	t.Helper()
	if status == http.StatusNoContent {
		if len(log) > 0 {
			t.Errorf("logged %s", log)
		}
		return
	}
	var line map[string]any
	if err := json.Unmarshal(log, &line); err != nil {
		t.Fatalf("logged %s: %v", log, err)
	}
	if known && (line["trace"] != "0af7651916cd43dd8448eb211c80319c" || line["message_id"] != "77" || line["delivery_attempt"] != 3.0) {
		t.Errorf("logged %s", log)
	}
}

// TestWhoeverRecovers has a panic found by somebody who passed the request on:
// he can tell of the message.
func TestWhoeverRecovers(t *testing.T) {
	var log bytes.Buffer
	l := logging.New(&log, "", nil)
	h := New(Deps{
		Apply: func(context.Context, booking.Event) error { panic("a bug") },
		Now:   func() time.Time { return time.Date(2026, 11, 23, 15, 5, 0, 0, time.UTC) },
		Log:   l,
	})
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(envelope(event)))
	func() {
		defer func() {
			if recover() != nil {
				l.ErrorContext(r.Context(), "panic")
			}
		}()
		h.ServeHTTP(httptest.NewRecorder(), r)
	}()
	checkLog(t, log.Bytes(), http.StatusInternalServerError, true)
}

func TestDeliveryAttempt(t *testing.T) {
	for attempt, want := range []any{nil, 1.0, 2.0} {
		var log bytes.Buffer
		p := Push{DeliveryAttempt: attempt}
		logging.New(&log, "", nil).InfoContext(p.Context(t.Context()), "x")
		var line map[string]any
		if err := json.Unmarshal(log.Bytes(), &line); err != nil || line["delivery_attempt"] != want {
			t.Errorf("attempt %d: logged %s", attempt, log.Bytes())
		}
	}
}

func TestHealth(t *testing.T) {
	w := httptest.NewRecorder()
	New(Deps{Log: logging.New(&bytes.Buffer{}, "", nil)}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/health", nil))
	if w.Code != http.StatusOK || w.Body.String() != "ok" {
		t.Errorf("%d %q", w.Code, w.Body)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(envelope(event))
	f.Add(`{"data":` + envelope(event) + `}`)
	f.Add(`{"message":null}`)
	f.Fuzz(func(t *testing.T, body string) {
		p, err := Decode(strings.NewReader(body))
		if err == nil && p.Message.MessageID == "" {
			t.Error("an envelope without a message was taken")
		}
		if err != nil && !errors.Is(err, fault.ErrInvalid) {
			t.Errorf("error %v is not of class invalid", err)
		}
	})
}
