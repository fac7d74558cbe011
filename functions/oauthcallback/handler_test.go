package oauthcallback

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/googleauth"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/sandbox"
	"github.com/citasync/citasync/shared/store"
)

func TestConnected(t *testing.T) {
	r := newRig(t)
	back := r.consent(t, sandbox.Consent{Account: ana})
	if res := r.get(t, back, r.cookie); res != googleauth.ResultConnected {
		t.Fatalf("result %s", res)
	}
	c := r.connection(t)
	if c.Status != integration.Connected || c.Data.AccountEmail != ana || !c.BackfillDue.Equal(noon) {
		t.Errorf("connection %+v", c)
	}
	if len(r.bus.sent) != 1 || string(r.bus.sent[0].Data) != `{"task":"backfill","company":"sol"}` {
		t.Errorf("published %+v", r.bus.sent)
	}
	if res := r.get(t, r.consent(t, sandbox.Consent{Account: ana}), r.cookie); res != googleauth.ResultReconnected || r.last(t) != "reconnected ok" {
		t.Errorf("again: %s, activity %q", res, r.last(t))
	}
	r.quiet(t, back.Query().Get("code"), back.Query().Get("state"))
}

// A lost message costs a few minutes, not the connection.
func TestConnectedWithoutMessage(t *testing.T) {
	r := newRig(t)
	r.bus.err = fault.ErrUnavailable
	if res := r.get(t, r.consent(t, sandbox.Consent{Account: ana}), r.cookie); res != googleauth.ResultConnected {
		t.Errorf("result %s", res)
	}
	if c := r.connection(t); c.Status != integration.Connected || c.BackfillDue.IsZero() {
		t.Errorf("connection %+v", c)
	}
}

// What does not belong to the session is refused before the code is redeemed.
func TestRefusedBeforeTheCodeIsRedeemed(t *testing.T) {
	query := func(change func(url.Values)) func(*testing.T, *rig, *url.URL) []*http.Cookie {
		return func(_ *testing.T, r *rig, u *url.URL) []*http.Cookie {
			q := u.Query()
			change(q)
			u.RawQuery = q.Encode()
			return []*http.Cookie{r.cookie}
		}
	}
	tests := []struct {
		name  string
		spoil func(t *testing.T, r *rig, u *url.URL) []*http.Cookie // the cookies that are sent
		want  googleauth.Result
	}{
		{"no session", func(*testing.T, *rig, *url.URL) []*http.Cookie { return nil }, googleauth.ResultExpired},
		{"session altered", func(_ *testing.T, r *rig, _ *url.URL) []*http.Cookie {
			return []*http.Cookie{{Name: r.cookie.Name, Value: r.cookie.Value + "x"}}
		}, googleauth.ResultExpired},
		{"session expired", func(_ *testing.T, r *rig, _ *url.URL) []*http.Cookie {
			r.now = r.now.Add(31 * time.Minute)
			return []*http.Cookie{r.cookie}
		}, googleauth.ResultExpired},
		{"another session of the company", func(t *testing.T, r *rig, _ *url.URL) []*http.Cookie {
			_, c := r.signIn(t, "sol")
			return []*http.Cookie{c}
		}, googleauth.ResultExpired},
		{"a session of another company", func(t *testing.T, r *rig, _ *url.URL) []*http.Cookie {
			_, c := r.signIn(t, "luna")
			return []*http.Cookie{c}
		}, googleauth.ResultExpired},
		{"begun for another company", func(t *testing.T, r *rig, u *url.URL) []*http.Cookie {
			hash := googleauth.StateHash(u.Query().Get("state"))
			st, err := r.store.TakeState(t.Context(), hash, r.now)
			if err != nil {
				t.Fatal(err)
			}
			st.Company = "luna"
			if err := r.store.PutState(t.Context(), hash, st); err != nil {
				t.Fatal(err)
			}
			return []*http.Cookie{r.cookie}
		}, googleauth.ResultExpired},
		{"state missing", query(func(q url.Values) { q.Del("state") }), googleauth.ResultExpired},
		{"state empty", query(func(q url.Values) { q.Set("state", "") }), googleauth.ResultExpired},
		{"state altered", query(func(q url.Values) { q.Set("state", q.Get("state")[1:]+"A") }), googleauth.ResultExpired},
		{"state twice", query(func(q url.Values) { q.Add("state", q.Get("state")) }), googleauth.ResultExpired},
		{"state of another", query(func(q url.Values) { q.Set("state", googleauth.NewState()) }), googleauth.ResultExpired},
		{"state's hash", query(func(q url.Values) { q.Set("state", googleauth.StateHash(q.Get("state"))) }), googleauth.ResultExpired},
		{"state expired", func(_ *testing.T, r *rig, _ *url.URL) []*http.Cookie {
			r.now = r.now.Add(10 * time.Minute)
			return []*http.Cookie{r.cookie}
		}, googleauth.ResultExpired},
		{"state used by a denial", func(t *testing.T, r *rig, u *url.URL) []*http.Cookie {
			denied := url.URL{Path: u.Path, RawQuery: url.Values{"state": u.Query()["state"], "error": {"access_denied"}}.Encode()}
			if res := r.get(t, &denied, r.cookie); res != googleauth.ResultDenied {
				t.Errorf("denial: %s", res)
			}
			return []*http.Cookie{r.cookie}
		}, googleauth.ResultExpired},
		{"another issuer", query(func(q url.Values) { q.Set("iss", "https://evil.example") }), googleauth.ResultExpired},
		{"code missing", query(func(q url.Values) { q.Del("code") }), googleauth.ResultFailed},
		{"code twice", query(func(q url.Values) { q.Add("code", "other") }), googleauth.ResultFailed},
		{"denied", query(func(q url.Values) { q.Del("code"); q.Set("error", "access_denied") }), googleauth.ResultDenied},
		{"denied, with a code", query(func(q url.Values) { q.Set("error", "access_denied") }), googleauth.ResultDenied},
		{"Google's error", query(func(q url.Values) { q.Set("error", "server_error") }), googleauth.ResultFailed},
		{"being turned off", func(t *testing.T, r *rig, _ *url.URL) []*http.Cookie {
			c := r.connection(t)
			c.Status, c.RemoveEvents = integration.Disconnecting, true
			if err := r.store.PutConnection(t.Context(), "sol", &c); err != nil {
				t.Fatal(err)
			}
			return []*http.Cookie{r.cookie}
		}, googleauth.ResultBusy},
		{"switched off for everyone", func(t *testing.T, r *rig, _ *url.URL) []*http.Cookie {
			e := store.DefaultEntry(integration.GoogleCalendar)
			e.Enabled = false
			if err := r.store.PutEntry(t.Context(), &e); err != nil {
				t.Fatal(err)
			}
			return []*http.Cookie{r.cookie}
		}, googleauth.ResultPaused},
		{"the store fails", func(_ *testing.T, r *rig, _ *url.URL) []*http.Cookie {
			r.deps.Store = failing{r.deps.Store}
			return []*http.Cookie{r.cookie}
		}, googleauth.ResultFailed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			back := r.consent(t, sandbox.Consent{Account: ana})
			cookies := tt.spoil(t, r, back)
			before := r.connection(t)
			if res := r.get(t, back, cookies...); res != tt.want {
				t.Errorf("result %s, want %s", res, tt.want)
			}
			if n := r.calls("token"); n != 0 {
				t.Errorf("%d token calls", n)
			}
			if d := cmp.Diff(before, r.connection(t)); d != "" || len(r.bus.sent) != 0 {
				t.Errorf("%d messages; connection (-before +after):\n%s", len(r.bus.sent), d)
			}
			if tt.want != googleauth.ResultExpired && r.last(t) != "connect_failed "+string(tt.want) {
				t.Errorf("activity %q", r.last(t))
			}
			r.quiet(t, back.Query().Get("code"))
		})
	}
}

// The state is single-use, also among many.
func TestAnswerCountsOnce(t *testing.T) {
	r := newRig(t)
	back := r.consent(t, sandbox.Consent{Account: ana})
	var wg sync.WaitGroup
	var connected atomic.Int32
	for range 10 {
		wg.Go(func() {
			switch res := r.get(t, back, r.cookie); res {
			case googleauth.ResultConnected:
				connected.Add(1)
			case googleauth.ResultExpired:
			default:
				t.Errorf("result %s", res)
			}
		})
	}
	wg.Wait()
	if connected.Load() != 1 || r.calls("token") != 1 {
		t.Errorf("connected %d times, %d token calls", connected.Load(), r.calls("token"))
	}
	if res := r.get(t, back, r.cookie); res != googleauth.ResultExpired || r.calls("token") != 1 {
		t.Errorf("again: %s, %d token calls", res, r.calls("token"))
	}
}

func TestTheRightIssuer(t *testing.T) {
	r := newRig(t)
	back := r.consent(t, sandbox.Consent{Account: ana})
	back.RawQuery += "&iss=" + url.QueryEscape("https://accounts.google.com")
	if res := r.get(t, back, r.cookie); res != googleauth.ResultConnected {
		t.Errorf("result %s", res)
	}
}

// Which account came in place of the connected one is noted for the panel to
// ask about; of no other grant that is not kept.
func TestOfferedAccountIsNoted(t *testing.T) {
	for _, tt := range []struct {
		name    string
		consent sandbox.Consent
		want    string
	}{
		{"another account", sandbox.Consent{Account: ana}, ana},
		{"another account, a box unticked", sandbox.Consent{Account: ana, Untick: []string{googleauth.ScopeEvents}}, ""},
		{"denied", sandbox.Consent{Account: ana, Deny: true}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			r.connect(t, luis)
			r.get(t, r.consent(t, tt.consent), r.cookie)
			p, err := r.store.ListActivity(t.Context(), r.session.Company, "", 1)
			if err != nil || len(p.Items) != 1 || p.Items[0].Kind != store.ActConnectFailed || p.Items[0].Detail != tt.want {
				t.Errorf("activity %+v, %v", p.Items, err)
			}
			r.quiet(t)
		})
	}
}

// A grant that is not kept is given back, and nothing of it is stored.
func TestGivenBack(t *testing.T) {
	tests := []struct {
		name    string
		before  func(t *testing.T, r *rig)
		consent sandbox.Consent
		want    googleauth.Result
	}{
		{"the box for the calendar unticked", nil, sandbox.Consent{Account: ana, Untick: []string{googleauth.ScopeEvents}}, googleauth.ResultScopeMissing},
		{"no refresh token", func(t *testing.T, r *rig) {
			if err := r.google.SetBehaviour(sandbox.Behaviour{OmitRefreshToken: true}); err != nil {
				t.Fatal(err)
			}
		}, sandbox.Consent{Account: ana}, googleauth.ResultNoRefreshToken},
		{"another account", func(t *testing.T, r *rig) { r.connect(t, luis) }, sandbox.Consent{Account: ana}, googleauth.ResultOtherAccount},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			if tt.before != nil {
				tt.before(t, r)
			}
			before := r.connection(t)
			if res := r.get(t, r.consent(t, tt.consent), r.cookie); res != tt.want {
				t.Errorf("result %s, want %s", res, tt.want)
			}
			if d := cmp.Diff(before, r.connection(t)); d != "" {
				t.Errorf("connection (-before +after):\n%s", d)
			}
			if n := len(r.google.Grants(ana)); n != 0 {
				t.Errorf("%d grants are left at Google", n)
			}
			if r.last(t) != "connect_failed "+string(tt.want) {
				t.Errorf("activity %q", r.last(t))
			}
			r.quiet(t)
		})
	}
}

func TestGoogleFails(t *testing.T) {
	for name, f := range map[string]sandbox.Fault{
		"down":          {Status: 500},
		"a page":        {Action: sandbox.Garbage, Status: 200},
		"dropped":       {Action: sandbox.DropAfter},
		"code not good": {Status: 400, Reason: "invalid_grant"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			f.Operation = "token"
			if _, err := r.google.AddFault(f); err != nil {
				t.Fatal(err)
			}
			back := r.consent(t, sandbox.Consent{Account: ana})
			if res := r.get(t, back, r.cookie); res != googleauth.ResultFailed || r.last(t) != "connect_failed failed" {
				t.Errorf("result %s, activity %q", res, r.last(t))
			}
			if c := r.connection(t); c.Status != integration.Disconnected || !c.Data.IsZero() {
				t.Errorf("connection %+v", c)
			}
			if !strings.Contains(r.log.String(), `"error":`) {
				t.Errorf("not logged:\n%s", r.log.String())
			}
			r.quiet(t, back.Query().Get("code"))
		})
	}
}

// An answer without the account's identity is no connection. Whose grant it is
// is unknown, so it is left alone.
func TestNoIdentity(t *testing.T) {
	r := newRig(t)
	if err := r.google.SetBehaviour(sandbox.Behaviour{OmitIDToken: true}); err != nil {
		t.Fatal(err)
	}
	if res := r.get(t, r.consent(t, sandbox.Consent{Account: ana}), r.cookie); res != googleauth.ResultFailed || r.calls("revoke") != 0 {
		t.Errorf("result %s, %d revocations", res, r.calls("revoke"))
	}
	if c := r.connection(t); c.Status != integration.Disconnected {
		t.Errorf("connection %+v", c)
	}
}

// A browser that leaves after the code was sent does not leave half of it done.
func TestBrowserLeaves(t *testing.T) {
	r := newRig(t)
	back := r.consent(t, sandbox.Consent{Account: ana})
	ctx, leave := context.WithCancel(t.Context())
	leave()
	req := httptest.NewRequestWithContext(ctx, "GET", back.RequestURI(), nil)
	req.AddCookie(r.cookie)
	New(r.deps).ServeHTTP(httptest.NewRecorder(), req)
	if c := r.connection(t); c.Status != integration.Connected {
		t.Errorf("connection %+v", c)
	}
}

func TestHealth(t *testing.T) {
	rec := httptest.NewRecorder()
	New(newRig(t).deps).ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), "GET", "/health", nil))
	if rec.Code != http.StatusOK {
		t.Errorf("GET /health: %d", rec.Code)
	}
}

// Whatever the query holds, without the state that was stored nothing is asked
// of Google, and the browser goes back to the panel.
func FuzzQuery(f *testing.F) {
	r := newRig(f)
	f.Add("state=a&code=b")
	f.Add("state=a&state=b&code=c&iss=d")
	f.Add("error=access_denied&state=" + googleauth.NewState())
	f.Add("state=%zz&code=%00;")
	f.Fuzz(func(t *testing.T, query string) {
		req := httptest.NewRequestWithContext(t.Context(), "GET", "/oauth/callback", nil)
		req.URL.RawQuery = query
		req.AddCookie(r.cookie)
		rec := httptest.NewRecorder()
		New(r.deps).ServeHTTP(rec, req)
		if rec.Code != http.StatusSeeOther || rec.Header().Get("Location") != "/settings?result=expired" {
			t.Fatalf("%q: %d to %q", query, rec.Code, rec.Header().Get("Location"))
		}
		if r.calls("token") != 0 {
			t.Fatalf("%q: a token call", query)
		}
	})
}

// failing is a store whose catalogue cannot be read.
type failing struct{ Store }

func (failing) Entry(context.Context, integration.ID) (integration.Entry, error) {
	return integration.Entry{}, fault.ErrUnavailable
}
