package googleauth

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// idToken is what is read of an ID token's claims.
type idToken struct {
	Issuer   string   `json:"iss"`
	Audience audience `json:"aud"`
	Expiry   float64  `json:"exp"` // seconds since 1970
	Subject  string   `json:"sub"`
	Email    string   `json:"email"`
}

// audience is one string or several (RFC 7519, section 4.1.3).
type audience []string

// UnmarshalJSON reads either form.
func (a *audience) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(a))
}

const (
	maxSubject = 255 // "OpenID Connect" in Google's documentation
	maxEmail   = 320
	clockSkew  = time.Minute
)

// parseIDToken reads an ID token that came with a token answer. Its signature
// is not checked: it came from the token endpoint itself over TLS (OpenID
// Connect Core 1.0, section 3.1.3.7). The address may be missing.
func parseIDToken(raw, clientID string, isIssuer func(string) bool, now time.Time) (idToken, error) {
	parts := strings.Split(raw, ".")
	if len(parts) != 3 {
		return idToken{}, fmt.Errorf("%w: missing, or not a JWT", errIDToken)
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return idToken{}, fmt.Errorf("%w: not base64url", errIDToken)
	}
	var id idToken
	if err := json.Unmarshal(payload, &id); err != nil {
		return idToken{}, fmt.Errorf("%w: not the JSON of one", errIDToken) // the decoder's words may quote it
	}
	switch {
	case !isIssuer(id.Issuer):
		return idToken{}, fmt.Errorf("%w: of another issuer", errIDToken)
	case !slices.Contains(id.Audience, clientID):
		return idToken{}, fmt.Errorf("%w: for another client", errIDToken)
	case float64(now.Add(-clockSkew).Unix()) >= id.Expiry:
		return idToken{}, fmt.Errorf("%w: expired", errIDToken)
	case !asciiID(id.Subject):
		return idToken{}, fmt.Errorf("%w: no subject", errIDToken)
	}
	if len(id.Email) > maxEmail {
		id.Email = ""
	}
	return id, nil
}

// asciiID reports whether s can be an account's subject.
func asciiID(s string) bool {
	return s != "" && len(s) <= maxSubject && strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}
