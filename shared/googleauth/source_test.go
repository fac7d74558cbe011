package googleauth

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/sandbox"
	"github.com/citasync/citasync/shared/store"
)

// counted counts what a Source does to store and secrets, and lets a test do
// something just before.
type counted struct {
	Connections
	reads, writes atomic.Int32
	beforeRead    func(n int32)
	beforeWrite   func(n int32) error // an error is returned in place of writing
	afterWrite    func(n int32) error // an error is returned although it was written
	unreadable    atomic.Bool
}

func (c *counted) Connection(ctx context.Context, company booking.CompanyID, id integration.ID) (integration.Connection, error) {
	if n := c.reads.Add(1); c.beforeRead != nil {
		c.beforeRead(n)
	}
	if c.unreadable.Load() {
		return integration.Connection{}, fault.ErrUnavailable
	}
	return c.Connections.Connection(ctx, company, id)
}

func (c *counted) PutConnection(ctx context.Context, company booking.CompanyID, conn *integration.Connection, acts ...store.Activity) error {
	n := c.writes.Add(1)
	if c.beforeWrite != nil {
		if err := c.beforeWrite(n); err != nil {
			return err
		}
	}
	err := c.Connections.PutConnection(ctx, company, conn, acts...)
	if err == nil && c.afterWrite != nil {
		return c.afterWrite(n)
	}
	return err
}

// watched returns a Source whose store's use is counted.
func (r *rig) watched() (*Source, *counted) {
	c := &counted{Connections: r.store}
	d := r.deps
	d.Connections = c
	return NewSource(d), c
}

func TestStoredTokenCostsNothing(t *testing.T) {
	r := newRig(t)
	c := r.connect(t, sol, ana)
	s, st := r.watched()
	for _, age := range []time.Duration{0, 30 * time.Minute, 24*time.Minute + 59*time.Second} { // 54:59 in all: five minutes are left
		r.clock.advance(age)
		token, err := s.Token(t.Context(), sol, c)
		if err != nil || !r.works(t, token) {
			t.Fatalf("token: %v", err)
		}
	}
	if n := r.calls("token"); n != 0 || st.reads.Load() != 0 || st.writes.Load() != 0 {
		t.Errorf("%d token calls, %d reads, %d writes", n, st.reads.Load(), st.writes.Load())
	}
	r.clock.advance(time.Second)
	if _, err := s.Token(t.Context(), sol, c); err != nil {
		t.Fatal(err)
	}
	if n := r.calls("token"); n != 1 {
		t.Errorf("%d token calls five minutes before expiry", n)
	}
}

func TestRefreshIsStored(t *testing.T) {
	r := newRig(t)
	before := r.connect(t, sol, ana)
	r.clock.advance(2 * time.Hour)
	token, err := r.source.Token(t.Context(), sol, before)
	if err != nil || !r.works(t, token) {
		t.Fatalf("token: %v", err)
	}
	after := r.connection(t, sol)
	if string(after.Data.AccessToken) == token || strings.Contains(string(after.Data.AccessToken), token) {
		t.Error("the token is stored in the clear")
	}
	if want := r.clock.Now().Add(3599 * time.Second); !after.Data.TokenExpiry.Equal(want) {
		t.Errorf("expiry %v, want %v", after.Data.TokenExpiry, want)
	}
	// Nothing else changed.
	want := before
	want.Data.AccessToken, want.Data.TokenExpiry = after.Data.AccessToken, after.Data.TokenExpiry
	want.Version, want.UpdatedAt = after.Version, after.UpdatedAt
	if d := cmp.Diff(want, after); d != "" {
		t.Errorf("connection (-before +after):\n%s", d)
	}
	again, err := r.source.Token(t.Context(), sol, after)
	if err != nil || again != token || r.calls("token") != 1 {
		t.Errorf("the next call: same token %t, %v, %d token calls", again == token, err, r.calls("token"))
	}
	// Neither does one who read the connection long ago ask Google again.
	if late, err := r.source.Token(t.Context(), sol, before); err != nil || late != token || r.calls("token") != 1 {
		t.Errorf("with an old connection: same token %t, %v, %d token calls", late == token, err, r.calls("token"))
	}
	if !strings.Contains(r.log.String(), `"message":"token refreshed"`) {
		t.Errorf("not logged:\n%s", r.log)
	}
	r.quiet(t, token)
}

func TestOneRefreshForAHundred(t *testing.T) {
	r := newRig(t)
	c := r.connect(t, sol, ana)
	r.clock.advance(2 * time.Hour)
	r.fault(t, sandbox.Fault{Operation: "token", Latency: 50 * time.Millisecond})
	tokens := r.many(t, 100, func(int) (string, error) { return r.source.Token(t.Context(), sol, c) })
	if len(tokens) != 1 || r.calls("token") != 1 {
		t.Errorf("%d tokens, %d token calls", len(tokens), r.calls("token"))
	}
}

// many runs f so many times at once and returns the different tokens.
func (r *rig) many(t *testing.T, n int, f func(i int) (string, error)) map[string]bool {
	t.Helper()
	var wg sync.WaitGroup
	var mu sync.Mutex
	tokens := map[string]bool{}
	for i := range n {
		wg.Go(func() {
			token, err := f(i)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			tokens[token] = true
		})
	}
	wg.Wait()
	return tokens
}

// Two processes may both refresh; both tokens are good, and one is stored.
func TestTwoProcessesRefresh(t *testing.T) {
	r := newRig(t)
	c := r.connect(t, sol, ana)
	r.clock.advance(2 * time.Hour)
	r.fault(t, sandbox.Fault{Operation: "token", Latency: 50 * time.Millisecond})
	sources := []*Source{NewSource(r.deps), NewSource(r.deps)}
	tokens := r.many(t, 50, func(i int) (string, error) { return sources[i%2].Token(t.Context(), sol, c) })
	if n := r.calls("token"); n < 1 || n > 2 || len(tokens) > 2 {
		t.Errorf("%d token calls, %d tokens", n, len(tokens))
	}
	stored, err := r.source.Token(t.Context(), sol, r.connection(t, sol))
	if err != nil || !tokens[stored] {
		t.Errorf("the stored token is one of them: %t, %v", tokens[stored], err)
	}
	for token := range tokens {
		if !r.works(t, token) {
			t.Error("a token does not work")
		}
	}
}

// What another process stored meanwhile is as good as ours: one write is
// enough.
func TestRefreshedByAnotherProcessMeanwhile(t *testing.T) {
	r := newRig(t)
	c := r.connect(t, sol, ana)
	r.clock.advance(2 * time.Hour)
	s, st := r.watched()
	var theirs string
	st.beforeWrite = func(n int32) (err error) {
		if n == 1 {
			theirs, err = r.source.Token(t.Context(), sol, c)
		}
		return err
	}
	ours, err := s.Token(t.Context(), sol, c)
	if err != nil || ours == theirs || !r.works(t, ours) {
		t.Errorf("ours: %v", err)
	}
	stored, err := r.source.Token(t.Context(), sol, r.connection(t, sol))
	if err != nil || stored != theirs || st.writes.Load() != 1 {
		t.Errorf("theirs is stored %t, %v, %d writes", stored == theirs, err, st.writes.Load())
	}
}

// The refresh goes on for those who wait, when whoever began it has left.
func TestRefreshOutlivesWhoBeganIt(t *testing.T) {
	r := newRig(t)
	c := r.connect(t, sol, ana)
	r.clock.advance(2 * time.Hour)
	reached, proceed := make(chan struct{}, 10), make(chan struct{})
	d := r.deps
	d.Client = r.client(gate{r.google.Transport(), reached, proceed})
	s := NewSource(d)
	ctx, leave := context.WithCancel(t.Context())
	first := make(chan error, 1)
	go func() { _, err := s.Token(ctx, sol, c); first <- err }()
	<-reached
	second := make(chan error, 1)
	go func() { _, err := s.Token(t.Context(), sol, c); second <- err }()
	leave()
	if err := <-first; !errors.Is(err, context.Canceled) || ReasonOf(err) != integration.Network {
		t.Errorf("who left: %v, reason %q", err, ReasonOf(err))
	}
	close(proceed)
	if err := <-second; err != nil {
		t.Errorf("who stayed: %v", err)
	}
	if n := r.calls("token"); n != 1 {
		t.Errorf("%d token calls", n)
	}
}

// gate stops calls until it is told to let them through.
type gate struct {
	http.RoundTripper
	reached, proceed chan struct{}
}

func (g gate) RoundTrip(r *http.Request) (*http.Response, error) {
	g.reached <- struct{}{}
	<-g.proceed
	return g.RoundTripper.RoundTrip(r)
}

func TestRotatedRefreshToken(t *testing.T) {
	r := newRig(t)
	before := r.connect(t, sol, ana)
	if err := r.google.SetBehaviour(sandbox.Behaviour{RotateRefreshTokens: true}); err != nil {
		t.Fatal(err)
	}
	c := before
	for range 3 { // each time the one before is void at Google
		r.clock.advance(2 * time.Hour)
		token, err := r.source.Token(t.Context(), sol, c)
		if err != nil || !r.works(t, token) {
			t.Fatalf("token: %v", err)
		}
		next := r.connection(t, sol)
		if next.Data.SecretVersion == c.Data.SecretVersion {
			t.Fatal("the new refresh token has no version of its own")
		}
		if _, err := r.secrets.Access(t.Context(), sol, c.Data.SecretVersion); !errors.Is(err, fault.ErrNotFound) {
			t.Errorf("the version before: %v, want it destroyed", err)
		}
		c = next
	}
}

// If the commit fails, the version that nothing names is destroyed; the
// company goes on with what is stored.
func TestRotatedButNotStored(t *testing.T) {
	r := newRig(t)
	before := r.connect(t, sol, ana)
	if err := r.google.SetBehaviour(sandbox.Behaviour{RotateRefreshTokens: true}); err != nil {
		t.Fatal(err)
	}
	r.clock.advance(2 * time.Hour)
	s, st := r.watched()
	secrets := &versions{Store: r.secrets}
	s.Secrets = secrets
	st.beforeWrite = func(int32) error { return fault.ErrUnavailable }
	token, err := s.Token(t.Context(), sol, before)
	if err != nil || !r.works(t, token) {
		t.Fatalf("the token is good all the same: %v", err)
	}
	for _, v := range secrets.added {
		if _, err := r.secrets.Access(t.Context(), sol, v); !errors.Is(err, fault.ErrNotFound) {
			t.Errorf("version that nothing names: %v", err)
		}
	}
	if d := cmp.Diff(before, r.connection(t, sol)); d != "" || len(secrets.added) != 1 {
		t.Errorf("%d versions added; connection (-before +after):\n%s", len(secrets.added), d)
	}
}

// A commit that is carried out but reports a failure is a commit.
func TestRotatedAndStoredThoughItFailed(t *testing.T) {
	r := newRig(t)
	before := r.connect(t, sol, ana)
	if err := r.google.SetBehaviour(sandbox.Behaviour{RotateRefreshTokens: true}); err != nil {
		t.Fatal(err)
	}
	for _, failure := range []error{fault.ErrUnavailable, fault.ErrConflict, context.DeadlineExceeded} {
		r.clock.advance(2 * time.Hour)
		s, st := r.watched()
		st.afterWrite = func(n int32) error {
			if n == 1 {
				return failure
			}
			return nil
		}
		if _, err := s.Token(t.Context(), sol, before); err != nil {
			t.Fatalf("%v: %v", failure, err)
		}
		after := r.connection(t, sol)
		if _, err := r.secrets.Access(t.Context(), sol, after.Data.SecretVersion); err != nil {
			t.Errorf("%v: the version that the connection names: %v", failure, err)
		}
		r.clock.advance(2 * time.Hour)
		if _, err := r.source.Token(t.Context(), sol, after); err != nil {
			t.Errorf("%v: the next refresh: %v", failure, err)
		}
	}
}

// An authorisation that ends at the same time may destroy the new version
// before it is named.
func TestRotatedVersionDestroyed(t *testing.T) {
	r := newRig(t)
	c := r.connect(t, sol, ana)
	if err := r.google.SetBehaviour(sandbox.Behaviour{RotateRefreshTokens: true}); err != nil {
		t.Fatal(err)
	}
	r.clock.advance(2 * time.Hour)
	s, _ := r.watched()
	secrets := &versions{Store: r.secrets}
	s.Secrets = secrets
	secrets.afterAdd = func(version string) {
		secrets.afterAdd = nil
		if err := r.secrets.Destroy(t.Context(), sol, version); err != nil {
			t.Error(err)
		}
	}
	if _, err := s.Token(t.Context(), sol, c); err != nil {
		t.Fatal(err)
	}
	after := r.connection(t, sol)
	if _, err := r.secrets.Access(t.Context(), sol, after.Data.SecretVersion); err != nil || len(secrets.added) != 2 {
		t.Errorf("what the connection names: %v, %d versions added", err, len(secrets.added))
	}
}

func TestAnswersWithoutExpiry(t *testing.T) {
	r := newRig(t)
	c := r.connect(t, sol, ana)
	if err := r.google.SetBehaviour(sandbox.Behaviour{OmitExpiresIn: true}); err != nil {
		t.Fatal(err)
	}
	r.clock.advance(2 * time.Hour)
	for i := range 3 {
		token, err := r.source.Token(t.Context(), sol, r.connection(t, sol))
		if err != nil || !r.works(t, token) {
			t.Fatalf("token: %v", err)
		}
		if n := r.calls("token"); n != i+1 {
			t.Errorf("call %d: %d token calls", i+1, n)
		}
	}
	if d := cmp.Diff(c, r.connection(t, sol)); d != "" {
		t.Errorf("connection (-before +after):\n%s", d)
	}
}

func TestRenew(t *testing.T) {
	r := newRig(t)
	c := r.connect(t, sol, ana)
	bad, err := r.source.Token(t.Context(), sol, c)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.google.ExpireAccessTokens(ana); err != nil {
		t.Fatal(err)
	}
	tokens := r.many(t, 100, func(int) (string, error) { return r.source.Renew(t.Context(), sol, c, bad) })
	if len(tokens) != 1 || tokens[bad] || r.calls("token") != 1 {
		t.Errorf("%d tokens, the bad one among them %t, %d token calls", len(tokens), tokens[bad], r.calls("token"))
	}
	// Another process, which still has the old connection, finds the new token.
	late, err := NewSource(r.deps).Renew(t.Context(), sol, c, bad)
	if err != nil || !tokens[late] || r.calls("token") != 1 {
		t.Errorf("another process: %v, %d token calls", err, r.calls("token"))
	}
}
