package provision

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/citasync/citasync/shared/bus"
	"github.com/citasync/citasync/shared/fault"
)

// DeadLetter is a message that was refused for the last time. It says nothing
// of the message's data, which may be personal. Why it was refused, Pub/Sub
// does not know: the function's log says it.
type DeadLetter struct {
	ID           string
	Subscription string // whose function refused it
	Topic        bus.Topic
	Attributes   map[string]string // those that it was published with
	PublishedAt  time.Time         // UTC; zero if unknown
	FailedAt     time.Time         // UTC
	Attempts     int
}

// Attributes that Pub/Sub adds when it forwards a message to a dead-letter
// topic ("Dead-letter topics", "Handle message failures").
const (
	sourcePrefix       = "CloudPubSubDeadLetterSource"
	sourceCount        = sourcePrefix + "DeliveryCount"
	sourceSubscription = sourcePrefix + "Subscription"
	sourcePublished    = sourcePrefix + "TopicPublishTime"
)

const (
	pullTimeout = 3 * time.Second // without a message in it, there is none
	pullBatch   = 1000
)

// DeadLetters lists the dead letters, those that failed first before the
// others. Pub/Sub hands a message to one reader at a time: one that another is
// looking at just now is missing.
func (a *Admin) DeadLetters(ctx context.Context) ([]DeadLetter, error) {
	all, err := a.take(ctx)
	if err = errors.Join(err, a.giveBack(ctx, all)); err != nil {
		return nil, fmt.Errorf("dead letters: %w", err)
	}
	letters := make([]DeadLetter, 0, len(all))
	for _, h := range all {
		letters = append(letters, h.DeadLetter)
	}
	slices.SortFunc(letters, func(x, y DeadLetter) int { return x.FailedAt.Compare(y.FailedAt) })
	return letters, nil
}

// Redrive publishes a dead letter again on the topic that it came from, where
// it is a new message with all its attempts, and only then removes it: one that
// is published twice does no harm. An id that is not there is
// [fault.ErrNotFound].
func (a *Admin) Redrive(ctx context.Context, id string) error {
	n, err := a.redrive(ctx, func(l DeadLetter) bool { return l.ID == id })
	if err == nil && n == 0 {
		err = fault.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("redrive message %q: %w", id, err)
	}
	return nil
}

// RedriveAll redrives every dead letter, and returns how many. After an error,
// those counted are on their way.
func (a *Admin) RedriveAll(ctx context.Context) (int, error) {
	n, err := a.redrive(ctx, func(DeadLetter) bool { return true })
	if err != nil {
		return n, fmt.Errorf("redrive: %w", err)
	}
	return n, nil
}

// held is a dead letter that nobody else gets until it is given back, or for
// as long as the subscription's ack deadline.
type held struct {
	DeadLetter
	data []byte
	ack  string
}

func (a *Admin) redrive(ctx context.Context, wanted func(DeadLetter) bool) (n int, err error) {
	all, err := a.take(ctx)
	left := slices.Clone(all)
	defer func() { err = errors.Join(err, a.giveBack(ctx, left)) }()
	for _, h := range all {
		if err != nil {
			return n, err
		}
		if !wanted(h.DeadLetter) {
			continue
		}
		if err = a.sendAgain(ctx, h); err == nil {
			n++
			left = slices.DeleteFunc(left, func(l held) bool { return l.ack == h.ack })
		}
	}
	return n, err
}

func (a *Admin) sendAgain(ctx context.Context, h held) error {
	if h.Topic == "" {
		return fmt.Errorf("message %s does not say which topic it came from", h.ID)
	}
	_, err := a.topics.Publish(ctx, &pubsubpb.PublishRequest{
		Topic:    a.topic(string(h.Topic)),
		Messages: []*pubsubpb.PubsubMessage{{Data: h.data, Attributes: h.Attributes}},
	})
	if err != nil {
		return fmt.Errorf("publish message %s on %s: %w", h.ID, h.Topic, err)
	}
	err = a.subs.Acknowledge(ctx, &pubsubpb.AcknowledgeRequest{Subscription: a.subscription(DeadLetterTopic), AckIds: []string{h.ack}})
	if err != nil {
		return fmt.Errorf("message %s is sent again, and not removed: %w", h.ID, err)
	}
	return nil
}

// take pulls until nothing comes. What it returns beside an error is held all
// the same.
func (a *Admin) take(ctx context.Context) (all []held, err error) {
	for {
		batch, err := a.pull(ctx)
		if err != nil {
			return all, err
		}
		if len(batch) == 0 {
			return all, a.addSources(ctx, all)
		}
		for _, m := range batch {
			all = append(all, held{letter(m.GetMessage()), m.GetMessage().GetData(), m.GetAckId()})
		}
	}
}

// addSources looks up which topics the messages came from.
func (a *Admin) addSources(ctx context.Context, all []held) (err error) {
	topics := map[string]bus.Topic{"": ""}
	for i := range all {
		h := &all[i]
		topic, known := topics[h.Subscription]
		if !known {
			if topic, err = a.source(ctx, h.Subscription); err != nil {
				return err
			}
			topics[h.Subscription] = topic
		}
		h.Topic = topic
	}
	return nil
}

// source returns a subscription's topic, and none if there is no such
// subscription any more.
func (a *Admin) source(ctx context.Context, subscription string) (bus.Topic, error) {
	s, err := a.subs.GetSubscription(ctx, &pubsubpb.GetSubscriptionRequest{Subscription: a.subscription(subscription)})
	if status.Code(err) == codes.NotFound {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("subscription %s: %w", subscription, err)
	}
	return bus.Topic(path.Base(s.GetTopic())), nil
}

func (a *Admin) pull(ctx context.Context) ([]*pubsubpb.ReceivedMessage, error) {
	limited, cancel := context.WithTimeout(ctx, pullTimeout)
	defer cancel()
	resp, err := a.subs.Pull(limited, &pubsubpb.PullRequest{Subscription: a.subscription(DeadLetterTopic), MaxMessages: pullBatch})
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		return nil, nil // it waited for a message
	}
	if err != nil {
		return nil, fmt.Errorf("pull: %w", err)
	}
	return resp.GetReceivedMessages(), nil
}

// giveBack lets others have the messages at once, also when the context has
// ended meanwhile.
func (a *Admin) giveBack(ctx context.Context, all []held) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	for batch := range slices.Chunk(all, pullBatch) {
		ids := make([]string, 0, len(batch))
		for _, h := range batch {
			ids = append(ids, h.ack)
		}
		err := a.subs.ModifyAckDeadline(ctx, &pubsubpb.ModifyAckDeadlineRequest{Subscription: a.subscription(DeadLetterTopic), AckIds: ids})
		if err != nil {
			return fmt.Errorf("give messages back: %w", err)
		}
	}
	return nil
}

// letter reads a message of the dead-letter topic, but for the topic that it
// came from.
func letter(m *pubsubpb.PubsubMessage) DeadLetter {
	l := DeadLetter{
		ID: m.GetMessageId(), Subscription: m.GetAttributes()[sourceSubscription], Attributes: maps.Clone(m.GetAttributes()),
		FailedAt: m.GetPublishTime().AsTime(),
	}
	l.Attempts, _ = strconv.Atoi(m.GetAttributes()[sourceCount])                        // 0: unknown
	l.PublishedAt, _ = time.Parse(time.RFC3339Nano, m.GetAttributes()[sourcePublished]) // zero: unknown
	maps.DeleteFunc(l.Attributes, func(name, _ string) bool { return strings.HasPrefix(name, sourcePrefix) })
	return l
}
