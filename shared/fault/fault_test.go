package fault

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/citasync/citasync/shared/booking"
)

func TestTables(t *testing.T) {
	tests := []struct {
		err    error
		status int
		retry  bool
	}{
		{nil, 200, false},
		{ErrInvalid, 400, false},
		{&booking.InvalidError{Malformed: true}, 400, false},
		{ErrUnauthenticated, 401, false},
		{ErrForbidden, 403, false},
		{ErrNotFound, 404, false},
		{ErrMethod, 405, false},
		{ErrConflict, 409, true},
		{ErrState, 409, true},
		{ErrTooLarge, 413, false},
		{ErrMediaType, 415, false},
		{ErrUnprocessable, 422, false},
		{&booking.InvalidError{}, 422, false},
		{errors.New("disk full"), 500, true},
		{ErrUnavailable, 503, true},
		{context.Canceled, 503, true},
		{context.DeadlineExceeded, 504, true},
		{Tell(ErrUnavailable), 503, true},
	}
	for _, test := range tests {
		wrapped := test.err
		if wrapped != nil {
			wrapped = fmt.Errorf("read booking %q: %w", "981", test.err)
		}
		for _, err := range []error{test.err, wrapped} {
			if status, retry := Status(err), Retryable(err); status != test.status || retry != test.retry {
				t.Errorf("%v: got %d, retry %t, want %d, %t", err, status, retry, test.status, test.retry)
			}
		}
	}
}

// answer serves a request with a handler that returns the error.
func answer(err error) (*httptest.ResponseRecorder, string) {
	var log bytes.Buffer
	mux := http.NewServeMux()
	mux.Handle("GET /bookings/{id}", Handler(slog.New(slog.NewTextHandler(&log, nil)), func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Content-Type", "text/html")
		return err
	}))
	rec := httptest.NewRecorder()
	mux.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/bookings/981?session=hidden", nil))
	return rec, log.String()
}

func TestProblem(t *testing.T) {
	fields := []booking.FieldError{{Field: "data.booking.start", Message: "is required"}}
	tests := []struct {
		err  error
		want Problem
	}{
		{
			fmt.Errorf("booking %q: %w", "981", ErrNotFound),
			Problem{Type: "about:blank", Title: "Not Found", Status: 404, Detail: `booking "981": not found`},
		},
		{
			fmt.Errorf("webhook: %w", &booking.InvalidError{Fields: fields}),
			Problem{
				Type: "about:blank", Title: "Unprocessable Entity", Status: 422,
				Detail: "webhook: invalid event: data.booking.start is required", Field: "data.booking.start", Errors: fields,
			},
		},
		{
			fmt.Errorf("webhook: %w", &booking.InvalidError{Fields: append(fields[:1:1], booking.FieldError{Field: "type", Message: "is required"})}),
			Problem{
				Type: "about:blank", Title: "Unprocessable Entity", Status: 422,
				Detail: "webhook: invalid event: data.booking.start is required; type is required",
				Errors: append(fields[:1:1], booking.FieldError{Field: "type", Message: "is required"}),
			},
		},
		{
			fmt.Errorf("list: %w", Blame("limit", fmt.Errorf("%w: limit must be a whole number", ErrInvalid))),
			Problem{Type: "about:blank", Title: "Bad Request", Status: 400, Detail: "list: invalid: limit must be a whole number", Field: "limit"},
		},
		{
			fmt.Errorf("webhook: %w", &booking.InvalidError{Malformed: true, Fields: []booking.FieldError{{Message: "the body must be UTF-8"}}}),
			Problem{Type: "about:blank", Title: "Bad Request", Status: 400, Detail: "webhook: invalid event: the body must be UTF-8"},
		},
		{
			&booking.InvalidError{Fields: append([]booking.FieldError{{Message: "is too deep"}}, fields...)},
			Problem{
				Type: "about:blank", Title: "Unprocessable Entity", Status: 422,
				Detail: "invalid event: is too deep; data.booking.start is required", Errors: fields,
			},
		},
		{
			fmt.Errorf("shard 7: %w", Tell(fmt.Errorf("%w: paused", ErrUnavailable))),
			Problem{Type: "about:blank", Title: "Service Unavailable", Status: 503, Detail: "unavailable: paused"},
		},
		{
			errors.Join(Tell(context.DeadlineExceeded), fmt.Errorf("store 10.0.0.7: %w", ErrUnavailable)),
			Problem{Type: "about:blank", Title: "Service Unavailable", Status: 503, Detail: hidden},
		},
		{errors.New("dial 10.0.0.7: refused"), Problem{Type: "about:blank", Title: "Internal Server Error", Status: 500, Detail: hidden}},
		{fmt.Errorf("bucket x: %w", ErrUnavailable), Problem{Type: "about:blank", Title: "Service Unavailable", Status: 503, Detail: hidden}},
		{fmt.Errorf("read y: %w", context.DeadlineExceeded), Problem{Type: "about:blank", Title: "Gateway Timeout", Status: 504, Detail: hidden}},
	}
	for _, test := range tests {
		rec, _ := answer(test.err)
		var got Problem
		if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil {
			t.Fatalf("%s: %v", rec.Body, err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" || rec.Code != test.want.Status {
			t.Errorf("%v: %d (-want +got):\n%s", test.err, rec.Code, diff)
		}
		if rec.Header().Get("Content-Type") != "application/problem+json" || rec.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%v: headers %v", test.err, rec.Header())
		}
	}
}

func TestProblemHeaders(t *testing.T) {
	for _, test := range []struct {
		err          error
		name, header string
	}{
		{ErrUnavailable, "Retry-After", "5"},
		{Tell(ErrUnavailable), "Retry-After", "5"},
		{ErrUnauthenticated, "WWW-Authenticate", "Bearer"},
		{ErrForbidden, "WWW-Authenticate", ""},
		{ErrInvalid, "Retry-After", ""},
	} {
		if rec, _ := answer(test.err); rec.Header().Get(test.name) != test.header {
			t.Errorf("%v: %s %q", test.err, test.name, rec.Header().Get(test.name))
		}
	}
}

func TestHandlerLogsOnce(t *testing.T) {
	for _, test := range []struct {
		err   error
		level string
	}{
		{ErrNotFound, "level=INFO"},
		{errors.New("dial 10.0.0.7: refused"), "level=ERROR"},
		{ErrUnavailable, "level=ERROR"},
		{Tell(ErrUnavailable), "level=INFO"},
		{fmt.Errorf("%w: %w", Tell(context.DeadlineExceeded), ErrUnavailable), "level=ERROR"},
	} {
		_, log := answer(test.err)
		want := fmt.Sprintf(`%s msg="request failed" method=GET path="GET /bookings/{id}" status=%d`, test.level, Status(test.err))
		if strings.Count(log, "\n") != 1 || !strings.Contains(log, want) || !strings.Contains(log, test.err.Error()) || strings.Contains(log, "hidden") {
			t.Errorf("%v: log %s", test.err, log)
		}
	}
}

func TestHandlerThatAnswers(t *testing.T) {
	rec, log := answer(nil)
	if rec.Code != 200 || rec.Body.Len() > 0 || log != "" {
		t.Errorf("got %d %s, log %q", rec.Code, rec.Body, log)
	}
}

func TestHealth(t *testing.T) {
	rec := httptest.NewRecorder()
	Health(rec, httptest.NewRequest(http.MethodGet, "/health", nil))
	if rec.Code != 200 || rec.Body.String() != "ok" {
		t.Errorf("got %d %q", rec.Code, rec.Body)
	}
}
