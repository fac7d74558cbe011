package boltqueue

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/citasync/citasync/shared/bus"
	"github.com/citasync/citasync/shared/logging"
)

// dispatch delivers a topic's messages as they fall due, several at a time. It
// returns when ctx has ended and its deliveries with it.
func (q *Queue) dispatch(ctx context.Context, t *topic) {
	var wg sync.WaitGroup
	defer wg.Wait()
	free := make(chan struct{}, q.opts.Workers)
	for {
		select {
		case free <- struct{}{}:
		case <-ctx.Done():
			return
		}
		n, ok := t.next(ctx, q.opts.Now)
		if !ok {
			return
		}
		wg.Go(func() {
			q.deliver(context.WithoutCancel(ctx), t, n)
			<-free
		})
	}
}

// deliver makes one attempt on a message and records how it ended. If that
// can't be recorded, the message is as it was, and is tried again.
func (q *Queue) deliver(ctx context.Context, t *topic, n uint64) {
	m, err := q.read(t.name, n)
	if err == nil {
		ctx = logging.WithTrace(ctx, m.Attributes[bus.AttrTrace])
		r := q.attempt(ctx, t, n, m)
		if r.ok() {
			err = q.acknowledge(t.name, n)
		} else {
			err = q.fail(ctx, t, n, m, r)
		}
	}
	if err != nil {
		q.opts.Log.LogAttrs(ctx, slog.LevelError, "delivery not recorded",
			slog.String("topic", string(t.name)), slog.String("message_id", idText(n)), slog.String("error", err.Error()))
		t.schedule(n, q.opts.Now().Add(q.opts.MaxBackoff))
	}
}

func (q *Queue) read(name bus.Topic, n uint64) (m message, err error) {
	err = q.file.View(func(tx *tx) (err error) {
		m, err = decode(tx.Bucket([]byte(messages)).Get(messageKey(name, n)))
		return err
	})
	return m, err
}

func (q *Queue) acknowledge(name bus.Topic, n uint64) error {
	return q.file.Update(func(tx *tx) error { return tx.Bucket([]byte(messages)).Delete(messageKey(name, n)) })
}

// outcome is how an attempt ended.
type outcome struct {
	status int    // 0: none
	reason string // of a failure, in few words
	stack  string // of a panic
}

func (o outcome) ok() bool { return o.status >= 200 && o.status < 300 && o.reason == "" }

// fail puts the message off, or among the dead letters if it was the last
// attempt.
func (q *Queue) fail(ctx context.Context, t *topic, n uint64, m message, o outcome) error {
	now := q.opts.Now()
	m.Failures++
	m.FailedAt, m.Status, m.Reason = now.UTC(), o.status, o.reason
	attrs := []slog.Attr{
		slog.String("topic", string(t.name)), slog.String("message_id", idText(n)),
		slog.String("company", m.Attributes[bus.AttrCompany]), slog.String("booking", m.Attributes[bus.AttrBooking]),
		slog.Int("attempt", m.Failures), slog.Int("status", o.status), slog.String("reason", o.reason),
	}
	if o.stack != "" {
		attrs = append(attrs, slog.String("stack", o.stack))
	}
	if m.Failures >= q.opts.MaxAttempts {
		q.opts.Log.LogAttrs(ctx, slog.LevelError, "message is a dead letter", attrs...)
		return q.bury(t.name, n, m)
	}
	q.opts.Log.LogAttrs(ctx, slog.LevelWarn, "delivery failed", attrs...)
	m.NextAttemptAt = now.Add(q.backoff(m.Failures)).UTC()
	if err := q.rewrite(t.name, n, m); err != nil {
		return err
	}
	t.schedule(n, m.NextAttemptAt)
	return nil
}

func (q *Queue) rewrite(name bus.Topic, n uint64, m message) error {
	data, err := encode(m)
	if err != nil {
		return err
	}
	return q.file.Update(func(tx *tx) error { return tx.Bucket([]byte(messages)).Put(messageKey(name, n), data) })
}

// backoff is the wait after a number of failures: twice the shortest,
// doubling to the longest, less up to half by chance.
func (q *Queue) backoff(failures int) time.Duration {
	d := q.opts.MaxBackoff
	if q.opts.MinBackoff <= d>>failures { // asked this way round, nothing overflows
		d = q.opts.MinBackoff << failures
	}
	d -= rand.N(d/2 + 1) //nolint:gosec // no secret
	return max(d, min(q.opts.MinBackoff, q.opts.MaxBackoff))
}

// attempt calls the topic's handler with the message.
func (q *Queue) attempt(ctx context.Context, t *topic, n uint64, m message) (o outcome) {
	ctx, cancel := context.WithTimeout(ctx, q.opts.AckDeadline)
	defer cancel()
	r, err := request(ctx, n, m)
	if err != nil {
		return outcome{reason: err.Error()}
	}
	w := &answer{header: http.Header{}}
	defer func() {
		if p := recover(); p != nil {
			o = outcome{reason: "panic", stack: fmt.Sprintf("%v\n%s", p, debug.Stack())}
		}
	}()
	t.handler.ServeHTTP(w, r)
	o.status = w.status
	switch {
	case o.status == 0 && ctx.Err() == nil:
		o.status = http.StatusOK // what net/http answers for a handler that says nothing
	case o.status == 0 || !o.ok() && errors.Is(ctx.Err(), context.DeadlineExceeded):
		o.reason = "deadline exceeded"
	case !o.ok():
		o.reason = http.StatusText(o.status)
	}
	return o
}

// envelope is the body of a push. Names come twice in Pub/Sub's own, too.
type envelope struct {
	Message         pushed `json:"message"`
	Subscription    string `json:"subscription"`
	DeliveryAttempt int    `json:"deliveryAttempt"`
}

type pushed struct {
	Data           []byte            `json:"data"`
	Attributes     map[string]string `json:"attributes"`
	MessageID      string            `json:"messageId"`
	MessageIDSnake string            `json:"message_id"`
	PublishTime    time.Time         `json:"publishTime"`
	PublishTimeOld time.Time         `json:"publish_time"`
}

func request(ctx context.Context, n uint64, m message) (*http.Request, error) {
	body, err := json.Marshal(envelope{
		Message: pushed{
			Data: m.Data, Attributes: m.Attributes, MessageID: idText(n), MessageIDSnake: idText(n),
			PublishTime: m.PublishedAt, PublishTimeOld: m.PublishedAt,
		},
		Subscription:    "projects/local/subscriptions/" + string(m.Topic),
		DeliveryAttempt: m.Failures + 1,
	})
	if err != nil {
		return nil, fmt.Errorf("encode push: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "/", bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("make push: %w", err)
	}
	r.RequestURI = "/"
	r.Header.Set("Content-Type", "application/json")
	return r, nil
}

// answer is an [http.ResponseWriter] that keeps the status alone.
type answer struct {
	header http.Header
	status int
}

// Header implements [http.ResponseWriter].
func (a *answer) Header() http.Header { return a.header }

// WriteHeader implements [http.ResponseWriter]. Informational statuses go
// before the answer and are not it.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 && status >= http.StatusOK {
		a.status = status
	}
}

// Write implements [http.ResponseWriter].
func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return len(p), nil
}
