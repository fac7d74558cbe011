package firestore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/citasync/citasync/shared/fault"
)

const (
	// attempts is how often a call is made at most, and firstPause about how
	// long after the first failure the second follows; it doubles.
	attempts   = 3
	firstPause = 50 * time.Millisecond

	// patience bounds a call whose caller has set no deadline.
	patience = 30 * time.Second
)

// commit applies the writes together or not at all, and returns the version of
// the first one's document. A precondition that does not hold is
// [fault.ErrConflict].
func (s *Store) commit(ctx context.Context, writes ...*pb.Write) (version string, err error) {
	req := &pb.CommitRequest{Database: s.database, Writes: writes}
	err = s.call(ctx, mayRepeatCommit, func(ctx context.Context) error {
		resp, err := s.client.Commit(ctx, req)
		if err == nil {
			version, err = firstVersion(resp)
		}
		return err
	})
	if err != nil {
		return "", commitFailure(ctx, err)
	}
	return version, nil
}

func firstVersion(resp *pb.CommitResponse) (string, error) {
	if len(resp.GetWriteResults()) == 0 {
		return "", errors.New("a commit was answered without its results")
	}
	return version(resp.GetWriteResults()[0].GetUpdateTime()), nil
}

// get reads documents at one time, by resource name. What does not exist is
// nil in the result.
func (s *Store) get(ctx context.Context, names ...string) (map[string]*pb.Document, error) {
	req := &pb.BatchGetDocumentsRequest{Database: s.database, Documents: names}
	var docs map[string]*pb.Document
	err := s.call(ctx, mayRepeatRead, func(ctx context.Context) error {
		docs = make(map[string]*pb.Document, len(names))
		stream, err := s.client.BatchGetDocuments(ctx, req)
		if err != nil {
			return err
		}
		return receive(stream.Recv, func(r *pb.BatchGetDocumentsResponse) {
			if d := r.GetFound(); d != nil {
				docs[d.GetName()] = d
			} else if name := r.GetMissing(); name != "" {
				docs[name] = nil
			}
		})
	})
	if err == nil {
		err = answered(docs, names)
	}
	if err != nil {
		return nil, readFailure(ctx, err)
	}
	return docs, nil
}

// answered is an error if nothing was said of a document: to take it for
// missing would turn a connected company away.
func answered(docs map[string]*pb.Document, names []string) error {
	for _, name := range names {
		if _, ok := docs[name]; !ok {
			return fmt.Errorf("no answer about %s", name)
		}
	}
	return nil
}

// query runs a query over collections below parent.
func (s *Store) query(ctx context.Context, parent string, q *pb.StructuredQuery) ([]*pb.Document, error) {
	req := &pb.RunQueryRequest{Parent: parent, QueryType: &pb.RunQueryRequest_StructuredQuery{StructuredQuery: q}}
	var docs []*pb.Document
	err := s.call(ctx, mayRepeatRead, func(ctx context.Context) error {
		docs = nil
		stream, err := s.client.RunQuery(ctx, req)
		if err != nil {
			return err
		}
		return receive(stream.Recv, func(r *pb.RunQueryResponse) {
			if d := r.GetDocument(); d != nil {
				docs = append(docs, d)
			}
		})
	})
	if err != nil {
		return nil, readFailure(ctx, err)
	}
	return docs, nil
}

// receive passes on what a stream brings, to its end.
func receive[T any](next func() (T, error), take func(T)) error {
	for {
		v, err := next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		take(v)
	}
}

// call makes a call, and makes it again if it fails in a way that passes.
func (s *Store) call(ctx context.Context, mayRepeat func(codes.Code) bool, rpc func(context.Context) error) error {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, patience)
		defer cancel()
	}
	ctx = metadata.AppendToOutgoingContext(ctx, s.headers...)
	pause := firstPause
	for n := 1; ; n++ {
		err := rpc(ctx)
		if err == nil || n == attempts || !mayRepeat(status.Code(err)) || !sleep(ctx, pause) {
			return err
		}
		pause *= 2
	}
}

// sleep waits for about d, and reports whether ctx has lasted.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d/2 + rand.N(d)) //nolint:gosec // chance, no secret
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// The codes after which the vendor's own client makes a call again.

func mayRepeatRead(c codes.Code) bool {
	return slices.Contains([]codes.Code{codes.Unavailable, codes.Internal, codes.DeadlineExceeded}, c)
}

func mayRepeatCommit(c codes.Code) bool {
	return slices.Contains([]codes.Code{codes.Unavailable, codes.ResourceExhausted}, c)
}

// readFailure gives the error of a read its class.
func readFailure(ctx context.Context, err error) error {
	return failure(ctx, err, map[codes.Code]error{
		codes.Unavailable: fault.ErrUnavailable, codes.DeadlineExceeded: fault.ErrUnavailable,
		codes.ResourceExhausted: fault.ErrUnavailable, codes.Aborted: fault.ErrUnavailable,
	})
}

// commitFailure gives the error of a commit its class. A document that another
// has created, changed or deleted, or is just about to, is a conflict. What the
// service can't store, for its size for example, never will be.
func commitFailure(ctx context.Context, err error) error {
	return failure(ctx, err, map[codes.Code]error{
		codes.AlreadyExists: fault.ErrConflict, codes.FailedPrecondition: fault.ErrConflict,
		codes.NotFound: fault.ErrConflict, codes.Aborted: fault.ErrConflict,
		codes.InvalidArgument: fault.ErrInvalid,
		codes.Unavailable:     fault.ErrUnavailable, codes.DeadlineExceeded: fault.ErrUnavailable,
		codes.ResourceExhausted: fault.ErrUnavailable,
	})
}

func failure(ctx context.Context, err error, classes map[codes.Code]error) error {
	code := status.Code(err)
	class, ok := classes[code]
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%w: firestore: %s", ctx.Err(), code)
	case !ok:
		return fmt.Errorf("firestore: %w", err)
	case errors.Is(class, fault.ErrConflict):
		return fmt.Errorf("%w: firestore: %s", class, code)
	}
	return fmt.Errorf("%w: firestore: %w", class, err)
}
