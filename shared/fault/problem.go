package fault

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/citasync/citasync/shared/booking"
)

// Problem is a problem document, RFC 9457. Field and Errors, which are of this
// API, say what of the request is to blame: Field where it is one thing, Errors
// where each thing has its own words.
type Problem struct {
	Type   string               `json:"type"`
	Title  string               `json:"title"`
	Status int                  `json:"status"`
	Detail string               `json:"detail"`
	Field  string               `json:"field,omitempty"`
	Errors []booking.FieldError `json:"errors,omitempty"`
}

// hidden is the detail of an error that is ours to mend.
const hidden = "not done, for a reason that is ours to mend and is logged; the same request may succeed later"

// WriteProblem answers with the error as application/problem+json. An error
// that is ours to mend is answered without its words, which are for the log,
// unless they are marked with [Tell]. Errors has what is wrong with a field, and
// none of what is wrong with the whole.
func WriteProblem(w http.ResponseWriter, err error) {
	p := Problem{Type: "about:blank", Status: Status(err), Detail: hidden}
	p.Title = http.StatusText(p.Status)
	if said, ok := words(err); ok {
		p.Detail, p.Field = said, fieldOf(err)
	}
	var inv *booking.InvalidError
	if errors.As(err, &inv) {
		for _, f := range inv.Fields {
			if f.Field != "" {
				p.Errors = append(p.Errors, f)
			}
		}
	}
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	switch p.Status {
	case http.StatusServiceUnavailable:
		h.Set("Retry-After", "5")
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", "Bearer")
	}
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the client has gone: nobody is left to tell
}
