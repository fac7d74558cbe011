package settings

import (
	"context"

	"github.com/citasync/citasync/shared/bus"
)

// bell is a publisher that counts what wakes maintain, and fails if err is set.
type bell struct {
	rung []bus.Message
	err  error
}

func (b *bell) Publish(_ context.Context, topic bus.Topic, m bus.Message) (string, error) {
	if topic == bus.Maintenance {
		b.rung = append(b.rung, m)
	}
	return "1", b.err
}
