package secretmanager

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	secretmanager "cloud.google.com/go/secretmanager/apiv1"
	pb "cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

func TestCreateSecret(t *testing.T) {
	clock := newClock()
	_, c := start(t, Options{Now: clock.Now})
	created, err := c.CreateSecret(t.Context(), &pb.CreateSecretRequest{
		Parent: project, SecretId: "token-2",
		Secret: &pb.Secret{Name: "ignored", Replication: automatic(), Labels: map[string]string{"app": "citasync"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := &pb.Secret{
		Name: "projects/" + projectNumber("citasync-test") + "/secrets/token-2", Replication: automatic(),
		CreateTime: timestamppb.New(clock.Now()), Labels: map[string]string{"app": "citasync"}, Etag: created.GetEtag(),
	}
	if diff := cmp.Diff(want, created, protocmp.Transform()); diff != "" || created.GetEtag() == "" {
		t.Errorf("created, -want +got:\n%s", diff)
	}
	for _, name := range []string{created.GetName(), project + "/secrets/token-2"} {
		got, err := c.GetSecret(t.Context(), &pb.GetSecretRequest{Name: name})
		if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" || err != nil {
			t.Errorf("get %s: error %v, -want +got:\n%s", name, err, diff)
		}
	}
	_, err = c.CreateSecret(t.Context(), &pb.CreateSecretRequest{
		Parent: project, SecretId: "token-2", Secret: &pb.Secret{Replication: automatic()},
	})
	wantCode(t, "the same again", err, codes.AlreadyExists)
	create(t, c, "TOKEN-2") // another one
}

func TestCreateSecretRefuses(t *testing.T) {
	_, c := start(t, Options{})
	many := map[string]string{}
	for i := range 65 {
		many[fmt.Sprintf("k%d", i)] = ""
	}
	label := func(k, v string) *pb.Secret {
		return &pb.Secret{Replication: automatic(), Labels: map[string]string{k: v}}
	}
	for _, tt := range []struct {
		name   string
		parent string
		id     string
		secret *pb.Secret
		want   codes.Code
	}{
		{"an empty id", project, "", nil, codes.InvalidArgument},
		{"a dot in the id", project, "a.b", nil, codes.InvalidArgument},
		{"a slash in the id", project, "a/secrets/b", nil, codes.InvalidArgument},
		{"no ASCII", project, "ñ", nil, codes.InvalidArgument},
		{"an id too long", project, strings.Repeat("x", 256), nil, codes.InvalidArgument},
		{"the longest id", project, strings.Repeat("x", 255), nil, codes.OK},
		{"no parent", "", "x", nil, codes.InvalidArgument},
		{"a parent that is no project", "folders/1", "x", nil, codes.InvalidArgument},
		{"a regional parent", project + "/locations/europe-west1", "x", nil, codes.Unimplemented},
		{"no replication", project, "x", &pb.Secret{}, codes.InvalidArgument},
		{"no replicas", project, "x", &pb.Secret{Replication: &pb.Replication{
			Replication: &pb.Replication_UserManaged_{UserManaged: &pb.Replication_UserManaged{}},
		}}, codes.InvalidArgument},
		{"a label in capitals", project, "x", label("App", "x"), codes.InvalidArgument},
		{"a label value in capitals", project, "x", label("app", "X"), codes.InvalidArgument},
		{"a label value with a dot", project, "x", label("app", "a.b"), codes.InvalidArgument},
		{"a label value too long", project, "x", label("app", strings.Repeat("x", 64)), codes.InvalidArgument},
		{"a label value of too many bytes", project, "x", label("app", strings.Repeat("日", 43)), codes.InvalidArgument},
		{"an empty label value", project, "empty", label("app", ""), codes.OK},
		{"a label key that begins with a digit", project, "x", label("1app", ""), codes.InvalidArgument},
		{"65 labels", project, "x", &pb.Secret{Replication: automatic(), Labels: many}, codes.InvalidArgument},
		{"an annotation key with a blank", project, "x", &pb.Secret{
			Replication: automatic(), Annotations: map[string]string{"a b": ""},
		}, codes.InvalidArgument},
		{"annotations too large", project, "x", &pb.Secret{
			Replication: automatic(), Annotations: map[string]string{"a": strings.Repeat("x", 16<<10)},
		}, codes.InvalidArgument},
		{"an alias of a version that is not there", project, "x", &pb.Secret{
			Replication: automatic(), VersionAliases: map[string]int64{"a": 1},
		}, codes.InvalidArgument},
		{"a time to live", project, "x", &pb.Secret{
			Replication: automatic(), Expiration: &pb.Secret_Ttl{Ttl: durationpb.New(1)},
		}, codes.Unimplemented},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.secret == nil {
				tt.secret = &pb.Secret{Replication: automatic()}
			}
			_, err := c.CreateSecret(t.Context(), &pb.CreateSecretRequest{Parent: tt.parent, SecretId: tt.id, Secret: tt.secret})
			wantCode(t, "create", err, tt.want)
		})
	}
}

func TestUpdateSecret(t *testing.T) {
	_, c := start(t, Options{})
	s := create(t, c, "token")
	name := s.GetName()
	add(t, c, name, "first")
	update := func(wanted *pb.Secret, paths ...string) (*pb.Secret, error) {
		wanted.Name = name
		return c.UpdateSecret(t.Context(), &pb.UpdateSecretRequest{Secret: wanted, UpdateMask: &fieldmaskpb.FieldMask{Paths: paths}})
	}
	labelled, err := update(&pb.Secret{Labels: map[string]string{"a": "b"}, Annotations: map[string]string{"c": "d"}, Etag: s.GetEtag()}, "labels")
	if err != nil || !maps.Equal(labelled.GetLabels(), map[string]string{"a": "b"}) || labelled.GetAnnotations() != nil {
		t.Errorf("labelled: %v, error %v", labelled, err)
	}
	if labelled.GetEtag() == s.GetEtag() {
		t.Error("the etag is the same after a change")
	}
	_, err = update(&pb.Secret{Etag: s.GetEtag()}, "labels")
	wantCode(t, "an old etag", err, codes.FailedPrecondition)
	if _, err = update(&pb.Secret{VersionAliases: map[string]int64{"current": 1}}, "version_aliases", "annotations"); err != nil {
		t.Error(err)
	}
	wantValue(t, c, name+"/versions/current", "first")
	for path, want := range map[string]codes.Code{
		"replication": codes.InvalidArgument, "labels": codes.InvalidArgument, "version_aliases": codes.InvalidArgument,
		"topics": codes.Unimplemented,
	} {
		_, err := update(&pb.Secret{Labels: map[string]string{"A": ""}, VersionAliases: map[string]int64{"latest": 1}}, path)
		wantCode(t, path, err, want)
	}
	_, err = update(&pb.Secret{})
	wantCode(t, "no mask", err, codes.InvalidArgument)
	name = project + "/secrets/none"
	_, err = update(&pb.Secret{}, "labels")
	wantCode(t, "no secret", err, codes.NotFound)
}

func TestDeleteSecret(t *testing.T) {
	_, c := start(t, Options{})
	s := create(t, c, "token")
	add(t, c, s.GetName(), "first")
	remove := func(etag string) error {
		return c.DeleteSecret(t.Context(), &pb.DeleteSecretRequest{Name: s.GetName(), Etag: etag})
	}
	wantCode(t, "another etag", remove(`"0"`), codes.FailedPrecondition)
	wantValue(t, c, s.GetName()+"/versions/1", "first")
	wantCode(t, "delete", remove(s.GetEtag()), codes.OK)
	wantCode(t, "delete again", remove(""), codes.NotFound)
	_, err := access(t.Context(), c, s.GetName()+"/versions/1")
	wantCode(t, "access", err, codes.NotFound)
	create(t, c, "token")
	if v := add(t, c, s.GetName(), "anew"); v.GetName() != s.GetName()+"/versions/1" {
		t.Errorf("a secret that was created anew begins with %s", v.GetName())
	}
}

// TestUnimplemented asks for what the stand-in does not have.
func TestUnimplemented(t *testing.T) {
	_, c := start(t, Options{})
	s := create(t, c, "token")
	_, err := c.RotateSecret(t.Context(), &pb.RotateSecretRequest{Parent: s.GetName()})
	wantCode(t, "rotate", err, codes.Unimplemented)
}

func listSecrets(t *testing.T, c *secretmanager.Client, req *pb.ListSecretsRequest) (ids []string) {
	t.Helper()
	for _, s := range collect(t, c.ListSecrets(t.Context(), req).Next) {
		_, id, _ := strings.Cut(s.GetName(), "/secrets/")
		ids = append(ids, id)
	}
	return ids
}

func TestListSecrets(t *testing.T) {
	_, c := start(t, Options{})
	for _, id := range []string{"b", "a", "c"} {
		_, err := c.CreateSecret(t.Context(), &pb.CreateSecretRequest{
			Parent: project, SecretId: id, Secret: &pb.Secret{Replication: automatic(), Labels: map[string]string{"id": id}},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := c.CreateSecret(t.Context(), &pb.CreateSecretRequest{
		Parent: project + "-2", SecretId: "other", Secret: &pb.Secret{Replication: automatic()},
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"c", "a", "b"}, listSecrets(t, c, &pb.ListSecretsRequest{Parent: project, PageSize: 2})); diff != "" {
		t.Errorf("all, newest first, -want +got:\n%s", diff)
	}
	got := listSecrets(t, c, &pb.ListSecretsRequest{Parent: project, Filter: "labels.id=a OR name:secrets/b"})
	if diff := cmp.Diff([]string{"a", "b"}, got); diff != "" {
		t.Errorf("filtered, -want +got:\n%s", diff)
	}
}
