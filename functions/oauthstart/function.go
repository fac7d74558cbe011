// Package oauthstart is the function that sends a company's browser to Google
// for its consent. It answers
//
//	GET /oauth/start   302 to Google, or 303 back to the panel, or to where the
//	                   platform wants the browser back, with the reason
//	GET /health        200 ok
//
// What it needs to recognise the answer is kept for ten minutes, bound to the
// browser's session and its company; oauthcallback takes it, once.
//
// A page may name its company in the address (?company=). If the browser has
// opened another one since, nothing is begun: a page left open in another tab
// must not connect a company that it does not show.
//
// It may also name an account by its address (?account=), which Google is asked
// to offer first. That is a hint and no more: whoever consents says which it is,
// and while the company is connected its own account is the hint.
package oauthstart

import (
	"context"
	"net/http"

	"github.com/GoogleCloudPlatform/functions-framework-go/functions"

	"github.com/citasync/citasync/shared/config"
	"github.com/citasync/citasync/shared/gcf"
	"github.com/citasync/citasync/shared/session"
	"github.com/citasync/citasync/shared/wire"
	"github.com/citasync/citasync/shared/wire/cloud"
)

func init() { functions.HTTP("oauthstart", gcf.Serve("oauthstart", needs(), open)) }

func needs() []config.Need {
	return []config.Need{config.PublicURL, config.Cloud, config.Google, config.TokenKeyset, config.SessionSecrets}
}

func open(ctx context.Context, s gcf.Start) (http.Handler, error) {
	p, err := cloud.Open(ctx, s)
	if err != nil {
		return nil, err
	}
	g, err := wire.NewGoogle(p)
	if err != nil {
		return nil, err
	}
	sessions, err := wire.Sessions(p)
	if err != nil {
		return nil, err
	}
	return Wire(p, g, sessions), nil
}

// Wire returns the function's handler on these parts.
func Wire(p wire.Parts, g *wire.Google, sessions *session.Manager) http.Handler {
	return New(Deps{Sessions: sessions, Client: g.Client, Grants: g.Grants, Store: p.Store, Now: p.Now, Log: p.Log})
}
