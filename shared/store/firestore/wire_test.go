package firestore

import (
	"context"
	"path"
	"slices"
	"sync"
	"testing"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
)

// The calls by their names on the wire.
const (
	callCommit   = "Commit"
	callBatchGet = "BatchGetDocuments"
	callQuery    = "RunQuery"
)

// wireTap sees every call that stores make, and can spoil it.
type wireTap struct {
	mu      sync.Mutex
	calls   []string
	commits []*pb.CommitRequest
	queries []*pb.RunQueryRequest
	found   int // documents that queries were answered with

	// spoil, if set, is asked about each call. With an error the caller gets
	// that: instead of the call, or instead of its answer if applied.
	spoil func(ctx context.Context, call string) (applied bool, err error)
}

// option has a store's calls seen.
func (w *wireTap) options() []option.ClientOption {
	return []option.ClientOption{
		option.WithGRPCDialOption(grpc.WithUnaryInterceptor(w.unary)),
		option.WithGRPCDialOption(grpc.WithStreamInterceptor(w.stream)),
	}
}

func (w *wireTap) unary(
	ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption,
) error {
	applied, err := w.see(ctx, method, req)
	if err != nil && !applied {
		return err
	}
	if failed := invoke(ctx, method, req, reply, cc, opts...); failed != nil {
		return failed
	}
	return err
}

func (w *wireTap) stream(
	ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, open grpc.Streamer, opts ...grpc.CallOption,
) (grpc.ClientStream, error) {
	return &seenStream{ctx: ctx, tap: w, method: method, open: func() (grpc.ClientStream, error) {
		return open(ctx, desc, cc, method, opts...)
	}}, nil
}

// seenStream is a call with one request and many answers. It is opened when
// its tap has seen the request, unless that spoils it.
type seenStream struct {
	grpc.ClientStream // nil until then

	ctx    context.Context
	tap    *wireTap
	method string
	open   func() (grpc.ClientStream, error)
	err    error
}

func (s *seenStream) SendMsg(m any) (err error) {
	if s.spoilt(m) {
		return nil
	}
	if s.ClientStream, err = s.open(); err != nil {
		return err
	}
	return s.ClientStream.SendMsg(m)
}

func (s *seenStream) spoilt(m any) bool {
	_, s.err = s.tap.see(s.ctx, s.method, m)
	return s.err != nil
}

func (s *seenStream) CloseSend() error {
	if s.ClientStream == nil {
		return nil
	}
	return s.ClientStream.CloseSend()
}

func (s *seenStream) RecvMsg(m any) error {
	if s.err != nil {
		return s.err
	}
	err := s.ClientStream.RecvMsg(m)
	if r, ok := m.(*pb.RunQueryResponse); ok && err == nil && r.GetDocument() != nil {
		s.tap.mu.Lock()
		s.tap.found++
		s.tap.mu.Unlock()
	}
	return err
}

func (w *wireTap) see(ctx context.Context, method string, req any) (applied bool, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	call := path.Base(method)
	w.calls = append(w.calls, call)
	switch req := req.(type) {
	case *pb.CommitRequest:
		w.commits = append(w.commits, proto.CloneOf(req))
	case *pb.RunQueryRequest:
		w.queries = append(w.queries, proto.CloneOf(req))
	}
	if w.spoil == nil {
		return false, nil
	}
	return w.spoil(ctx, call)
}

// take returns the calls since it was called last.
func (w *wireTap) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	calls := w.calls
	w.calls = nil
	return calls
}

// takeFound returns how many documents there were since it was called last.
func (w *wireTap) takeFound() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := w.found
	w.found = 0
	return n
}

func (w *wireTap) want(t *testing.T, what string, calls ...string) {
	t.Helper()
	if got := w.take(); !slices.Equal(got, calls) {
		t.Errorf("%s: calls %q, want %q", what, got, calls)
	}
}

// nth spoils the nth call of that name from now on, and no other.
func (w *wireTap) nth(n int, call string, applied bool, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.spoil = func(_ context.Context, c string) (bool, error) {
		if c != call {
			return false, nil
		}
		if n--; n != 0 {
			return false, nil
		}
		return applied, err
	}
}

// TestRouting sees to it that a call names its database where Google's front
// ends look for it. An emulator would not mind.
func TestRouting(t *testing.T) {
	var got metadata.MD
	w := &wireTap{spoil: func(ctx context.Context, _ string) (bool, error) {
		got, _ = metadata.FromOutgoingContext(ctx)
		return false, context.Canceled
	}}
	s, err := Open(t.Context(), "my-project", "my database", "127.0.0.1:1", w.options()...)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.CommitBooking(t.Context(), fullBooking()); err == nil {
		t.Fatal("no error")
	}
	for header, want := range map[string]string{
		"google-cloud-resource-prefix": "projects/my-project/databases/my database",
		"x-goog-request-params":        "project_id=my-project&database_id=my+database",
	} {
		if !slices.Contains(got[header], want) {
			t.Errorf("header %s: %q, want %q", header, got[header], want)
		}
	}
}
