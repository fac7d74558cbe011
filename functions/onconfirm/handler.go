// Package onconfirm is the function behind the topic booking-confirmed: it brings
// the company's integrations to a booking that was confirmed.
package onconfirm

import (
	"net/http"

	"github.com/citasync/citasync/shared/intake"
)

// New returns the function's handler. The three functions behind the booking
// topics are one handler, deployed apart so that each scales and fails alone.
func New(deps intake.Deps) http.Handler { return intake.New(deps) }
