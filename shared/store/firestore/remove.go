package firestore

import (
	"context"
	"fmt"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"

	"github.com/citasync/citasync/shared/booking"
)

// maxWrites is how many documents a commit of DeleteCompany deletes at most,
// well within what Firestore takes.
const maxWrites = 400

// DeleteCompany implements [store.Connections].
func (s *Store) DeleteCompany(ctx context.Context, company booking.CompanyID, limit int) (more bool, err error) {
	for _, collection := range []string{bookings, connections, activity} {
		n, err := s.deleteBelow(ctx, company, collection, min(limit, maxWrites))
		if err != nil {
			return false, fmt.Errorf("delete company %q: %w", company, err)
		}
		if limit -= n; n > 0 || limit <= 0 {
			return true, nil
		}
	}
	if _, err := s.commit(ctx, deletion(s.companyName(company))); err != nil {
		return false, fmt.Errorf("delete company %q: %w", company, err)
	}
	return false, nil
}

// deleteBelow deletes up to limit documents of one of the company's
// collections, and returns how many there were.
func (s *Store) deleteBelow(ctx context.Context, company booking.CompanyID, collection string, limit int) (int, error) {
	q := from(collection)
	ascending(q, fieldName)
	limited(q, limit)
	namesOnly(q)
	docs, err := s.query(ctx, s.companyName(company), q)
	if err != nil || len(docs) == 0 {
		return 0, err
	}
	var writes []*pb.Write
	for _, doc := range docs {
		writes = append(writes, deletion(doc.GetName()))
	}
	_, err = s.commit(ctx, writes...)
	return len(docs), err
}

// deletion deletes a document, if there is one.
func deletion(name string) *pb.Write {
	return &pb.Write{Operation: &pb.Write_Delete{Delete: name}}
}
