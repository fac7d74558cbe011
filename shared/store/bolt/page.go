package bolt

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"slices"

	"github.com/citasync/citasync/shared/store"
)

// span is a part of a bucket that a query reads in the keys' order: those that
// begin with prefix, which the query fixes, at or after from and before until,
// where they are set.
type span struct {
	bucket      string
	tag         string // tells its cursors from those of another span of the bucket
	prefix      key
	from, until key
	shape       string  // of the rest of each key: n for a number or a time, t for a text
	starts      *starts // of a span by names and starts; nil: all
}

// has reports whether the key, at or after from, is in the span.
func (s span) has(k []byte) bool {
	return bytes.HasPrefix(k, s.prefix) && (s.until == nil || bytes.Compare(k, s.until) < 0)
}

// cut returns the last text of the rest of a key, and reports whether it can be
// the rest of one.
func (s span) cut(rest []byte) (last string, ok bool) {
	for _, part := range s.shape {
		if part == 'n' {
			_, rest, ok = cutNumber(rest)
		} else {
			last, rest, ok = cutText(rest)
		}
		if !ok {
			return "", false
		}
	}
	return last, len(rest) == 0
}

// kind is what a cursor begins with, so that it is of no use for another query.
func (s span) kind() string { return s.bucket + s.tag }

// cursor names the place after a key of the span. It holds nothing of the
// prefix.
func (s span) cursor(rest []byte) string {
	return base64.RawURLEncoding.EncodeToString(append(key(nil).text(s.kind()), rest...))
}

// start is the key at which a page with the cursor starts.
func (s span) start(cursor string) (key, error) {
	first := s.prefix
	if s.from != nil {
		first = s.from
	}
	if cursor == "" {
		return first, nil
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil {
		return nil, invalid(errors.New("cursor"))
	}
	kind, rest, ok := cutText(raw)
	if ok {
		_, ok = s.cut(rest)
	}
	if !ok || kind != s.kind() {
		return nil, invalid(errors.New("cursor"))
	}
	next := slices.Concat(s.prefix, rest, []byte{0}) // nothing sorts between a key and it with a zero byte
	if bytes.Compare(next, first) < 0 {
		next = first
	}
	return next, nil
}

// cursor is what a span is read by: bbolt's.
type cursor interface {
	Seek(k []byte) (key, value []byte)
	Next() (key, value []byte)
}

// first returns the first key of the span at or after one; past its end, nil
// or some key that it does not have.
func (s span) first(c cursor, at key) []byte {
	k, _ := c.Seek(at)
	return s.settle(c, k)
}

// next is first after the cursor's key.
func (s span) next(c cursor) []byte {
	k, _ := c.Next()
	return s.settle(c, k)
}

// settle leaves out what a span by names has of other times.
func (s span) settle(c cursor, k []byte) []byte {
	for s.starts != nil && s.has(k) {
		next := s.starts.beyond(s.prefix, k)
		if next == nil {
			break
		}
		k, _ = c.Seek(next)
	}
	return k
}

// page reads a page of the span's items, each from the rest of its key.
func page[T any](ctx context.Context, s *Store, r span, cursor string, limit int, read func(t tx, rest []byte) (T, error)) (store.Page[T], error) {
	var p store.Page[T]
	if limit < 1 {
		return p, invalid(errors.New("limit"))
	}
	start, err := r.start(cursor)
	if err != nil {
		return p, err
	}
	err = s.view(ctx, func(t tx) error {
		var last []byte
		c := t.bucket(r.bucket).Cursor()
		for k := r.first(c, start); r.has(k); k = r.next(c) {
			if len(p.Items) == limit {
				p.Next = r.cursor(last)
				return nil
			}
			last = k[len(r.prefix):]
			item, err := read(t, last)
			if err != nil {
				return err
			}
			p.Items = append(p.Items, item)
		}
		return nil
	})
	return p, err
}
