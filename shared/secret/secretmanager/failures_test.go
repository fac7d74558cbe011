package secretmanager

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	secretmanager "cloud.google.com/go/secretmanager/apiv1"
	pb "cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"github.com/citasync/citasync/shared/fault"
	standin "github.com/citasync/citasync/shared/sandbox/secretmanager"
)

// operations are what a store does for a company, by the method that they
// depend on. Company 2 has version 1.
func operations(s *Store) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"AddSecretVersion":     func(ctx context.Context) error { _, err := s.Add(ctx, "2", []byte(token)); return err },
		"CreateSecret":         func(ctx context.Context) error { _, err := s.Add(ctx, "3", []byte(token)); return err },
		"AccessSecretVersion":  func(ctx context.Context) error { _, err := s.Access(ctx, "2", named(1)); return err },
		"ListSecretVersions":   func(ctx context.Context) error { return s.Keep(ctx, "2", named(1)) },
		"DestroySecretVersion": func(ctx context.Context) error { return s.Destroy(ctx, "2", named(1)) },
		"DeleteSecret":         func(ctx context.Context) error { return s.Delete(ctx, "2") },
	}
}

// inBubble runs a test of a stand-in and a store that are connected within the
// process, where time passes as soon as everybody waits. Company 2 has version
// 1.
func inBubble(t *testing.T, test func(*testing.T, *Store, *standin.Server)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := bufconn.Listen(1 << 16)
		server := serveOn(t, standin.Options{}, l)
		s := open(t, "passthrough:///stand-in", option.WithGRPCDialOption(grpc.WithContextDialer(
			func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) })))
		add(t, s, "2")
		test(t, s, server)
	})
}

// TestOutageOfAMoment ends before the last try, whether or not what was asked
// for had been done.
func TestOutageOfAMoment(t *testing.T) {
	for method := range operations(nil) {
		for _, applied := range []bool{false, true} {
			inBubble(t, func(t *testing.T, s *Store, server *standin.Server) {
				addFault(t, server, standin.Fault{Method: method, Code: codes.Unavailable, Times: 3, Applied: applied})
				if err := operations(s)[method](t.Context()); err != nil {
					t.Errorf("%s, applied %v: %v", method, applied, err)
				}
			})
		}
	}
}

// TestLostAnswer leaves versions that nobody knows of: the next Keep clears
// them away.
func TestLostAnswer(t *testing.T) {
	inBubble(t, func(t *testing.T, s *Store, server *standin.Server) {
		addFault(t, server, standin.Fault{Method: "AddSecretVersion", Times: 2, Code: codes.Unavailable, Applied: true})
		version := add(t, s, "2")
		wantOnly(t, s, "2", "4", "3", "2", named(1))
		if value, err := s.Access(t.Context(), "2", version); err != nil || string(value) != token || version != named(4) {
			t.Errorf("version %q: error %v", version, err)
		}
		must(t, s.Keep(t.Context(), "2", version))
		wantOnly(t, s, "2", "4")
	})
}

// TestFailures checks the class of each failure, how often it was tried, and
// that it names what failed, but never the value, which the answers here
// repeat.
func TestFailures(t *testing.T) {
	for code, want := range map[codes.Code]struct {
		class error
		tries int
	}{
		codes.Unavailable:       {fault.ErrUnavailable, 4},
		codes.ResourceExhausted: {fault.ErrUnavailable, 1},
		codes.DeadlineExceeded:  {fault.ErrUnavailable, 1},
		codes.Aborted:           {fault.ErrUnavailable, 1},
		codes.PermissionDenied:  {nil, 1},
		codes.Unauthenticated:   {nil, 1},
		codes.InvalidArgument:   {nil, 1},
		codes.Internal:          {nil, 1},
	} {
		for method := range operations(nil) {
			inBubble(t, func(t *testing.T, s *Store, server *standin.Server) {
				message := "the consumer is suspended"
				if method == "AddSecretVersion" {
					message = "I do not like " + token
				}
				addFault(t, server, standin.Fault{Method: method, Code: code, Message: message})
				var err error
				calls := methods(server, func() { err = operations(s)[method](t.Context()) })
				if err == nil {
					t.Fatalf("%s: %v was no failure", method, code)
				}
				for _, class := range []error{fault.ErrUnavailable, fault.ErrNotFound, context.Canceled, context.DeadlineExceeded} {
					if errors.Is(err, class) != errors.Is(want.class, class) {
						t.Errorf("%s: %v is %v: %v", method, code, class, err)
					}
				}
				if text := err.Error(); !strings.Contains(text, method+": "+code.String()) || strings.Contains(text, token) {
					t.Errorf("%s: %v reads %q", method, code, text)
				} else if method != "AddSecretVersion" && !strings.Contains(text, message) {
					t.Errorf("%s: %v does not say why: %q", method, code, text)
				}
				if tries := strings.Count(calls, method); tries != want.tries {
					t.Errorf("%s: %v was tried %d times, want %d", method, code, tries, want.tries)
				}
			})
		}
	}
}

// TestNotThereYet creates a secret that is not found for some time, and one
// that never is.
func TestNotThereYet(t *testing.T) {
	inBubble(t, func(t *testing.T, s *Store, server *standin.Server) {
		addFault(t, server, standin.Fault{Method: "AddSecretVersion", Code: codes.NotFound, Times: 4})
		wantOnly(t, s, "3", add(t, s, "3"))
		addFault(t, server, standin.Fault{Method: "AddSecretVersion", Code: codes.NotFound})
		began := time.Now()
		_, err := s.Add(t.Context(), "4", []byte(token))
		if !errors.Is(err, fault.ErrUnavailable) || errors.Is(err, fault.ErrNotFound) {
			t.Errorf("error %v, want %v", err, fault.ErrUnavailable)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("it took %v to give up", took)
		}
	})
}

// TestRefused has Secret Manager refuse an access for a reason other than that
// the version is gone: it must not be taken for gone.
func TestRefused(t *testing.T) {
	inBubble(t, func(t *testing.T, s *Store, server *standin.Server) {
		addFault(t, server, standin.Fault{Method: "AccessSecretVersion", Code: codes.FailedPrecondition})
		if _, err := s.Access(t.Context(), "2", named(1)); !errors.Is(err, fault.ErrUnavailable) || errors.Is(err, fault.ErrNotFound) {
			t.Errorf("of an enabled version: error %v", err)
		}
		if _, err := s.Access(t.Context(), "3", named(1)); !errors.Is(err, fault.ErrNotFound) {
			t.Errorf("of a version that is missing: error %v", err)
		}
		addFault(t, server, standin.Fault{Method: "GetSecretVersion", Code: codes.PermissionDenied})
		if _, err := s.Access(t.Context(), "2", named(1)); err == nil || errors.Is(err, fault.ErrNotFound) {
			t.Errorf("of a version that is not shown: error %v", err)
		}
	})
}

// TestNoAnswer waits in vain, until the caller goes, its deadline passes or the
// store has enough.
func TestNoAnswer(t *testing.T) {
	for method := range operations(nil) {
		inBubble(t, func(t *testing.T, s *Store, server *standin.Server) {
			do := operations(s)[method]
			addFault(t, server, standin.Fault{Method: method, Latency: time.Hour})
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			if err := do(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("%s, cancelled: %v", method, err)
			}
			ctx, cancel = context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			// The stand-in may notice the end first.
			if err := do(ctx); !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, fault.ErrUnavailable) {
				t.Errorf("%s, with a deadline: %v", method, err)
			}
			began := time.Now()
			if err := do(t.Context()); !errors.Is(err, fault.ErrUnavailable) {
				t.Errorf("%s, without a deadline: %v", method, err)
			}
			if took := time.Since(began); took != timeout {
				t.Errorf("%s took %v, want %v", method, took, timeout)
			}
		})
	}
}

// TestNobodyThere connects to a port that nobody listens on.
func TestNobodyThere(t *testing.T) {
	s := open(t, "127.0.0.1:1")
	if _, err := s.Add(t.Context(), "2", []byte(token)); !errors.Is(err, fault.ErrUnavailable) || strings.Contains(err.Error(), token) {
		t.Errorf("error %v, want %v", err, fault.ErrUnavailable)
	}
}

// TestStaleLists works with lists that are an hour old: nothing is kept that
// must go, and nothing goes that must be kept.
func TestStaleLists(t *testing.T) {
	_, address := serve(t, standin.Options{Lag: time.Hour})
	s := open(t, address)
	live := func() (out []string) {
		for n := range int64(5) {
			if _, err := s.Access(t.Context(), "2", named(n+1)); err == nil {
				out = append(out, strconv.FormatInt(n+1, 10))
			}
		}
		return out
	}
	for range 3 {
		must(t, s.Keep(t.Context(), "2", add(t, s, "2")))
	}
	if got := live(); strings.Join(got, " ") != "3" {
		t.Errorf("after three connections there are %v", got)
	}
	add(t, s, "2")
	must(t, s.Delete(t.Context(), "2"))
	if got := live(); len(got) > 0 {
		t.Errorf("after the deletion there are %v", got)
	}
}

// TestDamage spoils values on their way.
func TestDamage(t *testing.T) {
	_, address := serve(t, standin.Options{})
	add(t, open(t, address), "2")
	spoil := func(before, after func(req, resp any)) *Store {
		return open(t, address, option.WithGRPCDialOption(grpc.WithUnaryInterceptor(
			func(ctx context.Context, method string, req, resp any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
				before(req, resp)
				err := invoke(ctx, method, req, resp, cc, opts...)
				after(req, resp)
				return err
			})))
	}
	nothing := func(any, any) {}
	for name, spoilRequest := range map[string]func(req, _ any){
		"a byte": func(req, _ any) {
			if r, ok := req.(*pb.AddSecretVersionRequest); ok {
				r.Payload.Data[0]++
			}
		},
		"everything": func(req, _ any) {
			if r, ok := req.(*pb.AddSecretVersionRequest); ok {
				r.Payload.Data, r.Payload.DataCrc32C = []byte("another token"), nil
			}
		},
	} {
		if _, err := spoil(spoilRequest, nothing).Add(t.Context(), "2", []byte(token)); err == nil {
			t.Errorf("going there, %s: no error", name)
		}
	}
	for name, change := range map[string]func(*pb.AccessSecretVersionResponse){
		"a byte":      func(r *pb.AccessSecretVersionResponse) { r.Payload.Data[0]++ },
		"the payload": func(r *pb.AccessSecretVersionResponse) { r.Payload = nil },
	} {
		s := spoil(nothing, func(_, resp any) {
			if r, ok := resp.(*pb.AccessSecretVersionResponse); ok {
				change(r)
			}
		})
		if value, err := s.Access(t.Context(), "2", named(1)); !errors.Is(err, fault.ErrUnavailable) || value != nil {
			t.Errorf("coming back, %s: %d bytes, error %v", name, len(value), err)
		}
	}
}

// TestNoChecksums works with a service that knows nothing of them: the hash in
// the version's name is compared instead.
func TestNoChecksums(t *testing.T) {
	server, address := serve(t, standin.Options{})
	s := open(t, address, option.WithGRPCDialOption(grpc.WithUnaryInterceptor(
		func(ctx context.Context, method string, req, resp any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
			err := invoke(ctx, method, req, resp, cc, opts...)
			switch r := resp.(type) {
			case *pb.SecretVersion:
				r.ClientSpecifiedPayloadChecksum = false
			case *pb.AccessSecretVersionResponse:
				r.Payload.DataCrc32C = nil
			}
			return err
		})))
	add(t, s, "2")
	var version string
	if got := methods(server, func() { version = add(t, s, "2") }); got != "AddSecretVersion AccessSecretVersion" {
		t.Errorf("add took %q", got)
	}
	if value, err := s.Access(t.Context(), "2", version); err != nil || string(value) != token {
		t.Errorf("%d bytes, error %v", len(value), err)
	}
}

// TestNothingLogged asks the library for its log, which would hold all values.
func TestNothingLogged(t *testing.T) {
	_, address := serve(t, standin.Options{})
	t.Setenv("GOOGLE_SDK_GO_LOGGING_LEVEL", "debug")
	logged := func(use func()) string {
		r, w, err := os.Pipe()
		must(t, err)
		stderr := os.Stderr
		os.Stderr = w
		read := make(chan string)
		go func() {
			all, _ := io.ReadAll(r)
			read <- string(all)
		}()
		use()
		os.Stderr = stderr
		must(t, w.Close())
		return <-read
	}
	// What the library logs is encoded; the field is there under its name.
	const sign = "payload"
	bare := logged(func() {
		c, err := secretmanager.NewClient(t.Context(), option.WithEndpoint(address), option.WithoutAuthentication(),
			option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())))
		must(t, err)
		_, _ = c.AddSecretVersion(t.Context(), &pb.AddSecretVersionRequest{Parent: "projects/p/secrets/x", Payload: payload([]byte(token))})
		must(t, c.Close())
	})
	if !strings.Contains(bare, sign) {
		t.Fatalf("the library on its own logs no %s, so this test finds nothing:\n%s", sign, bare)
	}
	if got := logged(func() {
		s := open(t, address)
		_, err := s.Access(t.Context(), "2", add(t, s, "2"))
		must(t, err)
	}); got != "" {
		t.Errorf("logged:\n%s", got)
	}
}
