package session

import (
	"context"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/fault"
)

// Why somebody is not let in. Each wraps [fault.ErrUnauthenticated].
var (
	ErrMissing = fmt.Errorf("%w: no link, session or bearer token", fault.ErrUnauthenticated)
	ErrExpired = fmt.Errorf("%w: it has expired", fault.ErrUnauthenticated)
	ErrUsed    = fmt.Errorf("%w: the link was used before", fault.ErrUnauthenticated)
	ErrInvalid = fmt.Errorf("%w: not a valid token", fault.ErrUnauthenticated)
)

// Limits of time.
const (
	LinkLife    = 10 * time.Minute // of a link, at most
	SessionLife = 30 * time.Minute // of a session that nobody uses; up to renewAfter less
	MaxLife     = 12 * time.Hour   // of a session, from the link that opened it

	leeway     = 30 * time.Second
	renewAfter = time.Minute
)

const (
	minSecret = 32
	maxToken  = 8 << 10 // bytes of a token; what is longer is refused unread
)

// Links keeps which links were used. store.Once is one.
type Links interface {
	// UseLink returns fault.ErrConflict if the link was used before.
	UseLink(ctx context.Context, jti string, now, expireAt time.Time) error
	LinkUsed(ctx context.Context, jti string, now time.Time) (bool, error)
}

// Options are what a Manager works with.
type Options struct {
	Secrets       [][]byte // newest first, at least 32 bytes each
	PublicURL     *url.URL // decides whether cookies are for https
	ReturnOrigins []string // "https://platform.example", for return_url
	Links         Links
	Now           func() time.Time
}

// Manager opens links and sessions. It may be used by several goroutines.
type Manager struct {
	links   Links
	now     func() time.Time
	origins map[string]bool
	secure  bool
	link    keys
	cookie  keys
}

// Session is a company's visit in one browser.
type Session struct {
	ID        string // opaque; what is begun in one browser must not end in another
	Company   booking.CompanyID
	Name      string // of the company, as the platform gave it
	Locale    string // "es", "en", or empty: the company's own
	TimeZone  string // IANA, or empty: the company's own
	ReturnURL string // on an allowed origin, or empty
	Connect   string // what the platform began it to connect; see [Session.Outcome]
	OpenedAt  time.Time
	ExpiresAt time.Time
}

// New returns a Manager, or an error that says which option is unusable.
func New(o Options) (*Manager, error) {
	if len(o.Secrets) == 0 {
		return nil, errors.New("session: no secret")
	}
	m := &Manager{links: o.Links, now: o.Now, secure: o.PublicURL.Scheme == "https", origins: map[string]bool{}}
	for i, s := range o.Secrets {
		if len(s) < minSecret {
			return nil, fmt.Errorf("session: secret %d has %d bytes, fewer than %d", i+1, len(s), minSecret)
		}
		derived, err := hkdf.Key(sha256.New, s, nil, "citasync session cookie", sha256.Size)
		if err != nil {
			return nil, fmt.Errorf("session: derive the cookies' key: %w", err)
		}
		m.link, m.cookie = append(m.link, s), append(m.cookie, derived)
	}
	for _, s := range o.ReturnOrigins {
		origin, ok := Origin(s)
		if !ok {
			return nil, fmt.Errorf("session: %q is not an origin", s)
		}
		m.origins[origin] = true
	}
	return m, nil
}

// Open opens a link, which can be done once, and begins a session. Without a
// session to be had the error wraps [fault.ErrUnauthenticated]; any other
// error is the store's. With [ErrUsed] and [ErrExpired] the claims, which were
// signed, tell whose link it was.
func (m *Manager) Open(ctx context.Context, token string) (Claims, Session, error) {
	c, err := m.verify(token)
	if err != nil {
		return c, Session{}, err
	}
	now := m.now()
	// It is remembered for as long as it would be accepted, leeway and all.
	err = m.links.UseLink(ctx, c.ID, now, c.ExpiresAt.Add(2*leeway))
	if errors.Is(err, fault.ErrConflict) {
		return c, Session{}, ErrUsed
	}
	if err != nil {
		return Claims{}, Session{}, fmt.Errorf("mark a link of company %q as used: %w", c.Company, err)
	}
	return c, Session{
		ID: randomID(), Company: c.Company, Name: c.Name, Locale: c.Locale, TimeZone: c.TimeZone,
		ReturnURL: c.ReturnURL, Connect: c.Connect, OpenedAt: now, ExpiresAt: now.Add(SessionLife),
	}, nil
}

// Bearer authenticates a call of the API by its Authorization header (RFC
// 6750). The token may be used again until it expires, but not once it was
// opened as a link, since links end up in histories and logs.
func (m *Manager) Bearer(ctx context.Context, r *http.Request) (Claims, error) {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return Claims{}, ErrMissing
	}
	c, err := m.verify(strings.TrimSpace(token))
	if err != nil {
		return Claims{}, err
	}
	used, err := m.links.LinkUsed(ctx, c.ID, m.now())
	if err != nil {
		return Claims{}, fmt.Errorf("look whether a token of company %q was used as a link: %w", c.Company, err)
	}
	if used {
		return Claims{}, ErrUsed
	}
	return c, nil
}

// Sign makes a link's token. A claim of ID or time that is zero is chosen: a
// random id, now, and ten minutes later.
func (m *Manager) Sign(c Claims) (string, error) {
	if c.ID == "" {
		c.ID = randomID()
	}
	if c.IssuedAt.IsZero() {
		c.IssuedAt = m.now()
	}
	if c.ExpiresAt.IsZero() {
		c.ExpiresAt = c.IssuedAt.Add(LinkLife)
	}
	return m.link.sign(newLinkClaims(c))
}

// verify checks all of a link's token but whether it was used. One that has
// nothing wrong with it but its age still has claims.
func (m *Manager) verify(token string) (Claims, error) {
	var lc linkClaims
	err := m.link.parse(token, &lc, m.now, leeway, linkAudience)
	if err != nil && !errors.Is(err, ErrExpired) {
		return Claims{}, err
	}
	return lc.claims(m.returnsTo), err
}

func randomID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // crypto/rand never fails: it would crash the program
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// keys are the secrets of one purpose, newest first.
type keys [][]byte

func (k keys) sign(c jwt.Claims) (string, error) {
	s, err := jwt.NewWithClaims(jwt.SigningMethodHS256, c).SignedString(k[0])
	if err != nil {
		return "", fmt.Errorf("session: sign: %w", err)
	}
	return s, nil
}

// parse verifies a token's signature, times and audience. The errors carry
// nothing of the token: the library's own words may quote it.
func (k keys) parse(token string, into jwt.Claims, now func() time.Time, leeway time.Duration, audience string) error {
	if token == "" {
		return ErrMissing
	}
	if len(token) > maxToken {
		return fmt.Errorf("%w: too long", ErrInvalid)
	}
	p := jwt.NewParser(jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithStrictDecoding(),
		jwt.WithTimeFunc(now), jwt.WithLeeway(leeway), jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithAudience(audience))
	_, err := p.ParseWithClaims(token, into, func(t *jwt.Token) (any, error) {
		if _, ok := t.Header["crit"]; ok { // which the library does not look at
			return nil, errCritical
		}
		set := jwt.VerificationKeySet{}
		for _, key := range k {
			set.Keys = append(set.Keys, key)
		}
		return set, nil
	})
	return explain(err)
}

// errCritical: the token's header names extensions without which it must not be
// taken (RFC 7515, section 4.1.11), and none is understood here.
var errCritical = errors.New("crit")

// explain turns the library's error into one of ours.
func explain(err error) error {
	var claim claimError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, jwt.ErrTokenMalformed):
		return fmt.Errorf("%w: not a JWT with the claims of a link", ErrInvalid)
	case errors.Is(err, errCritical):
		return fmt.Errorf("%w: its header has crit, of which nothing is understood", ErrInvalid)
	case errors.Is(err, jwt.ErrTokenSignatureInvalid), errors.Is(err, jwt.ErrTokenUnverifiable):
		return fmt.Errorf("%w: its signature is not ours, or not HS256", ErrInvalid)
	case errors.Is(err, jwt.ErrTokenInvalidAudience):
		return fmt.Errorf("%w: aud is for somebody else", ErrInvalid)
	case errors.Is(err, jwt.ErrTokenRequiredClaimMissing):
		return fmt.Errorf("%w: exp and iat are required", ErrInvalid)
	case errors.Is(err, jwt.ErrTokenUsedBeforeIssued), errors.Is(err, jwt.ErrTokenNotValidYet):
		return fmt.Errorf("%w: it is of the future", ErrInvalid)
	case errors.As(err, &claim):
		return fmt.Errorf("%w: %w", ErrInvalid, claim)
	case errors.Is(err, jwt.ErrTokenExpired):
		return ErrExpired
	}
	return ErrInvalid
}
