package session

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/citasync/citasync/shared/fault"
)

// visit hands the session of a response to the next request, as browsers do.
func visit(t *testing.T, m *Manager, rec *httptest.ResponseRecorder) (Session, *httptest.ResponseRecorder, error) {
	t.Helper()
	r := httptest.NewRequest("GET", "/settings", nil)
	for _, c := range rec.Result().Cookies() {
		r.AddCookie(c)
	}
	next := httptest.NewRecorder()
	s, err := m.FromRequest(next, r)
	return s, next, err
}

func open(t *testing.T, m *Manager, c jwt.MapClaims) (Session, *httptest.ResponseRecorder) {
	t.Helper()
	_, s, err := m.Open(t.Context(), hs256(t, c))
	if err != nil {
		t.Fatal(err)
	}
	rec := httptest.NewRecorder()
	if err := m.SetCookie(rec, s); err != nil {
		t.Fatal(err)
	}
	return s, rec
}

func TestSessionSlides(t *testing.T) {
	c := &clock{now: noon}
	m := newManager(t, c, "https://citas.example", secret1)
	first, rec := open(t, m, good())
	s, next, err := visit(t, m, rec)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(first, s); d != "" {
		t.Errorf("session (-opened +visited):\n%s", d)
	}
	if len(next.Result().Cookies()) != 0 {
		t.Error("a session seconds old got a new cookie")
	}
	// Used every 7 minutes it goes on, until the longest time is over.
	for c.advance(7 * time.Minute); c.Now().Before(noon.Add(MaxLife)); c.advance(7 * time.Minute) {
		s, next, err := visit(t, m, rec)
		if err != nil {
			t.Fatalf("at %v: %v", c.Now(), err)
		}
		if s.ID != first.ID {
			t.Fatalf("at %v: another session", c.Now())
		}
		if len(next.Result().Cookies()) > 0 {
			rec = next
		}
	}
	if _, _, err := visit(t, m, rec); !errors.Is(err, ErrExpired) {
		t.Errorf("after %v: %v, want %v", MaxLife, err, ErrExpired)
	}
}

// From whichever click on nothing more is heard, the session lasts 29 minutes
// more, and no more than 30.
func TestSessionLastsFromClick(t *testing.T) {
	for _, click := range []time.Duration{0, 59 * time.Second, time.Minute, 5*time.Minute - time.Second, SessionLife - time.Second} {
		t.Run(click.String(), func(t *testing.T) {
			c := &clock{now: noon}
			m := newManager(t, c, "https://citas.example", secret1)
			_, rec := open(t, m, good())
			c.advance(click)
			_, next, err := visit(t, m, rec)
			if err != nil {
				t.Fatal(err)
			}
			if len(next.Result().Cookies()) > 0 {
				rec = next
			}
			c.advance(SessionLife - time.Minute)
			if _, _, err := visit(t, m, rec); err != nil {
				t.Errorf("29 minutes later: %v", err)
			}
			c.advance(time.Minute)
			if _, _, err := visit(t, m, rec); !errors.Is(err, ErrExpired) {
				t.Errorf("30 minutes later: %v, want %v", err, ErrExpired)
			}
		})
	}
}

func TestUnusedSessionEnds(t *testing.T) {
	c := &clock{now: noon}
	m := newManager(t, c, "https://citas.example", secret1)
	_, rec := open(t, m, good())
	c.advance(SessionLife)
	if _, _, err := visit(t, m, rec); !errors.Is(err, ErrExpired) || !errors.Is(err, fault.ErrUnauthenticated) {
		t.Errorf("after %v: %v, want %v", SessionLife, err, ErrExpired)
	}
	if _, _, err := visit(t, m, httptest.NewRecorder()); !errors.Is(err, ErrMissing) {
		t.Errorf("without a cookie: %v, want %v", err, ErrMissing)
	}
}

func TestCookieAttributes(t *testing.T) {
	tests := []struct {
		public, name string
		secure       bool
	}{
		{"https://citas.example", "__Host-citasync", true},
		{"http://localhost:8080", "citasync", false},
	}
	for _, tt := range tests {
		m := newManager(t, &clock{now: noon}, tt.public, secret1)
		_, rec := open(t, m, good())
		c := rec.Result().Cookies()[0]
		if c.Name != tt.name || c.Secure != tt.secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
			t.Errorf("%s: %+v", tt.public, c)
		}
	}
}

// The browser keeps a session for as long as it lasts, and one that would last
// longer than any may is refused, however well it is signed.
func TestCookieAge(t *testing.T) {
	for _, tt := range []struct {
		name          string
		opened, until time.Duration // from now
		age           int           // in seconds
		want          error
	}{
		{"a new one", 0, SessionLife, 1800, nil},
		{"its last minutes", -MaxLife + 5*time.Minute, 5 * time.Minute, 300, nil},
		{"its last moment", -MaxLife + 100*time.Millisecond, 100 * time.Millisecond, 1, ErrExpired}, // a session's times are whole seconds
		{"of a longer kind", -MaxLife + 5*time.Minute, 5*time.Minute + time.Second, 301, ErrExpired},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := newManager(t, &clock{now: noon}, "https://citas.example", secret1)
			rec := httptest.NewRecorder()
			s := Session{ID: "1", Company: "2", OpenedAt: noon.Add(tt.opened), ExpiresAt: noon.Add(tt.until)}
			if err := m.SetCookie(rec, s); err != nil {
				t.Fatal(err)
			}
			if got := rec.Result().Cookies()[0].MaxAge; got != tt.age {
				t.Errorf("kept for %d s, want %d", got, tt.age)
			}
			if _, _, err := visit(t, m, rec); !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
		})
	}
}

// The longest claims still make a cookie that browsers keep.
func TestCookieFits(t *testing.T) {
	m := newManager(t, &clock{now: noon}, "https://citas.example", secret1)
	c := with("return_url", "https://platform.example/?"+strings.Repeat("&", 500))
	c["name"], c["sub"] = strings.Repeat("<", 200), strings.Repeat("&", 128)
	c["connect"] = ConnectGoogleCalendar
	_, rec := open(t, m, c)
	if n := len(rec.Header().Get("Set-Cookie")); n > 4096 {
		t.Errorf("cookie of %d bytes", n)
	}
	if s, _, err := visit(t, m, rec); err != nil || s.ReturnURL != "" || s.Name == "" {
		t.Errorf("session %+v, %v", s, err)
	}
}

func TestLinkAndCookieAreNotInterchangeable(t *testing.T) {
	m := newManager(t, &clock{now: noon}, "https://citas.example", secret1)
	_, rec := open(t, m, good())
	cookie := rec.Result().Cookies()[0].Value
	if _, _, err := m.Open(t.Context(), cookie); !errors.Is(err, ErrInvalid) {
		t.Errorf("cookie as a link: %v", err)
	}
	// Not even if the platform signs whatever it likes.
	claims := with("aud", []string{"citasync", cookieAudience})
	claims["auth_time"] = noon.Unix()
	r := httptest.NewRequest("GET", "/settings", nil)
	r.AddCookie(&http.Cookie{Name: "__Host-citasync", Value: hs256(t, claims)})
	if _, err := m.FromRequest(httptest.NewRecorder(), r); !errors.Is(err, ErrInvalid) {
		t.Errorf("link as a cookie: %v", err)
	}
}

func TestRotation(t *testing.T) {
	c := &clock{now: noon}
	before := newManager(t, c, "https://citas.example", secret1)
	_, rec := open(t, before, good())
	during := newManager(t, c, "https://citas.example", secret2, secret1)
	after := newManager(t, c, "https://citas.example", secret2)
	if _, _, err := visit(t, during, rec); err != nil {
		t.Errorf("session of the older secret: %v", err)
	}
	if _, _, err := during.Open(t.Context(), hs256(t, with("jti", "link-2"))); err != nil {
		t.Errorf("link of the older secret: %v", err)
	}
	token, err := during.Sign(Claims{Company: "2"})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := after.Open(t.Context(), token); err != nil {
		t.Errorf("link of the newest secret: %v", err)
	}
	if _, _, err := visit(t, after, rec); !errors.Is(err, ErrInvalid) {
		t.Errorf("session of a secret that was withdrawn: %v", err)
	}
}

func TestNewRefuses(t *testing.T) {
	u := &url.URL{Scheme: "https", Host: "citas.example"}
	for _, o := range []Options{
		{PublicURL: u},
		{PublicURL: u, Secrets: [][]byte{secret1, []byte("short")}},
		{PublicURL: u, Secrets: [][]byte{secret1}, ReturnOrigins: []string{"platform.example"}},
		{PublicURL: u, Secrets: [][]byte{secret1}, ReturnOrigins: []string{"https://platform.example/path"}},
	} {
		_, err := New(o)
		if err == nil {
			t.Errorf("New(%v) is content", o.ReturnOrigins)
		} else if strings.Contains(err.Error(), string(secret1)) || strings.Contains(err.Error(), "short") {
			t.Errorf("error %q holds a secret", err)
		}
	}
}

// Whatever comes in, nobody gets in who does not know the secret, nothing
// panics, and no error quotes the token.
func FuzzTokens(f *testing.F) {
	f.Add(hs256(f, good()), "sub")
	f.Add(sign(f, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, good()), "x")
	f.Add("a.b.c", "")
	f.Add("e30.e30.", "..")
	m := newManager(f, &clock{now: noon}, "https://citas.example", []byte("a secret that the corpus does not know"))
	f.Fuzz(func(t *testing.T, token, other string) {
		check := func(err error) {
			if err == nil {
				t.Fatalf("let in by %q", token)
			}
			if !errors.Is(err, fault.ErrUnauthenticated) {
				t.Fatalf("%q: %v", token, err)
			}
			if len(token) > 16 && strings.Contains(err.Error(), token) {
				t.Fatalf("error quotes the token: %v", err)
			}
		}
		_, _, err := m.Open(t.Context(), token)
		check(err)
		r := &http.Request{Header: http.Header{
			"Authorization": {"Bearer " + token}, "Cookie": {"__Host-citasync=" + token, other},
		}}
		_, err = m.Bearer(t.Context(), r)
		check(err)
		_, err = m.FromRequest(httptest.NewRecorder(), r)
		check(err)
	})
}

// Claims that are signed well may still be anything.
func FuzzSignedClaims(f *testing.F) {
	now := noon.Unix()
	for _, s := range []string{
		`"aud":"citasync","sub":"2","jti":"1","iat":%d,"exp":%d`,
		`"aud":["citasync"],"sub":2,"jti":"1","iat":%d,"exp":%d,"return_url":"https://platform.example/"`,
		`"aud":"citasync","sub":null,"jti":"1","iat":%d,"exp":1e308,"x":%d`,
		`"aud":"citasync","sub":"2","jti":"1","iat":-1e308,"exp":%d,"x":%d`,
	} {
		f.Add("{" + fmt.Sprintf(s, now, now+600) + "}")
	}
	m := newManager(f, &clock{now: noon}, "https://citas.example", secret1)
	f.Fuzz(func(t *testing.T, payload string) {
		tok := jwt.New(jwt.SigningMethodHS256)
		head := strings.Split(hs256(t, good()), ".")[0] + "." + tok.EncodeSegment([]byte(payload))
		sig, err := jwt.SigningMethodHS256.Sign(head, secret1)
		if err != nil {
			t.Fatal(err)
		}
		c, err := m.verify(head + "." + tok.EncodeSegment(sig))
		if err != nil {
			if !errors.Is(err, fault.ErrUnauthenticated) {
				t.Fatalf("%s: %v", payload, err)
			}
			return
		}
		if !validID(string(c.Company)) || !validID(c.ID) || c.ExpiresAt.Sub(c.IssuedAt) > LinkLife ||
			noon.After(c.ExpiresAt.Add(leeway)) || noon.Before(c.IssuedAt.Add(-leeway)) {
			t.Fatalf("%s: let in as %+v", payload, c)
		}
		if c.ReturnURL != "" {
			u, err := url.Parse(c.ReturnURL)
			if err != nil || !strings.EqualFold(u.Hostname(), "platform.example") && !strings.EqualFold(u.Host, "localhost:9000") {
				t.Fatalf("%s: leads back to %q", payload, c.ReturnURL)
			}
		}
	})
}
