package secretmanager

import (
	"errors"
	"net"
	"strings"
	"testing"

	pb "cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/api/option"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/fault"
	standin "github.com/citasync/citasync/shared/sandbox/secretmanager"
	"github.com/citasync/citasync/shared/secret"
	"github.com/citasync/citasync/shared/secret/secrettest"
)

// token is a value that must show up nowhere.
const token = "1//refresh-token"

// serve starts the stand-in on a port of its own until the test ends.
func serve(t *testing.T, o standin.Options) (server *standin.Server, address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return serveOn(t, o, l), l.Addr().String()
}

func serveOn(t *testing.T, o standin.Options, l net.Listener) *standin.Server {
	t.Helper()
	server, err := standin.New(o)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return server
}

func open(t *testing.T, address string, opts ...option.ClientOption) *Store {
	t.Helper()
	s, err := Open(t.Context(), "citasync-test", address, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

// start is for tests with one stand-in and one store.
func start(t *testing.T) (*Store, *standin.Server) {
	t.Helper()
	server, address := serve(t, standin.Options{})
	return open(t, address), server
}

func add(t *testing.T, s *Store, company booking.CompanyID) (version string) {
	t.Helper()
	version, err := s.Add(t.Context(), company, []byte(token))
	if err != nil {
		t.Fatal(err)
	}
	return version
}

// named is the name of a version that holds token.
func named(number int64) string { return newVersion(number, []byte(token)).String() }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantOnly checks which of a company's versions are left, by their names or
// numbers.
func wantOnly(t *testing.T, s *Store, company booking.CompanyID, want ...string) {
	t.Helper()
	var got []string
	for i := range want {
		want[i], _, _ = strings.Cut(want[i], "-")
	}
	for v, err := range s.client.ListSecretVersions(t.Context(), &pb.ListSecretVersionsRequest{
		Parent: s.secretName(company), Filter: "NOT state:DESTROYED",
	}).All() {
		must(t, err)
		_, id, _ := strings.Cut(v.GetName(), "/versions/")
		got = append(got, id)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("versions of company %q, newest first, -want +got:\n%s", company, diff)
	}
}

func addFault(t *testing.T, server *standin.Server, f standin.Fault) {
	t.Helper()
	must(t, server.AddFault(f))
}

// methods lists the calls that a function makes.
func methods(server *standin.Server, f func()) string {
	server.ClearCalls()
	f()
	var names []string
	for _, c := range server.Calls() {
		names = append(names, c.Method)
	}
	return strings.Join(names, " ")
}

func TestStore(t *testing.T) {
	secrettest.Run(t, func(t *testing.T) secret.Store {
		s, _ := start(t)
		return s
	})
}

func TestOpenRefuses(t *testing.T) {
	for _, project := range []string{"", "projects/citasync-test", "a/secrets/b"} {
		if s, err := Open(t.Context(), project, "127.0.0.1:1"); err == nil {
			t.Errorf("project %q was taken", project)
			must(t, s.Close())
		}
	}
}

// TestSecret looks at a secret as it was created.
func TestSecret(t *testing.T) {
	s, _ := start(t)
	add(t, s, "2")
	got, err := s.client.GetSecret(t.Context(), &pb.GetSecretRequest{Name: "projects/citasync-test/secrets/google-refresh-token-2"})
	must(t, err)
	if diff := cmp.Diff(map[string]string{"app": "citasync", "company": "2"}, got.GetLabels()); diff != "" {
		t.Errorf("labels, -want +got:\n%s", diff)
	}
	if got.GetReplication().GetAutomatic() == nil {
		t.Errorf("replication is %v", got.GetReplication())
	}
}

// TestRequests counts what goes over the wire.
func TestRequests(t *testing.T) {
	s, server := start(t)
	ctx := t.Context()
	var last string
	act := map[string]func() error{
		"add":            func() (err error) { last, err = s.Add(ctx, "2", []byte(token)); return err },
		"access":         func() error { _, err := s.Access(ctx, "2", last); return err },
		"access the 1st": func() error { _, err := s.Access(ctx, "2", named(1)); return err },
		"access none":    func() error { _, err := s.Access(ctx, "2", named(99)); return err },
		"access latest":  func() error { _, err := s.Access(ctx, "2", "latest"); return err },
		"keep":           func() error { return s.Keep(ctx, "2", last) },
		"destroy":        func() error { return s.Destroy(ctx, "2", last) },
		"delete":         func() error { return s.Delete(ctx, "2") },
	}
	const list, destroy, access = "ListSecretVersions", "DestroySecretVersion", "AccessSecretVersion"
	for _, step := range []struct {
		act  string
		want string
		err  error
	}{
		{"delete", "DeleteSecret", nil},
		{"add", "AddSecretVersion CreateSecret AddSecretVersion", nil},
		{"keep", list, nil},
		{"access", access, nil},
		{"add", "AddSecretVersion", nil},
		{"keep", list + " " + destroy, nil},
		{"access the 1st", access + " GetSecretVersion", fault.ErrNotFound},
		{"access none", access, fault.ErrNotFound},
		{"access latest", "", fault.ErrNotFound},
		{"add", "AddSecretVersion", nil},
		{"destroy", access + " " + destroy, nil},
		{"add", "AddSecretVersion", nil},
		{"keep", list + " " + destroy + " " + destroy, nil},
		{"delete", "DeleteSecret", nil},
		{"delete", "DeleteSecret", nil},
		{"access", access, fault.ErrNotFound},
		{"add", "AddSecretVersion CreateSecret AddSecretVersion", nil},
	} {
		var err error
		if got := methods(server, func() { err = act[step.act]() }); got != step.want {
			t.Errorf("%s took %q, want %q", step.act, got, step.want)
		}
		if !errors.Is(err, step.err) {
			t.Errorf("%s: error %v, want %v", step.act, err, step.err)
		}
	}
}

// TestMalformedVersions asks for versions by names that are not numbers: none
// may get into a request.
func TestMalformedVersions(t *testing.T) {
	s, server := start(t)
	add(t, s, "2")
	server.ClearCalls()
	for _, version := range []string{"", "0", "-1", "+1", "01", "1 ", "latest", "1/versions/1", "1", "1-", "1-C98B23C7F3", "01-c98b23c7f3", "1-c98b23c7f3/../2", "../3/versions/1", "9223372036854775808"} {
		if _, err := s.Access(t.Context(), "2", version); !errors.Is(err, fault.ErrNotFound) {
			t.Errorf("access to %q: error %v, want %v", version, err, fault.ErrNotFound)
		}
		if err := s.Destroy(t.Context(), "2", version); err != nil {
			t.Errorf("destroy %q: %v", version, err)
		}
	}
	if calls := server.Calls(); len(calls) > 0 {
		t.Errorf("calls were made: %v", calls)
	}
}

// TestKeepMany has more versions to destroy than a page of a list holds, and
// checks that what is destroyed is not listed again.
func TestKeepMany(t *testing.T) {
	s, server := start(t)
	var last string
	for range 320 {
		last = add(t, s, "2")
	}
	got := methods(server, func() { must(t, s.Keep(t.Context(), "2", last)) })
	if want := strings.TrimSpace(strings.Repeat("ListSecretVersions ", 4) + strings.Repeat("DestroySecretVersion ", 319)); got != want {
		t.Errorf("calls: %d lists, %d destructions", strings.Count(got, "List"), strings.Count(got, "Destroy"))
	}
	wantOnly(t, s, "2", "320")
	if got := methods(server, func() { must(t, s.Keep(t.Context(), "2", last)) }); got != "ListSecretVersions DestroySecretVersion" {
		t.Errorf("once more: %s", got)
	}
}

// TestDisabled has an operator disable versions: they can't be accessed, and
// are cleared away as others are.
func TestDisabled(t *testing.T) {
	s, _ := start(t)
	disable := func(version string) {
		version, _, _ = strings.Cut(version, "-")
		_, err := s.client.DisableSecretVersion(t.Context(), &pb.DisableSecretVersionRequest{Name: s.secretName("2") + "/versions/" + version})
		must(t, err)
	}
	first, second, third := add(t, s, "2"), add(t, s, "2"), add(t, s, "2")
	disable(first)
	disable(second)
	if _, err := s.Access(t.Context(), "2", first); !errors.Is(err, fault.ErrNotFound) {
		t.Errorf("access: error %v, want %v", err, fault.ErrNotFound)
	}
	must(t, s.Keep(t.Context(), "2", third))
	wantOnly(t, s, "2", third)
	disable(third)
	must(t, s.Delete(t.Context(), "2"))
	if _, err := s.client.GetSecret(t.Context(), &pb.GetSecretRequest{Name: s.secretName("2")}); status.Code(err) != codes.NotFound {
		t.Errorf("the secret after its deletion: %v", err)
	}
}

// TestOlderSecret: what was named in a secret that was deleted is neither found
// nor destroyed in the one that came after it.
func TestOlderSecret(t *testing.T) {
	s, _ := start(t)
	old := add(t, s, "2")
	must(t, s.Delete(t.Context(), "2"))
	version, err := s.Add(t.Context(), "2", []byte("another token"))
	must(t, err)
	if _, err := s.Access(t.Context(), "2", old); !errors.Is(err, fault.ErrNotFound) {
		t.Errorf("the version of the older secret: error %v", err)
	}
	must(t, s.Destroy(t.Context(), "2", old))
	if value, err := s.Access(t.Context(), "2", version); err != nil || string(value) != "another token" {
		t.Errorf("the version of the newer secret: error %v", err)
	}
}

// TestDeletedByHand has somebody delete the secret: it is created anew.
func TestDeletedByHand(t *testing.T) {
	s, _ := start(t)
	version := add(t, s, "2")
	must(t, s.client.DeleteSecret(t.Context(), &pb.DeleteSecretRequest{Name: s.secretName("2")}))
	if _, err := s.Access(t.Context(), "2", version); !errors.Is(err, fault.ErrNotFound) {
		t.Errorf("access: error %v, want %v", err, fault.ErrNotFound)
	}
	must(t, s.Destroy(t.Context(), "2", version))
	must(t, s.Keep(t.Context(), "2", version))
	must(t, s.Delete(t.Context(), "2"))
	wantOnly(t, s, "2", add(t, s, "2"))
}

// TestFasterCreator finds the secret missing, and then created by somebody
// else.
func TestFasterCreator(t *testing.T) {
	s, server := start(t)
	add(t, s, "2")
	addFault(t, server, standin.Fault{Method: "AddSecretVersion", Code: codes.NotFound, Times: 1})
	got := methods(server, func() { add(t, s, "2") })
	if got != "AddSecretVersion CreateSecret AddSecretVersion" || server.Calls()[1].Code != codes.AlreadyExists {
		t.Errorf("calls: %v", server.Calls())
	}
}
