package emulate

import (
	"context"
	"log/slog"
	"time"

	"github.com/citasync/citasync/shared/bus"
)

// Schedule publishes what Cloud Scheduler does, at once and then at every tick,
// until the context ends.
func Schedule(ctx context.Context, p bus.Publisher, every time.Duration, log *slog.Logger) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if _, err := p.Publish(ctx, bus.Maintenance, bus.Message{Data: []byte(`{"task":"sweep"}`)}); err != nil && ctx.Err() == nil {
			log.LogAttrs(ctx, slog.LevelError, "maintenance was not asked for", slog.String("error", err.Error()))
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
