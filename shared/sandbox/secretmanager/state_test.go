package secretmanager

import (
	"bytes"
	"encoding/base64"
	"os"
	"path/filepath"
	"sync"
	"testing"

	pb "cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/testing/protocmp"
)

// TestRestart opens a directory again and finds everything as it was.
func TestRestart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data", "secrets")
	_, c := start(t, Options{Dir: dir})
	secret, err := c.CreateSecret(t.Context(), &pb.CreateSecretRequest{
		Parent: project, SecretId: "token", Secret: &pb.Secret{Replication: automatic(), Labels: map[string]string{"a": "ñ"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	first, second := add(t, c, secret.GetName(), "\x00\xff"), add(t, c, secret.GetName(), "second")
	destroy(t, c, second.GetName())
	data, err := os.ReadFile(filepath.Join(dir, stateFileName))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(data, []byte(base64.StdEncoding.EncodeToString([]byte("second")))) {
		t.Error("what was destroyed is in the file")
	}

	_, c = start(t, Options{Dir: dir})
	again, err := c.GetSecret(t.Context(), &pb.GetSecretRequest{Name: secret.GetName()})
	if diff := cmp.Diff(secret, again, protocmp.Transform()); diff != "" || err != nil {
		t.Errorf("the secret: error %v, -want +got:\n%s", err, diff)
	}
	wantValue(t, c, first.GetName(), "\x00\xff")
	_, err = access(t.Context(), c, second.GetName())
	wantCode(t, "access to what is destroyed", err, codes.FailedPrecondition)
	third := add(t, c, secret.GetName(), "third")
	if third.GetName() != secret.GetName()+"/versions/3" || third.GetEtag() == first.GetEtag() || third.GetEtag() == second.GetEtag() {
		t.Errorf("the next one is %v", third)
	}
}

func TestMode(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "secrets")
	_, c := start(t, Options{Dir: dir})
	create(t, c, "token")
	for path, want := range map[string]os.FileMode{dir: 0o700, filepath.Join(dir, stateFileName): 0o600} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
	}
}

func TestSpoiltFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, stateFileName), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Options{Dir: dir}); err == nil {
		t.Error("a file that can't be read was taken")
	}
}

// TestSaveFails has the directory refuse: nobody may take the call for done.
func TestSaveFails(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "secrets")
	_, c := start(t, Options{Dir: dir})
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := c.CreateSecret(t.Context(), &pb.CreateSecretRequest{
		Parent: project, SecretId: "token", Secret: &pb.Secret{Replication: automatic()},
	})
	wantCode(t, "create", err, codes.Internal)
}

// TestConcurrent adds to one secret from several sides: each gets a number of
// its own.
func TestConcurrent(t *testing.T) {
	_, c := start(t, Options{})
	name := create(t, c, "token").GetName()
	const adders = 8
	names := make([]string, adders)
	var wg sync.WaitGroup
	for i := range adders {
		wg.Go(func() {
			v, err := c.AddSecretVersion(t.Context(), &pb.AddSecretVersionRequest{
				Parent: name, Payload: &pb.SecretPayload{Data: []byte("x")},
			})
			if err != nil {
				t.Error(err)
			}
			names[i] = v.GetName()
		})
	}
	wg.Wait()
	seen := map[string]bool{}
	for _, n := range names {
		if seen[n] {
			t.Errorf("%s came twice", n)
		}
		seen[n] = true
	}
}
