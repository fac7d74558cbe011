package googleauth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

// Scopes that are asked for, beside openid and email. Without the second, the
// calendar is the account's primary one.
const (
	ScopeEvents       = "https://www.googleapis.com/auth/calendar.events"
	ScopeCalendarList = "https://www.googleapis.com/auth/calendar.calendarlist.readonly"
)

// Google's hosts and issuer ("OpenID Connect" in Google's documentation).
const (
	authURL   = "https://accounts.google.com/o/oauth2/v2/auth"
	tokenURL  = "https://oauth2.googleapis.com/token"  //nolint:gosec // an address, no credential
	revokeURL = "https://oauth2.googleapis.com/revoke" //nolint:gosec // an address, no credential
	issuer    = "https://accounts.google.com"
)

// callTimeout bounds each call to Google.
const callTimeout = 10 * time.Second

// ClientOptions are what a Client works with.
type ClientOptions struct {
	ClientID     string
	ClientSecret string
	RedirectURL  string       // PUBLIC_URL/oauth/callback, as registered at Google
	BaseURL      string       // in place of Google's hosts; empty: Google
	HTTP         *http.Client // the process's one
	Now          func() time.Time
}

// Client speaks with Google's authorisation server. It may be used by several
// goroutines.
type Client struct {
	oauth   oauth2.Config
	revoke  string
	issuers []string
	http    *http.Client
	now     func() time.Time
}

// Grant is what an account allowed.
type Grant struct {
	RefreshToken string // empty: none was given
	AccessToken  string
	Expiry       time.Time // of the access token; zero: it counts as expired
	Scopes       []string
	Email        string
	Subject      string // Google's stable id of the account
}

// Allows reports whether the account granted the scope.
func (g *Grant) Allows(scope string) bool { return slices.Contains(g.Scopes, scope) }

// NewClient returns a client of Google, or of what stands at BaseURL.
func NewClient(o ClientOptions) *Client {
	c := &Client{
		oauth: oauth2.Config{
			ClientID: o.ClientID, ClientSecret: o.ClientSecret, RedirectURL: o.RedirectURL,
			Scopes:   []string{"openid", "email", ScopeEvents, ScopeCalendarList},
			Endpoint: oauth2.Endpoint{AuthURL: authURL, TokenURL: tokenURL, AuthStyle: oauth2.AuthStyleInParams},
		},
		revoke:  revokeURL,
		issuers: []string{issuer, strings.TrimPrefix(issuer, "https://")}, // Google uses both
		now:     o.Now,
	}
	if base := strings.TrimSuffix(o.BaseURL, "/"); base != "" {
		c.oauth.Endpoint.AuthURL = base + "/o/oauth2/v2/auth"
		c.oauth.Endpoint.TokenURL = base + "/oauth2/token"
		c.revoke = base + "/oauth2/revoke"
		c.issuers = append(c.issuers, base)
	}
	h := *o.HTTP
	h.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // tokens go nowhere else
	c.http = &h
	return c
}

// AuthURL is where the browser is sent for the account's consent. The hint, an
// account's address, may be empty.
func (c *Client) AuthURL(state, verifier, loginHint string) string {
	opts := []oauth2.AuthCodeOption{
		oauth2.AccessTypeOffline,
		oauth2.SetAuthURLParam("prompt", "select_account consent"), // without consent there is no refresh token the second time
		oauth2.S256ChallengeOption(verifier),
	}
	if loginHint != "" {
		opts = append(opts, oauth2.SetAuthURLParam("login_hint", loginHint))
	}
	return c.oauth.AuthCodeURL(state, opts...)
}

// IsIssuer reports whether iss names the server that the browser was sent to.
// An answer for another one was mixed up (RFC 9207).
func (c *Client) IsIssuer(iss string) bool { return slices.Contains(c.issuers, iss) }

// Exchange redeems a code. If the answer's ID token is unusable it returns the
// grant without an account, beside the error.
func (c *Client) Exchange(ctx context.Context, code, verifier string) (Grant, error) {
	ctx, cancel := c.bounded(ctx)
	defer cancel()
	asked := c.now()
	t, err := c.oauth.Exchange(ctx, code, oauth2.VerifierOption(verifier))
	if err != nil {
		return Grant{}, tokenError(ctx, "redeem the code", err)
	}
	g := grantOf(t, asked)
	raw, _ := t.Extra("id_token").(string)
	id, err := parseIDToken(raw, c.oauth.ClientID, c.IsIssuer, c.now())
	if err != nil {
		return g, err
	}
	g.Email, g.Subject = id.Email, id.Subject
	return g, nil
}

// refresh gets a new access token. The grant's RefreshToken is empty unless
// Google replaced the one given.
func (c *Client) refresh(ctx context.Context, refreshToken string) (Grant, error) {
	ctx, cancel := c.bounded(ctx)
	defer cancel()
	asked := c.now()
	t, err := c.oauth.TokenSource(ctx, &oauth2.Token{RefreshToken: refreshToken}).Token()
	if err != nil {
		return Grant{}, tokenError(ctx, "refresh the token", err)
	}
	g := grantOf(t, asked)
	if g.RefreshToken == refreshToken {
		g.RefreshToken = ""
	}
	return g, nil
}

// Revoke ends the grant that the token, of either kind, belongs to, and with
// it every grant of that account to this client.
func (c *Client) Revoke(ctx context.Context, token string) error {
	ctx, cancel := c.bounded(ctx)
	defer cancel()
	body := strings.NewReader(url.Values{"token": {token}}.Encode())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.revoke, body)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := c.http.Do(req)
	if err != nil {
		return tokenError(ctx, "revoke the grant", err)
	}
	defer func() { _ = resp.Body.Close() }() // it was only read
	if resp.StatusCode != http.StatusOK {
		return answerError(ctx, "revoke the grant", resp)
	}
	return nil
}

// bounded returns the context of one call, with the client that it goes by.
func (c *Client) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithValue(ctx, oauth2.HTTPClient, c.http), callTimeout)
}

// grantOf reads a token answer. The library counts the expiry from its own
// clock; here it is from when the token was asked for, so that it is never too
// late.
func grantOf(t *oauth2.Token, asked time.Time) Grant {
	g := Grant{RefreshToken: t.RefreshToken, AccessToken: t.AccessToken}
	if t.ExpiresIn > 0 {
		g.Expiry = asked.Add(time.Duration(t.ExpiresIn) * time.Second)
	}
	// RFC 6749 lets a server omit scopes that are those asked for. Google
	// never does, so here silence is no proof of a permission.
	scope, _ := t.Extra("scope").(string)
	g.Scopes = strings.Fields(scope)
	return g
}

// NewState returns a value for the state parameter, which ties Google's answer
// to the question. It is kept as [StateHash] only.
func NewState() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // crypto/rand never fails: it would crash the program
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// NewVerifier returns a PKCE verifier.
func NewVerifier() string { return oauth2.GenerateVerifier() }

// StateHash is what a state is stored under: who can read the store still
// cannot finish somebody's authorisation.
func StateHash(state string) string {
	sum := sha256.Sum256([]byte(state))
	return hex.EncodeToString(sum[:])
}

var errIDToken = errors.New("googleauth: unusable ID token")
