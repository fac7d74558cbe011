// Package provision makes on Pub/Sub what a deployment's Terraform makes there,
// for the emulator, which starts empty; and it reads and redrives the dead
// letters of either.
//
// A function's messages come by a push subscription that has the function's
// name. One that is refused [Policy].Attempts times goes to the topic
// [DeadLetterTopic], where a subscription of the same name keeps it until
// somebody looks.
package provision

import (
	"context"
	"errors"
	"fmt"
	"time"

	pubsub "cloud.google.com/go/pubsub/v2/apiv1"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/citasync/citasync/shared/bus"
)

// DeadLetterTopic is where messages go that were refused for the last time,
// and the name of the subscription that keeps them.
const DeadLetterTopic = "booking-dead-letter"

// keep is how long a dead letter waits for somebody to look. The emulator
// allows no longer; the service does.
const keep = 7 * 24 * time.Hour

const updateTimeout = 10 * time.Second

// Admin makes and reads the topics and subscriptions of one project.
type Admin struct {
	project string
	topics  *pubsub.TopicAdminClient
	subs    *pubsub.SubscriptionAdminClient
}

// Open returns an Admin for the project: at Pub/Sub, with the application's
// default credentials, or at an emulator's host:port. It asks nobody yet.
func Open(ctx context.Context, project, emulator string) (*Admin, error) {
	topics, err := pubsub.NewTopicAdminClient(ctx, options(emulator)...)
	if err != nil {
		return nil, fmt.Errorf("pub/sub: %w", err)
	}
	subs, err := pubsub.NewSubscriptionAdminClient(ctx, options(emulator)...)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("pub/sub: %w", err), topics.Close())
	}
	return &Admin{project, topics, subs}, nil
}

// options are for one client each: clients close what they dial.
func options(emulator string) []option.ClientOption {
	if emulator == "" {
		return nil
	}
	return []option.ClientOption{
		option.WithEndpoint(emulator), option.WithoutAuthentication(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())),
	}
}

// Close ends the connections.
func (a *Admin) Close() error { return errors.Join(a.topics.Close(), a.subs.Close()) }

// Push has a topic's messages pushed to a function.
type Push struct {
	Subscription string // the function's name
	Topic        bus.Topic
	Endpoint     string // an http URL
}

// Policy is how the messages of a push subscription are delivered.
type Policy struct {
	AckDeadline            time.Duration // for an answer
	MinBackoff, MaxBackoff time.Duration // between a refusal and the next attempt
	Attempts               int32         // until a message is a dead letter, 5 to 100
}

// Deployed is the policy of a deployment: an attempt may take longer than a
// function's own, and a message is tried for about two hours.
func Deployed() Policy {
	return Policy{AckDeadline: time.Minute, MinBackoff: 10 * time.Second, MaxBackoff: 10 * time.Minute, Attempts: 20}
}

// Provision makes every topic, the subscriptions and the one of the dead
// letters. What there is already stays, with its messages, and is brought to
// the endpoint and policy.
func (a *Admin) Provision(ctx context.Context, pushes []Push, p Policy) error {
	topics := []string{DeadLetterTopic}
	for _, t := range []bus.Topic{bus.Reserved, bus.Confirmed, bus.Deleted, bus.Maintenance, bus.IntegrationEvents} {
		topics = append(topics, string(t))
	}
	for _, name := range topics {
		if err := a.makeTopic(ctx, name); err != nil {
			return err
		}
	}
	// Dead letters are lost without a subscription: it comes before those that
	// make them.
	if err := a.makeSubscription(ctx, a.deadLetterSubscription()); err != nil {
		return err
	}
	for _, push := range pushes {
		if err := a.makeSubscription(ctx, a.pushSubscription(push, p)); err != nil {
			return err
		}
	}
	return nil
}

func (a *Admin) makeTopic(ctx context.Context, name string) error {
	_, err := a.topics.CreateTopic(ctx, &pubsubpb.Topic{Name: a.topic(name)})
	if err != nil && status.Code(err) != codes.AlreadyExists {
		return fmt.Errorf("make topic %s: %w", name, err)
	}
	return nil
}

func (a *Admin) makeSubscription(ctx context.Context, s *pubsubpb.Subscription) error {
	_, err := a.subs.CreateSubscription(ctx, s)
	if status.Code(err) == codes.AlreadyExists {
		return a.update(ctx, s, "ack_deadline_seconds", "push_config", "retry_policy", "dead_letter_policy")
	}
	if err != nil {
		return fmt.Errorf("make subscription %s: %w", s.GetName(), err)
	}
	return nil
}

// Unstick has the emulator deliver again, soon, what a subscription's function
// has refused and what waits for its next attempt.
//
// With a retry policy, version 0.8.20 of the emulator forgets to: it notes
// which messages wait by the millisecond at which they are due; of several
// that are due at the same one it loses track, and the task that delivers them
// dies of that (MessageBacklog.expireOutstandingMessages). Without a policy it
// delivers after a second, so this takes the policy away for a moment.
func (a *Admin) Unstick(ctx context.Context, push Push, p Policy) error {
	with := a.pushSubscription(push, p)
	without := a.pushSubscription(push, p)
	without.RetryPolicy = nil
	if err := a.update(ctx, without, "retry_policy"); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
	case <-time.After(300 * time.Millisecond): // it looks every 100
	}
	return a.update(context.WithoutCancel(ctx), with, "retry_policy")
}

func (a *Admin) update(ctx context.Context, s *pubsubpb.Subscription, fields ...string) error {
	ctx, cancel := context.WithTimeout(ctx, updateTimeout)
	defer cancel()
	_, err := a.subs.UpdateSubscription(ctx, &pubsubpb.UpdateSubscriptionRequest{Subscription: s, UpdateMask: &fieldmaskpb.FieldMask{Paths: fields}})
	if err != nil {
		return fmt.Errorf("update subscription %s: %w", s.GetName(), err)
	}
	return nil
}

func (a *Admin) pushSubscription(push Push, p Policy) *pubsubpb.Subscription {
	return &pubsubpb.Subscription{
		Name: a.subscription(push.Subscription), Topic: a.topic(string(push.Topic)),
		PushConfig:         &pubsubpb.PushConfig{PushEndpoint: push.Endpoint},
		AckDeadlineSeconds: int32(p.AckDeadline / time.Second), //nolint:gosec // Pub/Sub takes ten minutes at most
		RetryPolicy: &pubsubpb.RetryPolicy{
			MinimumBackoff: durationpb.New(p.MinBackoff), MaximumBackoff: durationpb.New(p.MaxBackoff),
		},
		DeadLetterPolicy: &pubsubpb.DeadLetterPolicy{DeadLetterTopic: a.topic(DeadLetterTopic), MaxDeliveryAttempts: p.Attempts},
		ExpirationPolicy: &pubsubpb.ExpirationPolicy{}, // never
	}
}

func (a *Admin) deadLetterSubscription() *pubsubpb.Subscription {
	return &pubsubpb.Subscription{
		Name: a.subscription(DeadLetterTopic), Topic: a.topic(DeadLetterTopic), AckDeadlineSeconds: 60,
		MessageRetentionDuration: durationpb.New(keep), ExpirationPolicy: &pubsubpb.ExpirationPolicy{},
	}
}

func (a *Admin) topic(name string) string { return "projects/" + a.project + "/topics/" + name }

func (a *Admin) subscription(name string) string {
	return "projects/" + a.project + "/subscriptions/" + name
}
