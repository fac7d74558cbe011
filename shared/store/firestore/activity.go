package firestore

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"path"
	"sync"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

// AddActivity implements [store.Connections]. Repeated because its answer was
// lost, the commit writes the same document again: its id is chosen before.
func (s *Store) AddActivity(ctx context.Context, company booking.CompanyID, a store.Activity) error {
	_, err := s.commit(ctx, s.activityWrites(company, []store.Activity{a})...)
	if err != nil {
		return fmt.Errorf("add activity of company %q: %w", company, err)
	}
	return nil
}

func (s *Store) activityWrites(company booking.CompanyID, acts []store.Activity) []*pb.Write {
	writes := make([]*pb.Write, len(acts))
	for i, a := range acts {
		writes[i] = put(below(s.companyName(company), activity, s.ids.next().document()), activityFields(a))
	}
	return writes
}

// ListActivity implements [store.Connections].
func (s *Store) ListActivity(ctx context.Context, company booking.CompanyID, cursor string, limit int) (store.Page[store.Activity], error) {
	p, err := page(ctx, s, s.activitySpan(company), cursor, limit, readActivity)
	if err != nil {
		return store.Page[store.Activity]{}, fmt.Errorf("list activity of company %q: %w", company, err)
	}
	return p, nil
}

func (s *Store) activitySpan(company booking.CompanyID) span {
	parent := s.companyName(company)
	r := span{
		kind: "activity", parent: parent, query: from(activity),
		name: func(id string) string { return below(parent, activity, id) },
		id:   func(name string) (string, error) { return path.Base(name), nil },
	}
	ascending(r.query, fieldName)
	return r
}

func activityFields(a store.Activity) fields {
	f := make(fields, 7)
	f.time("at", a.At)
	f["kind"] = text(a.Kind)
	f.text("integration", string(a.Integration))
	f.text("actor", a.Actor)
	f.text("outcome", a.Outcome)
	f.text("detail", a.Detail)
	f.text("trace", a.Trace)
	return f
}

func readActivity(doc *pb.Document) (store.Activity, error) {
	id, err := parseActivityID(path.Base(doc.GetName()))
	if err != nil {
		return store.Activity{}, err
	}
	f := newReader(doc.GetFields())
	return store.Activity{
		ID: id.String(), At: f.time("at"), Kind: f.text("kind"), Integration: integration.ID(f.text("integration")),
		Actor: f.text("actor"), Outcome: f.text("outcome"), Detail: f.text("detail"), Trace: f.text("trace"),
	}, f.err()
}

// activityID is when an activity was stored, in microseconds, and chance.
type activityID [16]byte

// String is the id as the store's users see it: later ones sort after earlier
// ones.
func (id activityID) String() string { return hex.EncodeToString(id[:]) }

// document is the id of the document: the reverse. Firestore has no index by
// which to read documents in the descending order of their names.
func (id activityID) document() string { return id.reverse().String() }

func (id activityID) reverse() activityID {
	for i := range id {
		id[i] = ^id[i]
	}
	return id
}

// parseActivityID reads the id of a document.
func parseActivityID(document string) (activityID, error) {
	var id activityID
	data, err := hex.DecodeString(document)
	if err != nil || len(data) != len(id) {
		return id, fmt.Errorf("malformed activity id %q", document)
	}
	copy(id[:], data)
	return id.reverse(), nil
}

// activityIDs makes ids, each greater than the one before it.
type activityIDs struct {
	now func() time.Time

	mu   sync.Mutex
	last int64
}

func (ids *activityIDs) next() activityID {
	ids.mu.Lock()
	ids.last = max(ids.last+1, ids.now().UnixMicro())
	n := ids.last
	ids.mu.Unlock()
	var id activityID
	binary.BigEndian.PutUint64(id[:8], uint64(n)) //nolint:gosec // after 1970
	_, _ = rand.Read(id[8:])                      // never fails
	return id
}
