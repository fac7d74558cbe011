package gcppubsub

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"cloud.google.com/go/pubsub/v2/pstest"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/citasync/citasync/shared/bus"
	"github.com/citasync/citasync/shared/fault"
)

// service is the library's fake with troubles before it: each call takes the
// next of them, and reaches the fake once there is none.
type service struct {
	pubsubpb.PublisherServer
	addr    string
	project string

	mu       sync.Mutex
	troubles []trouble
	calls    int
	server   *grpc.Server
}

type trouble func(context.Context) error

func code(c codes.Code) trouble {
	return func(context.Context) error { return status.Error(c, "no luck") }
}

// hang is a call that is never answered.
func hang(ctx context.Context) error {
	<-ctx.Done()
	return status.FromContextError(ctx.Err()).Err()
}

func newService(t *testing.T, troubles ...trouble) *service {
	t.Helper()
	f := fake(t)
	s := &service{PublisherServer: &f.GServer, addr: "127.0.0.1:0", project: newProject(), troubles: troubles}
	if _, err := f.GServer.CreateTopic(t.Context(), &pubsubpb.Topic{Name: topicName(s.project, bus.Confirmed)}); err != nil {
		t.Fatal(err)
	}
	s.start(t)
	t.Cleanup(s.stop)
	return s
}

// start listens, the second time on the same port as the first.
func (s *service) start(t *testing.T) {
	t.Helper()
	ln, err := net.Listen("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	s.addr, s.server = ln.Addr().String(), grpc.NewServer()
	pubsubpb.RegisterPublisherServer(s.server, s)
	go func() { _ = s.server.Serve(ln) }() // until stop
}

// stop ends every call, as a killed process does.
func (s *service) stop() { s.server.Stop() }

// Publish implements [pubsubpb.PublisherServer].
func (s *service) Publish(ctx context.Context, r *pubsubpb.PublishRequest) (*pubsubpb.PublishResponse, error) {
	s.mu.Lock()
	s.calls++
	var next trouble
	if len(s.troubles) > 0 {
		next, s.troubles = s.troubles[0], s.troubles[1:]
	}
	s.mu.Unlock()
	if next != nil {
		if err := next(ctx); err != nil {
			return nil, err
		}
	}
	return s.PublisherServer.Publish(ctx, r)
}

func (s *service) called() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

// try publishes with so much patience, and demands to be answered within it.
func try(t *testing.T, p *Publisher, patience time.Duration) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	start := time.Now()
	id, err := p.Publish(ctx, bus.Confirmed, bus.Message{Data: []byte("Ana Ruiz")})
	if took := time.Since(start); took > patience+time.Second {
		t.Errorf("publish took %v of %v", took, patience)
	}
	return id, err
}

func wantUnavailable(t *testing.T, id string, err error, words string) {
	t.Helper()
	if !errors.Is(err, fault.ErrUnavailable) || id != "" || fault.Status(err) != 503 {
		t.Fatalf("id %q, error %v, want %v", id, err, fault.ErrUnavailable)
	}
	if !strings.Contains(err.Error(), "publish to booking-confirmed") || !strings.Contains(err.Error(), words) || strings.Contains(err.Error(), "Ana") {
		t.Errorf("error %q, want %q in it", err, words)
	}
}

func TestTroubles(t *testing.T) {
	passing := []codes.Code{codes.Unavailable, codes.Aborted, codes.Internal, codes.ResourceExhausted, codes.Unknown, codes.DeadlineExceeded}
	for c := codes.Canceled; c <= codes.Unauthenticated; c++ {
		t.Run(c.String(), func(t *testing.T) {
			t.Parallel()
			s := newService(t, code(c))
			id, err := try(t, open(t, s.project, s.addr), 5*time.Second)
			if slices.Contains(passing, c) {
				if err != nil || id == "" || s.called() != 2 {
					t.Errorf("id %q after %d calls, error %v", id, s.called(), err)
				}
				return
			}
			wantUnavailable(t, id, err, c.String())
			if s.called() != 1 {
				t.Errorf("%d calls, want one", s.called())
			}
		})
	}
}

func TestHangs(t *testing.T) {
	t.Parallel()
	s := newService(t, slices.Repeat([]trouble{hang}, 100)...)
	id, err := try(t, open(t, s.project, s.addr), 300*time.Millisecond)
	wantUnavailable(t, id, err, "DeadlineExceeded")
	if s.called() != 1 {
		t.Errorf("%d calls, want one", s.called())
	}
}

// TestHangsOnce leaves the first call without an answer for good.
func TestHangsOnce(t *testing.T) {
	t.Parallel()
	s := newService(t, hang)
	if id, err := try(t, open(t, s.project, s.addr), 9*time.Second); err != nil || id == "" {
		t.Errorf("id %q, error %v", id, err)
	}
}

// TestPatience has a caller that would wait for ever.
func TestPatience(t *testing.T) {
	t.Parallel()
	s := newService(t, slices.Repeat([]trouble{code(codes.Unavailable)}, 1000)...)
	p := open(t, s.project, s.addr)
	start := time.Now()
	id, err := p.Publish(context.Background(), bus.Confirmed, bus.Message{Data: []byte("Ana Ruiz")})
	wantUnavailable(t, id, err, "no luck")
	if took := time.Since(start); took < patience-maxBackoff || took > patience+time.Second {
		t.Errorf("gave up after %v, want %v", took, patience)
	}
	if n := s.called(); n < 8 || n > 30 {
		t.Errorf("tried %d times", n)
	}
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	s := newService(t, hang)
	p := open(t, s.project, s.addr)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	start := time.Now()
	id, err := p.Publish(ctx, bus.Confirmed, bus.Message{Data: []byte("x")})
	wantUnavailable(t, id, err, "Canceled")
	if took := time.Since(start); took > time.Second {
		t.Errorf("went on for %v after the context had ended", took)
	}
}

// TestRestart has Pub/Sub go away, and come back: however long it was away,
// publishes must not fail for much longer.
func TestRestart(t *testing.T) {
	t.Parallel()
	s := newService(t)
	p := open(t, s.project, s.addr)
	if _, err := try(t, p, 5*time.Second); err != nil {
		t.Fatal(err)
	}
	s.stop()
	for range 5 {
		id, err := try(t, p, 1500*time.Millisecond)
		wantUnavailable(t, id, err, "") // refused, or on a busy machine not even that in time
	}
	s.start(t)
	if _, err := try(t, p, 3*time.Second); err != nil {
		t.Errorf("after it came back: %v", err)
	}
}

// TestCutShort has Pub/Sub end with a publish under way, and come back while
// somebody still waits for it.
func TestCutShort(t *testing.T) {
	t.Parallel()
	reached := make(chan struct{})
	s := newService(t, func(ctx context.Context) error { close(reached); return hang(ctx) })
	p := open(t, s.project, s.addr)
	done := make(chan error, 1)
	go func() {
		_, err := try(t, p, 9*time.Second)
		done <- err
	}()
	<-reached
	s.stop()
	s.start(t)
	if err := <-done; err != nil || s.called() != 2 {
		t.Errorf("%d calls, error %v", s.called(), err)
	}
}

func TestNobodyThere(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = ln.Close() // nobody has it now
	id, err := try(t, open(t, newProject(), ln.Addr().String()), 500*time.Millisecond)
	wantUnavailable(t, id, err, "connection refused")
}

// testMissing publishes to a topic that does not exist.
func testMissing(t *testing.T, addr string) {
	id, err := try(t, open(t, newProject(), addr), 5*time.Second)
	wantUnavailable(t, id, err, "NotFound")
	if errors.Is(err, fault.ErrNotFound) {
		t.Errorf("error %v is of class %v too", err, fault.ErrNotFound)
	}
}

func TestMissing(t *testing.T) { testMissing(t, fake(t).Addr) }

// TestNoID has an acknowledgement that names no message.
func TestNoID(t *testing.T) {
	f := fake(t)
	f.SetAutoPublishResponse(false)
	for range 50 { // the fake hangs when it has no more
		f.AddPublishResponse(&pubsubpb.PublishResponse{}, nil)
	}
	project := newProject()
	if _, err := f.GServer.CreateTopic(t.Context(), &pubsubpb.Topic{Name: topicName(project, bus.Confirmed)}); err != nil {
		t.Fatal(err)
	}
	id, err := try(t, open(t, project, f.Addr), 3*time.Second)
	wantUnavailable(t, id, err, "acknowledged with 0 ids")
}

func TestClosed(t *testing.T) {
	s := newService(t)
	p, err := Open(t.Context(), s.project, s.addr)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	id, err := p.Publish(t.Context(), bus.Confirmed, bus.Message{Data: []byte("x")})
	wantUnavailable(t, id, err, "closing")
	if took := time.Since(start); took > time.Second {
		t.Errorf("tried for %v", took)
	}
}

func TestOpenRefuses(t *testing.T) {
	if p, err := Open(t.Context(), "", "127.0.0.1:1"); err == nil {
		_ = p.Close()
		t.Error("opened without a project")
	}
}

func BenchmarkPublish(b *testing.B) {
	f := pstest.NewServer()
	defer func() { _ = f.Close() }()
	if _, err := f.GServer.CreateTopic(b.Context(), &pubsubpb.Topic{Name: topicName("p", bus.Confirmed)}); err != nil {
		b.Fatal(err)
	}
	p, err := Open(b.Context(), "p", f.Addr)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	m := bus.Message{Data: make([]byte, 800), Attributes: map[string]string{bus.AttrCompany: "2", bus.AttrBooking: "981"}}
	for b.Loop() {
		if _, err := p.Publish(b.Context(), bus.Confirmed, m); err != nil {
			b.Fatal(err)
		}
	}
}
