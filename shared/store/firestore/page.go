package firestore

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"

	"github.com/citasync/citasync/shared/store"
)

// span is a query that is read in pages.
type span struct {
	kind   string // tells its cursors from another query's
	parent string
	query  *pb.StructuredQuery
	first  string // the text by which it is ordered before all else; empty: by none
	by     string // the time by which it is ordered before the name; empty: by name alone
	null   bool   // that time may be null

	name func(id string) string // of a document, by the part of it that the query does not fix
	id   func(name string) (string, error)
}

// position is what a cursor holds: the place after a document. It has nothing
// of what the query fixes, so that it leads to nothing else; in a list by name
// it has the customer's.
type position struct {
	Kind string `json:"kind"`
	Text string `json:"text,omitempty"` // of a span that is ordered by one first
	Time *int64 `json:"time,omitempty"` // microseconds since 1970; nil: null
	ID   string `json:"id"`
}

// longest is how many bytes an id has at most.
const longest = 128

func (r span) cursor(doc *pb.Document) (string, error) {
	id, err := r.id(doc.GetName())
	if err != nil {
		return "", err
	}
	p := position{Kind: r.kind, Text: doc.GetFields()[r.first].GetStringValue(), ID: id}
	if v, ok := doc.GetFields()[r.by].GetValueType().(*pb.Value_TimestampValue); ok {
		t := v.TimestampValue.AsTime().UnixMicro()
		p.Time = &t
	}
	data, err := json.Marshal(p)
	return base64.RawURLEncoding.EncodeToString(data), err
}

// after is the place that a cursor names.
func (r span) after(cursor string) (*pb.Cursor, error) {
	var p position
	data, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err == nil {
		err = json.Unmarshal(data, &p)
	}
	if err != nil || !r.well(p) {
		return nil, invalid(errors.New("cursor"))
	}
	place := &pb.Cursor{Values: []*pb.Value{reference(r.name(p.ID))}}
	if r.by != "" {
		place.Values = []*pb.Value{p.time(), place.Values[0]}
	}
	if r.first != "" {
		place.Values = slices.Insert(place.Values, 0, text(p.Text))
	}
	return place, nil
}

// well reports whether p can be a place in the span.
func (r span) well(p position) bool {
	if p.Kind != r.kind || p.ID == "" || len(p.ID) > longest || (p.Text == "") != (r.first == "") || len(p.Text) > store.MaxNameKey {
		return false
	}
	if p.Time == nil {
		return r.by == "" || r.null
	}
	return r.by != "" && stamp(time.UnixMicro(*p.Time)).IsValid()
}

func (p position) time() *pb.Value {
	if p.Time == nil {
		return moment(time.Time{})
	}
	return moment(time.UnixMicro(*p.Time))
}

// page reads a page of the span's items. It asks for one more than that, to
// know whether it is the last.
func page[T any](ctx context.Context, s *Store, r span, cursor string, limit int, read func(*pb.Document) (T, error)) (store.Page[T], error) {
	var p store.Page[T]
	if limit < 1 {
		return p, invalid(errors.New("limit"))
	}
	if cursor != "" {
		var err error
		if r.query.StartAt, err = r.after(cursor); err != nil {
			return p, err
		}
	}
	limited(r.query, min(limit, math.MaxInt32-1)+1)
	docs, err := s.query(ctx, r.parent, r.query)
	if err != nil {
		return p, err
	}
	for i, doc := range docs {
		if i == limit {
			p.Next, err = r.cursor(docs[i-1])
			break
		}
		item, err := read(doc)
		if err != nil {
			return store.Page[T]{}, err
		}
		p.Items = append(p.Items, item)
	}
	return p, err
}
