package secretmanager

import (
	"context"
	"testing"
	"time"

	pb "cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestFaults(t *testing.T) {
	s, c := start(t, Options{})
	name := create(t, c, "token").GetName()
	try := func() codes.Code {
		_, err := c.AddSecretVersion(t.Context(), &pb.AddSecretVersionRequest{
			Parent: name, Payload: &pb.SecretPayload{Data: []byte("x")},
		})
		return status.Code(err)
	}
	for _, tt := range []struct {
		name  string
		fault Fault
		want  []codes.Code
		added int
	}{
		{"before", Fault{Method: "AddSecretVersion", Code: codes.Unavailable, Times: 2}, []codes.Code{codes.Unavailable, codes.Unavailable, codes.OK}, 1},
		{"after it was applied", Fault{Method: "AddSecretVersion", Code: codes.Unavailable, Times: 1, Applied: true}, []codes.Code{codes.Unavailable, codes.OK}, 2},
		{"after others", Fault{Method: "*", After: 1, Code: codes.Internal, Times: 1}, []codes.Code{codes.OK, codes.Internal, codes.OK}, 2},
		{"for ever", Fault{Method: "AddSecretVersion", Code: codes.PermissionDenied}, []codes.Code{codes.PermissionDenied, codes.PermissionDenied}, 0},
		{"of another method", Fault{Method: "GetSecret", Code: codes.Internal}, []codes.Code{codes.OK}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := len(listVersions(t, c, &pb.ListSecretVersionsRequest{Parent: name}))
			if err := s.AddFault(tt.fault); err != nil {
				t.Fatal(err)
			}
			var got []codes.Code
			for range tt.want {
				got = append(got, try())
			}
			s.ClearFaults()
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if n := len(listVersions(t, c, &pb.ListSecretVersionsRequest{Parent: name})) - before; n != tt.added {
				t.Errorf("%d versions were added, want %d", n, tt.added)
			}
		})
	}
}

func TestFaultsThatMakeNoSense(t *testing.T) {
	s, _ := start(t, Options{})
	for _, f := range []Fault{
		{}, {Method: "Add"}, {Method: "*", Times: -1}, {Method: "*", After: -1}, {Method: "*", Latency: -1},
	} {
		if err := s.AddFault(f); err == nil {
			t.Errorf("%+v was taken", f)
		}
	}
}

// TestLatency lets the client go away before its call is performed.
func TestLatency(t *testing.T) {
	s, c := start(t, Options{})
	name := create(t, c, "token").GetName()
	if err := s.AddFault(Fault{Method: "AddSecretVersion", Latency: time.Hour}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := c.AddSecretVersion(ctx, &pb.AddSecretVersionRequest{Parent: name, Payload: &pb.SecretPayload{Data: []byte("x")}})
	wantCode(t, "add", err, codes.DeadlineExceeded)
	if n := len(listVersions(t, c, &pb.ListSecretVersionsRequest{Parent: name})); n != 0 {
		t.Errorf("%d versions were added", n)
	}
}

func TestCalls(t *testing.T) {
	clock := newClock()
	s, c := start(t, Options{Now: clock.Now})
	name := create(t, c, "token").GetName()
	add(t, c, name, "1//token")
	_, _ = access(t.Context(), c, name+"/versions/7")
	want := []Call{
		{clock.Now(), "CreateSecret", project + "/secrets/token", codes.OK},
		{clock.Now(), "AddSecretVersion", name, codes.OK},
		{clock.Now(), "AccessSecretVersion", name + "/versions/7", codes.NotFound},
	}
	if diff := cmp.Diff(want, s.Calls()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	s.ClearCalls()
	if diff := cmp.Diff([]Call{}, s.Calls(), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
