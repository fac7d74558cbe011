package settings

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/logging"
	"github.com/citasync/citasync/shared/phone"
	"github.com/citasync/citasync/shared/session"
	"github.com/citasync/citasync/shared/store"
)

// linkOr opens the link that the address may hold, and otherwise goes on to
// next.
func (h *handler) linkOr(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		switch {
		case !q.Has("session"):
			next.ServeHTTP(w, r)
		case r.Method == http.MethodHead:
			// What only looks whether a link is alive must not use it up.
			w.WriteHeader(http.StatusOK)
		case prefetched(r):
			// Nor must a browser that only guesses what will be clicked: it drops
			// such an answer, and asks again at the click.
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			h.openLink(w, r, q.Get("session"))
		}
	})
}

// prefetched reports whether a browser asks before anybody clicked (Fetch, "the
// Sec-Purpose header"; Purpose is what older ones send). Parameters may follow
// the word, such as that it prerenders.
func prefetched(r *http.Request) bool {
	for _, name := range []string{"Sec-Purpose", "Purpose"} {
		word, _, _ := strings.Cut(r.Header.Get(name), ";")
		if strings.EqualFold(strings.TrimSpace(word), "prefetch") {
			return true
		}
	}
	return false
}

// openLink begins a session and leads to an address without the token.
func (h *handler) openLink(w http.ResponseWriter, r *http.Request, token string) {
	claims, s, err := h.Sessions.Open(r.Context(), token)
	if err == nil {
		err = h.Sessions.SetCookie(w, s)
	}
	if err != nil {
		h.refuseLink(w, r, claims, fmt.Errorf("open link: %w", err))
		return
	}
	ctx := logging.With(r.Context(), slog.String("company", string(s.Company)))
	if err := h.remember(ctx, claims); err != nil {
		// The link is used up by now: better in with old data than out.
		h.Log.LogAttrs(ctx, slog.LevelError, "company not updated", slog.String("error", err.Error()))
	}
	h.Log.LogAttrs(ctx, slog.LevelInfo, "link opened", slog.Any("claims_left_out", claims.Ignored))
	http.Redirect(w, r, landing(claims), http.StatusSeeOther)
}

// landing is where a link leads to.
func landing(c session.Claims) string {
	if c.Connect != "" {
		return connectingPath
	}
	return "/settings"
}

// refuseLink says why a link is not opened, in its own language if it was one
// once. Whoever opens a used or an old one and is still in, by going back for
// example, is led on.
func (h *handler) refuseLink(w http.ResponseWriter, r *http.Request, was session.Claims, why error) {
	if errors.Is(why, session.ErrUsed) || errors.Is(why, session.ErrExpired) { // otherwise it tells of no company
		s, err := h.Sessions.FromRequest(w, r)
		if err == nil && s.Company == was.Company {
			http.Redirect(w, r, landing(was), http.StatusSeeOther)
			return
		}
	}
	h.failStranger(w, r, was.Locale, why)
}

// remember keeps what a link says of the company, if it is news.
func (h *handler) remember(ctx context.Context, c session.Claims) error {
	return h.changeCompany(ctx, c.Company, func(company *store.Company) bool {
		before := company.Company
		overlay(&company.Company, c)
		return company.Company != before
	})
}

// overlay takes over what the platform said; what it left out stays. A phone
// without a country's code is of the company's country, as its customers' are,
// and one that can't be completed stays as it came.
func overlay(c *integration.Company, said session.Claims) {
	for _, f := range []struct {
		into *string
		said string
	}{
		{&c.Name, said.Name},
		{&c.Email, said.Email},
		{&c.Phone, said.Phone},
		{&c.Country, said.Country},
		{&c.Locale, said.Locale},
		{&c.TimeZone, said.TimeZone},
	} {
		if f.said != "" {
			*f.into = f.said
		}
	}
	if whole, ok := phone.E164(c.Phone, c.Country); ok {
		c.Phone = whole
	}
}
