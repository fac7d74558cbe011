package sandbox

import (
	"encoding/base64"
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"
)

// TestConsentPage walks through the page as a browser does.
func TestConsentPage(t *testing.T) {
	w := served(t, Options{})
	verifier := oauth2.GenerateVerifier()
	authURL := w.oauth().AuthCodeURL("st&te", oauth2.AccessTypeOffline, oauth2.S256ChallengeOption(verifier),
		oauth2.SetAuthURLParam("login_hint", luis))
	status, page := w.get(strings.TrimPrefix(authURL, w.base))
	if status != http.StatusOK {
		t.Fatalf("status %d: %s", status, page)
	}
	for _, want := range []string{`value="luis@example.com" required="required" checked="checked"`, ScopeEvents, ScopeCalendarList, "Denegar"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	request := html.UnescapeString(regexp.MustCompile(`name="request" value="([^"]*)"`).FindStringSubmatch(page)[1])
	form := url.Values{"request": {request}, "account": {luis}, "scope": {ScopeEvents}, "decision": {"allow"}}
	status, to, _ := w.post(authPath, form)
	q := query(t, to)
	if status != http.StatusFound || !strings.HasPrefix(to, "http://localhost:8080/oauth/callback?") || q.Get("company") != "2" {
		t.Fatalf("got %d to %s", status, to)
	}
	if q.Get("state") != "st&te" || q.Get("scope") != "openid "+scopeEmail+" "+ScopeEvents {
		t.Errorf("got state %q, scope %q", q.Get("state"), q.Get("scope"))
	}
	tok, err := w.oauth().Exchange(w.ctx(), q.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := tok.Extra("scope"), "openid "+scopeEmail+" "+ScopeEvents; got != want {
		t.Errorf("granted %q, want %q", got, want)
	}

	form.Set("decision", "deny")
	_, to, _ = w.post(authPath, form)
	if q := query(t, to); q.Get("error") != "access_denied" || q.Get("state") != "st&te" || q.Has("code") {
		t.Errorf("denied: got %s", to)
	}
	form.Set("decision", "allow")
	form.Set("account", "nobody@example.com")
	if status, _, _ = w.post(authPath, form); status != http.StatusBadRequest {
		t.Errorf("unknown account: status %d", status)
	}
}

func TestAuthRequestRefused(t *testing.T) {
	w := local(t, Options{})
	challenge := oauth2.S256ChallengeFromVerifier(oauth2.GenerateVerifier())
	good := url.Values{
		"client_id": {DefaultClientID}, "redirect_uri": {callback}, "response_type": {"code"}, "scope": {"openid"},
		"code_challenge": {challenge}, "code_challenge_method": {"S256"},
	}
	if status, _ := w.get(authPath + "?" + good.Encode()); status != http.StatusOK {
		t.Fatalf("a good request: status %d", status)
	}
	for _, tt := range []struct {
		parameter, value string
		status           int
	}{
		{"client_id", "other", http.StatusUnauthorized},
		{"client_id", "", http.StatusUnauthorized},
		{"redirect_uri", "", http.StatusBadRequest},
		{"redirect_uri", "/oauth/callback", http.StatusBadRequest},
		{"redirect_uri", "javascript:alert(1)", http.StatusBadRequest},
		{"redirect_uri", callback + "#f", http.StatusBadRequest},
		{"response_type", "token", http.StatusBadRequest},
		{"response_type", "", http.StatusBadRequest},
		{"scope", " ", http.StatusBadRequest},
		{"code_challenge_method", "plain", http.StatusBadRequest},
		{"code_challenge_method", "", http.StatusBadRequest},
		{"code_challenge", "short", http.StatusBadRequest},
		{"code_challenge", "", http.StatusBadRequest},
	} {
		q := url.Values{}
		for k, v := range good {
			q[k] = v
		}
		q.Set(tt.parameter, tt.value)
		if status, _ := w.get(authPath + "?" + q.Encode()); status != tt.status {
			t.Errorf("%s=%q: status %d, want %d", tt.parameter, tt.value, status, tt.status)
		}
		if status, to, _ := w.post(authPath, url.Values{"request": {q.Encode()}, "account": {ana}, "decision": {"allow"}}); status != tt.status || to != "" {
			t.Errorf("posted %s=%q: status %d to %q, want %d", tt.parameter, tt.value, status, to, tt.status)
		}
		if _, err := w.s.Authorize(w.base+authPath+"?"+q.Encode(), Consent{Account: ana}); err == nil {
			t.Errorf("%s=%q: authorised", tt.parameter, tt.value)
		}
	}
}

func TestTokenAnswer(t *testing.T) {
	c := newClock()
	w := local(t, Options{Now: c.now})
	tok := w.connect(ana)
	if tok.TokenType != "Bearer" || tok.RefreshToken == "" || tok.Extra("expires_in") != 3599.0 {
		t.Errorf("got %+v", tok)
	}
	if got, want := tok.Extra("scope"), strings.Join([]string{"openid", scopeEmail, ScopeEvents, ScopeCalendarList}, " "); got != want {
		t.Errorf("scope %q, want %q", got, want)
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(tok.Extra("id_token").(string), ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"iss": "https://accounts.google.com", "aud": DefaultClientID, "azp": DefaultClientID, "sub": w.s.Accounts()[0].Subject,
		"email": ana, "email_verified": true, "iat": float64(c.at.Unix()), "exp": float64(c.at.Add(time.Hour).Unix()),
	}
	if diff := cmp.Diff(want, claims); diff != "" {
		t.Error(diff)
	}
	if sub := claims["sub"].(string); len(sub) != 21 {
		t.Errorf("subject %q is not of 21 digits", sub)
	}
}

func TestCodeIsRefused(t *testing.T) {
	c := newClock()
	w := local(t, Options{Now: c.now})
	verifier := oauth2.GenerateVerifier()
	authURL := w.oauth().AuthCodeURL("s", oauth2.S256ChallengeOption(verifier))
	good := oauth2.VerifierOption(verifier)
	other := w.oauth()
	other.RedirectURL = "http://localhost:8080/other"
	for _, tt := range []struct {
		name   string
		code   func() string
		config *oauth2.Config
		opts   []oauth2.AuthCodeOption
		want   string
	}{
		{"unknown", func() string { return "4/0nonsense" }, w.oauth(), []oauth2.AuthCodeOption{good}, "invalid_grant"},
		{"used", func() string {
			code := w.code(authURL, Consent{Account: ana})
			if _, err := w.oauth().Exchange(w.ctx(), code, good); err != nil {
				t.Fatal(err)
			}
			return code
		}, w.oauth(), []oauth2.AuthCodeOption{good}, "invalid_grant"},
		{"after a failed try", func() string {
			code := w.code(authURL, Consent{Account: ana})
			_, err := other.Exchange(w.ctx(), code, good)
			wantTokenError(t, err, "redirect_uri_mismatch")
			return code
		}, w.oauth(), []oauth2.AuthCodeOption{good}, "invalid_grant"},
		{"expired", func() string {
			code := w.code(authURL, Consent{Account: ana})
			c.at = c.at.Add(codeLifetime)
			return code
		}, w.oauth(), []oauth2.AuthCodeOption{good}, "invalid_grant"},
		{"another address", func() string { return w.code(authURL, Consent{Account: ana}) }, other, []oauth2.AuthCodeOption{good}, "redirect_uri_mismatch"},
		{"another verifier", func() string { return w.code(authURL, Consent{Account: ana}) }, w.oauth(), []oauth2.AuthCodeOption{oauth2.VerifierOption(oauth2.GenerateVerifier())}, "invalid_grant"},
		{"no verifier", func() string { return w.code(authURL, Consent{Account: ana}) }, w.oauth(), nil, "invalid_grant"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := tt.config.Exchange(w.ctx(), tt.code(), tt.opts...)
			wantTokenError(t, err, tt.want)
		})
	}
}

func TestClientAuthentication(t *testing.T) {
	w := local(t, Options{ClientID: "a+b&c", ClientSecret: "s%cret:"})
	for _, style := range []oauth2.AuthStyle{oauth2.AuthStyleInHeader, oauth2.AuthStyleInParams} {
		config := w.oauth()
		config.ClientID, config.ClientSecret, config.Endpoint.AuthStyle = "a+b&c", "s%cret:", style
		code := w.code(config.AuthCodeURL("s"), Consent{Account: ana})
		config.ClientSecret = "wrong"
		_, err := config.Exchange(w.ctx(), code)
		wantTokenError(t, err, "invalid_client")
		config.ClientSecret = "s%cret:"
		if _, err := config.Exchange(w.ctx(), code); err != nil {
			t.Errorf("style %v: %v", style, err) // a stranger's try does not use the code up
		}
	}
	status, _, body := w.post("/oauth2/token", url.Values{"client_id": {"a+b&c"}, "client_secret": {"s%cret:"}, "grant_type": {"password"}})
	if status != http.StatusBadRequest || !strings.Contains(body, "unsupported_grant_type") {
		t.Errorf("got %d %s", status, body)
	}
}

// TestRefreshTokenGiven: only for offline access, and only with a consent.
func TestRefreshTokenGiven(t *testing.T) {
	w := local(t, Options{})
	for _, step := range []struct {
		name string
		opts []oauth2.AuthCodeOption
		want bool
	}{
		{"online", nil, false},
		{"first offline", []oauth2.AuthCodeOption{oauth2.AccessTypeOffline}, true},
		{"second offline", []oauth2.AuthCodeOption{oauth2.AccessTypeOffline}, false},
		{"asked again", []oauth2.AuthCodeOption{oauth2.AccessTypeOffline, oauth2.SetAuthURLParam("prompt", "select_account consent")}, true},
	} {
		tok, err := w.oauth().Exchange(w.ctx(), w.code(w.oauth().AuthCodeURL("s", step.opts...), Consent{Account: ana}))
		if err != nil {
			t.Fatal(err)
		}
		if got := tok.RefreshToken != ""; got != step.want {
			t.Errorf("%s: refresh token %v, want %v", step.name, got, step.want)
		}
	}
}

func (w *world) refresh(refreshToken string) (*oauth2.Token, error) {
	return w.oauth().TokenSource(w.ctx(), &oauth2.Token{RefreshToken: refreshToken}).Token()
}

func TestRefresh(t *testing.T) {
	w := local(t, Options{})
	tok := w.connect(ana)
	again, err := w.refresh(tok.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	if again.AccessToken == tok.AccessToken || again.RefreshToken != tok.RefreshToken || again.Extra("refresh_token") != nil {
		t.Errorf("got %+v", again)
	}
	w.mustInsert(w.api(again), haircut("event1"))
	_, err = w.refresh("1//0nonsense")
	wantTokenError(t, err, "invalid_grant")
	var e *oauth2.RetrieveError
	if ok := asError(err, &e); !ok || e.ErrorDescription != expiredOrRevoked || e.Response.StatusCode != http.StatusBadRequest {
		t.Errorf("got %v", err)
	}
}

func TestBehaviourOfTokens(t *testing.T) {
	w := local(t, Options{})
	tok := w.connect(ana)
	if err := w.s.SetBehaviour(Behaviour{RotateRefreshTokens: true}); err != nil {
		t.Fatal(err)
	}
	rotated, err := w.refresh(tok.RefreshToken)
	if err != nil || rotated.RefreshToken == tok.RefreshToken {
		t.Fatalf("not rotated: %v", err)
	}
	_, err = w.refresh(tok.RefreshToken)
	wantTokenError(t, err, "invalid_grant")
	if err := w.s.SetBehaviour(Behaviour{OmitRefreshToken: true, OmitExpiresIn: true, OmitIDToken: true}); err != nil {
		t.Fatal(err)
	}
	bare := w.connect(luis)
	if bare.RefreshToken != "" || !bare.Expiry.IsZero() || bare.Extra("id_token") != nil {
		t.Errorf("got %+v", bare)
	}
	if _, err := w.refresh(rotated.RefreshToken); err != nil {
		t.Errorf("the rotated token: %v", err)
	}
}

// TestRevoke: one token ends all that its user gave, and nothing of others.
func TestRevoke(t *testing.T) {
	for _, kind := range []string{"refresh", "access", "in the query"} {
		t.Run(kind, func(t *testing.T) {
			w := local(t, Options{})
			first, second, other := w.connect(ana), w.connect(ana), w.connect(luis)
			form, path := url.Values{"token": {first.RefreshToken}}, "/oauth2/revoke"
			switch kind {
			case "access":
				form.Set("token", first.AccessToken)
			case "in the query":
				path, form = path+"?"+form.Encode(), nil
			}
			if status, _, body := w.post(path, form); status != http.StatusOK {
				t.Fatalf("got %d %s", status, body)
			}
			for _, tok := range []*oauth2.Token{first, second} {
				_, err := w.refresh(tok.RefreshToken)
				wantTokenError(t, err, "invalid_grant")
				_, err = w.api(tok).Events.List("primary").Do()
				wantAPIError(t, err, http.StatusUnauthorized, "authError")
			}
			if _, err := w.refresh(other.RefreshToken); err != nil {
				t.Errorf("another user's grant has ended too: %v", err)
			}
			if status, _, body := w.post(path, form); status != http.StatusBadRequest || !strings.Contains(body, `"invalid_token"`) {
				t.Errorf("the second time: %d %s", status, body)
			}
		})
	}
}

func TestGrants(t *testing.T) {
	w := local(t, Options{})
	tok := w.connect(ana, ScopeCalendarList)
	grants := w.s.Grants(ana)
	if len(grants) != 1 || !grants[0].Offline || slices.Contains(grants[0].Scopes, ScopeCalendarList) {
		t.Errorf("got %+v", grants)
	}
	if n, err := w.s.RevokeGrants(ana); n != 1 || err != nil {
		t.Errorf("ended %d, %v", n, err)
	}
	_, err := w.refresh(tok.RefreshToken)
	wantTokenError(t, err, "invalid_grant")
	if len(w.s.Grants(ana)) != 0 {
		t.Error("a grant is left")
	}
}

func TestOldestRefreshTokenEnds(t *testing.T) {
	c := newClock()
	w := local(t, Options{Now: c.now})
	first := w.connect(ana)
	c.at = c.at.Add(time.Second)
	second := w.connect(ana)
	for range maxRefreshTokens - 1 {
		c.at = c.at.Add(time.Second)
		w.connect(ana)
	}
	_, err := w.refresh(first.RefreshToken)
	wantTokenError(t, err, "invalid_grant")
	if _, err := w.refresh(second.RefreshToken); err != nil {
		t.Error(err)
	}
}

func TestExpireAccessTokens(t *testing.T) {
	w := local(t, Options{})
	tok, other := w.connect(ana), w.connect(luis)
	if err := w.s.ExpireAccessTokens(ana); err != nil {
		t.Fatal(err)
	}
	_, err := w.api(tok).Events.List("primary").Do()
	wantAPIError(t, err, http.StatusUnauthorized, "authError")
	if _, err := w.api(other).Events.List("primary").Do(); err != nil {
		t.Error(err)
	}
	if _, err := w.refresh(tok.RefreshToken); err != nil {
		t.Error(err)
	}
	if status, _, _ := w.post("/oauth2/revoke", url.Values{"token": {tok.AccessToken}}); status != http.StatusBadRequest {
		t.Errorf("revoking an expired access token: status %d", status)
	}
}

func TestAccessTokenExpires(t *testing.T) {
	c := newClock()
	w := local(t, Options{Now: c.now})
	svc := w.api(&oauth2.Token{AccessToken: w.connect(ana).AccessToken})
	c.at = c.at.Add(accessLifetime - time.Second)
	if _, err := svc.Events.List("primary").Do(); err != nil {
		t.Error(err)
	}
	c.at = c.at.Add(time.Second)
	_, err := svc.Events.List("primary").Do()
	wantAPIError(t, err, http.StatusUnauthorized, "authError")
}

// FuzzAuthRequest: whatever is asked, nobody is redirected anywhere but to an
// absolute http address, and a challenge is S256's or absent.
func FuzzAuthRequest(f *testing.F) {
	f.Add("client_id=" + DefaultClientID + "&response_type=code&scope=openid&redirect_uri=http://localhost/")
	f.Add("redirect_uri=javascript:alert(1)")
	s, err := New(Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		q, err := url.ParseQuery(raw)
		if err != nil {
			return
		}
		q.Set("client_id", DefaultClientID)
		q.Set("response_type", "code")
		r, err := s.parseAuthRequest(q)
		if err != nil {
			return
		}
		u, err := url.Parse(r.callback(url.Values{"code": {"c"}}))
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.Query().Get("code") != "c" {
			t.Errorf("redirected to %v, %v", u, err)
		}
		if r.challenge != "" && len(r.challenge) != 43 {
			t.Errorf("challenge %q", r.challenge)
		}
	})
}
