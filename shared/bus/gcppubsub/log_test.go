package gcppubsub

import (
	"io"
	"os"
	"strings"
	"testing"

	pubsub "cloud.google.com/go/pubsub/v2/apiv1"
	pb "cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/citasync/citasync/shared/bus"
)

// TestNothingLogged asks the library for its log, which would hold all that is
// published.
func TestNothingLogged(t *testing.T) {
	addr := fake(t).Addr
	t.Setenv("GOOGLE_SDK_GO_LOGGING_LEVEL", "debug")
	bare := logged(t, func() {
		c, err := pubsub.NewTopicAdminClient(t.Context(), option.WithEndpoint(addr), option.WithoutAuthentication(),
			option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = c.Publish(t.Context(), &pb.PublishRequest{
			Topic: "projects/p/topics/t", Messages: []*pb.PubsubMessage{{Attributes: map[string]string{"who": "Ana Ruiz"}}},
		})
		_ = c.Close()
	})
	if !strings.Contains(bare, "Ana Ruiz") {
		t.Fatalf("the library on its own logs no messages, so this test finds nothing:\n%s", bare)
	}
	got := logged(t, func() {
		p, err := Open(t.Context(), "citasync-test", addr)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = p.Publish(t.Context(), bus.Confirmed, bus.Message{Attributes: map[string]string{"who": "Ana Ruiz"}})
		_ = p.Close()
	})
	if got != "" {
		t.Errorf("logged:\n%s", got)
	}
}

// logged returns what is written to standard error meanwhile.
func logged(t *testing.T, use func()) string {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr := os.Stderr
	os.Stderr = w
	defer func() { os.Stderr = stderr }()
	read := make(chan string)
	go func() {
		all, _ := io.ReadAll(r)
		read <- string(all)
	}()
	use()
	_ = w.Close()
	return <-read
}
