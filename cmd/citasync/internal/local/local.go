// Package local makes one process of all the functions: the same handlers, on
// stores, a queue and a transport that are given to it.
package local

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/citasync/citasync/functions/maintain"
	"github.com/citasync/citasync/functions/oauthcallback"
	"github.com/citasync/citasync/functions/oauthstart"
	"github.com/citasync/citasync/functions/onconfirm"
	"github.com/citasync/citasync/functions/ondelete"
	"github.com/citasync/citasync/functions/onreserve"
	"github.com/citasync/citasync/functions/settings"
	"github.com/citasync/citasync/functions/webhook"
	"github.com/citasync/citasync/shared/bus"
	"github.com/citasync/citasync/shared/config"
	"github.com/citasync/citasync/shared/converge"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/gcal"
	"github.com/citasync/citasync/shared/googleauth"
	"github.com/citasync/citasync/shared/intake"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/logging"
	"github.com/citasync/citasync/shared/secret"
	"github.com/citasync/citasync/shared/session"
	"github.com/citasync/citasync/shared/store"
)

// Parts are what the process is built on.
type Parts struct {
	Config    config.Config
	Store     store.Store
	Secrets   secret.Store
	Publisher bus.Publisher
	HTTP      *http.Client // towards Google; one for all
	Now       func() time.Time
	Log       *slog.Logger
}

// App is the functions of one process.
type App struct {
	// Public serves what browsers, the platform and Google reach.
	Public http.Handler
	// Subscribers take the push requests of their topics.
	Subscribers map[bus.Topic]http.Handler
	Maintainer  *maintain.Maintainer
	Engine      *converge.Engine
	Grants      *googleauth.Grants

	auth googleauth.Deps
}

// New wires the functions.
func New(p Parts) (*App, error) {
	auth, err := newAuth(p)
	if err != nil {
		return nil, err
	}
	switches := converge.NewCatalogue(p.Store, p.Now)
	cal, err := gcal.New(gcal.Deps{
		Tokens: googleauth.NewSource(auth), Reasons: googleauth.ReasonOf, Installation: p.Config.InstallationID,
		HTTP: p.HTTP, BaseURL: base(p.Config.Google),
		Allowed: func(ctx context.Context) bool { return switches.Allowed(ctx, integration.GoogleCalendar) },
		Now:     p.Now, Log: p.Log,
	})
	if err != nil {
		return nil, fmt.Errorf("google calendar: %w", err)
	}
	a := &App{Engine: engine(p, switches, cal), Grants: googleauth.NewGrants(auth), auth: auth}
	pacer := maintain.NewPacer()
	a.Maintainer = maintain.New(maintain.Deps{
		Bookings: p.Store, Connections: p.Store, Engine: engine(p, switches, pacer.Pace(cal)), Calendar: cal, Pacer: pacer,
		Grants: a.Grants, Switches: switches, Publisher: p.Publisher, Now: p.Now, Log: p.Log,
	})
	a.subscribe(p)
	return a, a.publish(p)
}

func engine(p Parts, s converge.Switches, i integration.Integration) *converge.Engine {
	return converge.New(converge.Deps{Store: p.Store, Switches: s, Integrations: []integration.Integration{i}, Now: p.Now, Log: p.Log})
}

func newAuth(p Parts) (googleauth.Deps, error) {
	client := googleauth.NewClient(googleauth.ClientOptions{
		ClientID: p.Config.Google.ID, ClientSecret: p.Config.Google.Secret.Reveal(),
		RedirectURL: p.Config.PublicURL.JoinPath("/oauth/callback").String(), BaseURL: base(p.Config.Google), HTTP: p.HTTP, Now: p.Now,
	})
	cipher, err := googleauth.NewCipher(p.Config.TokenKeyset.Reveal())
	if err != nil {
		return googleauth.Deps{}, fmt.Errorf("token keyset: %w", err)
	}
	return googleauth.Deps{Client: client, Connections: p.Store, Secrets: p.Secrets, Cipher: cipher, Now: p.Now, Log: p.Log}, nil
}

// base is what stands in Google's place; empty: Google.
func base(g config.GoogleClient) string {
	if g.Emulator == nil {
		return ""
	}
	return g.Emulator.String()
}

func (a *App) subscribe(p Parts) {
	in := intake.Deps{Apply: a.Engine.Apply, Now: p.Now, Log: p.Log}
	a.Subscribers = map[bus.Topic]http.Handler{
		bus.Reserved:    onreserve.New(in),
		bus.Confirmed:   onconfirm.New(in),
		bus.Deleted:     ondelete.New(in),
		bus.Maintenance: a.Maintainer.Handler(),
	}
}

func (a *App) publish(p Parts) error {
	var secrets [][]byte
	for _, s := range p.Config.SessionSecrets {
		secrets = append(secrets, []byte(s.Reveal()))
	}
	sessions, err := session.New(session.Options{
		Secrets: secrets, PublicURL: p.Config.PublicURL, ReturnOrigins: p.Config.ReturnOrigins, Links: p.Store, Now: p.Now,
	})
	if err != nil {
		return fmt.Errorf("sessions: %w", err)
	}
	panel, err := settings.New(settings.Deps{
		Store: p.Store, Sessions: sessions, Grants: a.Grants, Publisher: p.Publisher,
		Integrations: []integration.ID{integration.GoogleCalendar},
		PublicURL:    p.Config.PublicURL, PlatformURL: p.Config.PlatformSettings, Now: p.Now, Log: p.Log,
	})
	if err != nil {
		return fmt.Errorf("panel: %w", err)
	}
	hook, err := webhook.New(webhook.Deps{
		Publisher: p.Publisher, Secrets: config.RevealAll(p.Config.WebhookSecrets), Companies: p.Store, Now: p.Now, Log: p.Log,
	})
	if err != nil {
		return fmt.Errorf("webhook: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("/webhooks/bookings", hook)
	mux.Handle("/oauth/start", oauthstart.New(oauthstart.Deps{
		Sessions: sessions, Client: a.auth.Client, Grants: a.Grants, Store: p.Store, Now: p.Now, Log: p.Log,
	}))
	mux.Handle("/oauth/callback", oauthcallback.New(oauthcallback.Deps{
		Sessions: sessions, Client: a.auth.Client, Grants: a.Grants, Store: p.Store, Publisher: p.Publisher, Now: p.Now, Log: p.Log,
	}))
	mux.Handle("/settings", panel)
	mux.Handle("/settings/", panel)
	mux.Handle("/v1/", panel)
	mux.HandleFunc("GET /health", fault.Health)
	a.Public = logging.Traced(mux)
	return nil
}
