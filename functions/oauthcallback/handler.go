package oauthcallback

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/bus"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/googleauth"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/logging"
	"github.com/citasync/citasync/shared/session"
	"github.com/citasync/citasync/shared/store"
)

const (
	// redeemTimeout bounds everything from the code to the stored connection.
	redeemTimeout = 40 * time.Second

	// publishTimeout bounds a message that nothing depends on.
	publishTimeout = 5 * time.Second
)

// Store is what the function reads and writes itself.
type Store interface {
	TakeState(ctx context.Context, hash string, now time.Time) (store.OAuthState, error)
	Entry(ctx context.Context, id integration.ID) (integration.Entry, error)
	AddActivity(ctx context.Context, company booking.CompanyID, a store.Activity) error
}

// Deps are what the function needs.
type Deps struct {
	Sessions  *session.Manager
	Client    *googleauth.Client
	Grants    *googleauth.Grants
	Store     Store
	Publisher bus.Publisher
	Now       func() time.Time
	Log       *slog.Logger
}

// New returns the function's handler.
func New(d Deps) http.Handler {
	h := &handler{d}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", fault.Health)
	mux.HandleFunc("GET /oauth/callback", h.callback)
	return mux
}

type handler struct{ Deps }

func (h *handler) callback(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer") // the address holds a code
	result := googleauth.ResultExpired
	s, err := h.Sessions.FromRequest(w, r)
	if err == nil {
		r = r.WithContext(logging.With(r.Context(), slog.String("company", string(s.Company))))
		result = h.finish(r, s)
	}
	http.Redirect(w, r, backTo(s, result), http.StatusSeeOther) //nolint:gosec // ours, or the platform's as it signed it
}

// backTo is where the result is told: at the platform, if it began the session
// to connect its company there, and otherwise in the panel. Here stays what has
// to be asked, and what may long be overtaken by another attempt.
func backTo(s session.Session, result googleauth.Result) string {
	outcome := s.Outcome(string(integration.GoogleCalendar), string(result))
	switch {
	case outcome == "", result == googleauth.ResultOtherAccount:
		return "/settings?result=" + string(result)
	case result == googleauth.ResultExpired:
		return "/settings/connect?result=" + string(result)
	}
	return outcome
}

// finish ends the authorisation that the session began, and logs how.
func (h *handler) finish(r *http.Request, s session.Session) googleauth.Result {
	// A browser that leaves now must not leave half of it done.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), redeemTimeout)
	defer cancel()
	answer, err := h.accept(ctx, s, r.URL.Query())
	if errors.Is(err, errNotOurs) {
		h.Log.LogAttrs(ctx, slog.LevelInfo, "authorisation refused", slog.String("error", err.Error()))
		return googleauth.ResultExpired
	}
	result, account := answer.result, ""
	if err == nil && result == "" {
		result, account, err = h.redeem(ctx, s.Company, answer)
	}
	if err != nil {
		fault.Log(h.Log, r, err)
		result = googleauth.ResultFailed
	}
	if result.Connected() {
		h.backfill(ctx, s.Company)
		return result
	}
	h.Log.LogAttrs(ctx, slog.LevelInfo, "integration not connected", slog.String("reason", string(result)))
	if result != googleauth.ResultOtherAccount {
		account = "" // only there has the panel a use for it
	}
	h.record(ctx, s.Company, result, account)
	return result
}

// answer is what Google sent the browser back with, once it is known to belong
// to the session.
type answer struct {
	code     string
	verifier string
	result   googleauth.Result // not empty: there is no code to redeem
}

// errNotOurs is an answer that this browser's session did not ask for, or not
// lately, or has had already.
var errNotOurs = errors.New("not an answer to what this session began")

// accept checks the answer, without redeeming its code. Each parameter must be
// there once: of two that differ, a proxy might have checked the other.
func (h *handler) accept(ctx context.Context, s session.Session, q url.Values) (answer, error) {
	state := only(q, "state")
	if state == "" {
		return answer{}, fmt.Errorf("%w: no state", errNotOurs)
	}
	st, err := h.Store.TakeState(ctx, googleauth.StateHash(state), h.Now())
	if errors.Is(err, fault.ErrNotFound) {
		return answer{}, fmt.Errorf("%w: its state is unknown, used or expired", errNotOurs)
	}
	if err != nil {
		return answer{}, fmt.Errorf("take the state of company %q: %w", s.Company, err)
	}
	if st.Session != s.ID || st.Company != s.Company || st.Integration != integration.GoogleCalendar {
		return answer{}, fmt.Errorf("%w: it was begun elsewhere", errNotOurs)
	}
	if q.Has("iss") && !h.Client.IsIssuer(only(q, "iss")) {
		return answer{}, fmt.Errorf("%w: it comes from another issuer", errNotOurs)
	}
	return h.consent(ctx, s.Company, answer{code: only(q, "code"), verifier: st.Verifier}, q)
}

// consent reads what the account decided, and whether it can be used now.
func (h *handler) consent(ctx context.Context, company booking.CompanyID, a answer, q url.Values) (answer, error) {
	switch {
	case only(q, "error") == "access_denied":
		return answer{result: googleauth.ResultDenied}, nil
	case q.Has("error"), a.code == "":
		return answer{result: googleauth.ResultFailed}, nil
	}
	entry, err := h.Store.Entry(ctx, integration.GoogleCalendar)
	if err != nil {
		return answer{}, fmt.Errorf("read the catalogue: %w", err)
	}
	_, ready, err := h.Grants.Ready(ctx, company)
	if err != nil {
		return answer{}, err
	}
	switch {
	case !entry.Enabled:
		return answer{result: googleauth.ResultPaused}, nil
	case !ready:
		return answer{result: googleauth.ResultBusy}, nil
	}
	return a, nil
}

// only returns the parameter's value if it has exactly one.
func only(q url.Values, name string) string {
	if v := q[name]; len(v) == 1 {
		return v[0]
	}
	return ""
}

// redeem exchanges the code for a grant and makes it the company's connection.
// It returns the address of the account that consented, if that is known.
func (h *handler) redeem(ctx context.Context, company booking.CompanyID, a answer) (googleauth.Result, string, error) {
	grant, err := h.Client.Exchange(ctx, a.code, a.verifier)
	if err != nil {
		h.Grants.GiveBack(ctx, grant)
		return googleauth.ResultFailed, "", fmt.Errorf("company %q: %w", company, err)
	}
	result, err := h.Grants.Connect(ctx, company, grant)
	return result, grant.Email, err
}

// backfill asks for the bookings missed so far to be added soon. The
// connection says that they are owed: without the message it takes longer.
func (h *handler) backfill(ctx context.Context, company booking.CompanyID) {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	err := bus.Wake(ctx, h.Publisher, "backfill", string(company), logging.TraceOf(ctx).String())
	if err != nil {
		h.Log.LogAttrs(ctx, slog.LevelWarn, "backfill not announced", slog.String("error", err.Error()))
	}
}

// record notes in the company's activity that it was not connected, and of
// another account than the connected one which: the panel asks about it.
func (h *handler) record(ctx context.Context, company booking.CompanyID, result googleauth.Result, account string) {
	err := h.Store.AddActivity(ctx, company, store.Activity{
		At: h.Now(), Kind: store.ActConnectFailed, Integration: integration.GoogleCalendar,
		Actor: store.ActorCompany, Outcome: string(result), Detail: account, Trace: logging.TraceOf(ctx).ID,
	})
	if err != nil {
		h.Log.LogAttrs(ctx, slog.LevelWarn, "activity not recorded", slog.String("error", err.Error()))
	}
}
