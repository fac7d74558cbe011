package boltqueue

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/citasync/citasync/shared/bus"
	"github.com/citasync/citasync/shared/fault"
)

// DeadLetter tells of a message that failed for the last time. It has none of
// the message's data, which may be personal.
type DeadLetter struct {
	ID          string
	Topic       bus.Topic
	Attributes  map[string]string
	PublishedAt time.Time // UTC
	FailedAt    time.Time // the last time; UTC
	Attempts    int
	Status      int    // the last answer's; 0: none
	Reason      string // the last failure's, in few words
}

// bury moves a message to the dead letters.
func (q *Queue) bury(name bus.Topic, n uint64, m message) error {
	m.NextAttemptAt = time.Time{}
	data, err := encode(m)
	if err != nil {
		return err
	}
	return q.file.Update(func(tx *tx) error {
		if err := tx.Bucket([]byte(messages)).Delete(messageKey(name, n)); err != nil {
			return fmt.Errorf("remove message: %w", err)
		}
		return tx.Bucket([]byte(dead)).Put(deadKey(n), data)
	})
}

// Dead lists the dead letters, oldest message first.
func (q *Queue) Dead(ctx context.Context) ([]DeadLetter, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("dead letters: %w", err)
	}
	var letters []DeadLetter
	err := q.file.View(func(tx *tx) error {
		return tx.Bucket([]byte(dead)).ForEach(func(k, data []byte) error {
			m, err := decode(data)
			if err != nil {
				return err
			}
			letters = append(letters, DeadLetter{
				ID: idText(number(k)), Topic: m.Topic, Attributes: m.Attributes, PublishedAt: m.PublishedAt,
				FailedAt: m.FailedAt, Attempts: m.Failures, Status: m.Status, Reason: m.Reason,
			})
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("dead letters: %w", err)
	}
	return letters, nil
}

// Redrive has a dead letter delivered again, under its id, with all its
// attempts anew. One that is not there is [fault.ErrNotFound].
func (q *Queue) Redrive(ctx context.Context, id string) error {
	n, err := strconv.ParseUint(id, 10, 64)
	if err != nil {
		err = fault.ErrNotFound
	} else {
		err = q.redrive(ctx, n)
	}
	if err != nil {
		return fmt.Errorf("redrive message %q: %w", id, err)
	}
	return nil
}

func (q *Queue) redrive(ctx context.Context, n uint64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var name bus.Topic
	err := q.file.Update(func(tx *tx) error {
		letters := tx.Bucket([]byte(dead))
		data := letters.Get(deadKey(n))
		if data == nil {
			return fault.ErrNotFound
		}
		m, err := decode(data)
		if err != nil {
			return err
		}
		name, m.Failures = m.Topic, 0
		if data, err = encode(m); err != nil {
			return err
		}
		if err := letters.Delete(deadKey(n)); err != nil {
			return fmt.Errorf("remove dead letter: %w", err)
		}
		return tx.Bucket([]byte(messages)).Put(messageKey(name, n), data)
	})
	if err != nil {
		return err
	}
	q.topic(name).schedule(n, q.opts.Now())
	return nil
}

// RedriveAll has every dead letter delivered again, and returns how many.
// After an error, those counted are on their way and the rest are not.
func (q *Queue) RedriveAll(ctx context.Context) (int, error) {
	letters, err := q.Dead(ctx)
	if err != nil {
		return 0, err
	}
	for i, l := range letters {
		if err := q.Redrive(ctx, l.ID); err != nil {
			return i, err
		}
	}
	return len(letters), nil
}

// Depth counts a topic's messages that are neither acknowledged nor dead. It
// reads along all of them.
func (q *Queue) Depth(ctx context.Context, name bus.Topic) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, fmt.Errorf("depth of %s: %w", name, err)
	}
	n, p := 0, prefix(name)
	err := q.file.View(func(tx *tx) error {
		c := tx.Bucket([]byte(messages)).Cursor()
		for k, _ := c.Seek(p); bytes.HasPrefix(k, p); k, _ = c.Next() {
			n++
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("depth of %s: %w", name, err)
	}
	return n, nil
}
