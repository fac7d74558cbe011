// Package fault holds the classes of errors and the only two tables over them:
// which HTTP status an error is answered with, and whether what failed may
// succeed when it is tried again.
package fault

import (
	"context"
	"errors"
	"net/http"

	"github.com/citasync/citasync/shared/booking"
)

// The classes. Errors wrap one of them with %w.
var (
	ErrInvalid         = errors.New("invalid")                // cannot be understood: 400
	ErrUnauthenticated = errors.New("unauthenticated")        // 401
	ErrForbidden       = errors.New("forbidden")              // 403
	ErrNotFound        = errors.New("not found")              // 404
	ErrMethod          = errors.New("method not allowed")     // 405; the handler sets Allow
	ErrConflict        = errors.New("changed meanwhile")      // 409
	ErrState           = errors.New("not possible now")       // as things stand: 409
	ErrTooLarge        = errors.New("too large")              // 413
	ErrMediaType       = errors.New("unsupported media type") // 415
	ErrUnprocessable   = errors.New("unprocessable")          // understood, but not acceptable: 422
	ErrUnavailable     = errors.New("unavailable")            // 503
)

// Status is the HTTP status that an error is answered with.
func Status(err error) int {
	var inv *booking.InvalidError
	switch {
	case err == nil:
		return http.StatusOK
	case errors.As(err, &inv):
		if inv.Malformed {
			return http.StatusBadRequest
		}
		return http.StatusUnprocessableEntity
	}
	for _, row := range table {
		if errors.Is(err, row.err) {
			return row.status
		}
	}
	return http.StatusInternalServerError
}

// Retryable reports whether the same request may succeed later.
func Retryable(err error) bool {
	switch Status(err) {
	case http.StatusConflict, http.StatusInternalServerError, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

var table = []struct { //nolint:gochecknoglobals // a constant, but for the language
	err    error
	status int
}{
	{ErrInvalid, http.StatusBadRequest},
	{ErrUnauthenticated, http.StatusUnauthorized},
	{ErrForbidden, http.StatusForbidden},
	{ErrNotFound, http.StatusNotFound},
	{ErrMethod, http.StatusMethodNotAllowed},
	{ErrConflict, http.StatusConflict},
	{ErrState, http.StatusConflict},
	{ErrTooLarge, http.StatusRequestEntityTooLarge},
	{ErrMediaType, http.StatusUnsupportedMediaType},
	{ErrUnprocessable, http.StatusUnprocessableEntity},
	{ErrUnavailable, http.StatusServiceUnavailable},
	{context.DeadlineExceeded, http.StatusGatewayTimeout},
	{context.Canceled, http.StatusServiceUnavailable},
}
