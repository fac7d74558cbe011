// Package webhook receives the booking platform's signed events, and publishes
// each on the topic of its kind. It answers 202 only once the message is
// stored durably, so that the platform may forget what was accepted and has to
// send again what was not.
//
//	POST /webhooks/bookings   an event as package booking reads it, signed as Standard Webhooks has it
//	GET  /webhooks/whatsapp   Meta's question whether this is where to tell what became of messages
//	POST /webhooks/whatsapp   what became of messages, signed by Meta
//	GET  /health              "ok"
//
// A webhook is checked in this order: its size (413), signature (401), content
// type (415), form (400) and content (422). Every refusal is a problem
// document (RFC 9457) that lists each invalid field. The same webhook may be
// sent any number of times: what stands behind the topics converges.
package webhook

import (
	"context"
	"net/http"
	"time"

	"github.com/GoogleCloudPlatform/functions-framework-go/functions"

	"github.com/citasync/citasync/shared/bus/gcppubsub"
	"github.com/citasync/citasync/shared/config"
	"github.com/citasync/citasync/shared/gcf"
	"github.com/citasync/citasync/shared/store/firestore"
)

func init() { functions.HTTP("webhook", gcf.Serve("webhook", needs(), open)) }

func needs() []config.Need { return []config.Need{config.Cloud, config.WebhookSecrets} }

func open(ctx context.Context, s gcf.Start) (http.Handler, error) {
	records, err := firestore.Open(ctx, s.Config.Project, s.Config.Database, s.Config.FirestoreEmulator)
	if err != nil {
		return nil, err
	}
	s.OnEnd(records.Close)
	publisher, err := gcppubsub.Open(ctx, s.Config.Project, s.Config.PubSubEmulator)
	if err != nil {
		return nil, err
	}
	s.OnEnd(publisher.Close)
	return New(Deps{
		Publisher: publisher, Companies: records, Secrets: config.RevealAll(s.Config.WebhookSecrets),
		WhatsApp: Receipts(s.Config, records), Now: time.Now, Log: s.Log,
	})
}
