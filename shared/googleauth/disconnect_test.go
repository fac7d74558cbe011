package googleauth

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/sandbox"
	"github.com/citasync/citasync/shared/store"
)

func TestDisconnectAndKeepEvents(t *testing.T) {
	r := newRig(t)
	before := r.connect(t, sol, ana)
	r.clock.advance(time.Minute)
	c, err := r.grants.Disconnect(t.Context(), sol, false, store.ActorCompany)
	if err != nil {
		t.Fatal(err)
	}
	want := integration.Connection{
		ID: integration.GoogleCalendar, Status: integration.Disconnected, Used: before.Used,
		ChangedAt: r.clock.Now(), BackfillDue: r.clock.Now(), CreatedAt: before.CreatedAt, UpdatedAt: r.clock.Now(), Version: c.Version,
	}
	if d := cmp.Diff(want, c); d != "" {
		t.Errorf("connection (-want +got):\n%s", d)
	}
	if d := cmp.Diff(c, r.connection(t, sol)); d != "" {
		t.Errorf("connection (-returned +stored):\n%s", d)
	}
	if _, err := r.secrets.Access(t.Context(), sol, before.Data.SecretVersion); !errors.Is(err, fault.ErrNotFound) {
		t.Errorf("the refresh token: %v, want it gone", err)
	}
	if len(r.google.Grants(ana)) != 0 || r.calls("revoke") != 1 {
		t.Errorf("%d grants are left at Google, %d revocations", len(r.google.Grants(ana)), r.calls("revoke"))
	}
	kinds := []string{"connected ok", "turned_off ok", "disconnected ok"}
	if d := cmp.Diff(kinds, r.kinds(t, sol)); d != "" {
		t.Errorf("activity (-want +got):\n%s", d)
	}
	// Again, and by maintain: nothing more.
	if _, err := r.grants.Disconnect(t.Context(), sol, true, store.ActorCompany); err != nil {
		t.Error(err)
	}
	if err := r.grants.Finish(t.Context(), sol, integration.NoReason); err != nil {
		t.Error(err)
	}
	if d := cmp.Diff(c, r.connection(t, sol)); d != "" || r.calls("revoke") != 1 {
		t.Errorf("%d revocations; connection (-first +again):\n%s", r.calls("revoke"), d)
	}
	for _, s := range []string{"integration disabled", "integration disconnected"} {
		if !strings.Contains(r.log.String(), s) {
			t.Errorf("%q is not logged:\n%s", s, r.log)
		}
	}
	r.quiet(t)
	// And then with any account.
	if result, err := r.grants.Connect(t.Context(), sol, r.consent(t, sandbox.Consent{Account: luis})); result != ResultConnected {
		t.Errorf("another account afterwards: %s, %v", result, err)
	}
}

// Google may be down, slow, or say that there is nothing to end.
func TestDisconnectWhateverGoogleSays(t *testing.T) {
	faults := map[string]sandbox.Fault{
		"down":         {Status: 500},
		"nothing":      {Status: 400, Reason: "invalid_token"},
		"dropped":      {Action: sandbox.DropBefore},
		"a page":       {Action: sandbox.Garbage, Status: 200},
		"rate limited": {Status: 429},
	}
	for name, f := range faults {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			before := r.connect(t, sol, ana)
			f.Operation = "revoke"
			r.fault(t, f)
			c, err := r.grants.Disconnect(t.Context(), sol, false, store.ActorCompany)
			if err != nil || c.Status != integration.Disconnected || !c.Data.IsZero() {
				t.Errorf("connection %+v, %v", c, err)
			}
			if _, err := r.secrets.Access(t.Context(), sol, before.Data.SecretVersion); !errors.Is(err, fault.ErrNotFound) {
				t.Errorf("the refresh token: %v, want it gone", err)
			}
			r.quiet(t)
		})
	}
}

func TestDisconnectWhileGoogleIsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.connect(t, sol, ana)
		r.fault(t, sandbox.Fault{Operation: "revoke", Latency: time.Hour})
		began := time.Now()
		c, err := r.grants.Disconnect(t.Context(), sol, false, store.ActorCompany)
		if err != nil || c.Status != integration.Disconnected || time.Since(began) != callTimeout {
			t.Errorf("connection %+v, %v after %v", c, err, time.Since(began))
		}
	})
}

func TestDisconnectOneOfTwoHolders(t *testing.T) {
	r := newRig(t)
	r.connect(t, sol, ana)
	other := r.connect(t, luna, ana)
	if _, err := r.grants.Disconnect(t.Context(), sol, false, store.ActorCompany); err != nil {
		t.Fatal(err)
	}
	if n := r.calls("revoke"); n != 0 {
		t.Fatalf("%d revocations of an account that another company holds", n)
	}
	r.clock.advance(2 * time.Hour)
	if token, err := r.source.Token(t.Context(), luna, other); err != nil || !r.works(t, token) {
		t.Errorf("the other company's token: %v", err)
	}
	if _, err := r.grants.Disconnect(t.Context(), luna, false, store.ActorCompany); err != nil {
		t.Fatal(err)
	}
	if n := r.calls("revoke"); n != 1 || len(r.google.Grants(ana)) != 0 {
		t.Errorf("the last one: %d revocations", n)
	}
}

func TestDisconnectAndRemoveEvents(t *testing.T) {
	r := newRig(t)
	before := r.connect(t, sol, ana)
	r.clock.advance(time.Minute)
	c, err := r.grants.Disconnect(t.Context(), sol, true, store.ActorCompany)
	if err != nil {
		t.Fatal(err)
	}
	if c.Status != integration.Disconnecting || !c.RemoveEvents || c.Enabled || !c.BackfillDue.Equal(r.clock.Now()) || c.Access(true) != integration.Removing {
		t.Errorf("connection %+v", c)
	}
	if d := cmp.Diff(before.Data, c.Data); d != "" || r.calls("revoke") != 0 {
		t.Errorf("%d revocations; what the removal needs (-before +after):\n%s", r.calls("revoke"), d)
	}
	if _, ready, err := r.grants.Ready(t.Context(), sol); ready || err != nil {
		t.Errorf("ready to connect: %t, %v", ready, err)
	}
	if token, err := r.source.Token(t.Context(), sol, c); err != nil || !r.works(t, token) {
		t.Errorf("token for the removal: %v", err)
	}
	again, err := r.grants.Disconnect(t.Context(), sol, true, store.ActorCompany)
	if err != nil || again.Version != c.Version {
		t.Errorf("again: %+v, %v", again, err)
	}
	if err := r.grants.Finish(t.Context(), sol, integration.NoReason); err != nil {
		t.Fatal(err)
	}
	got := r.connection(t, sol)
	if got.Status != integration.Disconnected || got.Reason != "" || got.RemoveEvents || !got.Data.IsZero() || len(r.google.Grants(ana)) != 0 {
		t.Errorf("connection %+v, %d grants", got, len(r.google.Grants(ana)))
	}
	if _, ready, err := r.grants.Ready(t.Context(), sol); !ready || err != nil {
		t.Errorf("ready to connect: %t, %v", ready, err)
	}
}

// A company that does not want to wait for a removal keeps what is left.
func TestRemovalCutShort(t *testing.T) {
	r := newRig(t)
	r.connect(t, sol, ana)
	if _, err := r.grants.Disconnect(t.Context(), sol, true, store.ActorCompany); err != nil {
		t.Fatal(err)
	}
	c, err := r.grants.Disconnect(t.Context(), sol, false, store.ActorCompany)
	if err != nil || c.Status != integration.Disconnected {
		t.Errorf("connection %+v, %v", c, err)
	}
}

func TestRemovalGivenUp(t *testing.T) {
	r := newRig(t)
	r.connect(t, sol, ana)
	if _, err := r.grants.Disconnect(t.Context(), sol, true, store.ActorCompany); err != nil {
		t.Fatal(err)
	}
	if err := r.grants.Finish(t.Context(), sol, integration.Outage); err != nil {
		t.Fatal(err)
	}
	if c := r.connection(t, sol); c.Status != integration.Disconnected || c.Reason != integration.Outage || r.calls("revoke") != 1 {
		t.Errorf("connection %+v, %d revocations", c, r.calls("revoke"))
	}
	kinds := r.kinds(t, sol)
	if last := kinds[len(kinds)-1]; last != "disconnected outage" {
		t.Errorf("activity %v", kinds)
	}
}

// With a dead grant nothing can be removed, and nobody is asked to.
func TestDisconnectDeadGrant(t *testing.T) {
	for _, tt := range []struct {
		remove bool
		left   integration.Reason
	}{{false, integration.NoReason}, {true, integration.Revoked}} {
		r := newRig(t)
		c := r.connect(t, sol, ana)
		if _, err := r.google.RevokeGrants(ana); err != nil {
			t.Fatal(err)
		}
		r.clock.advance(2 * time.Hour)
		if _, err := r.source.Token(t.Context(), sol, c); ReasonOf(err) != integration.Revoked {
			t.Fatal(err)
		}
		r.google.ClearRequests()
		got, err := r.grants.Disconnect(t.Context(), sol, tt.remove, store.ActorCompany)
		if err != nil || got.Status != integration.Disconnected || !got.Data.IsZero() || got.Reason != tt.left || !got.NoticeDue.IsZero() {
			t.Errorf("remove %t: %+v, %v", tt.remove, got, err)
		}
		if len(r.google.Requests()) != 0 {
			t.Errorf("remove %t: Google was called: %+v", tt.remove, r.google.Requests())
		}
	}
}

// A crash, or a failure, between the two commits leaves a connection that is
// off already and that Finish ends.
func TestDisconnectInTwoSteps(t *testing.T) {
	r := newRig(t)
	before := r.connect(t, sol, ana)
	g, conns, secrets := r.watchedGrants()
	secrets.deleteErr = fault.ErrUnavailable
	c, err := g.Disconnect(t.Context(), sol, false, store.ActorCompany)
	if err != nil || c.Status != integration.Disconnecting || c.RemoveEvents || c.Access(true) != integration.Off {
		t.Fatalf("without the secret store: %+v, %v", c, err)
	}
	if err := g.Finish(t.Context(), sol, integration.NoReason); !errors.Is(err, fault.ErrUnavailable) {
		t.Errorf("Finish: %v", err)
	}
	secrets.deleteErr = nil
	conns.beforeWrite = func(int32) error { return fault.ErrUnavailable }
	if err := g.Finish(t.Context(), sol, integration.NoReason); !errors.Is(err, fault.ErrUnavailable) {
		t.Errorf("Finish: %v", err)
	}
	conns.beforeWrite = nil
	if err := g.Finish(t.Context(), sol, integration.NoReason); err != nil {
		t.Fatal(err)
	}
	if got := r.connection(t, sol); got.Status != integration.Disconnected || !got.Data.IsZero() {
		t.Errorf("connection %+v", got)
	}
	if _, err := r.secrets.Access(t.Context(), sol, before.Data.SecretVersion); !errors.Is(err, fault.ErrNotFound) {
		t.Errorf("the refresh token: %v, want it gone", err)
	}
}

// Finish, slowed down by Google, must not clear away what the company
// connected anew.
func TestFinishOvertaken(t *testing.T) {
	r := newRig(t)
	r.connect(t, sol, ana)
	if _, err := r.grants.Disconnect(t.Context(), sol, true, store.ActorCompany); err != nil {
		t.Fatal(err)
	}
	g, conns, _ := r.watchedGrants()
	conns.beforeRead = func(n int32) {
		if n != 2 { // the second read is after the call to Google
			return
		}
		if err := r.grants.Finish(t.Context(), sol, integration.NoReason); err != nil {
			t.Error(err)
		}
		if result, err := r.grants.Connect(t.Context(), sol, r.consent(t, sandbox.Consent{Account: ana})); !result.Connected() {
			t.Errorf("%s, %v", result, err)
		}
	}
	if err := g.Finish(t.Context(), sol, integration.NoReason); err != nil {
		t.Fatal(err)
	}
	c := r.connection(t, sol)
	if _, err := r.secrets.Access(t.Context(), sol, c.Data.SecretVersion); err != nil || c.Status != integration.Connected {
		t.Errorf("the new connection %+v: %v", c, err)
	}
}

// A change by somebody else between read and commit is taken up, not lost.
func TestDisconnectConflict(t *testing.T) {
	r := newRig(t)
	r.connect(t, sol, ana)
	g, conns, _ := r.watchedGrants()
	conns.beforeWrite = func(n int32) error {
		if n == 1 {
			c := r.connection(t, sol)
			c.Options.Summary = "{service}"
			if err := r.store.PutConnection(t.Context(), sol, &c); err != nil {
				t.Error(err)
			}
		}
		return nil
	}
	c, err := g.Disconnect(t.Context(), sol, false, store.ActorCompany)
	if err != nil || c.Status != integration.Disconnected || c.Options.Summary != "{service}" {
		t.Errorf("connection %+v, %v", c, err)
	}
	if kinds := r.kinds(t, sol); slices.Index(kinds, "turned_off ok") != len(kinds)-2 {
		t.Errorf("activity %v", kinds)
	}
}

// If it is unknown who holds the account, nobody is cut off.
func TestGiveBackUnknownHolders(t *testing.T) {
	r := newRig(t)
	grant := r.consent(t, sandbox.Consent{Account: ana})
	d := r.deps
	d.Connections = unknownHolders{r.store}
	NewGrants(d).GiveBack(t.Context(), grant)
	r.grants.GiveBack(t.Context(), Grant{RefreshToken: grant.RefreshToken}) // of an account that is unknown
	if n := r.calls("revoke"); n != 0 {
		t.Errorf("%d revocations", n)
	}
	r.grants.GiveBack(t.Context(), grant)
	if n := r.calls("revoke"); n != 1 || len(r.google.Grants(ana)) != 0 {
		t.Errorf("%d revocations of an account that nobody holds", n)
	}
}

type unknownHolders struct{ Connections }

func (unknownHolders) Holders(context.Context, integration.ID, string, int) ([]booking.CompanyID, error) {
	return nil, fault.ErrUnavailable
}
