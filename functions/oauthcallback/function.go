// Package oauthcallback is the function that Google sends the browser back to
// after the consent. It answers
//
//	GET /oauth/callback   303 with how it ended, a googleauth.Result: to the panel,
//	                      or to where the platform wants the browser back
//	GET /health           200 ok
//
// An answer that does not belong to what this browser's session began, for
// whatever reason, is refused before its code is redeemed. A grant is stored
// whole or given back.
package oauthcallback

import (
	"context"
	"net/http"

	"github.com/GoogleCloudPlatform/functions-framework-go/functions"

	"github.com/citasync/citasync/shared/bus/gcppubsub"
	"github.com/citasync/citasync/shared/config"
	"github.com/citasync/citasync/shared/gcf"
	"github.com/citasync/citasync/shared/session"
	"github.com/citasync/citasync/shared/wire"
	"github.com/citasync/citasync/shared/wire/cloud"
)

func init() { functions.HTTP("oauthcallback", gcf.Serve("oauthcallback", needs(), open)) }

func needs() []config.Need {
	return []config.Need{config.PublicURL, config.Cloud, config.Google, config.TokenKeyset, config.SessionSecrets}
}

func open(ctx context.Context, s gcf.Start) (http.Handler, error) {
	p, err := cloud.Open(ctx, s)
	if err != nil {
		return nil, err
	}
	publisher, err := gcppubsub.Open(ctx, s.Config.Project, s.Config.PubSubEmulator)
	if err != nil {
		return nil, err
	}
	s.OnEnd(publisher.Close)
	p.Publisher = publisher
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
	return New(Deps{
		Sessions: sessions, Client: g.Client, Grants: g.Grants, Store: p.Store, Publisher: p.Publisher, Now: p.Now, Log: p.Log,
	})
}
