package secretmanager

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	secretmanager "cloud.google.com/go/secretmanager/apiv1"
	pb "cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"
)

func TestAddSecretVersion(t *testing.T) {
	clock := newClock()
	_, c := start(t, Options{Now: clock.Now})
	s := create(t, c, "token")
	value := bytes.Repeat([]byte{0, 0xff}, 32<<10)
	added, err := c.AddSecretVersion(t.Context(), &pb.AddSecretVersionRequest{
		Parent: s.GetName(), Payload: &pb.SecretPayload{Data: value, DataCrc32C: proto.Int64(checksum(value))},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := &pb.SecretVersion{
		Name: s.GetName() + "/versions/1", CreateTime: timestamppb.New(clock.Now()), State: pb.SecretVersion_ENABLED, Etag: added.GetEtag(),
		ClientSpecifiedPayloadChecksum: true,
		ReplicationStatus: &pb.ReplicationStatus{ReplicationStatus: &pb.ReplicationStatus_Automatic{
			Automatic: &pb.ReplicationStatus_AutomaticStatus{},
		}},
	}
	if diff := cmp.Diff(want, added, protocmp.Transform()); diff != "" || added.GetEtag() == "" {
		t.Errorf("added, -want +got:\n%s", diff)
	}
	got, err := c.GetSecretVersion(t.Context(), &pb.GetSecretVersionRequest{Name: added.GetName()})
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" || err != nil {
		t.Errorf("get: error %v, -want +got:\n%s", err, diff)
	}
	accessed, err := c.AccessSecretVersion(t.Context(), &pb.AccessSecretVersionRequest{Name: added.GetName()})
	answer := &pb.AccessSecretVersionResponse{
		Name: added.GetName(), Payload: &pb.SecretPayload{Data: value, DataCrc32C: proto.Int64(checksum(value))},
	}
	if err != nil || !proto.Equal(accessed, answer) {
		t.Errorf("accessed %d bytes with checksum %d, error %v", len(accessed.GetPayload().GetData()), accessed.GetPayload().GetDataCrc32C(), err)
	}
	if v := add(t, c, s.GetName(), "second"); v.GetClientSpecifiedPayloadChecksum() || v.GetName() != s.GetName()+"/versions/2" {
		t.Errorf("the second one is %v", v)
	}
}

// TestChecksum checks against the value that RFC 3720, appendix B.4 gives for
// 32 bytes of zeroes.
func TestChecksum(t *testing.T) {
	if got := checksum(make([]byte, 32)); got != 0x8a9136aa {
		t.Errorf("%#x", got)
	}
}

func TestAddSecretVersionRefuses(t *testing.T) {
	_, c := start(t, Options{})
	s := create(t, c, "token")
	for _, tt := range []struct {
		name    string
		parent  string
		payload *pb.SecretPayload
		want    codes.Code
	}{
		{"no payload", s.GetName(), nil, codes.InvalidArgument},
		{"an empty payload", s.GetName(), &pb.SecretPayload{}, codes.InvalidArgument},
		{"too large a payload", s.GetName(), &pb.SecretPayload{Data: make([]byte, 64<<10+1)}, codes.InvalidArgument},
		{"another checksum", s.GetName(), &pb.SecretPayload{Data: []byte("x"), DataCrc32C: proto.Int64(1)}, codes.InvalidArgument},
		{"no secret", project + "/secrets/none", &pb.SecretPayload{Data: []byte("x")}, codes.NotFound},
		{"another project", "projects/other/secrets/token", &pb.SecretPayload{Data: []byte("x")}, codes.NotFound},
		{"a malformed parent", "projects/p/token", &pb.SecretPayload{Data: []byte("x")}, codes.InvalidArgument},
	} {
		_, err := c.AddSecretVersion(t.Context(), &pb.AddSecretVersionRequest{Parent: tt.parent, Payload: tt.payload})
		wantCode(t, tt.name, err, tt.want)
	}
	if v := add(t, c, s.GetName(), "x"); v.GetName() != s.GetName()+"/versions/1" {
		t.Errorf("what was refused took a number: %s", v.GetName())
	}
}

func TestAccessSecretVersion(t *testing.T) {
	_, c := start(t, Options{})
	s := create(t, c, "token")
	_, err := access(t.Context(), c, s.GetName()+"/versions/latest")
	wantCode(t, "the latest of none", err, codes.NotFound)
	add(t, c, s.GetName(), "first")
	second := add(t, c, s.GetName(), "second")
	wantValue(t, c, project+"/secrets/token/versions/1", "first")
	wantValue(t, c, s.GetName()+"/versions/latest", "second")
	destroy(t, c, second.GetName())
	for version, want := range map[string]codes.Code{
		"latest": codes.FailedPrecondition, "2": codes.FailedPrecondition,
		"3": codes.NotFound, "unknown": codes.NotFound, "9999999999999999999": codes.NotFound,
		"0": codes.InvalidArgument, "": codes.InvalidArgument, "1/versions/1": codes.InvalidArgument, "../1": codes.InvalidArgument,
	} {
		_, err := access(t.Context(), c, s.GetName()+"/versions/"+version)
		wantCode(t, "access to "+version, err, want)
	}
}

// TestStates takes a version through its states, each twice.
func TestStates(t *testing.T) {
	clock := newClock()
	_, c := start(t, Options{Now: clock.Now})
	v := add(t, c, create(t, c, "token").GetName(), "value")
	enable := func(etag string) (*pb.SecretVersion, error) {
		return c.EnableSecretVersion(t.Context(), &pb.EnableSecretVersionRequest{Name: v.GetName(), Etag: etag})
	}
	disable := func(etag string) (*pb.SecretVersion, error) {
		return c.DisableSecretVersion(t.Context(), &pb.DisableSecretVersionRequest{Name: v.GetName(), Etag: etag})
	}
	destroy := func(etag string) (*pb.SecretVersion, error) {
		return c.DestroySecretVersion(t.Context(), &pb.DestroySecretVersionRequest{Name: v.GetName(), Etag: etag})
	}
	last := v.GetEtag()
	for _, step := range []struct {
		name   string
		do     func(etag string) (*pb.SecretVersion, error)
		state  pb.SecretVersion_State
		access codes.Code
	}{
		{"enable", enable, pb.SecretVersion_ENABLED, codes.OK},
		{"disable", disable, pb.SecretVersion_DISABLED, codes.FailedPrecondition},
		{"disable again", disable, pb.SecretVersion_DISABLED, codes.FailedPrecondition},
		{"enable again", enable, pb.SecretVersion_ENABLED, codes.OK},
		{"disable", disable, pb.SecretVersion_DISABLED, codes.FailedPrecondition},
		{"destroy", destroy, pb.SecretVersion_DESTROYED, codes.FailedPrecondition},
	} {
		_, err := step.do(`"0"`)
		wantCode(t, step.name+" with another etag", err, codes.FailedPrecondition)
		got, err := step.do(last)
		if err != nil || got.GetState() != step.state || got.GetEtag() == last {
			t.Errorf("%s: %v, error %v", step.name, got, err)
		}
		last = got.GetEtag()
		_, err = access(t.Context(), c, v.GetName())
		wantCode(t, "access after "+step.name, err, step.access)
	}
	for name, do := range map[string]func(string) (*pb.SecretVersion, error){"enable": enable, "disable": disable, "destroy": destroy} {
		_, err := do("")
		wantCode(t, name+" what is destroyed", err, codes.FailedPrecondition)
	}
	got, err := c.GetSecretVersion(t.Context(), &pb.GetSecretVersionRequest{Name: v.GetName()})
	if err != nil || got.GetEtag() != last || !got.GetDestroyTime().AsTime().Equal(clock.Now()) {
		t.Errorf("in the end: %v, error %v", got, err)
	}
	_, err = c.DestroySecretVersion(t.Context(), &pb.DestroySecretVersionRequest{Name: strings.TrimSuffix(v.GetName(), "1") + "latest"})
	wantCode(t, "destroy by alias", err, codes.InvalidArgument)
}

func listVersions(t *testing.T, c *secretmanager.Client, req *pb.ListSecretVersionsRequest) (numbers []string) {
	t.Helper()
	for _, v := range collect(t, c.ListSecretVersions(t.Context(), req).Next) {
		_, number, _ := strings.Cut(v.GetName(), "/versions/")
		numbers = append(numbers, number)
	}
	return numbers
}

func TestListSecretVersions(t *testing.T) {
	_, c := start(t, Options{})
	name := create(t, c, "token").GetName()
	for i := range 7 {
		add(t, c, name, fmt.Sprint(i))
	}
	for _, n := range []string{"2", "5"} {
		destroy(t, c, name+"/versions/"+n)
	}
	_, err := c.DisableSecretVersion(t.Context(), &pb.DisableSecretVersionRequest{Name: name + "/versions/3"})
	if err != nil {
		t.Fatal(err)
	}
	for filter, want := range map[string]string{
		"":                                "7 6 5 4 3 2 1",
		"state:ENABLED":                   "7 6 4 1",
		"state=enabled":                   "7 6 4 1",
		"state:(ENABLED OR DISABLED)":     "7 6 4 3 1",
		"NOT state:DESTROYED":             "7 6 4 3 1",
		"state!=DESTROYED":                "7 6 4 3 1",
		"state:ENABLED OR state:DISABLED": "7 6 4 3 1",
		`state:"DESTROYED"`:               "5 2",
		"state:*":                         "7 6 5 4 3 2 1",
		"NOT (state:ENABLED OR state:DISABLED) AND name:versions/5": "5",
	} {
		for size := range int32(4) {
			req := &pb.ListSecretVersionsRequest{Parent: name, Filter: filter, PageSize: size}
			if got := strings.Join(listVersions(t, c, req), " "); got != want {
				t.Errorf("filter %q in pages of %d: %s, want %s", filter, size, got, want)
			}
		}
	}
}

func TestListRefuses(t *testing.T) {
	_, c := start(t, Options{})
	name := create(t, c, "token").GetName()
	add(t, c, name, "first")
	add(t, c, name, "second")
	it := c.ListSecretVersions(t.Context(), &pb.ListSecretVersionsRequest{Parent: name, PageSize: 1})
	if _, err := it.Next(); err != nil {
		t.Fatal(err)
	}
	token := it.PageInfo().Token
	for _, tt := range []struct {
		name string
		req  *pb.ListSecretVersionsRequest
		want codes.Code
	}{
		{"no secret", &pb.ListSecretVersionsRequest{Parent: project + "/secrets/none"}, codes.NotFound},
		{"a size below zero", &pb.ListSecretVersionsRequest{Parent: name, PageSize: -1}, codes.InvalidArgument},
		{"a malformed token", &pb.ListSecretVersionsRequest{Parent: name, PageToken: "?"}, codes.InvalidArgument},
		{"a token of another filter", &pb.ListSecretVersionsRequest{Parent: name, PageToken: token, Filter: "state:ENABLED"}, codes.InvalidArgument},
		{"the token", &pb.ListSecretVersionsRequest{Parent: name, PageToken: token}, codes.OK},
	} {
		_, err := c.ListSecretVersions(t.Context(), tt.req).Next()
		wantCode(t, tt.name, err, tt.want)
	}
	for _, filter := range []string{
		"state", "state:", ":", "ENABLED", "size:1", "state:ENABLED AND", "(state:ENABLED", "state:ENABLED)", "state:(ENABLED AND DISABLED)",
		"state:ENABLED OR state:DISABLED AND name:x", "state:ENABLED state:DISABLED", `state:"`, "state>ENABLED", "state!ENABLED", "NOT",
		"create_time>2021-01-01T00:00:00Z", "state:(ENABLED OR DISABLED", "state::x",
	} {
		_, err := c.ListSecretVersions(t.Context(), &pb.ListSecretVersionsRequest{Parent: name, Filter: filter}).Next()
		wantCode(t, fmt.Sprintf("filter %q", filter), err, codes.InvalidArgument)
	}
}

// TestPagesOfAChangingList destroys and adds between two pages: nothing may be
// skipped or come twice.
func TestPagesOfAChangingList(t *testing.T) {
	_, c := start(t, Options{})
	name := create(t, c, "token").GetName()
	for i := range 6 {
		add(t, c, name, fmt.Sprint(i))
	}
	var got []string
	it := c.ListSecretVersions(t.Context(), &pb.ListSecretVersionsRequest{Parent: name, Filter: "state:ENABLED", PageSize: 2})
	for range 6 {
		v, err := it.Next()
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, strings.TrimPrefix(v.GetName(), name+"/versions/"))
		destroy(t, c, v.GetName())
		add(t, c, name, "more")
	}
	if diff := cmp.Diff([]string{"6", "5", "4", "3", "2", "1"}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestLag sees lists as they were, and an access by number as it is.
func TestLag(t *testing.T) {
	clock := newClock()
	_, c := start(t, Options{Now: clock.Now, Lag: time.Minute})
	name := create(t, c, "token").GetName()
	_, err := c.ListSecretVersions(t.Context(), &pb.ListSecretVersionsRequest{Parent: name}).Next()
	wantCode(t, "list of a new secret", err, codes.NotFound)
	clock.Advance(time.Hour)
	old := add(t, c, name, "old")
	clock.Advance(time.Hour)
	add(t, c, name, "new")
	destroy(t, c, old.GetName())
	list := func() string {
		return strings.Join(listVersions(t, c, &pb.ListSecretVersionsRequest{Parent: name, Filter: "state:ENABLED"}), " ")
	}
	if got := list(); got != "1" {
		t.Errorf("at once the list is %q", got)
	}
	wantValue(t, c, name+"/versions/2", "new")
	_, err = access(t.Context(), c, old.GetName())
	wantCode(t, "access to what was destroyed", err, codes.FailedPrecondition)
	clock.Advance(time.Minute)
	if got := list(); got != "2" {
		t.Errorf("later the list is %q", got)
	}
}
