package sandbox

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	accessLifetime   = 3599 * time.Second
	expiredOrRevoked = "Token has been expired or revoked."
	badRequest       = "Bad Request" // all that Google says of many a bad grant

	// maxRefreshTokens is how many refresh tokens an account can have for one
	// client: the oldest ends silently when there is one more.
	maxRefreshTokens = 100
)

// tokenAnswer is the token endpoint's: RFC 6749, section 5.1.
type tokenAnswer struct {
	AccessToken  string `json:"access_token"`
	ExpiresIn    int    `json:"expires_in,omitempty"`
	RefreshToken string `json:"refresh_token,omitempty"`
	Scope        string `json:"scope"`
	TokenType    string `json:"token_type"`
	IDToken      string `json:"id_token,omitempty"`
}

// identifyToken reads the form of a call to the token or revocation endpoint,
// and finds out whose code or token it is about, if it is anybody's.
func (s *Sandbox) identifyToken(c *call) error {
	form, err := url.ParseQuery(string(c.body))
	if err != nil {
		return oauthErr(http.StatusBadRequest, "invalid_request", badRequest)
	}
	c.form = form
	if form.Get("token") == "" {
		form["token"] = c.query["token"] // Google's revocation takes it from either
	}
	return s.read(func(st *state) error {
		if code := st.Codes[form.Get("code")]; code != nil {
			c.account = code.Account
		}
		for _, token := range []string{form.Get("refresh_token"), form.Get("token")} {
			if g := st.grantOf(token); g != nil {
				c.account = g.Account
			}
		}
		return nil
	})
}

// grantOf is the grant of an access or refresh token; nil if there is none.
func (st *state) grantOf(token string) *grant {
	if id, ok := st.RefreshTokens[token]; ok {
		return st.Grants[id]
	}
	if t := st.AccessTokens[token]; t != nil {
		return st.Grants[t.Grant]
	}
	return nil
}

func (s *Sandbox) token(c *call) (any, error) {
	id, secret := c.form.Get("client_id"), c.form.Get("client_secret")
	if c.basic != [2]string{} {
		id, secret = c.basic[0], c.basic[1]
	}
	switch {
	case id != s.clientID:
		return nil, oauthErr(http.StatusUnauthorized, "invalid_client", "The OAuth client was not found.")
	case subtle.ConstantTimeCompare([]byte(secret), []byte(s.clientSecret)) != 1:
		return nil, oauthErr(http.StatusUnauthorized, "invalid_client", "Unauthorized")
	}
	switch c.form.Get("grant_type") {
	case "authorization_code":
		return s.exchange(c)
	case "refresh_token":
		return s.refresh(c)
	}
	return nil, oauthErr(http.StatusBadRequest, "unsupported_grant_type", "Invalid grant_type: "+c.form.Get("grant_type"))
}

// exchange gives tokens for a code. A code that was tried is used up, whatever
// was wrong with the try.
func (s *Sandbox) exchange(c *call) (any, error) {
	var out tokenAnswer
	var refusal error // kept apart: a refused try changes the state too
	err := s.change(func(st *state) error {
		code := st.Codes[c.form.Get("code")]
		if code == nil {
			return oauthErr(http.StatusBadRequest, "invalid_grant", "Malformed auth code.")
		}
		if refusal = code.check(c); refusal == nil {
			out = s.issue(st, st.addGrant(code, s.now()), code.wantsRefreshToken(st))
		}
		code.Used = true
		return nil
	})
	if err == nil {
		err = refusal
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (code *authCode) check(c *call) error {
	switch {
	case code.Used || !c.at.Before(code.Expires):
		return oauthErr(http.StatusBadRequest, "invalid_grant", badRequest)
	case c.form.Get("redirect_uri") != code.RedirectURI:
		return oauthErr(http.StatusBadRequest, "redirect_uri_mismatch", badRequest)
	case code.Challenge == "":
		return nil
	case c.form.Get("code_verifier") == "":
		return oauthErr(http.StatusBadRequest, "invalid_grant", "Missing code verifier.")
	}
	sum := sha256.Sum256([]byte(c.form.Get("code_verifier")))
	challenge := base64.RawURLEncoding.EncodeToString(sum[:])
	if subtle.ConstantTimeCompare([]byte(challenge), []byte(code.Challenge)) != 1 {
		return oauthErr(http.StatusBadRequest, "invalid_grant", "Invalid code verifier.")
	}
	return nil
}

// wantsRefreshToken: offline access gives one with the first consent, and
// later only if the client insisted on asking again.
func (code *authCode) wantsRefreshToken(st *state) bool {
	return code.Offline && (code.Consent || len(st.offline(code.Account)) == 0)
}

// offline lists an account's grants that have a refresh token, oldest first.
func (st *state) offline(email string) []*grant {
	var out []*grant
	for _, g := range st.Grants {
		if g.Account == email && g.Offline {
			out = append(out, g)
		}
	}
	slices.SortFunc(out, func(a, b *grant) int {
		if d := a.Created.Compare(b.Created); d != 0 {
			return d
		}
		return strings.Compare(a.ID, b.ID)
	})
	return out
}

func (st *state) addGrant(code *authCode, now time.Time) *grant {
	g := &grant{ID: randomToken(), Account: code.Account, Scopes: code.Scopes, Nonce: code.Nonce, Created: now}
	st.Grants[g.ID] = g
	return g
}

// refresh gives a new access token for a refresh token.
func (s *Sandbox) refresh(c *call) (any, error) {
	var out tokenAnswer
	err := s.change(func(st *state) error {
		token := c.form.Get("refresh_token")
		g := st.Grants[st.RefreshTokens[token]]
		if g == nil {
			return oauthErr(http.StatusBadRequest, "invalid_grant", expiredOrRevoked)
		}
		rotate := s.behaviour.RotateRefreshTokens
		if rotate {
			delete(st.RefreshTokens, token)
		}
		out = s.issue(st, g, rotate)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// issue makes a grant's tokens. It runs under the lock.
func (s *Sandbox) issue(st *state, g *grant, withRefresh bool) tokenAnswer {
	now := s.now()
	st.dropExpired(now)
	a := tokenAnswer{
		AccessToken: "ya29." + randomToken(), ExpiresIn: int(accessLifetime / time.Second),
		Scope: strings.Join(g.Scopes, " "), TokenType: "Bearer",
	}
	st.AccessTokens[a.AccessToken] = &accessToken{Grant: g.ID, Expires: now.Add(accessLifetime)}
	if withRefresh && !s.behaviour.OmitRefreshToken {
		a.RefreshToken = "1//0" + randomToken()
		st.RefreshTokens[a.RefreshToken] = g.ID
		g.Offline = true
		if all := st.offline(g.Account); len(all) > maxRefreshTokens {
			st.end(func(g *grant) bool { return g == all[0] })
		}
	}
	if s.behaviour.OmitExpiresIn {
		a.ExpiresIn = 0
	}
	if slices.Contains(g.Scopes, scopeOpenID) && !s.behaviour.OmitIDToken {
		a.IDToken = s.idToken(st.Accounts[g.Account].Account, g, now)
	}
	return a
}

// idToken is the account's ID token: OpenID Connect Core, section 2. It is
// signed with the client's secret (HS256) where Google signs with a key of its
// own: a client that had it from the token endpoint need not check the
// signature (section 3.1.3.7), and no key need be made.
func (s *Sandbox) idToken(a Account, g *grant, now time.Time) string {
	claims := jwt.MapClaims{
		"iss": "https://accounts.google.com", "azp": s.clientID, "aud": s.clientID, "sub": a.Subject,
		"iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	}
	if slices.Contains(g.Scopes, scopeEmail) {
		claims["email"], claims["email_verified"] = a.Email, true
	}
	if slices.Contains(g.Scopes, scopeProfile) {
		claims["name"] = a.Name
	}
	if g.Nonce != "" {
		claims["nonce"] = g.Nonce
	}
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(s.clientSecret))
	if err != nil { // claims of these types always encode
		panic(fmt.Sprintf("signing an ID token: %v", err))
	}
	return token
}

func (st *state) dropExpired(now time.Time) {
	for token, t := range st.AccessTokens {
		if now.After(t.Expires.Add(time.Hour)) {
			delete(st.AccessTokens, token)
		}
	}
}

// revoke ends every grant of the token's user.
func (s *Sandbox) revoke(c *call) (any, error) {
	err := s.change(func(st *state) error {
		token := c.form.Get("token")
		g := st.grantOf(token)
		if t := st.AccessTokens[token]; t != nil && !c.at.Before(t.Expires) {
			g = nil
		}
		if g == nil {
			return oauthErr(http.StatusBadRequest, "invalid_token", "Token expired or revoked")
		}
		st.endAccount(g.Account)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return struct{}{}, nil
}

// endAccount ends all that a user gave to the client.
func (st *state) endAccount(email string) (ended int) {
	for code, c := range st.Codes {
		if c.Account == email {
			delete(st.Codes, code)
		}
	}
	return st.end(func(g *grant) bool { return g.Account == email })
}

// end ends grants with their tokens.
func (st *state) end(which func(*grant) bool) (ended int) {
	for id, g := range st.Grants {
		if which(g) {
			delete(st.Grants, id)
			ended++
		}
	}
	for token, t := range st.AccessTokens {
		if st.Grants[t.Grant] == nil {
			delete(st.AccessTokens, token)
		}
	}
	for token, id := range st.RefreshTokens {
		if st.Grants[id] == nil {
			delete(st.RefreshTokens, token)
		}
	}
	return ended
}
