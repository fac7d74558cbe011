package session

import (
	"net/http"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/citasync/citasync/shared/booking"
)

const cookieAudience = "citasync-session"

// maxCookie leaves room for name and attributes in the 4096 bytes that
// browsers keep of a cookie.
const maxCookie = 3900

// cookieClaims are a session as its cookie carries it.
type cookieClaims struct {
	jwt.RegisteredClaims
	OpenedAt  *jwt.NumericDate `json:"auth_time"`
	Name      string           `json:"name,omitempty"`
	Locale    string           `json:"locale,omitempty"`
	TimeZone  string           `json:"time_zone,omitempty"`
	ReturnURL string           `json:"return_url,omitempty"`
	Connect   string           `json:"connect,omitempty"`
}

// Validate refuses a session that would outlive its own kind, so that the
// limits hold for old cookies as soon as they are lowered.
func (c *cookieClaims) Validate() error {
	if c.ID == "" || c.Subject == "" || c.OpenedAt == nil || c.IssuedAt == nil || c.ExpiresAt == nil {
		return jwt.ErrTokenRequiredClaimMissing
	}
	if c.ExpiresAt.Sub(c.OpenedAt.Time) > MaxLife {
		return jwt.ErrTokenExpired
	}
	return nil
}

// SetCookie gives the session to the browser, for as long as it lasts. Times
// that are zero are chosen: opened now, ending SessionLife later.
func (m *Manager) SetCookie(w http.ResponseWriter, s Session) error {
	if s.OpenedAt.IsZero() {
		s.OpenedAt = m.now()
	}
	if s.ExpiresAt.IsZero() {
		s.ExpiresAt = m.prolonged(s)
	}
	token, err := m.seal(s)
	if err == nil && len(token) > maxCookie {
		s.ReturnURL = "" // an unusually long one, of characters that JSON escapes
		token, err = m.seal(s)
	}
	if err != nil {
		return err
	}
	m.send(w, token, max(1, int(s.ExpiresAt.Sub(m.now()).Seconds())))
	return nil
}

func (m *Manager) seal(s Session) (string, error) {
	return m.cookie.sign(&cookieClaims{
		RegisteredClaims: jwt.RegisteredClaims{
			Audience: jwt.ClaimStrings{cookieAudience}, Subject: string(s.Company), ID: s.ID,
			IssuedAt: jwt.NewNumericDate(m.now()), ExpiresAt: jwt.NewNumericDate(s.ExpiresAt),
		},
		OpenedAt: jwt.NewNumericDate(s.OpenedAt),
		Name:     s.Name, Locale: s.Locale, TimeZone: s.TimeZone, ReturnURL: s.ReturnURL, Connect: s.Connect,
	})
}

// FromRequest returns the browser's session, and prolongs it if that was not
// done within the last minute. Without one that is good the error wraps
// [fault.ErrUnauthenticated].
func (m *Manager) FromRequest(w http.ResponseWriter, r *http.Request) (Session, error) {
	cookie, err := r.Cookie(m.cookieName())
	if err != nil {
		return Session{}, ErrMissing
	}
	var c cookieClaims
	if err := m.cookie.parse(cookie.Value, &c, m.now, 0, cookieAudience); err != nil {
		return Session{}, err
	}
	s := Session{
		ID: c.ID, Company: booking.CompanyID(c.Subject), Name: c.Name, Locale: c.Locale, TimeZone: c.TimeZone,
		ReturnURL: c.ReturnURL, Connect: c.Connect, OpenedAt: c.OpenedAt.UTC(), ExpiresAt: c.ExpiresAt.UTC(),
	}
	if m.now().Sub(c.IssuedAt.Time) < renewAfter {
		return s, nil
	}
	if until := m.prolonged(s); until.After(s.ExpiresAt) {
		s.ExpiresAt = until
		return s, m.SetCookie(w, s)
	}
	return s, nil
}

// prolonged is when a session ends that is used now.
func (m *Manager) prolonged(s Session) time.Time {
	until, last := m.now().Add(SessionLife), s.OpenedAt.Add(MaxLife)
	if until.After(last) {
		return last
	}
	return until
}

// send sets the cookie for so many seconds. It must come back on the way from
// Google, which is a navigation from another site: hence Lax, not Strict.
func (m *Manager) send(w http.ResponseWriter, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure over https; plain http is for localhost
		Name: m.cookieName(), Value: value, Path: "/", MaxAge: maxAge,
		HttpOnly: true, Secure: m.secure, SameSite: http.SameSiteLaxMode,
	})
}

// cookieName is the prefixed one over https (RFC 6265bis, section 4.1.3):
// browsers then take it from this host alone. They refuse the prefix over
// plain http, which is for localhost.
func (m *Manager) cookieName() string {
	if m.secure {
		return "__Host-citasync"
	}
	return "citasync"
}
