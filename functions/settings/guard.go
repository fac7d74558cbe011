package settings

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/logging"
)

// policy lets a page load its own stylesheet, script and icon, send its forms
// home and nothing else (Content Security Policy Level 3).
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// leadOut lets the forms of a page lead out of the panel, by the addresses that
// their answers redirect to: browsers apply the policy to these too, and where
// Google sends somebody who signs in elsewhere is not known.
func (h *handler) leadOut(w http.ResponseWriter) {
	w.Header().Set("Content-Security-Policy", strings.Replace(policy, "form-action 'self'", "form-action 'self' "+h.PublicURL.Scheme+":", 1))
}

// guarded sets the headers that every answer has, and puts the request's trace
// into its context.
func guarded(next http.Handler) http.Handler {
	return logging.Traced(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		h.Set("Referrer-Policy", referrer(r.URL))
		h.Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	}))
}

// referrer says to whom a page's address may be told (Referrer Policy). That of
// a link or a feed lets in whoever has it: to nobody. Other addresses of the
// panel, which name bookings and sealed searches, are told to the panel alone;
// if they weren't, browsers would call a form's Origin null (Fetch, "append a
// request Origin header"), and old ones say nothing else of where it came from.
func referrer(u *url.URL) string {
	if u.Path != "/settings" && !strings.HasPrefix(u.Path, "/settings/") || u.Query().Has("session") {
		return "no-referrer"
	}
	return "same-origin"
}

var errOtherOrigin = fmt.Errorf("%w: sent by a page of another origin", fault.ErrForbidden)

// sameOrigin refuses what a page of another origin makes a browser send. What
// Sec-Fetch-Site says holds, whatever the Origin: no page can change it.
func (h *handler) sameOrigin(next http.Handler) (http.Handler, error) {
	told, untold := http.NewCrossOriginProtection(), http.NewCrossOriginProtection()
	// Old browsers send only Origin, and a load balancer may change Host. A trusted
	// origin goes before Sec-Fetch-Site, so there is none where that is said.
	if err := untold.AddTrustedOrigin(h.PublicURL.Scheme + "://" + h.PublicURL.Host); err != nil {
		return nil, fmt.Errorf("public address: %w", err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := untold
		if r.Header.Get("Sec-Fetch-Site") != "" {
			p = told
		}
		if p.Check(r) != nil {
			h.fail(w, r, nil, errOtherOrigin)
			return
		}
		next.ServeHTTP(w, r)
	}), nil
}
