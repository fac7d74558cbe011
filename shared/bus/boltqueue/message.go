package boltqueue

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"go.etcd.io/bbolt"

	"github.com/citasync/citasync/shared/bus"
)

// The buckets, which the package comment describes.
const (
	messages = "messages"
	dead     = "dead"
)

type tx = bbolt.Tx

// message is a stored message.
type message struct {
	Topic         bus.Topic         `json:"topic"`
	Data          []byte            `json:"data"`
	Attributes    map[string]string `json:"attributes,omitempty"`
	PublishedAt   time.Time         `json:"published_at"`
	Failures      int               `json:"failures,omitempty"`
	NextAttemptAt time.Time         `json:"next_attempt_at,omitzero"`
	FailedAt      time.Time         `json:"failed_at,omitzero"` // the last time
	Status        int               `json:"status,omitempty"`   // of the last failure; 0: no answer
	Reason        string            `json:"reason,omitempty"`   // of the last failure
}

func encode(m message) ([]byte, error) {
	data, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode message: %w", err)
	}
	return data, nil
}

func decode(data []byte) (m message, err error) {
	if err := json.Unmarshal(data, &m); err != nil {
		return message{}, fmt.Errorf("decode message: %w", err)
	}
	return m, nil
}

func idText(n uint64) string { return strconv.FormatUint(n, 10) }

func deadKey(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// prefix is what a topic's keys begin with. Topics have no NUL in their names.
func prefix(name bus.Topic) []byte { return append([]byte(name), 0) }

func messageKey(name bus.Topic, n uint64) []byte {
	return binary.BigEndian.AppendUint64(prefix(name), n)
}

// number is what a key ends with.
func number(k []byte) uint64 {
	if len(k) < 8 {
		return 0
	}
	return binary.BigEndian.Uint64(k[len(k)-8:])
}

// insert stores a new message under the next number.
func insert(tx *tx, name bus.Topic, data []byte) (uint64, error) {
	b := tx.Bucket([]byte(messages))
	n, err := b.NextSequence()
	if err != nil {
		return 0, fmt.Errorf("number a message: %w", err)
	}
	return n, b.Put(messageKey(name, n), data)
}

// eachMessage calls f with every message that is not dead.
func eachMessage(f func(bus.Topic, uint64, message) error) func(*tx) error {
	return func(tx *tx) error {
		return tx.Bucket([]byte(messages)).ForEach(func(k, data []byte) error {
			name, _, _ := bytes.Cut(k, []byte{0})
			m, err := decode(data)
			if err != nil {
				return fmt.Errorf("message %d: %w", number(k), err)
			}
			return f(bus.Topic(name), number(k), m)
		})
	}
}
