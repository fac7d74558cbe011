package session

import (
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"

	"github.com/citasync/citasync/shared/booking"
)

// Claims are what a link's token says. A text that the platform did not give,
// or that cannot be used, is empty.
type Claims struct {
	Company   booking.CompanyID
	ID        string // jti
	Name      string // of the company
	Email     string
	Phone     string
	Country   string // ISO 3166-1 alpha-2
	Locale    string // "es", "en"
	TimeZone  string // IANA
	ReturnURL string // on an allowed origin
	Connect   string // the integration that the link was made to connect: [ConnectGoogleCalendar], or empty
	IssuedAt  time.Time
	ExpiresAt time.Time
	Ignored   []string // names of the claims that were given but cannot be used
}

const linkAudience = "citasync"

// ConnectGoogleCalendar is the one value of the claim connect.
const ConnectGoogleCalendar = "google-calendar"

// Limits of length, in bytes. The session's cookie holds name and return_url,
// and browsers drop a cookie above 4096 bytes.
const (
	maxID   = 128
	maxText = 200
	maxURL  = 1000
)

// linkClaims are the claims as a token carries them.
type linkClaims struct {
	jwt.RegisteredClaims
	Sub       companyID `json:"sub,omitempty"` // in place of RegisteredClaims.Subject
	Name      string    `json:"name,omitempty"`
	Email     string    `json:"email,omitempty"`
	Phone     string    `json:"phone,omitempty"`
	Country   string    `json:"country,omitempty"`
	Locale    string    `json:"locale,omitempty"`
	TimeZone  string    `json:"time_zone,omitempty"`
	ReturnURL string    `json:"return_url,omitempty"`
	Connect   string    `json:"connect,omitempty"`
}

func newLinkClaims(c Claims) *linkClaims {
	return &linkClaims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: linkAudience, Audience: jwt.ClaimStrings{linkAudience}, ID: c.ID,
			IssuedAt: jwt.NewNumericDate(c.IssuedAt), ExpiresAt: jwt.NewNumericDate(c.ExpiresAt),
		},
		Sub: companyID(c.Company), Name: c.Name, Email: c.Email, Phone: c.Phone,
		Country: c.Country, Locale: c.Locale, TimeZone: c.TimeZone, ReturnURL: c.ReturnURL, Connect: c.Connect,
	}
}

// companyID is a company's id as a JSON string or integer, as in booking
// events, whose ids some platforms keep as numbers.
type companyID booking.CompanyID

// UnmarshalJSON reads either form.
func (id *companyID) UnmarshalJSON(b []byte) error {
	var s string
	if b[0] != '"' {
		var n json.Number
		if err := json.Unmarshal(b, &n); err != nil || strings.ContainsAny(n.String(), ".eE") {
			return errors.New("neither a string nor an integer")
		}
		*id = companyID(n.String())
		return nil
	}
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	*id = companyID(s)
	return nil
}

// Validate checks what a link's token must say beyond what every JWT must. The
// parser calls it once the signature is known to be good.
func (c *linkClaims) Validate() error {
	switch {
	case c.IssuedAt == nil || c.ExpiresAt == nil:
		return jwt.ErrTokenRequiredClaimMissing
	case !c.ExpiresAt.After(c.IssuedAt.Time):
		return claimError("exp must be after iat")
	case c.ExpiresAt.Sub(c.IssuedAt.Time) > LinkLife:
		return claimError("exp must be at most ten minutes after iat")
	case !validID(string(c.Sub)):
		return claimError("sub must be a company's id of 1 to 128 bytes")
	case !validID(c.ID):
		return claimError("jti must have 1 to 128 bytes")
	}
	return nil
}

// claimError says which rule a claim breaks.
type claimError string

func (e claimError) Error() string { return string(e) }

// validID reports whether s is an id of a company or a link.
func validID(s string) bool {
	return s != "" && len(s) <= maxID && plain(s)
}

// plain reports whether s is text without control characters.
func plain(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, unicode.IsControl) < 0
}

// LeftOut names those of the claims that whoever opens a link with them leaves
// out, since they cannot be used, by the names that they have in a token. Where
// return_url may lead to is said by allowed, which gets an [Origin].
func LeftOut(c Claims, allowed func(origin string) bool) []string {
	return newLinkClaims(c).claims(allowed).Ignored
}

// claims reads the optional claims, each for itself.
func (c *linkClaims) claims(allowed func(origin string) bool) Claims {
	out := Claims{
		Company: booking.CompanyID(c.Sub), ID: c.ID,
		IssuedAt: c.IssuedAt.UTC(), ExpiresAt: c.ExpiresAt.UTC(),
	}
	take := func(name, value string, into *string, read func(string) (string, bool)) {
		s, ok := read(strings.TrimSpace(value))
		if ok {
			*into = s
		} else if value != "" {
			out.Ignored = append(out.Ignored, name)
		}
	}
	take("name", c.Name, &out.Name, text)
	take("email", c.Email, &out.Email, text)
	take("phone", c.Phone, &out.Phone, text)
	take("country", c.Country, &out.Country, country)
	take("locale", c.Locale, &out.Locale, locale)
	take("time_zone", c.TimeZone, &out.TimeZone, timeZone)
	take("connect", c.Connect, &out.Connect, connect)
	take("return_url", c.ReturnURL, &out.ReturnURL, func(s string) (string, bool) { return returnURL(s, allowed) })
	return out
}

func text(s string) (string, bool) {
	return s, s != "" && len(s) <= maxText && plain(s)
}

func country(s string) (string, bool) {
	s = strings.ToUpper(s)
	return s, len(s) == 2 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

// locale takes a language that the panel speaks, whatever the region: "es-CO"
// and "es_CO" are "es".
func locale(s string) (string, bool) {
	lang, _, _ := strings.Cut(strings.ReplaceAll(strings.ToLower(s), "_", "-"), "-")
	return lang, lang == "es" || lang == "en"
}

func timeZone(s string) (string, bool) {
	_, err := booking.LoadZone(s)
	return s, err == nil
}

// connect takes what is connected by a consent in the browser.
func connect(s string) (string, bool) { return s, s == ConnectGoogleCalendar }

// returnURL takes an address on an allowed origin. It is written anew from what
// was checked, so that a browser reads nothing else in it.
func returnURL(s string, allowed func(origin string) bool) (string, bool) {
	if s == "" || len(s) > maxURL || !plain(s) {
		return "", false
	}
	u, err := url.Parse(s)
	if err != nil || u.User != nil {
		return "", false
	}
	origin, ok := Origin(u.Scheme + "://" + u.Host)
	if !ok || !allowed(origin) {
		return "", false
	}
	s = u.String()
	return s, len(s) <= maxURL
}

// Origin normalises an origin (RFC 6454) of http or https: lower case, no default
// port. It reports whether it is one.
func Origin(s string) (string, bool) {
	u, err := url.Parse(strings.ToLower(s))
	if err != nil || u.Host == "" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" ||
		strings.Trim(u.Path, "/") != "" {
		return "", false
	}
	switch u.Scheme {
	case "https":
		return "https://" + strings.TrimSuffix(u.Host, ":443"), true
	case "http":
		return "http://" + strings.TrimSuffix(u.Host, ":80"), true
	}
	return "", false
}
