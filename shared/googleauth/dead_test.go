package googleauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/sandbox"
	"github.com/citasync/citasync/shared/store"
)

func TestDeadGrant(t *testing.T) {
	r := newRig(t)
	c := r.connect(t, sol, ana)
	if _, err := r.google.RevokeGrants(ana); err != nil {
		t.Fatal(err)
	}
	r.clock.advance(2 * time.Hour)
	for range 3 {
		_, err := r.source.Token(t.Context(), sol, c)
		if ReasonOf(err) != integration.Revoked {
			t.Fatalf("reason %q of %v", ReasonOf(err), err)
		}
	}
	if n := r.calls("token"); n != 1 {
		t.Errorf("%d token calls; a dead grant is asked with once", n)
	}
	got := r.connection(t, sol)
	if got.Status != integration.NeedsReauth || got.Reason != integration.Revoked || !got.NoticeDue.Equal(r.clock.Now()) || !got.Enabled {
		t.Errorf("connection %+v", got)
	}
	if _, err := r.source.Token(t.Context(), sol, got); ReasonOf(err) != integration.Revoked || r.calls("token") != 1 {
		t.Errorf("afterwards: %v, %d token calls", err, r.calls("token"))
	}
	want := []string{"connected ok", "needs_reauth revoked"}
	if d := cmp.Diff(want, r.kinds(t, sol)); d != "" {
		t.Errorf("activity (-want +got):\n%s", d)
	}
	r.quiet(t)
}

func TestMissingSecretVersionIsADeadGrant(t *testing.T) {
	r := newRig(t)
	c := r.connect(t, sol, ana)
	if err := r.secrets.Destroy(t.Context(), sol, c.Data.SecretVersion); err != nil {
		t.Fatal(err)
	}
	r.clock.advance(2 * time.Hour)
	if _, err := r.source.Token(t.Context(), sol, c); ReasonOf(err) != integration.Revoked {
		t.Errorf("reason %q of %v", ReasonOf(err), err)
	}
	if got := r.connection(t, sol); got.Status != integration.NeedsReauth || r.calls("token") != 0 {
		t.Errorf("connection %+v, %d token calls", got, r.calls("token"))
	}
}

// A removal with a dead grant goes on being one, and ends for that reason.
func TestDeadGrantWhileRemoving(t *testing.T) {
	r := newRig(t)
	r.connect(t, sol, ana)
	c, err := r.grants.Disconnect(t.Context(), sol, true, store.ActorCompany)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.google.RevokeGrants(ana); err != nil {
		t.Fatal(err)
	}
	r.clock.advance(2 * time.Hour)
	if _, err := r.source.Token(t.Context(), sol, c); ReasonOf(err) != integration.Revoked {
		t.Errorf("reason %q of %v", ReasonOf(err), err)
	}
	got := r.connection(t, sol)
	if got.Status != integration.Disconnecting || got.Reason != integration.Revoked || !got.NoticeDue.IsZero() {
		t.Errorf("connection %+v", got)
	}
}

// Between the refusal and the record of it, somebody else may have mended it.
func TestNotDeadAfterAll(t *testing.T) {
	tests := []struct {
		name   string
		mend   func(t *testing.T, r *rig)
		reason integration.Reason
		status integration.Status
		calls  int
	}{
		{"reconnected", func(t *testing.T, r *rig) {
			if res, err := r.grants.Connect(t.Context(), sol, r.consent(t, sandbox.Consent{Account: ana})); res != ResultReconnected {
				t.Errorf("%s, %v", res, err)
			}
		}, integration.NoReason, integration.Connected, 2}, // the refusal and the code: the new token is stored with it
		{"connected with another account", func(t *testing.T, r *rig) {
			if _, err := r.grants.Disconnect(t.Context(), sol, false, store.ActorCompany); err != nil {
				t.Error(err)
			}
			if res, err := r.grants.Connect(t.Context(), sol, r.consent(t, sandbox.Consent{Account: luis})); res != ResultConnected {
				t.Errorf("%s, %v", res, err)
			}
		}, integration.Outage, integration.Connected, 2},
		{"turned off", func(t *testing.T, r *rig) {
			if _, err := r.grants.Disconnect(t.Context(), sol, false, store.ActorCompany); err != nil {
				t.Error(err)
			}
		}, integration.Outage, integration.Disconnected, 1},
		{"refreshed by another process", func(t *testing.T, r *rig) {
			c := r.connection(t, sol)
			sealed, err := r.deps.Cipher.seal(sol, "theirs")
			if err != nil {
				t.Error(err)
			}
			c.Data.AccessToken, c.Data.TokenExpiry = sealed, r.clock.Now().Add(time.Hour)
			if err := r.store.PutConnection(t.Context(), sol, &c); err != nil {
				t.Error(err)
			}
		}, integration.NoReason, integration.Connected, 1},
		{"other options chosen", func(t *testing.T, r *rig) {
			c := r.connection(t, sol)
			c.Options.Summary = "{service}"
			if err := r.store.PutConnection(t.Context(), sol, &c); err != nil {
				t.Error(err)
			}
		}, integration.Revoked, integration.NeedsReauth, 1},
	}
	for _, when := range []string{"before it is read again", "after it was read again"} {
		for _, tt := range tests {
			t.Run(tt.name+" "+when, func(t *testing.T) {
				t.Parallel() // each waits for a second
				r := newRig(t)
				c := r.connect(t, sol, ana)
				r.clock.advance(2 * time.Hour)
				r.fault(t, sandbox.Fault{Operation: "token", GrantType: "refresh_token", Status: 400, Reason: "invalid_grant", Times: 1})
				s, st := r.watched()
				if when == "after it was read again" {
					st.beforeWrite = func(n int32) error {
						if n == 1 {
							tt.mend(t, r)
						}
						return nil
					}
				} else {
					st.beforeRead = func(n int32) {
						if n == 2 { // the first read was before the call
							tt.mend(t, r)
						}
					}
				}
				token, err := s.Token(t.Context(), sol, c)
				if ReasonOf(err) != tt.reason || (err == nil) != (token != "") {
					t.Errorf("reason %q of %v", ReasonOf(err), err)
				}
				if got := r.connection(t, sol); got.Status != tt.status {
					t.Errorf("status %s, want %s", got.Status, tt.status)
				}
				if n := r.calls("token"); n != tt.calls {
					t.Errorf("%d token calls, want %d", n, tt.calls)
				}
			})
		}
	}
}

// A refresh that ends after the company went to another account, or off, does
// not hand out or store anything of the old one.
func TestRefreshOvertakenByAChange(t *testing.T) {
	r := newRig(t)
	c := r.connect(t, sol, ana)
	r.clock.advance(2 * time.Hour)
	s, st := r.watched()
	st.beforeRead = func(n int32) {
		if n != 2 {
			return
		}
		if _, err := r.grants.Disconnect(t.Context(), sol, false, store.ActorCompany); err != nil {
			t.Error(err)
		}
		if res, err := r.grants.Connect(t.Context(), sol, r.consent(t, sandbox.Consent{Account: luis})); !res.Connected() {
			t.Errorf("%s, %v", res, err)
		}
	}
	token, err := s.Token(t.Context(), sol, c)
	if !errors.Is(err, ErrOtherGrant) || token != "" {
		t.Errorf("token %q, %v; want %v", token, err, ErrOtherGrant)
	}
	got := r.connection(t, sol)
	if stored, err := r.source.Token(t.Context(), sol, got); err != nil || !r.works(t, stored) || got.Data.AccountEmail != luis {
		t.Errorf("the new connection %+v: %v", got, err)
	}
}

func TestNoTokenWhenOff(t *testing.T) {
	r := newRig(t)
	c := r.connect(t, sol, ana)
	for name, change := range map[string]func(*integration.Connection){
		"never connected": func(c *integration.Connection) { *c = store.DefaultConnection(integration.GoogleCalendar) },
		"disconnected":    func(c *integration.Connection) { c.Status = integration.Disconnected },
		"being given back": func(c *integration.Connection) {
			c.Status, c.RemoveEvents = integration.Disconnecting, false
		},
	} {
		off := c
		change(&off)
		s, st := r.watched()
		if _, err := s.Token(t.Context(), sol, off); !errors.Is(err, ErrNotConnected) {
			t.Errorf("%s: %v, want %v", name, err, ErrNotConnected)
		}
		if st.reads.Load() != 0 || r.calls("token") != 0 {
			t.Errorf("%s: %d reads, %d token calls", name, st.reads.Load(), r.calls("token"))
		}
	}
}

// What passes by itself changes no status, and the next try succeeds.
func TestTransientFailures(t *testing.T) {
	tests := []struct {
		fault sandbox.Fault
		want  integration.Reason
	}{
		{sandbox.Fault{Status: 500}, integration.Outage},
		{sandbox.Fault{Status: 503, Reason: "invalid_grant"}, integration.Outage},
		{sandbox.Fault{Status: 429}, integration.Quota},
		{sandbox.Fault{Action: sandbox.Garbage, Status: 400}, integration.Outage},
		{sandbox.Fault{Action: sandbox.Garbage, Status: 200}, integration.Outage},
		{sandbox.Fault{Action: sandbox.DropBefore}, integration.Network},
		{sandbox.Fault{Action: sandbox.DropAfter}, integration.Network},
		{sandbox.Fault{Status: 401, Reason: "invalid_client"}, integration.Internal},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.fault.Action, tt.fault.Status, tt.fault.Reason), func(t *testing.T) {
			r := newRig(t)
			c := r.connect(t, sol, ana)
			r.clock.advance(2 * time.Hour)
			tt.fault.Operation, tt.fault.Times = "token", 1
			r.fault(t, tt.fault)
			if _, err := r.source.Token(t.Context(), sol, c); ReasonOf(err) != tt.want {
				t.Errorf("reason %q of %v, want %q", ReasonOf(err), err, tt.want)
			}
			if d := cmp.Diff(c, r.connection(t, sol)); d != "" {
				t.Errorf("connection (-before +after):\n%s", d)
			}
			if !strings.Contains(r.log.String(), `"reason":"`+string(tt.want)+`"`) {
				t.Errorf("not logged with its class:\n%s", r.log)
			}
			if _, err := r.source.Token(t.Context(), sol, c); err != nil {
				t.Errorf("the next try: %v", err)
			}
			r.quiet(t)
		})
	}
}

// Each call has ten seconds, and a caller may have less.
func TestSlowTokenEndpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		c := r.connect(t, sol, ana)
		r.clock.advance(2 * time.Hour)
		r.fault(t, sandbox.Fault{Operation: "token", Latency: time.Hour})
		for _, patience := range []time.Duration{time.Second, time.Minute} {
			began := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			_, err := r.source.Token(ctx, sol, c)
			if ReasonOf(err) != integration.Network || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("reason %q of %v", ReasonOf(err), err)
			}
			if took := time.Since(began); took != min(patience, 9*time.Second) { // a second of the ten is over when the second caller comes
				t.Errorf("took %v", took)
			}
		}
		if got := r.connection(t, sol); got.Status != integration.Connected || r.calls("token") != 1 {
			t.Errorf("status %s, %d token calls", got.Status, r.calls("token"))
		}
	})
}

// A store that fails is our trouble, not Google's.
func TestStoreFailures(t *testing.T) {
	r := newRig(t)
	c := r.connect(t, sol, ana)
	r.clock.advance(2 * time.Hour)
	s, st := r.watched()
	st.beforeWrite = func(int32) error { return fault.ErrUnavailable }
	if token, err := s.Token(t.Context(), sol, c); err != nil || !r.works(t, token) {
		t.Errorf("a token that cannot be stored is good for the call: %v", err)
	}
	if !strings.Contains(r.log.String(), "token not stored") {
		t.Errorf("not logged:\n%s", r.log)
	}
	if _, err := r.google.RevokeGrants(ana); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Token(t.Context(), sol, c); ReasonOf(err) != integration.Outage {
		t.Errorf("a dead grant that cannot be recorded: reason %q of %v", ReasonOf(err), err)
	}
}

// A token endpoint that repeats itself must not be asked for ever.
func TestSameTokenAgain(t *testing.T) {
	r := newRig(t)
	c := r.connect(t, sol, ana)
	bad, err := r.source.Token(t.Context(), sol, c)
	if err != nil {
		t.Fatal(err)
	}
	calls := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		calls++
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"access_token":%q,"expires_in":3599}`, bad)
	}))
	defer srv.Close()
	d := r.deps
	d.Client = NewClient(ClientOptions{BaseURL: srv.URL, HTTP: srv.Client(), Now: r.clock.Now})
	_, err = NewSource(d).Renew(t.Context(), sol, c, bad)
	if ReasonOf(err) != integration.Outage || calls != 2 {
		t.Errorf("reason %q of %v, %d calls", ReasonOf(err), err, calls)
	}
}
