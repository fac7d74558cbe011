package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// WhatsAppError is an error code of the WhatsApp Cloud API. Meta says to go by
// the code, not by the HTTP status or the title.
type WhatsAppError struct {
	Code    int    `json:"code"`
	Status  int    `json:"status"` // HTTP, where it is the answer to a call
	Title   string `json:"title"`
	Details string `json:"details"`

	// Asynchronous: the call is accepted, and the code comes by webhook, with
	// the status "failed". Any code may come either way, says Meta: this is the
	// way that a fault with the code takes unless it names an Action.
	Asynchronous bool `json:"asynchronous"`
}

// whatsAppError is what is known of a code.
func whatsAppError(code int) (WhatsAppError, bool) {
	all := WhatsAppErrors()
	i, ok := slices.BinarySearchFunc(all, code, func(e WhatsAppError, code int) int { return e.Code - code })
	if !ok {
		return WhatsAppError{}, false
	}
	return all[i], true
}

// graphError is an error as the Graph API answers it.
type graphError struct {
	WhatsAppError
	kind       string // "type" of the answer
	message    string
	subcode    int // 0: none
	retryAfter time.Duration
}

// Error is the code with Meta's words.
func (e *graphError) Error() string { return e.message + ": " + e.Details }

// graphErr returns the error of a code that is known; empty details are Meta's.
func graphErr(code int, details string) *graphError {
	known, _ := whatsAppError(code)
	known.Details = orDefault(details, known.Details)
	return &graphError{WhatsAppError: known, kind: "OAuthException", message: fmt.Sprintf("(#%d) %s", code, known.Title)}
}

// unsupportedObject is the answer about an id that the caller may not use, or
// that does not exist.
func unsupportedObject(id string) *graphError {
	e := graphErr(100, "")
	e.kind, e.subcode, e.Details = "GraphMethodException", 33, ""
	e.message = fmt.Sprintf("Unsupported post request. Object with ID '%s' does not exist, cannot be loaded due to missing permissions, "+
		"or does not support this operation. Please read the Graph API documentation at https://developers.facebook.com/docs/graph-api", id)
	return e
}

type graphErrorBody struct {
	Error graphErrorDetail `json:"error"`
}

type graphErrorDetail struct {
	Message string          `json:"message"`
	Type    string          `json:"type"`
	Code    int             `json:"code"`
	Data    *graphErrorData `json:"error_data,omitempty"`
	Subcode int             `json:"error_subcode,omitempty"`
	TraceID string          `json:"fbtrace_id"`
}

type graphErrorData struct {
	Product string `json:"messaging_product,omitempty"`
	Details string `json:"details"`
}

func (e *graphError) answer() answer {
	d := graphErrorDetail{Message: e.message, Type: e.kind, Code: e.Code, Subcode: e.subcode, TraceID: "A" + randomToken()[:22]}
	if e.Details != "" {
		d.Data = &graphErrorData{"whatsapp", e.Details}
	}
	a := jsonAnswer(e.Status, graphErrorBody{d})
	setRetryAfter(a.header, e.retryAfter)
	return a
}

// graphFault is a fault's answer: of the code that is its reason, or else of
// one that the Graph API has for its HTTP status.
func graphFault(f *Fault) error {
	known, ok := f.whatsAppError()
	if !ok {
		known.Code = codeOf(f.Status)
	}
	e := graphErr(known.Code, "")
	e.Status, e.retryAfter = f.Status, f.RetryAfter
	return e
}

// whatsAppError is the error whose code is the fault's reason.
func (f *Fault) whatsAppError() (WhatsAppError, bool) {
	code, err := strconv.Atoi(f.Reason)
	if err != nil {
		return WhatsAppError{}, false
	}
	return whatsAppError(code)
}

func codeOf(status int) int {
	switch status {
	case http.StatusUnauthorized:
		return 190
	case http.StatusForbidden:
		return 10
	case http.StatusTooManyRequests:
		return 130429
	case http.StatusInternalServerError:
		return 131000
	case http.StatusServiceUnavailable:
		return 2
	}
	return 1
}
