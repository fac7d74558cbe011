package settings

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/citasync/citasync/functions/settings/words"
	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/bus"
	"github.com/citasync/citasync/shared/config"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/gcal"
	"github.com/citasync/citasync/shared/googleauth"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/session"
	"github.com/citasync/citasync/shared/store"
)

// Store is what the panel reads, and of a company writes; see package store.
type Store interface {
	Bookings
	Companies
	Connections
}

// Bookings is where the history comes from, and where it is noted that an event
// is asked for again.
type Bookings interface {
	ReadBooking(ctx context.Context, company booking.CompanyID, id booking.ID, of ...integration.ID) (store.Snapshot, error)
	ListBookings(ctx context.Context, company booking.CompanyID, q store.Query) (store.Page[*store.Booking], error)
	CommitBooking(ctx context.Context, b *store.Booking) error
}

// Companies keeps what the platform's links say of a company.
type Companies interface {
	Company(ctx context.Context, id booking.CompanyID) (store.Company, error)
	PutCompany(ctx context.Context, c *store.Company, acts ...store.Activity) error
}

// Connections is where the state of the integrations comes from, and where it is
// noted what a test of one found out.
type Connections interface {
	Entry(ctx context.Context, id integration.ID) (integration.Entry, error)
	Connection(ctx context.Context, company booking.CompanyID, id integration.ID) (integration.Connection, error)
	PutConnection(ctx context.Context, company booking.CompanyID, c *integration.Connection, acts ...store.Activity) error
	AddActivity(ctx context.Context, company booking.CompanyID, a store.Activity) error
	ListActivity(ctx context.Context, company booking.CompanyID, cursor string, limit int) (store.Page[store.Activity], error)
}

// Sessions lets companies in; see session.Manager.
type Sessions interface {
	Browsers
	Tokens
}

// Browsers keeps the sessions of the panel.
type Browsers interface {
	Open(ctx context.Context, token string) (session.Claims, session.Session, error)
	SetCookie(w http.ResponseWriter, s session.Session) error
	FromRequest(w http.ResponseWriter, r *http.Request) (session.Session, error)
}

// Tokens authenticates the API's callers, and makes links for them.
type Tokens interface {
	Bearer(ctx context.Context, r *http.Request) (session.Claims, error)
	Sign(c session.Claims) (string, error)
	AllowedReturn(address string) (string, bool)
}

// Grants turns Google Calendar off, or to another calendar or other options, or
// calls for the company; see googleauth.Grants.
type Grants interface {
	NeedReauth(ctx context.Context, company booking.CompanyID, met integration.Connection, why integration.Reason) error
	Disconnect(ctx context.Context, company booking.CompanyID, removeEvents bool, actor string) (integration.Connection, error)
	Choose(ctx context.Context, company booking.CompanyID, ch googleauth.Choice, actor string) (integration.Connection, error)
}

// Calendar asks Google on a company's behalf; see gcal.Calendar.
type Calendar interface {
	Calendars(ctx context.Context, company booking.CompanyID, conn integration.Connection) ([]gcal.Choice, error)
	Probe(ctx context.Context, company booking.CompanyID, conn integration.Connection, title string) ([]gcal.Trial, error)
	Witness() *gcal.Witness
}

// Sender sends a message that tests the notices to customers; see
// whatsapp.Sender.
type Sender interface {
	Test(ctx context.Context, company integration.Company, o integration.Options) error
}

// Deps are what the function needs.
type Deps struct {
	Store    Store
	Sessions Sessions
	Grants   Grants
	Calendar Calendar
	Engine   Engine
	// Publisher wakes the topic maintenance after a change, so that what the
	// change owes is done at once and not at the next tick.
	Publisher bus.Publisher
	// Sender sends the notices to customers; nil: the installation has none.
	Sender Sender
	// Templates say which notices there are, and in which languages.
	Templates config.Templates
	// Secrets are those of links and sessions, newest first: the addresses of
	// calendar feeds are made of them, and what is searched for is sealed.
	Secrets   [][]byte
	PublicURL *url.URL
	// PlatformURL is the platform's own page that leads to a fresh link; empty
	// if there is none.
	PlatformURL config.CompanyURL
	Now         func() time.Time
	Log         *slog.Logger
}

// handler is built by New and never changed, but for what it remembers of the
// what companies asked of Google lately.
type handler struct {
	Deps
	offers []offer
	words  *words.Catalogue
	pages  pages
	files  assets
	keys   feedKeys
	seals  seals
	tests  *limiter
	looks  *limiter

	looking singleflight.Group
}

// New returns the function's handler, or an error that says what is wrong with
// the dependencies or with a page.
func New(deps Deps) (http.Handler, error) {
	catalogue, err := words.Load()
	if err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	h := &handler{Deps: deps, words: catalogue, tests: newLimiter(testEvery, 1, deps.Now), looks: newLimiter(lookEvery, lookBurst, deps.Now)}
	h.offers = h.newOffers()
	if h.keys, err = newFeedKeys(deps.Secrets); err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	if h.seals, err = newSeals(deps.Secrets); err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	if h.files, err = loadAssets(); err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	if h.pages, err = loadPages(); err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	panel, err := h.sameOrigin(h.panel())
	if err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", fault.Health)
	mux.Handle("/settings", panel)
	mux.Handle("/settings/", panel)
	mux.Handle("GET /feeds/{file}", fault.Handler(h.Log, h.feed))
	api := h.api()
	mux.Handle("/v1", api) // or it would be redirected to the next
	mux.Handle("/v1/", api)
	return guarded(mux), nil
}

// panel routes what browsers ask for.
func (h *handler) panel() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /settings", h.linkOr(h.visited(h.overview)))
	mux.Handle("GET /settings/connect", h.visited(h.connectPage))
	mux.Handle("GET /settings/{$}", http.RedirectHandler("/settings", http.StatusSeeOther))
	mux.Handle("GET /settings/history", h.visited(h.history))
	mux.Handle("POST /settings/history", h.visited(h.find))
	mux.Handle("POST /settings/history/retry", h.visited(h.retry))
	mux.Handle("POST /settings/history/look", h.visited(h.look))
	mux.Handle("GET /settings/history.csv", h.visited(h.historyFile))
	mux.Handle("GET /settings/feed", h.visited(h.askFeed))
	mux.Handle("POST /settings/feed", h.visited(h.changeFeed))
	mux.Handle("GET /settings/activity", h.visited(h.activity))
	mux.Handle("POST /settings/integrations/{integration}/enable", h.about(turnOn))
	mux.Handle("GET /settings/integrations/{integration}/disable", h.about(h.askDisable))
	mux.Handle("POST /settings/integrations/{integration}/disable", h.about(h.disable))
	mux.Handle("GET /settings/integrations/{integration}/options", h.about(askOptions))
	mux.Handle("POST /settings/integrations/{integration}/options", h.about(choose))
	mux.Handle("GET /settings/integrations/{integration}/test", h.about(h.tested))
	mux.Handle("POST /settings/integrations/{integration}/test", h.about(h.test))
	// Whoever reloads a page that answered a form gets the overview.
	mux.Handle("GET /settings/integrations/", http.RedirectHandler("/settings", http.StatusSeeOther))
	mux.Handle("GET /settings/static/{file}", h.files)
	mux.Handle("GET /settings/", h.visited(func(http.ResponseWriter, *http.Request, *visit) error { return errNoPage }))
	return mux
}

// api routes the API's calls.
func (h *handler) api() http.Handler {
	mux := http.NewServeMux()
	for _, call := range []struct {
		method, path string
		answer       func(*http.Request, session.Claims) (any, error)
	}{
		{http.MethodGet, "/v1/integrations", h.listIntegrations},
		{http.MethodPost, "/v1/integrations/{integration}/enable", h.enableIntegration},
		{http.MethodPost, "/v1/integrations/{integration}/disable", h.disableIntegration},
		{http.MethodPost, "/v1/integrations/{integration}/test", h.testIntegration},
		{http.MethodGet, "/v1/integrations/{integration}/calendars", h.listCalendars},
		{http.MethodPost, "/v1/integrations/{integration}/options", h.chooseOptions},
		{http.MethodGet, "/v1/bookings", h.listBookings},
		{http.MethodGet, "/v1/bookings/{id}", h.getBooking},
		{http.MethodPost, "/v1/bookings/{id}/retry", h.retryBooking},
		{http.MethodPost, "/v1/bookings/{id}/look", h.lookForBooking},
		{http.MethodGet, "/v1/activity", h.listActivity},
	} {
		mux.Handle(call.method+" "+call.path, h.call(call.answer))
		mux.Handle(call.path, h.only(call.method))
	}
	mux.Handle("/", fault.Handler(h.Log, func(http.ResponseWriter, *http.Request) error { return errNoPage }))
	return mux
}

// only refuses a call by any other method than the path's, and tells which those
// are to whoever asks. There is no CORS: a token of the API has no business in a
// browser.
func (h *handler) only(method string) http.Handler {
	if method == http.MethodGet {
		method += ", " + http.MethodHead
	}
	allow := method + ", " + http.MethodOptions
	return fault.Handler(h.Log, func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Allow", allow)
		if r.Method == http.MethodOptions {
			w.WriteHeader(http.StatusNoContent)
			return nil
		}
		return fmt.Errorf("%w: use %s", fault.ErrMethod, method)
	})
}

var errNoPage = fmt.Errorf("%w: no such page", fault.ErrNotFound)
