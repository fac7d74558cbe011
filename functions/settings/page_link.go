package settings

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/logging"
	"github.com/citasync/citasync/shared/session"
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
		default:
			token := q.Get("session")
			if err := h.openLink(w, r, token); err != nil {
				h.refuseLink(w, r, token, err)
			}
		}
	})
}

// openLink begins a session and leads to an address without the token.
func (h *handler) openLink(w http.ResponseWriter, r *http.Request, token string) error {
	claims, s, err := h.Sessions.Open(r.Context(), token)
	if err != nil {
		return fmt.Errorf("open link: %w", err)
	}
	ctx := logging.With(r.Context(), slog.String("company", string(s.Company)))
	if err := h.remember(ctx, claims); err != nil {
		// The link is used up by now: better in with old data than out.
		h.Log.LogAttrs(ctx, slog.LevelError, "company not updated", slog.String("error", err.Error()))
	}
	if len(claims.Ignored) > 0 {
		h.Log.LogAttrs(ctx, slog.LevelWarn, "claims of a link left out", slog.Any("claims", claims.Ignored))
	}
	if err := h.Sessions.SetCookie(w, s); err != nil {
		return fmt.Errorf("begin session: %w", err)
	}
	http.Redirect(w, r, "/settings", http.StatusSeeOther)
	return nil
}

// refuseLink says why a link is not opened, in its own language. Whoever opens
// a used one again and is still in, by going back for example, is led on.
func (h *handler) refuseLink(w http.ResponseWriter, r *http.Request, token string, why error) {
	var said gist
	if errors.Is(why, session.ErrUsed) || errors.Is(why, session.ErrExpired) {
		said = gistOf(token)
	}
	if errors.Is(why, session.ErrUsed) {
		s, err := h.Sessions.FromRequest(w, r)
		if err == nil && string(s.Company) == said.company {
			http.Redirect(w, r, "/settings", http.StatusSeeOther)
			return
		}
	}
	h.failStranger(w, r, said.locale, why)
}

// gist is what a refused link's token says of whom it was for.
type gist struct{ company, locale string }

// gistOf reads it from a token whose signature was verified: one that is used
// or expired. What cannot be read is empty.
func gistOf(token string) gist {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return gist{}
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return gist{}
	}
	var claims struct {
		Sub    any    `json:"sub"` // a string or an integer
		Locale string `json:"locale"`
	}
	dec := json.NewDecoder(bytes.NewReader(payload))
	dec.UseNumber()
	if err := dec.Decode(&claims); err != nil {
		return gist{}
	}
	return gist{company: fmt.Sprint(claims.Sub), locale: claims.Locale}
}

// remember keeps what a link says of the company, if it is news.
func (h *handler) remember(ctx context.Context, c session.Claims) error {
	for tries := 0; ; tries++ {
		company, err := h.Store.Company(ctx, c.Company)
		if err != nil {
			return fmt.Errorf("read company: %w", err)
		}
		before := company.Company
		overlay(&company.Company, c)
		if company.Company == before {
			return nil
		}
		err = h.Store.PutCompany(ctx, &company)
		if err == nil || tries > 2 || !errors.Is(err, fault.ErrConflict) {
			return err
		}
	}
}

// overlay takes over what the platform said; what it left out stays.
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
}
