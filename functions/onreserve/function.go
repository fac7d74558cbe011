// Package onreserve is the function behind the topic booking-reserved: it brings
// the company's integrations to a booking that was reserved.
package onreserve

import (
	"context"
	"net/http"

	"github.com/GoogleCloudPlatform/functions-framework-go/functions"

	"github.com/citasync/citasync/shared/config"
	"github.com/citasync/citasync/shared/gcf"
	"github.com/citasync/citasync/shared/intake"
	"github.com/citasync/citasync/shared/wire"
	"github.com/citasync/citasync/shared/wire/cloud"
)

func init() { functions.HTTP("onreserve", gcf.Serve("onreserve", needs(), open)) }

func needs() []config.Need { return []config.Need{config.Cloud, config.Google, config.TokenKeyset} }

func open(ctx context.Context, s gcf.Start) (http.Handler, error) {
	p, err := cloud.Open(ctx, s)
	if err != nil {
		return nil, err
	}
	g, err := wire.NewGoogle(p)
	if err != nil {
		return nil, err
	}
	engine, err := wire.Engine(p, g, g.Calendar)
	if err != nil {
		return nil, err
	}
	return New(intake.Deps{Apply: engine.Apply, Now: p.Now, Log: p.Log}), nil
}

// New returns the function's handler. The three functions behind the booking
// topics are one handler, deployed apart so that each scales and fails alone.
func New(deps intake.Deps) http.Handler { return intake.New(deps) }
