// Package boltqueue is a durable queue in one bbolt file, which one process at
// a time has open. It delivers as a Pub/Sub push subscription does: each
// message at least once, in any order, to an [http.Handler] that acknowledges
// it with its status.
//
// # Life of a message
//
// [Queue.Publish] returns when the message is on the disk. From then on it is
// delivered until its handler answers 2xx; between failures it waits, longer
// each time, and other messages go on. After the last attempt it moves to the
// dead letters, where it stays until it is sent again. A message of a topic
// that nobody subscribed to waits for somebody who does.
//
// What is being delivered is known in memory only: if the process is killed,
// whatever it had not acknowledged is delivered anew, at once, by the next
// one, and the attempt cut short does not count. Failures and waits are kept.
//
// # Buckets
//
//	messages   topic, 00, number    JSON of message
//	dead       number               JSON of message
//
// The number is the bucket's sequence in eight bytes, which never comes twice
// in a file; in decimal it is the message's id.
package boltqueue

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/citasync/citasync/shared/bus"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/internal/boltfile"
)

// Options change how messages are delivered. Zero fields take the defaults.
type Options struct {
	MinBackoff  time.Duration // shortest wait after a failure: 1 s
	MaxBackoff  time.Duration // longest wait after a failure: 60 s
	MaxAttempts int           // failures that make a dead letter: 20
	AckDeadline time.Duration // how long a handler has: 60 s
	Workers     int           // messages of one topic delivered at a time: 16
	NoSync      bool          // see boltfile.NoSync: for tests and benchmarks
	Now         func() time.Time
	Log         *slog.Logger
}

func (o Options) withDefaults() Options {
	o.MinBackoff = cmp.Or(o.MinBackoff, time.Second)
	o.MaxBackoff = cmp.Or(o.MaxBackoff, time.Minute)
	o.MaxAttempts = cmp.Or(o.MaxAttempts, 20)
	o.AckDeadline = cmp.Or(o.AckDeadline, time.Minute)
	o.Workers = cmp.Or(o.Workers, 16)
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Queue is a [bus.Publisher] that delivers what is published. It may be used
// by several goroutines.
type Queue struct {
	file *boltfile.File
	opts Options

	mu     sync.Mutex
	topics map[bus.Topic]*topic
}

var _ bus.Publisher = (*Queue)(nil)

// Open opens the file, and makes it, readable by nobody else, if there is
// none. If another process holds it for longer than a second, that is an
// error.
func Open(path string, opts Options) (*Queue, error) {
	opts = opts.withDefaults()
	var fileOpts []boltfile.Option
	if opts.NoSync {
		fileOpts = append(fileOpts, boltfile.NoSync)
	}
	f, err := boltfile.Open(path, []string{messages, dead}, fileOpts...)
	if err != nil {
		return nil, err
	}
	q := &Queue{file: f, opts: opts, topics: map[bus.Topic]*topic{}}
	if err := q.load(); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), f.Close())
	}
	return q, nil
}

// load schedules what the file holds. A wait is never longer than it can have
// been meant to be, should the clock have been put back.
func (q *Queue) load() error {
	latest := q.opts.Now().Add(q.opts.MaxBackoff)
	return q.file.View(eachMessage(func(name bus.Topic, n uint64, m message) error {
		due := m.NextAttemptAt
		if due.After(latest) {
			due = latest
		}
		q.topic(name).schedule(n, due)
		return nil
	}))
}

// Close closes the file. Run must have returned.
func (q *Queue) Close() error { return q.file.Close() }

// topic returns the topic of that name, and makes it if there is none.
func (q *Queue) topic(name bus.Topic) *topic {
	q.mu.Lock()
	defer q.mu.Unlock()
	t := q.topics[name]
	if t == nil {
		t = newTopic(name)
		q.topics[name] = t
	}
	return t
}

// Publish implements [bus.Publisher]. Publishers that come at the same time
// share the wait for the disk.
func (q *Queue) Publish(ctx context.Context, name bus.Topic, m bus.Message) (id string, err error) {
	n, err := q.publish(ctx, name, m)
	if err != nil {
		return "", fmt.Errorf("publish to %s: %w: %w", name, fault.ErrUnavailable, err)
	}
	q.topic(name).schedule(n, q.opts.Now())
	return idText(n), nil
}

func (q *Queue) publish(ctx context.Context, name bus.Topic, m bus.Message) (n uint64, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	data, err := encode(message{Topic: name, Data: m.Data, Attributes: m.Attributes, PublishedAt: q.opts.Now().UTC()})
	if err != nil {
		return 0, err
	}
	err = q.file.Update(func(tx *tx) (err error) {
		n, err = insert(tx, name, data)
		return err
	})
	return n, err
}

// Subscribe has the topic's messages delivered to the handler. It is called
// before [Queue.Run], and once for each topic: a second handler is the
// programmer's mistake, and a panic.
//
// The handler is sent POST requests for "/" with the body that Pub/Sub pushes
// ("Receive push messages" in its documentation) and a context that ends after
// Options.AckDeadline. An answer of 2xx acknowledges the message; any other,
// none at all, or a panic has it delivered again later.
func (q *Queue) Subscribe(name bus.Topic, h http.Handler) {
	t := q.topic(name)
	if t.handler != nil {
		panic("boltqueue: two subscriptions to " + string(name))
	}
	t.handler = h
}

// Run delivers until ctx ends. Then it begins no further delivery, waits for
// those under way, at most as long as they have, and returns nil.
func (q *Queue) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for _, t := range q.subscribed() {
		wg.Go(func() { q.dispatch(ctx, t) })
	}
	<-ctx.Done()
	q.await(ctx, &wg)
	return nil
}

func (q *Queue) subscribed() []*topic {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.DeleteFunc(slices.Collect(maps.Values(q.topics)), func(t *topic) bool { return t.handler == nil })
}

// await gives up on handlers that overrun their deadline: what they were given
// is not acknowledged, so the next process delivers it again.
func (q *Queue) await(ctx context.Context, wg *sync.WaitGroup) {
	done := make(chan struct{})
	go func() {
		wg.Wait()
		close(done)
	}()
	limit := time.NewTimer(q.opts.AckDeadline)
	defer limit.Stop()
	select {
	case <-done:
	case <-limit.C:
		q.opts.Log.ErrorContext(ctx, "handlers overran their deadline, stopping without them")
	}
}
