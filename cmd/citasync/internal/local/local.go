// Package local makes one process of all the functions: the same handlers, on
// stores, a queue and a transport that are given to it.
package local

import (
	"net/http"

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
	"github.com/citasync/citasync/shared/intake"
	"github.com/citasync/citasync/shared/logging"
	"github.com/citasync/citasync/shared/wire"
)

// App is the functions of one process.
type App struct {
	// Public serves what browsers, the platform and Google reach.
	Public http.Handler
	// Subscribers take the push requests of their topics.
	Subscribers map[bus.Topic]http.Handler
	Maintainer  *maintain.Maintainer
	Engine      *converge.Engine
	Google      *wire.Google
}

// New wires the functions.
func New(p wire.Parts) (*App, error) {
	g, err := wire.NewGoogle(p)
	if err != nil {
		return nil, err
	}
	m, err := maintain.Wire(p, g)
	if err != nil {
		return nil, err
	}
	engine, err := wire.Engine(p, g, g.Calendar)
	if err != nil {
		return nil, err
	}
	a := &App{Engine: engine, Google: g, Maintainer: m}
	in := intake.Deps{Apply: a.Engine.Apply, Now: p.Now, Log: p.Log}
	a.Subscribers = map[bus.Topic]http.Handler{
		bus.Reserved:    onreserve.New(in),
		bus.Confirmed:   onconfirm.New(in),
		bus.Deleted:     ondelete.New(in),
		bus.Maintenance: a.Maintainer.Handler(),
	}
	a.Public, err = public(p, g)
	return a, err
}

// public routes the paths as the load balancer of a deployment does.
func public(p wire.Parts, g *wire.Google) (http.Handler, error) {
	sessions, err := wire.Sessions(p)
	if err != nil {
		return nil, err
	}
	panel, err := settings.Wire(p, g, sessions)
	if err != nil {
		return nil, err
	}
	hook, err := webhook.New(webhook.Deps{
		Publisher: p.Publisher, Companies: p.Store, Secrets: config.RevealAll(p.Config.WebhookSecrets),
		WhatsApp: webhook.Receipts(p.Config, p.Store), Now: p.Now, Log: p.Log,
	})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/webhooks/", hook)
	mux.Handle("/oauth/start", oauthstart.Wire(p, g, sessions))
	mux.Handle("/oauth/callback", oauthcallback.Wire(p, g, sessions))
	mux.Handle("/settings", panel)
	mux.Handle("/settings/", panel)
	mux.Handle("/feeds/", panel)
	mux.Handle("/v1", panel)
	mux.Handle("/v1/", panel)
	mux.HandleFunc("GET /health", fault.Health)
	return logging.Traced(mux), nil
}
