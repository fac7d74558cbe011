package secretmanager

import (
	"context"
	"net"
	"sync"
	"time"

	pb "cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Options say what a server is to be. The zero value is one in memory whose
// lists are up to date.
type Options struct {
	Dir string           // where secrets.json is kept across restarts; empty: in memory only
	Now func() time.Time // nil: time.Now
	Lag time.Duration    // how old what lists show is: as the documentation allows, they miss what is newer
}

// Server is the stand-in. Its methods may be called from several goroutines.
type Server struct {
	now  func() time.Time
	dir  string
	lag  time.Duration
	grpc *grpc.Server

	log    callLog
	faults faultSet

	mu    sync.Mutex
	state *state // guarded by mu
}

// New returns a server, with the secrets that an earlier one left in the
// directory, if there are any.
func New(o Options) (*Server, error) {
	st, err := loadState(o.Dir)
	if err != nil {
		return nil, err
	}
	s := &Server{now: o.Now, dir: o.Dir, lag: o.Lag, grpc: grpc.NewServer(), state: st}
	if s.now == nil {
		s.now = time.Now
	}
	pb.RegisterSecretManagerServiceServer(s.grpc, api{Server: s})
	return s, nil
}

// Serve answers the connections of a listener, without TLS, until Stop is
// called; then it returns nil. It closes the listener.
func (s *Server) Serve(l net.Listener) error { return s.grpc.Serve(l) }

// Stop ends Serve and the calls that are under way.
func (s *Server) Stop() { s.grpc.Stop() }

// api is what the service's clients see of a server.
type api struct {
	pb.UnimplementedSecretManagerServiceServer
	*Server
}

// perform makes a call of a method on a resource: it is logged, spoilt if a
// fault is due, and what it changed is on the disk before it is answered. The
// answer must not be shared with the state.
func perform[A any](ctx context.Context, s *Server, method, resource string, f func(*state) (A, error)) (A, error) {
	c := s.log.begin(Call{Time: s.now(), Method: method, Resource: resource})
	answer, err := spoilt(ctx, s.faults.pick(method), func() (A, error) { return apply(s, f) })
	s.log.answered(c, status.Code(err))
	return answer, err
}

// spoilt makes a call as the fault wants it; nil spoils nothing.
func spoilt[A any](ctx context.Context, fault *Fault, call func() (A, error)) (A, error) {
	var none A
	if fault == nil {
		fault = &Fault{}
	}
	if err := wait(ctx, fault.Latency); err != nil {
		return none, status.FromContextError(err).Err()
	}
	if fault.Code != codes.OK && !fault.Applied {
		return none, status.Error(fault.Code, fault.Message)
	}
	answer, err := call()
	if err != nil {
		return none, err
	}
	if fault.Code != codes.OK {
		return none, status.Error(fault.Code, fault.Message)
	}
	return answer, nil
}

func apply[A any](s *Server, f func(*state) (A, error)) (A, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.state.Changes
	answer, err := f(s.state)
	if s.state.Changes == before {
		return answer, err
	}
	if err := s.state.save(s.dir); err != nil {
		return answer, status.Error(codes.Internal, err.Error())
	}
	return answer, err
}

// wait sleeps, and returns the context's error if that ends first or has ended.
func wait(ctx context.Context, d time.Duration) error {
	if d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-ctx.Done():
		case <-t.C:
		}
	}
	return ctx.Err()
}
