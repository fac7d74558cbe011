package sandbox

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// codeLifetime is how long an authorisation code may wait for its exchange.
const codeLifetime = 10 * time.Minute

// authPath is where the user's browser asks for consent.
const authPath = "/o/oauth2/v2/auth"

func (s *Sandbox) routeOAuth(mux *http.ServeMux) {
	mux.HandleFunc("GET "+authPath, s.showConsent)
	mux.HandleFunc("POST "+authPath, s.takeConsent)
	mux.Handle("POST /oauth2/token", s.serve(endpoint{
		name: "token", prepare: s.identifyToken, perform: s.token, failure: oauthFault,
	}))
	mux.Handle("POST /oauth2/revoke", s.serve(endpoint{
		name: "revoke", prepare: s.identifyToken, perform: s.revoke, failure: oauthFault,
	}))
}

// authRequest is an authorisation request: RFC 6749, section 4.1.1, RFC 7636,
// and what "Using OAuth 2.0 for Web Server Applications" adds.
type authRequest struct {
	redirectURI string
	state       string
	scopes      []string // as Google names them
	challenge   string   // of PKCE, S256; empty: none
	nonce       string
	loginHint   string
	offline     bool
	consent     bool // prompt=consent: a refresh token even if there was one before
}

// parseAuthRequest reads an authorisation request. What is wrong with one is
// shown to the user and never redirected, as Google does.
func (s *Sandbox) parseAuthRequest(q url.Values) (authRequest, error) {
	r := authRequest{
		redirectURI: q.Get("redirect_uri"), state: q.Get("state"), challenge: q.Get("code_challenge"),
		nonce: q.Get("nonce"), loginHint: q.Get("login_hint"), scopes: scopesOf(q.Get("scope")),
		offline: q.Get("access_type") == "offline", consent: slices.Contains(strings.Fields(q.Get("prompt")), "consent"),
	}
	method := q.Get("code_challenge_method")
	switch {
	case q.Get("client_id") != s.clientID:
		return r, oauthErr(http.StatusUnauthorized, "invalid_client", "The OAuth client was not found.")
	case q.Get("response_type") != "code":
		return r, oauthErr(http.StatusBadRequest, "unsupported_response_type", "Invalid response_type: "+q.Get("response_type"))
	case !absolute(r.redirectURI):
		return r, oauthErr(http.StatusBadRequest, "invalid_request", "Missing or invalid parameter: redirect_uri")
	case len(r.scopes) == 0:
		return r, oauthErr(http.StatusBadRequest, "invalid_request", "Missing required parameter: scope")
	case (r.challenge != "" || method != "") && (method != "S256" || len(r.challenge) != 43):
		return r, oauthErr(http.StatusBadRequest, "invalid_request", "The code challenge must be of method S256.")
	}
	return r, nil
}

func absolute(uri string) bool {
	u, err := url.Parse(uri)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.Fragment == ""
}

// The scopes of signing in, under the names that Google answers with. They
// can't be unticked.
const (
	scopeOpenID  = "openid"
	scopeEmail   = "https://www.googleapis.com/auth/userinfo.email"
	scopeProfile = "https://www.googleapis.com/auth/userinfo.profile"
)

// scopesOf splits a list of scopes, and gives each once, under its long name.
func scopesOf(list string) []string {
	var out []string
	for _, scope := range strings.Fields(list) {
		switch scope {
		case "email":
			scope = scopeEmail
		case "profile":
			scope = scopeProfile
		}
		if !slices.Contains(out, scope) {
			out = append(out, scope)
		}
	}
	return out
}

func signInScope(scope string) bool {
	return scope == scopeOpenID || scope == scopeEmail || scope == scopeProfile
}

// Consent is what a user does at the page of consent.
type Consent struct {
	Account string   // e-mail
	Untick  []string // scopes not granted, by their long names
	Deny    bool
}

// Authorize does what a user does who is sent to authURL and decides so, and
// returns where the browser is sent then.
func (s *Sandbox) Authorize(authURL string, c Consent) (callback string, err error) {
	u, err := url.Parse(authURL)
	if err != nil {
		return "", fmt.Errorf("authorising: %w", err)
	}
	r, err := s.parseAuthRequest(u.Query())
	if err != nil {
		return "", fmt.Errorf("authorising: %w", err)
	}
	granted := slices.DeleteFunc(slices.Clone(r.scopes), func(scope string) bool {
		return slices.Contains(c.Untick, scope) && !signInScope(scope)
	})
	return s.decide(r, c.Account, granted, !c.Deny)
}

// decide records the user's decision and returns where it takes the browser.
func (s *Sandbox) decide(r authRequest, email string, granted []string, allow bool) (string, error) {
	entry := s.log.begin(&call{operation: "auth", at: s.now(), account: email})
	defer s.log.answered(entry, http.StatusFound)
	if !allow {
		return r.callback(url.Values{"error": {"access_denied"}}), nil
	}
	code := "4/0" + randomToken()
	err := s.change(func(st *state) error {
		if st.Accounts[email] == nil {
			return errNoAccount
		}
		st.dropOldCodes(s.now())
		st.Codes[code] = &authCode{
			Account: email, Scopes: granted, RedirectURI: r.redirectURI, Challenge: r.challenge, Nonce: r.nonce,
			Offline: r.offline, Consent: r.consent, Expires: s.now().Add(codeLifetime),
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	return r.callback(url.Values{
		"code": {code}, "scope": {strings.Join(granted, " ")}, "authuser": {"0"}, "prompt": {"consent"},
	}), nil
}

// callback is the client's address with the answer, whose parameters join
// those that the address has.
func (r authRequest) callback(answer url.Values) string {
	u, err := url.Parse(r.redirectURI)
	if err != nil { // it parsed when the request was read
		return r.redirectURI
	}
	q := u.Query()
	if r.state != "" {
		q.Set("state", r.state)
	}
	for k, v := range answer {
		q[k] = v
	}
	u.RawQuery = q.Encode()
	return u.String()
}

func (st *state) dropOldCodes(now time.Time) {
	for code, c := range st.Codes {
		if now.After(c.Expires.Add(time.Hour)) {
			delete(st.Codes, code)
		}
	}
}

type consentPage struct {
	Client   string
	Request  string // the query, for the form to send back
	Accounts []Account
	Chosen   string
	Scopes   []consentScope
}

type consentScope struct {
	Name, Words string
	Fixed       bool
}

// showConsent is the page where the user chooses.
func (s *Sandbox) showConsent(w http.ResponseWriter, r *http.Request) {
	req, err := s.parseAuthRequest(r.URL.Query())
	if err != nil {
		s.refuseConsent(w, err)
		return
	}
	p := consentPage{Client: s.clientID, Request: r.URL.RawQuery, Accounts: s.Accounts()}
	for _, a := range p.Accounts {
		if p.Chosen == "" || a.Email == req.loginHint || a.Subject == req.loginHint {
			p.Chosen = a.Email
		}
	}
	for _, scope := range req.scopes {
		p.Scopes = append(p.Scopes, consentScope{scope, scopeWords(scope), signInScope(scope)})
	}
	render(w, http.StatusOK, "consent", p)
}

// takeConsent takes the decision made on that page: fields request, account,
// scope (repeated) and decision (allow or deny).
func (s *Sandbox) takeConsent(w http.ResponseWriter, r *http.Request) {
	q, err := url.ParseQuery(r.PostFormValue("request"))
	if err != nil {
		s.refuseConsent(w, oauthErr(http.StatusBadRequest, "invalid_request", "Malformed request"))
		return
	}
	req, err := s.parseAuthRequest(q)
	if err != nil {
		s.refuseConsent(w, err)
		return
	}
	granted := slices.DeleteFunc(slices.Clone(req.scopes), func(scope string) bool {
		return !signInScope(scope) && !slices.Contains(r.PostForm["scope"], scope)
	})
	to, err := s.decide(req, r.PostFormValue("account"), granted, r.PostFormValue("decision") == "allow")
	if err != nil {
		s.refuseConsent(w, oauthErr(http.StatusBadRequest, "invalid_request", err.Error()))
		return
	}
	http.Redirect(w, r, to, http.StatusFound) //nolint:gosec // to go where the client asked is what the endpoint is for
}

func (s *Sandbox) refuseConsent(w http.ResponseWriter, err error) {
	status := http.StatusBadRequest
	var e *oauthError
	if errors.As(err, &e) {
		status = e.status
	}
	render(w, status, "refused", err.Error())
}

// scopeWords is what a scope allows, in the user's language.
func scopeWords(scope string) string {
	switch scope {
	case scopeOpenID:
		return "Asociarte con tu cuenta de Google"
	case scopeEmail:
		return "Ver tu dirección de correo"
	case scopeProfile:
		return "Ver tu nombre y tu foto"
	case ScopeEvents:
		return "Ver y editar los eventos de todos tus calendarios"
	case ScopeCalendarList:
		return "Ver la lista de tus calendarios"
	}
	return "Otro permiso"
}
