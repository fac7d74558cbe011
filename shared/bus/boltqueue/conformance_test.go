package boltqueue

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/citasync/citasync/shared/bus"
	"github.com/citasync/citasync/shared/bus/bustest"
)

func TestConformance(t *testing.T) {
	bustest.Run(t, func(t *testing.T) bustest.Backend {
		q := openAt(t, temp(t), Options{NoSync: true})
		received := map[bus.Topic]chan envelope{}
		for _, topic := range []bus.Topic{bus.Reserved, bus.Confirmed, bus.Maintenance} {
			c := make(chan envelope, 1000)
			received[topic] = c
			q.Subscribe(topic, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				var e envelope
				if err := json.NewDecoder(r.Body).Decode(&e); err != nil {
					t.Error(err)
				}
				c <- e
			}))
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error)
		go func() { done <- q.Run(ctx) }()
		t.Cleanup(func() { cancel(); <-done })
		return bustest.Backend{Publisher: q, Next: func(ctx context.Context, topic bus.Topic) (string, bus.Message, error) {
			select {
			case e := <-received[topic]:
				return e.Message.MessageID, bus.Message{Data: e.Message.Data, Attributes: e.Message.Attributes}, nil
			case <-ctx.Done():
				return "", bus.Message{}, ctx.Err()
			}
		}}
	})
}
