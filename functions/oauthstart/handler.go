package oauthstart

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/mail"
	"net/url"
	"slices"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/googleauth"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/logging"
	"github.com/citasync/citasync/shared/session"
	"github.com/citasync/citasync/shared/store"
)

// stateLife is how long somebody may take to consent.
const stateLife = 10 * time.Minute

// maxAddress is the longest an e-mail address may be, in bytes (RFC 5321,
// section 4.5.3.1.3).
const maxAddress = 254

// Store is what the function reads and writes itself.
type Store interface {
	PutState(ctx context.Context, hash string, s store.OAuthState) error
	Entry(ctx context.Context, id integration.ID) (integration.Entry, error)
	AddActivity(ctx context.Context, company booking.CompanyID, a store.Activity) error
}

// Deps are what the function needs.
type Deps struct {
	Sessions *session.Manager
	Client   *googleauth.Client
	Grants   *googleauth.Grants
	Store    Store
	Now      func() time.Time
	Log      *slog.Logger
}

// New returns the function's handler.
func New(d Deps) http.Handler {
	h := &handler{d}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", fault.Health)
	mux.HandleFunc("GET /oauth/start", h.start)
	return mux
}

type handler struct{ Deps }

func (h *handler) start(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	s, err := h.Sessions.FromRequest(w, r)
	if err != nil {
		http.Redirect(w, r, "/settings", http.StatusSeeOther) // which says what to do
		return
	}
	ctx := logging.With(r.Context(), slog.String("company", string(s.Company)))
	to, result, err := h.begin(ctx, s, r.URL.Query())
	if err != nil {
		fault.Log(h.Log, r.WithContext(ctx), err)
		result = googleauth.ResultFailed
	}
	if result != "" {
		http.Redirect(w, r, backTo(s, result), http.StatusSeeOther) //nolint:gosec // ours, or the platform's as it signed it
		return
	}
	http.Redirect(w, r, to, http.StatusFound) //nolint:gosec // Google's address, and what we put behind it
}

// backTo is where it is told why the company cannot go to Google: at the
// platform, if it began the session to connect its company there, and otherwise
// in the panel. That another company is open now is only said there.
func backTo(s session.Session, result googleauth.Result) string {
	outcome := s.Outcome(string(integration.GoogleCalendar), string(result))
	if outcome == "" || result == googleauth.ResultOtherCompany {
		return "/settings?result=" + string(result)
	}
	return outcome
}

// begin returns Google's address, or why the company cannot go there now.
func (h *handler) begin(ctx context.Context, s session.Session, q url.Values) (string, googleauth.Result, error) {
	if slices.ContainsFunc(q["company"], func(id string) bool { return id != string(s.Company) }) {
		return "", googleauth.ResultOtherCompany, nil
	}
	if id := q.Get("integration"); id != "" && id != string(integration.GoogleCalendar) {
		return "", googleauth.ResultFailed, nil // no other integration is connected at Google
	}
	entry, err := h.Store.Entry(ctx, integration.GoogleCalendar)
	if err != nil {
		return "", "", fmt.Errorf("read the catalogue: %w", err)
	}
	c, ready, err := h.Grants.Ready(ctx, s.Company)
	if err != nil {
		return "", "", err
	}
	switch {
	case !entry.Enabled:
		return "", googleauth.ResultPaused, nil
	case !ready:
		return "", googleauth.ResultBusy, nil
	}
	state, verifier := googleauth.NewState(), googleauth.NewVerifier()
	err = h.Store.PutState(ctx, googleauth.StateHash(state), store.OAuthState{
		Company: s.Company, Integration: integration.GoogleCalendar, Verifier: verifier, Session: s.ID,
		ExpireAt: h.Now().Add(stateLife),
	})
	if err != nil {
		return "", "", fmt.Errorf("store the state of company %q: %w", s.Company, err)
	}
	if err := h.Store.AddActivity(ctx, s.Company, h.started(ctx)); err != nil {
		return "", "", fmt.Errorf("record an activity of company %q: %w", s.Company, err)
	}
	return h.Client.AuthURL(state, verifier, cmp.Or(c.Data.AccountEmail, hinted(q))), "", nil
}

// hinted is the account that the page asks for; empty if it names none, more
// than one, or something that is not an address and nothing else.
func hinted(q url.Values) string {
	if len(q["account"]) != 1 {
		return ""
	}
	s := q["account"][0]
	if a, err := mail.ParseAddress(s); err != nil || a.Address != s || len(s) > maxAddress {
		return ""
	}
	return s
}

func (h *handler) started(ctx context.Context) store.Activity {
	return store.Activity{
		At: h.Now(), Kind: store.ActConnectStarted, Integration: integration.GoogleCalendar,
		Actor: store.ActorCompany, Outcome: "ok", Trace: logging.TraceOf(ctx).ID,
	}
}
