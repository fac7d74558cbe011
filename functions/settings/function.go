// Package settings is the function behind the panel in which a company turns
// integrations on and off and sees what became of its bookings, and behind the
// same as a JSON API.
//
// The panel, HTML that needs no script, for a browser that came by one of the
// booking platform's signed links:
//
//	GET  /settings?session=JWT                       opens the link, then 303 to /settings
//	GET  /settings                                   the integrations; ?result= says how a change went
//	POST /settings/integrations/{integration}/enable   google-calendar: 303 to where the consent begins; with replace=yes,
//	                                                   events=keep|remove and account=ADDRESS the connected account is turned
//	                                                   off first. whatsapp: turns it on
//	GET  /settings/integrations/{integration}/disable  asks whether to turn it off
//	POST /settings/integrations/{integration}/disable  asks too; with confirm=yes, and for google-calendar events=keep|remove, turns
//	                                                   it off
//	GET  /settings/integrations/{integration}/options  the calendars to choose among; the notices to customers, and their language
//	POST /settings/integrations/{integration}/options  calendar=ID chooses one; language=es|en|nothing and a notice=KIND for each
//	                                                   that is to be sent
//	POST /settings/integrations/{integration}/test     tries the connection, then 303 to
//	GET  /settings/integrations/{integration}/test     how the last test went
//	GET  /settings/history                           bookings, latest start first; ?state=, ?delivery=INTEGRATION:STATUS, ?from= and
//	                                                 ?until= (days) narrow them down, ?cursor= pages
//	POST /settings/history                           the same, with find=, an id, a phone or the beginning of a name; then 303 to
//	                                                 /settings/history?search=, in which it is sealed
//	POST /settings/history/retry                     booking=ID: sends its event to Google again
//	POST /settings/history/look                      booking=ID: looks at Google whether its event is there
//	GET  /settings/history.csv                       the same as a table, without pages
//	GET  /settings/history?booking=ID                one booking, any id
//	GET  /settings/feed                              the private address of the calendar feed
//	POST /settings/feed                              action=create|replace|remove, of the address that current= tells from others
//	GET  /settings/activity                          who did what and when; ?cursor= pages
//	GET  /settings/static/{file}                     what pages are made of, under names that change with their content
//
// Calendar apps, which can't sign in, have a private address:
//
//	GET  /feeds/{token}.ics                          the company's bookings as an iCalendar object (RFC 5545)
//
// The API, for "Authorization: Bearer JWT" with a token like a link's:
//
//	GET  /v1/integrations
//	POST /v1/integrations/{integration}/enable
//	POST /v1/integrations/{integration}/disable      {"events":"keep"} or {"events":"remove"}; for whatsapp nothing is needed
//	POST /v1/integrations/{integration}/test
//	GET  /v1/integrations/{integration}/calendars
//	POST /v1/integrations/{integration}/options      {"calendar":ID}, or for whatsapp {"language":"en","notices":{"reserved":false}}
//	GET  /v1/bookings?cursor=&limit=
//	GET  /v1/bookings/{id}
//	POST /v1/bookings/{id}/retry
//	POST /v1/bookings/{id}/look
//	GET  /v1/activity?cursor=
//
// The company is always the one of the session or the token. Pages of the panel
// name it in their forms (company) and links (?company=), for one purpose: a page
// that was left open while the browser opened another company's link is refused
// with 409, and acts on neither. An integration that the installation is not
// configured for has no card, and its pages are not there; the API lists it as
// not available. Errors of the panel are pages, those of the API problem
// documents (RFC 9457).
package settings

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

func init() { functions.HTTP("settings", gcf.Serve("settings", needs(), open)) }

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
	return Wire(p, g, sessions)
}

// Wire returns the function's handler on these parts.
func Wire(p wire.Parts, g *wire.Google, sessions *session.Manager) (http.Handler, error) {
	engine, err := wire.Engine(p, g, g.Calendar)
	if err != nil {
		return nil, err
	}
	deps := Deps{
		Engine: engine, Store: p.Store, Sessions: sessions, Grants: g.Grants, Calendar: g.Calendar, Publisher: p.Publisher,
		Secrets: wire.SessionSecrets(p), PublicURL: p.Config.PublicURL, PlatformURL: p.Config.PlatformSettings, Now: p.Now, Log: p.Log,
	}
	sender, err := wire.WhatsApp(p, g.Switches)
	if err != nil {
		return nil, err
	}
	if sender != nil {
		deps.Sender, deps.Templates = sender, p.Config.WhatsApp.Templates
	}
	return New(deps)
}
