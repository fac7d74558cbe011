package googleauth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/citasync/citasync/shared/integration"
)

func TestAuthURL(t *testing.T) {
	o := ClientOptions{ClientID: "id", ClientSecret: "secret", RedirectURL: callback, HTTP: &http.Client{}, Now: time.Now}
	tests := []struct{ base, hint, address string }{
		{"", "", "https://accounts.google.com/o/oauth2/v2/auth"},
		{"http://127.0.0.1:8085/", ana, "http://127.0.0.1:8085/o/oauth2/v2/auth"},
	}
	for _, tt := range tests {
		o.BaseURL = tt.base
		u, err := url.Parse(NewClient(o).AuthURL("the-state", "the-verifier", tt.hint))
		if err != nil {
			t.Fatal(err)
		}
		q := u.Query()
		u.RawQuery = ""
		if u.String() != tt.address {
			t.Errorf("address %s, want %s", u, tt.address)
		}
		want := url.Values{
			"client_id": {"id"}, "response_type": {"code"}, "redirect_uri": {callback}, "state": {"the-state"},
			"scope":       {"openid email " + ScopeEvents + " " + ScopeCalendarList},
			"access_type": {"offline"}, "prompt": {"select_account consent"},
			"code_challenge_method": {"S256"},
		}
		want.Set("code_challenge", challengeOf("the-verifier"))
		if tt.hint != "" {
			want.Set("login_hint", tt.hint)
		}
		if d := cmp.Diff(want, q); d != "" {
			t.Errorf("query (-want +got):\n%s", d)
		}
	}
}

func TestStates(t *testing.T) {
	a, b := NewState(), NewState()
	raw, err := base64.RawURLEncoding.DecodeString(a)
	if a == b || err != nil || len(raw) != 32 {
		t.Errorf("states %q and %q", a, b)
	}
	if h := StateHash(a); len(h) != 64 || h == StateHash(b) || strings.Contains(h, a) {
		t.Errorf("hash %q", h)
	}
}

// endpoint is a token endpoint that answers everything the same.
func endpoint(t *testing.T, status int, contentType, body string) (*Client, *int) {
	t.Helper()
	calls := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls++
		_, _ = io.Copy(io.Discard, r.Body)
		if status >= 300 && status < 400 {
			w.Header().Set("Location", "/elsewhere")
		}
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(srv.Close)
	return NewClient(ClientOptions{
		ClientID: "id", ClientSecret: "secret", RedirectURL: callback, BaseURL: srv.URL, HTTP: srv.Client(), Now: func() time.Time { return noon },
	}), &calls
}

func TestTokenEndpointFailures(t *testing.T) {
	const js = "application/json; charset=utf-8"
	tests := []struct {
		name        string
		status      int
		contentType string
		body        string
		want        integration.Reason
	}{
		{"dead", 400, js, `{"error":"invalid_grant","error_description":"Token has been expired or revoked."}`, integration.Revoked},
		{"dead by 401", 401, js, `{"error":"invalid_grant"}`, integration.Revoked},
		{"dead by policy", 400, js, `{"error":"invalid_grant","error_subtype":"invalid_rapt"}`, integration.Revoked},
		{"invalid_grant by 500", 500, js, `{"error":"invalid_grant"}`, integration.Outage},
		{"invalid_grant by 403", 403, js, `{"error":"invalid_grant"}`, integration.Internal},
		{"invalid_grant by 200", 200, js, `{"error":"invalid_grant"}`, integration.Outage},
		{"invalid_grant as a form", 400, "application/x-www-form-urlencoded", `error=invalid_grant`, integration.Outage},
		{"invalid_grant within a page", 400, "text/html", `<p>{"error":"invalid_grant"}</p>`, integration.Outage},
		{"invalid_grant within an object", 400, js, `{"error":{"status":"invalid_grant"}}`, integration.Outage},
		{"unknown client", 401, js, `{"error":"invalid_client"}`, integration.Internal},
		{"client not allowed", 403, js, `{"error":"access_denied"}`, integration.Internal},
		{"wrong grant type", 400, js, `{"error":"unsupported_grant_type"}`, integration.Internal},
		{"too many", 429, js, `{"error":"rate_limit_exceeded"}`, integration.Quota},
		{"too many by 403", 403, js, `{"error":"rate_limit_exceeded"}`, integration.Quota},
		{"a proxy's page", 400, "text/html", `<html>Bad Request</html>`, integration.Outage},
		{"login page of a network", 200, "text/html", `<html>Welcome</html>`, integration.Outage},
		{"redirected", 307, "text/html", ``, integration.Outage},
		{"unavailable", 503, "text/plain", `try later`, integration.Outage},
		{"internal_failure", 500, js, `{"error":"internal_failure"}`, integration.Outage},
		{"not found", 404, "text/html", `not found`, integration.Outage},
		{"empty", 200, js, ``, integration.Outage},
		{"without a token", 200, js, `{"token_type":"Bearer","expires_in":3599}`, integration.Outage},
		{"expiry is no number", 200, js, `{"access_token":"secret-token","expires_in":"soon"}`, integration.Outage},
		{"truncated", 200, js, `{"access_token":"secret-token",`, integration.Outage},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, calls := endpoint(t, tt.status, tt.contentType, tt.body)
			_, err := c.refresh(t.Context(), "the-refresh-token")
			if got := ReasonOf(err); got != tt.want || err == nil {
				t.Errorf("reason %q of %v, want %q", got, err, tt.want)
			}
			if *calls != 1 {
				t.Errorf("%d calls", *calls)
			}
			for _, s := range []string{"secret-token", "the-refresh-token", "Welcome", "secret"} {
				if err != nil && strings.Contains(err.Error(), s) {
					t.Errorf("error %q holds %q", err, s)
				}
			}
			_, err = c.Exchange(t.Context(), "the-code", "the-verifier")
			if got := ReasonOf(err); got != tt.want || err == nil {
				t.Errorf("exchange: reason %q of %v, want %q", got, err, tt.want)
			}
		})
	}
}

type failing struct{ err error }

func (f failing) RoundTrip(*http.Request) (*http.Response, error) { return nil, f.err }

// silent never answers.
type silent struct{}

func (silent) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestNetworkFailures(t *testing.T) {
	r := newRig(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_, err := r.client(silent{}).refresh(ctx, "x")
	if ReasonOf(err) != integration.Network || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("time-out: %q, %v", ReasonOf(err), err)
	}
	_, err = r.client(failing{io.ErrUnexpectedEOF}).refresh(t.Context(), "x")
	if ReasonOf(err) != integration.Network {
		t.Errorf("dropped: %q, %v", ReasonOf(err), err)
	}
	if err := r.client(failing{io.ErrUnexpectedEOF}).Revoke(t.Context(), "x"); ReasonOf(err) != integration.Network {
		t.Errorf("revoke, dropped: %q, %v", ReasonOf(err), err)
	}
}

func TestRefreshAnswer(t *testing.T) {
	tests := []struct {
		name, body string
		want       Grant
	}{
		{
			"usual", `{"access_token":"a","expires_in":3599,"scope":"s1 s2","token_type":"Bearer"}`,
			Grant{AccessToken: "a", Expiry: noon.Add(3599 * time.Second), Scopes: []string{"s1", "s2"}},
		},
		{"expiry as text", `{"access_token":"a","expires_in":"60"}`, Grant{AccessToken: "a", Expiry: noon.Add(time.Minute)}},
		{"without expires_in", `{"access_token":"a"}`, Grant{AccessToken: "a"}},
		{"expired already", `{"access_token":"a","expires_in":-5}`, Grant{AccessToken: "a"}},
		{"same refresh token", `{"access_token":"a","refresh_token":"old"}`, Grant{AccessToken: "a"}},
		{"other refresh token", `{"access_token":"a","refresh_token":"new"}`, Grant{AccessToken: "a", RefreshToken: "new"}},
		{"scope is no text", `{"access_token":"a","scope":5}`, Grant{AccessToken: "a"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, _ := endpoint(t, 200, "application/json", tt.body)
			got, err := c.refresh(t.Context(), "old")
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Scopes) == 0 {
				got.Scopes = nil
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("grant (-want +got):\n%s", d)
			}
		})
	}
}

// An exchange whose ID token is unusable has a grant all the same, to be given
// back.
func TestExchangeWithoutAccount(t *testing.T) {
	c, _ := endpoint(t, 200, "application/json", `{"access_token":"a","refresh_token":"r","expires_in":60}`)
	g, err := c.Exchange(t.Context(), "code", "verifier")
	if !errors.Is(err, errIDToken) || g.RefreshToken != "r" || g.Subject != "" {
		t.Errorf("grant %+v, %v", g, err)
	}
}

func idClaims(change func(map[string]any)) string {
	c := map[string]any{
		"iss": "https://accounts.google.com", "aud": "id", "sub": "110", "email": ana,
		"exp": noon.Add(time.Hour).Unix(), "iat": noon.Unix(),
	}
	change(c)
	b, err := json.Marshal(c)
	if err != nil {
		panic(err)
	}
	return "h." + base64.RawURLEncoding.EncodeToString(b) + ".s"
}

func set(name string, value any) string {
	return idClaims(func(c map[string]any) { c[name] = value })
}

func isGoogle(iss string) bool {
	return iss == "https://accounts.google.com" || iss == "accounts.google.com"
}

func TestParseIDToken(t *testing.T) {
	tests := []struct {
		name, raw string
		ok        bool
	}{
		{"good", set("iat", noon.Unix()), true},
		{"the other issuer", set("iss", "accounts.google.com"), true},
		{"several audiences", set("aud", []string{"other", "id"}), true},
		{"without an address", idClaims(func(c map[string]any) { delete(c, "email") }), true},
		{"clocks apart", set("exp", noon.Add(-59*time.Second).Unix()), true},
		{"missing", "", false},
		{"two parts", "a.b", false},
		{"not base64url", "a.!.c", false},
		{"not JSON", "a.bm90IEpTT04.c", false},
		{"another issuer", set("iss", "https://evil.example"), false},
		{"another client", set("aud", "other"), false},
		{"no audience", set("aud", nil), false},
		{"audience a number", set("aud", 5), false},
		{"expired", set("exp", noon.Add(-time.Minute).Unix()), false},
		{"without exp", idClaims(func(c map[string]any) { delete(c, "exp") }), false},
		{"without sub", set("sub", ""), false},
		{"odd sub", set("sub", "1\n2"), false},
		{"long sub", set("sub", strings.Repeat("1", 256)), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			id, err := parseIDToken(tt.raw, "id", isGoogle, noon)
			if (err == nil) != tt.ok || err != nil && !errors.Is(err, errIDToken) {
				t.Errorf("%+v, %v", id, err)
			}
			if err != nil && strings.Contains(err.Error(), ana) {
				t.Errorf("error %q holds an address", err)
			}
			if tt.ok && id.Subject != "110" {
				t.Errorf("subject %q", id.Subject)
			}
		})
	}
}

func FuzzParseIDToken(f *testing.F) {
	f.Add(set("aud", "id"))
	f.Add(set("aud", []string{"id"}))
	f.Add(set("exp", 1e300))
	f.Add("a.bnVsbA.c")
	f.Add("..")
	f.Fuzz(func(t *testing.T, raw string) {
		id, err := parseIDToken(raw, "id", isGoogle, noon)
		if err != nil {
			if id.Subject != "" || id.Email != "" {
				t.Fatalf("an account beside %v", err)
			}
			return
		}
		if !isGoogle(id.Issuer) || !asciiID(id.Subject) || len(id.Email) > maxEmail || id.Expiry <= float64(noon.Add(-clockSkew).Unix()) {
			t.Fatalf("accepted %+v", id)
		}
	})
}

func FuzzAnswered(f *testing.F) {
	f.Add(400, []byte(`{"error":"invalid_grant"}`))
	f.Add(500, []byte(`{"error":"invalid_grant"}`))
	f.Add(403, []byte(`{"error":"rate_limit_exceeded"}`))
	f.Add(200, []byte(`<html>`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		err := answered("refresh the token", status, body)
		var answer struct {
			Error string `json:"error"`
		}
		dead := (status == 400 || status == 401) && json.Unmarshal(body, &answer) == nil && answer.Error == "invalid_grant"
		if got := ReasonOf(err) == integration.Revoked; got != dead {
			t.Fatalf("%d %q: revoked %t", status, body, got)
		}
		if ReasonOf(err) == integration.NoReason || len(err.Error()) > 200 {
			t.Fatalf("%d %q: %v", status, body, err)
		}
	})
}

// challengeOf is RFC 7636's S256, written down a second time.
func challengeOf(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
