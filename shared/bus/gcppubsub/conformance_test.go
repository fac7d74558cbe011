package gcppubsub

import (
	"context"
	"crypto/rand"
	"strings"
	"testing"

	pubsub "cloud.google.com/go/pubsub/v2/apiv1"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"cloud.google.com/go/pubsub/v2/pstest"

	"github.com/citasync/citasync/shared/bus"
	"github.com/citasync/citasync/shared/bus/bustest"
	"github.com/citasync/citasync/shared/emulator/emulatortest"
)

// TestConformance runs against the library's own fake, which is always there,
// and TestEmulator against the emulator.
func TestConformance(t *testing.T) {
	bustest.Run(t, func(t *testing.T) bustest.Backend { return backend(t, fake(t).Addr) })
}

func TestEmulator(t *testing.T) {
	addr := emulatortest.PubSub(t)
	bustest.Run(t, func(t *testing.T) bustest.Backend { return backend(t, addr) })
	t.Run("Missing", func(t *testing.T) { testMissing(t, addr) })
}

func fake(t *testing.T) *pstest.Server {
	t.Helper()
	s := pstest.NewServer()
	t.Cleanup(func() { _ = s.Close() }) // the connections are its clients' to close
	return s
}

func open(t *testing.T, project, addr string) *Publisher {
	t.Helper()
	p, err := Open(t.Context(), project, addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// newProject names a project that no other test has.
func newProject() string { return "p-" + strings.ToLower(rand.Text()) }

// backend makes topics, each with a subscription of its name, in a new project.
func backend(t *testing.T, addr string) bustest.Backend {
	t.Helper()
	project := newProject()
	p := open(t, project, addr)
	subs, err := pubsub.NewSubscriptionAdminClient(t.Context(), clientOptions(addr)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = subs.Close() }) // nothing is read from it any more
	for _, topic := range []bus.Topic{bus.Reserved, bus.Confirmed, bus.Maintenance} {
		name := topicName(project, topic)
		if _, err := p.client.CreateTopic(t.Context(), &pubsubpb.Topic{Name: name}); err != nil {
			t.Fatal(err)
		}
		if _, err := subs.CreateSubscription(t.Context(), &pubsubpb.Subscription{Name: subscriptionName(project, topic), Topic: name}); err != nil {
			t.Fatal(err)
		}
	}
	return bustest.Backend{Publisher: p, Next: func(ctx context.Context, topic bus.Topic) (string, bus.Message, error) {
		return pull(ctx, subs, subscriptionName(project, topic))
	}}
}

func topicName(project string, topic bus.Topic) string {
	return "projects/" + project + "/topics/" + string(topic)
}

func subscriptionName(project string, topic bus.Topic) string {
	return "projects/" + project + "/subscriptions/" + string(topic)
}

// pull takes one message from a subscription. The fake answers at once when it
// has none.
func pull(ctx context.Context, subs *pubsub.SubscriptionAdminClient, name string) (string, bus.Message, error) {
	for {
		resp, err := subs.Pull(ctx, &pubsubpb.PullRequest{Subscription: name, MaxMessages: 1})
		if err != nil {
			return "", bus.Message{}, err
		}
		for _, r := range resp.GetReceivedMessages() {
			err := subs.Acknowledge(ctx, &pubsubpb.AcknowledgeRequest{Subscription: name, AckIds: []string{r.GetAckId()}})
			m := r.GetMessage()
			return m.GetMessageId(), bus.Message{Data: m.GetData(), Attributes: m.GetAttributes()}, err
		}
	}
}
