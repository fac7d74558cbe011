package googleauth

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/sandbox"
	"github.com/citasync/citasync/shared/secret"
	"github.com/citasync/citasync/shared/store"
)

// versions notes the versions that are added, and fails where it is told.
type versions struct {
	secret.Store
	mu         sync.Mutex
	added      []string
	addErr     error
	deleteErr  error
	beforeKeep func()
	afterAdd   func(version string)
}

func (v *versions) Keep(ctx context.Context, company booking.CompanyID, version string) error {
	if v.beforeKeep != nil {
		v.beforeKeep()
	}
	return v.Store.Keep(ctx, company, version)
}

func (v *versions) Add(ctx context.Context, company booking.CompanyID, value []byte) (string, error) {
	if v.addErr != nil {
		return "", v.addErr
	}
	name, err := v.Store.Add(ctx, company, value)
	v.mu.Lock()
	v.added = append(v.added, name)
	v.mu.Unlock()
	if v.afterAdd != nil {
		v.afterAdd(name)
	}
	return name, err
}

func (v *versions) Delete(ctx context.Context, company booking.CompanyID) error {
	if v.deleteErr != nil {
		return v.deleteErr
	}
	return v.Store.Delete(ctx, company)
}

// watchedGrants returns Grants whose store and secrets can be made to fail.
func (r *rig) watchedGrants() (*Grants, *counted, *versions) {
	c, v := &counted{Connections: r.store}, &versions{Store: r.secrets}
	d := r.deps
	d.Connections, d.Secrets = c, v
	return NewGrants(d), c, v
}

// live are the versions of the added ones that can still be read.
func (v *versions) live(t *testing.T, company booking.CompanyID) []string {
	t.Helper()
	var out []string
	for _, name := range v.added {
		if _, err := v.Access(t.Context(), company, name); err == nil {
			out = append(out, name)
		} else if !errors.Is(err, fault.ErrNotFound) {
			t.Fatal(err)
		}
	}
	return out
}

func TestConnect(t *testing.T) {
	r := newRig(t)
	grant := r.consent(t, sandbox.Consent{Account: ana})
	result, err := r.grants.Connect(t.Context(), sol, grant)
	if err != nil || result != ResultConnected {
		t.Fatalf("%s, %v", result, err)
	}
	c := r.connection(t, sol)
	want := integration.Connection{
		ID: integration.GoogleCalendar, Enabled: true, Status: integration.Connected,
		Data: integration.Data{
			AccountEmail: ana, AccountSubject: grant.Subject, CalendarID: "primary", CalendarName: ana, Scopes: grant.Scopes,
			AccessToken: c.Data.AccessToken, TokenExpiry: noon.Add(3599 * time.Second), SecretVersion: c.Data.SecretVersion,
		},
		Used:      map[string][]string{integration.AccountKey(grant.Subject): {"primary"}},
		ChangedAt: noon, BackfillDue: noon, CreatedAt: noon, UpdatedAt: noon, Version: c.Version,
	}
	if d := cmp.Diff(want, c); d != "" {
		t.Errorf("connection (-want +got):\n%s", d)
	}
	kept, err := r.secrets.Access(t.Context(), sol, c.Data.SecretVersion)
	if err != nil || string(kept) != grant.RefreshToken {
		t.Errorf("the refresh token: %v", err)
	}
	if strings.Contains(string(c.Data.AccessToken), grant.AccessToken) {
		t.Error("the access token is stored in the clear")
	}
	if d := cmp.Diff([]string{"connected ok"}, r.kinds(t, sol)); d != "" {
		t.Errorf("activity (-want +got):\n%s", d)
	}
	if !strings.Contains(r.log.String(), `"message":"integration enabled"`) {
		t.Errorf("not logged:\n%s", r.log)
	}
	r.quiet(t, grant.RefreshToken, grant.AccessToken)
}

// The same account is replaced in place: what the company chose stays.
func TestReconnect(t *testing.T) {
	r := newRig(t)
	c := r.connect(t, sol, ana)
	old := c.Data.SecretVersion
	c.Data.CalendarID, c.Data.CalendarName = "c_team@group.calendar.google.com", "Equipo"
	c.Options.Summary = "{service}"
	c.UseCalendar(c.Data.AccountSubject, c.Data.CalendarID)
	c.NeedReauth(integration.Revoked, noon)
	if err := r.store.PutConnection(t.Context(), sol, &c); err != nil {
		t.Fatal(err)
	}
	r.clock.advance(time.Hour)
	result, err := r.grants.Connect(t.Context(), sol, r.consent(t, sandbox.Consent{Account: ana}))
	if err != nil || result != ResultReconnected {
		t.Fatalf("%s, %v", result, err)
	}
	got := r.connection(t, sol)
	if got.Status != integration.Connected || got.Reason != "" || !got.NoticeDue.IsZero() || !got.BackfillDue.Equal(r.clock.Now()) {
		t.Errorf("connection %+v", got)
	}
	if got.Data.CalendarID != c.Data.CalendarID || got.Data.CalendarName != "Equipo" || got.Options != c.Options || !cmp.Equal(got.Used, c.Used) {
		t.Errorf("what the company chose: %+v, %+v", got.Data, got.Options)
	}
	if _, err := r.secrets.Access(t.Context(), sol, old); !errors.Is(err, fault.ErrNotFound) {
		t.Errorf("the old refresh token: %v, want it destroyed", err)
	}
	if token, err := r.source.Token(t.Context(), sol, got); err != nil || !r.works(t, token) {
		t.Errorf("token: %v", err)
	}
	if n := r.calls("revoke"); n != 0 {
		t.Errorf("%d revocations: one ends the new grant too", n)
	}
}

func TestConnectRefuses(t *testing.T) {
	tests := []struct {
		name    string
		before  func(t *testing.T, r *rig)
		consent sandbox.Consent
		omit    bool // Google gives no refresh token
		want    Result
		revokes int
	}{
		{"the calendar's scope is missing", nil, sandbox.Consent{Account: ana, Untick: []string{ScopeEvents}}, false, ResultScopeMissing, 1},
		{"no refresh token", nil, sandbox.Consent{Account: ana}, true, ResultNoRefreshToken, 1},
		{
			"the scope is missing on a reconnect", func(t *testing.T, r *rig) { r.connect(t, sol, ana) },
			sandbox.Consent{Account: ana, Untick: []string{ScopeEvents}},
			false, ResultScopeMissing, 0,
		},
		{
			"the scope is missing for an account that another company holds", func(t *testing.T, r *rig) { r.connect(t, luna, ana) },
			sandbox.Consent{Account: ana, Untick: []string{ScopeEvents}},
			false, ResultScopeMissing, 0,
		},
		{
			"another account while connected", func(t *testing.T, r *rig) { r.connect(t, sol, luis) },
			sandbox.Consent{Account: ana},
			false, ResultOtherAccount, 1,
		},
		{
			"another account with a dead grant", func(t *testing.T, r *rig) {
				c := r.connect(t, sol, luis)
				c.NeedReauth(integration.Revoked, noon)
				if err := r.store.PutConnection(t.Context(), sol, &c); err != nil {
					t.Fatal(err)
				}
			},
			sandbox.Consent{Account: ana},
			false, ResultOtherAccount, 1,
		},
		{
			"another account, which another company holds", func(t *testing.T, r *rig) {
				r.connect(t, sol, luis)
				r.connect(t, luna, ana)
			},
			sandbox.Consent{Account: ana},
			false, ResultOtherAccount, 0,
		},
		{
			"while it is being turned off", func(t *testing.T, r *rig) {
				r.connect(t, sol, luis)
				if _, err := r.grants.Disconnect(t.Context(), sol, true, store.ActorCompany); err != nil {
					t.Fatal(err)
				}
			},
			sandbox.Consent{Account: luis},
			false, ResultBusy, 0,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			if tt.before != nil {
				tt.before(t, r)
			}
			before := r.connection(t, sol)
			if err := r.google.SetBehaviour(sandbox.Behaviour{OmitRefreshToken: tt.omit}); err != nil {
				t.Fatal(err)
			}
			g, _, secrets := r.watchedGrants()
			result, err := g.Connect(t.Context(), sol, r.consent(t, tt.consent))
			if result != tt.want || err != nil {
				t.Errorf("%s, %v; want %s", result, err, tt.want)
			}
			if d := cmp.Diff(before, r.connection(t, sol)); d != "" {
				t.Errorf("connection (-before +after):\n%s", d)
			}
			if len(secrets.added) != 0 {
				t.Errorf("%d versions added", len(secrets.added))
			}
			if n := r.calls("revoke"); n != tt.revokes {
				t.Errorf("%d revocations, want %d", n, tt.revokes)
			}
			if n := len(r.google.Grants(tt.consent.Account)); tt.revokes > 0 && n != 0 {
				t.Errorf("%d grants are left at Google", n)
			}
		})
	}
}

// Nothing is half-stored: whatever fails after the code was redeemed, the
// connection is as before, no version is left, and the grant is given back.
func TestConnectFails(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(*counted, *versions)
	}{
		{"the secret store fails", func(_ *counted, v *versions) { v.addErr = fault.ErrUnavailable }},
		{"the store fails", func(c *counted, _ *versions) { c.beforeWrite = func(int32) error { return fault.ErrUnavailable } }},
		{"it always changes meanwhile", func(c *counted, _ *versions) { c.beforeWrite = func(int32) error { return fault.ErrConflict } }},
		{"the time is over", func(c *counted, _ *versions) { c.beforeWrite = func(int32) error { return context.DeadlineExceeded } }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			g, conns, secrets := r.watchedGrants()
			tt.spoil(conns, secrets)
			result, err := g.Connect(t.Context(), sol, r.consent(t, sandbox.Consent{Account: ana}))
			if result != ResultFailed || err == nil {
				t.Errorf("%s, %v", result, err)
			}
			if c := r.connection(t, sol); c.Status != integration.Disconnected || !c.Data.IsZero() {
				t.Errorf("connection %+v", c)
			}
			if live := secrets.live(t, sol); len(live) != 0 {
				t.Errorf("%d versions are left", len(live))
			}
			if len(r.google.Grants(ana)) != 0 {
				t.Error("the grant is left at Google")
			}
			r.quiet(t)
		})
	}
}

// A caller that leaves while it is stored leaves nothing behind either.
func TestConnectAbandoned(t *testing.T) {
	r := newRig(t)
	g, conns, secrets := r.watchedGrants()
	ctx, leave := context.WithCancel(t.Context())
	conns.beforeWrite = func(int32) error { leave(); return nil }
	result, err := g.Connect(ctx, sol, r.consent(t, sandbox.Consent{Account: ana}))
	if result != ResultFailed || !errors.Is(err, context.Canceled) {
		t.Errorf("%s, %v", result, err)
	}
	if live := secrets.live(t, sol); len(live) != 0 || len(secrets.added) != 1 || len(r.google.Grants(ana)) != 0 {
		t.Errorf("%d of %d versions and %d grants are left", len(live), len(secrets.added), len(r.google.Grants(ana)))
	}
}

// A commit that reports a failure though it was carried out does not undo the
// connection.
func TestConnectIsCarriedOutThoughItFailed(t *testing.T) {
	for _, failure := range []error{fault.ErrUnavailable, fault.ErrConflict} {
		r := newRig(t)
		g, conns, _ := r.watchedGrants()
		conns.afterWrite = func(int32) error { return failure }
		result, err := g.Connect(t.Context(), sol, r.consent(t, sandbox.Consent{Account: ana}))
		if result != ResultConnected || err != nil {
			t.Errorf("%v: %s, %v", failure, result, err)
		}
		c := r.connection(t, sol)
		if _, err := r.secrets.Access(t.Context(), sol, c.Data.SecretVersion); err != nil || c.Status != integration.Connected {
			t.Errorf("%v: %s, %v", failure, c.Status, err)
		}
		if d := cmp.Diff([]string{"connected ok"}, r.kinds(t, sol)); d != "" || r.calls("revoke") != 0 {
			t.Errorf("%v: %d revocations; activity (-want +got):\n%s", failure, r.calls("revoke"), d)
		}
	}
}

// If the store is gone before it can be told what became of a commit, what the
// connection may name stays.
func TestConnectOutcomeUnknown(t *testing.T) {
	r := newRig(t)
	r.connect(t, sol, ana)
	g, conns, secrets := r.watchedGrants()
	conns.afterWrite = func(int32) error { conns.unreadable.Store(true); return fault.ErrUnavailable }
	if result, err := g.Connect(t.Context(), sol, r.consent(t, sandbox.Consent{Account: ana})); result != ResultFailed || !errors.Is(err, fault.ErrUnavailable) {
		t.Errorf("%s, %v", result, err)
	}
	r.clock.advance(2 * time.Hour)
	if token, err := r.source.Token(t.Context(), sol, r.connection(t, sol)); err != nil || !r.works(t, token) {
		t.Errorf("token: %v", err)
	}
	conns.unreadable.Store(false)
	conns.afterWrite = nil
	if result, err := g.Connect(t.Context(), sol, r.consent(t, sandbox.Consent{Account: ana})); result != ResultReconnected || err != nil {
		t.Errorf("%s, %v", result, err)
	}
	if live := secrets.live(t, sol); len(live) != 1 || len(secrets.added) != 2 {
		t.Errorf("%d of %d versions are left", len(live), len(secrets.added))
	}
}

// Two browsers of one company may end at once, at two instances: one grant
// stays, whole.
func TestConnectTwiceAtOnce(t *testing.T) {
	r := newRig(t)
	for range 20 {
		grants := []Grant{r.consent(t, sandbox.Consent{Account: ana}), r.consent(t, sandbox.Consent{Account: ana})}
		var wg sync.WaitGroup
		for _, grant := range grants {
			wg.Go(func() {
				if result, err := NewGrants(r.deps).Connect(t.Context(), sol, grant); err != nil || !result.Connected() {
					t.Errorf("%s, %v", result, err)
				}
			})
		}
		wg.Wait()
		r.clock.advance(2 * time.Hour)
		if token, err := r.source.Token(t.Context(), sol, r.connection(t, sol)); err != nil || !r.works(t, token) {
			t.Fatalf("token: %v", err)
		}
	}
}

// What a crash left between adding a version and naming it goes with the next
// connection.
func TestConnectClearsWhatACrashLeft(t *testing.T) {
	r := newRig(t)
	orphan, err := r.secrets.Add(t.Context(), sol, []byte("left behind"))
	if err != nil {
		t.Fatal(err)
	}
	r.connect(t, sol, ana)
	if _, err := r.secrets.Access(t.Context(), sol, orphan); !errors.Is(err, fault.ErrNotFound) {
		t.Errorf("the orphan: %v, want it destroyed", err)
	}
}

// Whoever destroys another's version, although it was named meanwhile, mends
// it.
func TestConnectMendsWhatItDestroyed(t *testing.T) {
	r := newRig(t)
	g, _, secrets := r.watchedGrants()
	first, second := r.consent(t, sandbox.Consent{Account: ana}), r.consent(t, sandbox.Consent{Account: ana})
	secrets.beforeKeep = func() {
		secrets.beforeKeep = nil
		if result, err := r.grants.Connect(t.Context(), sol, second); result != ResultReconnected {
			t.Errorf("%s, %v", result, err)
		}
	}
	if result, err := g.Connect(t.Context(), sol, first); err != nil || !result.Connected() {
		t.Errorf("%s, %v", result, err)
	}
	c := r.connection(t, sol)
	if _, err := r.secrets.Access(t.Context(), sol, c.Data.SecretVersion); err != nil {
		t.Errorf("what the connection names: %v", err)
	}
}
