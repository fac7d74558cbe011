package session

import (
	"errors"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/store/bolt"
)

// The platform's side: it signs with any JWT library.
var (
	secret1 = []byte("the first secret, of more than 32 bytes")
	secret2 = []byte("the second secret, of more than 32 bytes")
	noon    = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
)

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func newManager(t testing.TB, c *clock, public string, secrets ...[]byte) *Manager {
	t.Helper()
	st, err := bolt.Open(filepath.Join(t.TempDir(), "db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	u, err := url.Parse(public)
	if err != nil {
		t.Fatal(err)
	}
	m, err := New(Options{
		Secrets: secrets, PublicURL: u, ReturnOrigins: []string{"https://platform.example", "http://localhost:9000/"},
		Links: st, Now: c.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// good are the claims of a link that is let in at noon.
func good() jwt.MapClaims {
	return jwt.MapClaims{
		"iss": "platform", "aud": "citasync", "sub": "2", "jti": "link-1",
		"iat": noon.Unix(), "exp": noon.Add(10 * time.Minute).Unix(),
	}
}

func with(name string, value any) jwt.MapClaims {
	c := good()
	c[name] = value
	return c
}

func without(name string) jwt.MapClaims {
	c := good()
	delete(c, name)
	return c
}

func sign(t testing.TB, method jwt.SigningMethod, key any, c jwt.Claims) string {
	t.Helper()
	s, err := jwt.NewWithClaims(method, c).SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func hs256(t testing.TB, c jwt.Claims) string { return sign(t, jwt.SigningMethodHS256, secret1, c) }

// hs256With is a good token with one more parameter in its header.
func hs256With(t testing.TB, name string, value any) string {
	t.Helper()
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, good())
	token.Header[name] = value
	s, err := token.SignedString(secret1)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// until are the claims of a link of five minutes that ends so long after noon.
func until(end time.Duration) jwt.MapClaims {
	c := with("iat", noon.Add(end-5*time.Minute).Unix())
	c["exp"] = noon.Add(end).Unix()
	return c
}

func TestOpen(t *testing.T) {
	tests := []struct {
		name  string
		token func(t *testing.T) string
		want  error  // nil: let in
		words string // part of the error
	}{
		{"good", func(t *testing.T) string { return hs256(t, good()) }, nil, ""},
		{"without iss", func(t *testing.T) string { return hs256(t, without("iss")) }, nil, ""},
		{"several audiences", func(t *testing.T) string { return hs256(t, with("aud", []string{"other", "citasync"})) }, nil, ""},
		{"sub an integer", func(t *testing.T) string { return hs256(t, with("sub", 2)) }, nil, ""},
		{"clock 29 s behind", func(t *testing.T) string { return hs256(t, with("iat", noon.Add(29*time.Second).Unix())) }, nil, ""},
		{"expired 29 s ago", func(t *testing.T) string { return hs256(t, until(-29*time.Second)) }, nil, ""},
		{"empty", func(*testing.T) string { return "" }, ErrMissing, ""},
		{"not a JWT", func(*testing.T) string { return "a.b" }, ErrInvalid, "not a JWT"},
		{"too long", func(*testing.T) string { return strings.Repeat("a", maxToken+1) }, ErrInvalid, "too long"},
		{"expired 31 s ago", func(t *testing.T) string { return hs256(t, until(-31*time.Second)) }, ErrExpired, ""},
		{"expired as it was made", func(t *testing.T) string { return hs256(t, with("exp", noon.Unix())) }, ErrInvalid, "exp must be after iat"},
		{"expired before it was made", func(t *testing.T) string { return hs256(t, with("exp", noon.Add(-time.Second).Unix())) }, ErrInvalid, "exp must be after iat"},
		{"a second long", func(t *testing.T) string { return hs256(t, with("exp", noon.Add(time.Second).Unix())) }, nil, ""},
		{"of the future", func(t *testing.T) string { return hs256(t, with("iat", noon.Add(31*time.Second).Unix())) }, ErrInvalid, "future"},
		{"not valid yet", func(t *testing.T) string { return hs256(t, with("nbf", noon.Add(time.Minute).Unix())) }, ErrInvalid, "future"},
		{"valid for too long", func(t *testing.T) string { return hs256(t, with("exp", noon.Add(601*time.Second).Unix())) }, ErrInvalid, "ten minutes"},
		{"without iat", func(t *testing.T) string { return hs256(t, without("iat")) }, ErrInvalid, "iat"},
		{"without exp", func(t *testing.T) string { return hs256(t, without("exp")) }, ErrInvalid, "exp"},
		{"without aud", func(t *testing.T) string { return hs256(t, without("aud")) }, ErrInvalid, ""},
		{"another audience", func(t *testing.T) string { return hs256(t, with("aud", "citasync-session")) }, ErrInvalid, "aud"},
		{"without sub", func(t *testing.T) string { return hs256(t, without("sub")) }, ErrInvalid, "sub"},
		{"sub not a whole number", func(t *testing.T) string { return hs256(t, with("sub", 2.5)) }, ErrInvalid, ""},
		{"sub too long", func(t *testing.T) string { return hs256(t, with("sub", strings.Repeat("a", 129))) }, ErrInvalid, "sub"},
		{"sub with a control character", func(t *testing.T) string { return hs256(t, with("sub", "a\nb")) }, ErrInvalid, "sub"},
		{"without jti", func(t *testing.T) string { return hs256(t, without("jti")) }, ErrInvalid, "jti"},
		{"another secret", func(t *testing.T) string {
			return sign(t, jwt.SigningMethodHS256, []byte("a secret that nobody else here knows"), good())
		}, ErrInvalid, "signature"},
		{"HS512", func(t *testing.T) string { return sign(t, jwt.SigningMethodHS512, secret1, good()) }, ErrInvalid, "HS256"},
		{"none", func(t *testing.T) string {
			return sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, good())
		}, ErrInvalid, "HS256"},
		{"what must be understood", func(t *testing.T) string { return hs256With(t, "crit", []string{"exp"}) }, ErrInvalid, "crit"},
		{"nothing must be understood", func(t *testing.T) string { return hs256With(t, "crit", []string{}) }, ErrInvalid, "crit"},
		{"crit of nothing", func(t *testing.T) string { return hs256With(t, "crit", nil) }, ErrInvalid, "crit"},
		{"another header", func(t *testing.T) string { return hs256With(t, "kid", "1") }, nil, ""},
		{"another text of the same bytes", func(t *testing.T) string { // RFC 4648, section 3.5
			const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
			token := hs256(t, good())
			last := len(token) - 1 // of its six bits, two are none of the signature's
			return token[:last] + string(letters[strings.IndexByte(letters, token[last])+1])
		}, ErrInvalid, "not a JWT"},
		{"altered", func(t *testing.T) string {
			a, b := strings.Split(hs256(t, good()), "."), strings.Split(hs256(t, with("sub", "3")), ".")
			return a[0] + "." + b[1] + "." + a[2]
		}, ErrInvalid, "signature"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := newManager(t, &clock{now: noon}, "https://citas.example", secret1)
			c, s, err := m.Open(t.Context(), tt.token(t))
			if !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) {
				t.Fatalf("Open: %v, want %v", err, tt.want)
			}
			if err != nil {
				if !errors.Is(err, fault.ErrUnauthenticated) || !strings.Contains(err.Error(), tt.words) {
					t.Errorf("error %q does not say %q, or is not of the class unauthenticated", err, tt.words)
				}
				if (c.Company != "") != errors.Is(tt.want, ErrExpired) || s.ID != "" {
					t.Errorf("claims %+v and session %+v beside an error", c, s)
				}
				return
			}
			if c.Company != "2" || s.Company != "2" || s.ID == "" || !s.ExpiresAt.Equal(noon.Add(SessionLife)) {
				t.Errorf("claims %+v, session %+v", c, s)
			}
		})
	}
}

func TestOptionalClaims(t *testing.T) {
	tests := []struct {
		name  string
		claim string
		value string
		want  Claims
	}{
		{"name", "name", " Peluquería Sol ", Claims{Name: "Peluquería Sol"}},
		{"name too long", "name", strings.Repeat("a", 201), Claims{Ignored: []string{"name"}}},
		{"name with a control character", "name", "a\x00b", Claims{Ignored: []string{"name"}}},
		{"email", "email", "sol@example.com", Claims{Email: "sol@example.com"}},
		{"phone", "phone", "+34600111222", Claims{Phone: "+34600111222"}},
		{"country", "country", "co", Claims{Country: "CO"}},
		{"no country", "country", "Colombia", Claims{Ignored: []string{"country"}}},
		{"locale", "locale", "en", Claims{Locale: "en"}},
		{"locale with region", "locale", "es_CO", Claims{Locale: "es"}},
		{"a language that the panel does not speak", "locale", "fr", Claims{Ignored: []string{"locale"}}},
		{"time zone", "time_zone", "America/Bogota", Claims{TimeZone: "America/Bogota"}},
		{"no time zone", "time_zone", "America/Macondo", Claims{Ignored: []string{"time_zone"}}},
		{"the server's time zone", "time_zone", "Local", Claims{Ignored: []string{"time_zone"}}},
		{"return", "return_url", "https://platform.example/a?b=c#d", Claims{ReturnURL: "https://platform.example/a?b=c#d"}},
		{"return, port named", "return_url", "https://PLATFORM.example:443/", Claims{ReturnURL: "https://PLATFORM.example:443/"}},
		{"return to localhost", "return_url", "http://localhost:9000/x", Claims{ReturnURL: "http://localhost:9000/x"}},
		{"return over http", "return_url", "http://platform.example/", Claims{Ignored: []string{"return_url"}}},
		{"return elsewhere", "return_url", "https://evil.example/", Claims{Ignored: []string{"return_url"}}},
		{"return to a longer host", "return_url", "https://platform.example.evil.example/", Claims{Ignored: []string{"return_url"}}},
		{"return with user", "return_url", "https://platform.example@evil.example/", Claims{Ignored: []string{"return_url"}}},
		{"return with user on the host", "return_url", "https://u:p@platform.example/", Claims{Ignored: []string{"return_url"}}},
		{"return with backslash", "return_url", `https://evil.example\@platform.example/`, Claims{Ignored: []string{"return_url"}}},
		{"return with backslash behind the host", "return_url", `https://platform.example\@evil.example/`, Claims{Ignored: []string{"return_url"}}},
		{"return with backslash in the path", "return_url", `https://platform.example/\evil.example`, Claims{ReturnURL: "https://platform.example/%5Cevil.example"}},
		{"return of script", "return_url", "javascript:alert(1)//platform.example", Claims{Ignored: []string{"return_url"}}},
		{"return without host", "return_url", "/settings", Claims{Ignored: []string{"return_url"}}},
		{"return too long", "return_url", "https://platform.example/" + strings.Repeat("a", 1000), Claims{Ignored: []string{"return_url"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := newManager(t, &clock{now: noon}, "https://citas.example", secret1)
			got, s, err := m.Open(t.Context(), hs256(t, with(tt.claim, tt.value)))
			if err != nil {
				t.Fatal(err)
			}
			tt.want.Company, tt.want.ID, tt.want.IssuedAt, tt.want.ExpiresAt = "2", "link-1", noon, noon.Add(LinkLife)
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("claims (-want +got):\n%s", d)
			}
			if s.Name != got.Name || s.Locale != got.Locale || s.TimeZone != got.TimeZone || s.ReturnURL != got.ReturnURL {
				t.Errorf("session %+v of claims %+v", s, got)
			}
		})
	}
}

func TestLinkOpensOnce(t *testing.T) {
	c := &clock{now: noon}
	m := newManager(t, c, "https://citas.example", secret1)
	token := hs256(t, good())
	if _, _, err := m.Open(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	if _, _, err := m.Open(t.Context(), token); !errors.Is(err, ErrUsed) {
		t.Errorf("second time: %v, want %v", err, ErrUsed)
	}
	c.advance(LinkLife + leeway - time.Second) // the last second in which it is accepted
	if _, _, err := m.Open(t.Context(), token); !errors.Is(err, ErrUsed) {
		t.Errorf("at the end of its life: %v, want %v", err, ErrUsed)
	}
}

func TestLinkOpensForOneOfMany(t *testing.T) {
	m := newManager(t, &clock{now: noon}, "https://citas.example", secret1)
	token := hs256(t, good())
	var wg sync.WaitGroup
	var mu sync.Mutex
	opened := 0
	for range 20 {
		wg.Go(func() {
			_, _, err := m.Open(t.Context(), token)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				opened++
			} else if !errors.Is(err, ErrUsed) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if opened != 1 {
		t.Errorf("opened %d times", opened)
	}
}

func TestBearer(t *testing.T) {
	c := &clock{now: noon}
	m := newManager(t, c, "https://citas.example", secret1)
	token := hs256(t, good())
	bearer := func(header string) (Claims, error) {
		r := httptest.NewRequest("GET", "/v1/bookings", nil)
		if header != "" {
			r.Header.Set("Authorization", header)
		}
		return m.Bearer(t.Context(), r)
	}
	for _, h := range []string{"", "Bearer", "Basic " + token, token} {
		if _, err := bearer(h); !errors.Is(err, ErrMissing) {
			t.Errorf("Authorization %.10q: %v, want %v", h, err, ErrMissing)
		}
	}
	for range 3 {
		if got, err := bearer("bearer " + token); err != nil || got.Company != "2" {
			t.Fatalf("good token: %+v, %v", got, err)
		}
	}
	for name, bad := range map[string]string{
		"what must be understood": hs256With(t, "crit", []string{"exp"}), "expired as it was made": hs256(t, with("exp", noon.Unix())),
	} {
		if got, err := bearer("Bearer " + bad); !errors.Is(err, ErrInvalid) || got.Company != "" {
			t.Errorf("%s: %+v, %v, want %v", name, got, err, ErrInvalid)
		}
	}
	if _, err := bearer("Bearer x" + token); !errors.Is(err, ErrInvalid) {
		t.Errorf("altered: %v, want %v", err, ErrInvalid)
	}
	if _, _, err := m.Open(t.Context(), token); err != nil {
		t.Fatalf("as a link after use as a bearer token: %v", err)
	}
	if _, err := bearer("Bearer " + token); !errors.Is(err, ErrUsed) {
		t.Errorf("after use as a link: %v, want %v", err, ErrUsed)
	}
	c.advance(LinkLife + leeway)
	if _, err := bearer("Bearer " + token); !errors.Is(err, ErrExpired) {
		t.Errorf("later: %v, want %v", err, ErrExpired)
	}
}

func TestSignedLinkOpens(t *testing.T) {
	m := newManager(t, &clock{now: noon}, "https://citas.example", secret2, secret1)
	token, err := m.Sign(Claims{Company: "2", Name: "Sol", Locale: "en"})
	if err != nil {
		t.Fatal(err)
	}
	c, _, err := m.Open(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	if c.ID == "" || !c.ExpiresAt.Equal(noon.Add(LinkLife)) || c.Name != "Sol" || c.Locale != "en" {
		t.Errorf("claims %+v", c)
	}
	again, err := m.Sign(Claims{Company: "2"})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := m.Open(t.Context(), again); err != nil {
		t.Errorf("a second link: %v", err)
	}
}

// TestRefusedLinkTellsWhose: a link that was good once still says whose it was;
// one that never was says nothing.
func TestRefusedLinkTellsWhose(t *testing.T) {
	c := &clock{now: noon}
	m := newManager(t, c, "https://citasync.test", secret1)
	token := hs256(t, good())
	if _, _, err := m.Open(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		after time.Duration
		want  error
	}{{0, ErrUsed}, {time.Hour, ErrExpired}} {
		c.advance(step.after)
		if claims, _, err := m.Open(t.Context(), token); !errors.Is(err, step.want) || claims.Company == "" {
			t.Errorf("after %v: company %q, %v", step.after, claims.Company, err)
		}
	}
	forged := sign(t, jwt.SigningMethodHS256, []byte(strings.Repeat("f", 32)), good())
	if claims, _, err := m.Open(t.Context(), forged); !errors.Is(err, ErrInvalid) || claims.Company != "" {
		t.Errorf("a forged link tells of company %q, %v", claims.Company, err)
	}
}
