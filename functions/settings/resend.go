package settings

import (
	"maps"
	"net/http"
	"slices"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
)

// resend offers to send a form again that came when the session had ended, once
// the visitor is let in anew: what was typed is not lost.
type resend struct {
	Action string
	Fields []field
	Return string // to the platform, in another window; may be empty
	Early  bool   // it was sent again before there was a session

	path string // of Action, whatever escapes that was sent with
}

// leavesPanel reports whether the answer to the form redirects out of the panel,
// to Google's consent.
func (r *resend) leavesPanel() bool {
	return r.path == actionPath(integration.GoogleCalendar, "enable")
}

// field is one of a form's, as it was sent.
type field struct{ Name, Value string }

// fieldAgain says that a form was sent from here before.
const fieldAgain = "again"

// maxFields is how many fields a form has at most.
const maxFields = 64

// resendOf is the form of a request that met no session; nil if there is none,
// or none that could be sent again. It came from a page of ours: what others
// make a browser send is refused before.
func (h *handler) resendOf(w http.ResponseWriter, r *http.Request) *resend {
	if r.Method != http.MethodPost {
		return nil
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil || len(r.PostForm) == 0 {
		return nil // the page without it says all there is to say
	}
	again := &resend{path: r.URL.Path, Action: r.URL.EscapedPath(), Return: h.platform(booking.CompanyID(r.PostForm.Get("company")))}
	again.Early = r.PostForm.Has(fieldAgain)
	r.PostForm.Del(fieldAgain)
	for _, name := range slices.Sorted(maps.Keys(r.PostForm)) {
		for _, value := range r.PostForm[name] {
			again.Fields = append(again.Fields, field{name, value})
		}
	}
	if len(again.Fields) > maxFields {
		return nil
	}
	return again
}
