// Package maintain is the function that picks up whatever was left over: the
// bookings whose next attempt is due, and what a change of a company's
// connection still owes its bookings. It is triggered by the topic
// maintenance, which a scheduler and the other functions feed; a message only
// says that it is worth looking now, for all that is to be done is in the
// store.
package maintain

import (
	"context"
	"net/http"

	"github.com/GoogleCloudPlatform/functions-framework-go/functions"

	"github.com/citasync/citasync/shared/bus/gcppubsub"
	"github.com/citasync/citasync/shared/config"
	"github.com/citasync/citasync/shared/gcf"
	"github.com/citasync/citasync/shared/wire"
	"github.com/citasync/citasync/shared/wire/cloud"
)

func init() { functions.HTTP("maintain", gcf.Serve("maintain", needs(), open)) }

func needs() []config.Need { return []config.Need{config.Cloud, config.Google, config.TokenKeyset} }

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
	m, err := Wire(p, g)
	if err != nil {
		return nil, err
	}
	return m.Handler(), nil
}

// Wire returns a Maintainer on these parts.
func Wire(p wire.Parts, g *wire.Google) (*Maintainer, error) {
	notifier, err := wire.Notifier(p)
	if err != nil {
		return nil, err
	}
	pacer := NewPacer()
	engine, err := wire.Engine(p, g, pacer.Pace(g.Calendar))
	if err != nil {
		return nil, err
	}
	return New(Deps{
		Bookings: p.Store, Connections: p.Store, Engine: engine, Calendar: g.Calendar,
		Pacer: pacer, Grants: g.Grants, Notifier: notifier, Switches: g.Switches, Publisher: p.Publisher, Now: p.Now, Log: p.Log,
	}), nil
}
