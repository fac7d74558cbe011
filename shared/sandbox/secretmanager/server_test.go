package secretmanager

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	secretmanager "cloud.google.com/go/secretmanager/apiv1"
	pb "cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/api/iterator"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
)

const project = "projects/citasync-test"

// start serves on a port of its own until the test ends, and connects the
// client that Google publishes. It retries nothing.
func start(t *testing.T, o Options) (*Server, *secretmanager.Client) {
	t.Helper()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	t.Cleanup(func() {
		s.Stop()
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	c, err := secretmanager.NewClient(t.Context(), option.WithEndpoint(l.Addr().String()), option.WithoutAuthentication(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	c.CallOptions = &secretmanager.CallOptions{}
	return s, c
}

func wantCode(t *testing.T, what string, err error, want codes.Code) {
	t.Helper()
	if got := status.Code(err); got != want {
		t.Errorf("%s: %v, want %v (%v)", what, got, want, err)
	}
}

func automatic() *pb.Replication {
	return &pb.Replication{Replication: &pb.Replication_Automatic_{Automatic: &pb.Replication_Automatic{}}}
}

func create(t *testing.T, c *secretmanager.Client, id string) *pb.Secret {
	t.Helper()
	s, err := c.CreateSecret(t.Context(), &pb.CreateSecretRequest{
		Parent: project, SecretId: id, Secret: &pb.Secret{Replication: automatic()},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func add(t *testing.T, c *secretmanager.Client, secret, value string) *pb.SecretVersion {
	t.Helper()
	v, err := c.AddSecretVersion(t.Context(), &pb.AddSecretVersionRequest{
		Parent: secret, Payload: &pb.SecretPayload{Data: []byte(value)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func access(ctx context.Context, c *secretmanager.Client, name string) (string, error) {
	resp, err := c.AccessSecretVersion(ctx, &pb.AccessSecretVersionRequest{Name: name})
	return string(resp.GetPayload().GetData()), err
}

func wantValue(t *testing.T, c *secretmanager.Client, name, want string) {
	t.Helper()
	if got, err := access(t.Context(), c, name); err != nil || got != want {
		t.Errorf("access to %s: %q, error %v; want %q", name, got, err, want)
	}
}

func destroy(t *testing.T, c *secretmanager.Client, name string) {
	t.Helper()
	if _, err := c.DestroySecretVersion(t.Context(), &pb.DestroySecretVersionRequest{Name: name}); err != nil {
		t.Fatal(err)
	}
}

// collect reads a list to its end.
func collect[T any](t *testing.T, next func() (T, error)) []T {
	t.Helper()
	var out []T
	for {
		item, err := next()
		if errors.Is(err, iterator.Done) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, item)
	}
}

// clock is a time that a test moves.
type clock struct{ now time.Time }

func newClock() *clock                   { return &clock{time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)} }
func (c *clock) Now() time.Time          { return c.now }
func (c *clock) Advance(d time.Duration) { c.now = c.now.Add(d) }
