// Package gcppubsub is the bus on Cloud Pub/Sub. It publishes; what is
// published, Pub/Sub pushes to the functions.
//
// # Why not Google's Publisher
//
// The library's own Publisher hands each message to goroutines that collect
// and send batches, on a context of their own and for up to a minute. Here a
// request publishes one message and waits for it: nothing is there to be
// batched, and what still runs after the request's answer stands still, since
// Cloud Run takes the processor away. So this package calls the RPC itself:
// a publish that has returned has left nothing behind. Measured against the
// same local server, one at a time: 0.24 ms and 0.19 ms of processor time
// each, against 0.30 ms and 0.26 ms, and 20 goroutines fewer.
package gcppubsub

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	pubsub "cloud.google.com/go/pubsub/v2/apiv1"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

	"github.com/citasync/citasync/shared/bus"
	"github.com/citasync/citasync/shared/fault"
)

const (
	// patience is the longest that a publish takes, whatever time its context
	// has: somebody waits for the answer.
	patience = 10 * time.Second
	// attemptTimeout leaves time for another attempt after one that hangs.
	attemptTimeout = 4 * time.Second

	minBackoff = 50 * time.Millisecond
	maxBackoff = time.Second
)

// Publisher is a [bus.Publisher]. It may be used by several goroutines.
type Publisher struct {
	client  *pubsub.TopicAdminClient
	project string
}

var _ bus.Publisher = (*Publisher)(nil)

// Open returns a publisher to the project's topics; an emulator, host:port,
// takes the place of the service. Nothing is dialled before the first publish.
// The options are those of Google's clients, such as credentials that several
// of them share.
func Open(ctx context.Context, project, emulator string, opts ...option.ClientOption) (*Publisher, error) {
	if project == "" {
		return nil, errors.New("open Pub/Sub: no project")
	}
	client, err := pubsub.NewTopicAdminClient(ctx, append(clientOptions(emulator), opts...)...)
	if err != nil {
		return nil, fmt.Errorf("open Pub/Sub: %w", err)
	}
	client.CallOptions.Publish = nil // no retries below those of Publish
	return &Publisher{client: client, project: project}, nil
}

// clientOptions make a connection that is soon found dead, and soon made anew.
//
// An instance that gets no requests is frozen, and may find its connection cut
// without a word. By default gRPC would not notice for minutes. With
// keep-alive, what is sent and not acknowledged in a third of [patience] ends
// the connection (TCP_USER_TIMEOUT), and the first publish after Time without
// traffic is preceded by a ping; five minutes is the least that servers put up
// with by default. Likewise gRPC would wait for up to two minutes before it
// dials again.
func clientOptions(emulator string) []option.ClientOption {
	opts := []option.ClientOption{
		option.WithTelemetryDisabled(),
		// With GOOGLE_SDK_GO_LOGGING_LEVEL the library would write whole
		// messages, customers' data, to the log.
		option.WithLogger(slog.New(slog.DiscardHandler)),
		option.WithGRPCDialOption(grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time:    5 * time.Minute,
			Timeout: patience / 3,
		})),
		option.WithGRPCDialOption(grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 2 * minBackoff, Multiplier: 2, Jitter: 0.2, MaxDelay: 2 * maxBackoff},
			MinConnectTimeout: attemptTimeout,
		})),
	}
	if emulator != "" {
		opts = append(opts,
			option.WithEndpoint(emulator),
			option.WithoutAuthentication(),
			option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())))
	}
	return opts
}

// Close closes the connection. Nothing waits to be sent: what was published
// has been acknowledged or has failed.
func (p *Publisher) Close() error {
	if err := p.client.Close(); err != nil {
		return fmt.Errorf("close Pub/Sub: %w", err)
	}
	return nil
}

// Publish implements [bus.Publisher]. It tries again while the failure is one
// that may pass, for ten seconds at most, or until ctx ends if that is earlier.
// A message whose acknowledgement was lost is then there twice.
//
// The error always wraps [fault.ErrUnavailable], also where an operator has to
// mend something, such as a topic that is missing or a role that was not
// granted: for the caller the message isn't stored, and may be later.
func (p *Publisher) Publish(ctx context.Context, topic bus.Topic, m bus.Message) (id string, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	resp, err := p.publish(ctx, &pubsubpb.PublishRequest{
		Topic:    "projects/" + p.project + "/topics/" + string(topic),
		Messages: []*pubsubpb.PubsubMessage{{Data: m.Data, Attributes: m.Attributes}},
	})
	if err == nil {
		id, err = onlyID(resp)
	}
	if err != nil {
		return "", fmt.Errorf("publish to %s: %w: %w", topic, fault.ErrUnavailable, err)
	}
	return id, nil
}

func onlyID(resp *pubsubpb.PublishResponse) (string, error) {
	if n := len(resp.GetMessageIds()); n != 1 {
		return "", fmt.Errorf("one message was acknowledged with %d ids", n)
	}
	return resp.GetMessageIds()[0], nil
}

func (p *Publisher) publish(ctx context.Context, req *pubsubpb.PublishRequest) (*pubsubpb.PublishResponse, error) {
	for wait := minBackoff; ; wait = min(2*wait, maxBackoff) {
		resp, err := p.attempt(ctx, req)
		if err == nil || !mayPass(err) {
			return resp, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(wait/2 + rand.N(wait/2)): //nolint:gosec // no secret
		}
	}
}

func (p *Publisher) attempt(ctx context.Context, req *pubsubpb.PublishRequest) (*pubsubpb.PublishResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	return p.client.Publish(ctx, req)
}

// mayPass reports whether a failure is one after which Pub/Sub's documentation
// ("Retry requests") advises to try again. Of those, Canceled is left out: it
// is also what a client answers that was closed.
func mayPass(err error) bool {
	switch status.Code(err) {
	case codes.Aborted, codes.DeadlineExceeded, codes.Internal, codes.ResourceExhausted, codes.Unavailable, codes.Unknown:
		return true
	default:
		return false
	}
}
