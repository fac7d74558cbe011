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
// where they are set. The rest of each key is a number (or time) and a text, as far as the index has them.
type span struct {
	bucket          string
	prefix          key
	from, until     key
	numbered, named bool
}

// has reports whether the key, at or after from, is in the span.
func (s span) has(k []byte) bool {
	return bytes.HasPrefix(k, s.prefix) && (s.until == nil || bytes.Compare(k, s.until) < 0)
}

// well reports whether rest can be the rest of a key in the span.
func (s span) well(rest []byte) bool {
	ok := true
	if s.numbered {
		_, rest, ok = cutNumber(rest)
	}
	if ok && s.named {
		_, rest, ok = cutText(rest)
	}
	return ok && len(rest) == 0
}

// cursor names the place after a key of the span. It holds the bucket, so that
// it is of no use for another query, and nothing of the prefix.
func (s span) cursor(rest []byte) string {
	return base64.RawURLEncoding.EncodeToString(append(key(nil).text(s.bucket), rest...))
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
	bucket, rest, ok := cutText(raw)
	if !ok || bucket != s.bucket || !s.well(rest) {
		return nil, invalid(errors.New("cursor"))
	}
	next := slices.Concat(s.prefix, rest, []byte{0}) // nothing sorts between a key and it with a zero byte
	if bytes.Compare(next, first) < 0 {
		next = first
	}
	return next, nil
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
		for k, _ := c.Seek(start); r.has(k); k, _ = c.Next() {
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
