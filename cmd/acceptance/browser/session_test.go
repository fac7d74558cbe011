package browser

import (
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"

	"github.com/citasync/citasync/shared/session"
)

const cookie = "citasync"

// TestSessionLost has the browser forget the session while a form is filled in.
func TestSessionLost(t *testing.T) {
	onScreens(t, func(t *testing.T, on screen) {
		s := newSalon(t, on)
		s.connect(ana)
		s.open(s.server.URL + "/settings/integrations/google-calendar/disable")
		s.choose(keep)
		call(s.tab, network.DeleteCookies, network.DeleteCookiesParams{Name: cookie, URL: s.server.URL})
		s.follow("Sí, desactivar")
		s.says("plataforma")
		s.look("session-lost")
		s.refused()
		s.silent(ana, "Salón Luz")
	})
}

// TestSessionExpires has the session end in time: what was chosen is not lost.
func TestSessionExpires(t *testing.T) {
	t.Parallel()
	s := newSalon(t, phone)
	s.connect(ana)
	s.open(s.server.URL + "/settings/integrations/google-calendar/options")
	s.choose("Equipo")
	s.expire()
	s.follow("Guardar")
	s.says("plataforma")
	s.look("session-expired")
	s.follow("Ya lo hice: continuar con lo que iba a hacer")
	s.says("Todavía no hay ninguna sesión abierta")
	s.look("session-expired-early")
	s.refused()
	s.person.tab().open(s.link(s.company, "Salón Luz")) // what she is told to do
	s.follow("Ya lo hice: continuar con lo que iba a hacer")
	s.announced("status", "«Equipo»")
}

// TestSessionExpiresWhileReplacing has the session end before another account is
// agreed to: sent again, the form leads on to Google all the same.
func TestSessionExpiresWhileReplacing(t *testing.T) {
	t.Parallel()
	s := newSalon(t, phone)
	s.connect(ana)
	s.open(s.server.URL + "/oauth/start?company=" + s.company)
	s.consent(luis)
	s.choose("Dejarlos allí")
	s.expire()
	s.follow("Cambiar de cuenta")
	s.refused()
	s.person.tab().open(s.link(s.company, "Salón Luz"))
	s.follow("Ya lo hice: continuar con lo que iba a hacer")
	s.consent(luis)
	s.announced("status", "conectado")
	s.says(luis)
}

// expire puts a session in the place of the browser's that ended a minute ago.
func (s *salon) expire() {
	s.Helper()
	at, err := url.Parse(s.server.URL)
	if err != nil {
		s.Fatal(err)
	}
	keys, err := os.ReadFile(filepath.Join(s.server.Dir, "keys.json"))
	if err != nil {
		s.Fatal(err)
	}
	var secrets struct {
		Session string `json:"session_secret"`
	}
	if err := json.Unmarshal(keys, &secrets); err != nil {
		s.Fatal(err)
	}
	past := time.Now().Add(-session.SessionLife - time.Minute)
	m, err := session.New(session.Options{Secrets: [][]byte{[]byte(secrets.Session)}, PublicURL: at, Now: func() time.Time { return past }})
	if err != nil {
		s.Fatal(err)
	}
	rec := httptest.NewRecorder()
	if err := m.SetCookie(rec, session.Session{ID: "expired", Company: "2", Locale: "es"}); err != nil {
		s.Fatal(err)
	}
	c := rec.Result().Cookies()[0]
	call(s.tab, network.SetCookie, network.SetCookieParams{Name: c.Name, Value: c.Value, URL: s.server.URL})
	if c.Name != cookie {
		s.Fatalf("the session's cookie is called %s", c.Name)
	}
}

// refused demands that a form of a session that is over has changed nothing, and
// that there is a way back to the platform.
func (s *salon) refused() {
	s.Helper()
	s.silent("Algo falló")
	if got := s.status("google-calendar"); got != "connected" {
		s.Errorf("a form of a session that is over has made it %s", got)
	}
	links := eval[[]string](s.tab, "all('main a[href]').map((a) => a.href)")
	if len(links) == 0 || origin(links[0]) != s.server.Demo {
		s.Errorf("links lead to %q, and not back to the platform", links)
	}
}

// TestTwoCompanies has a tab open for each of two companies: they share the
// session, which is the second one's, so what is asked for on the page of the
// first is refused in words.
func TestTwoCompanies(t *testing.T) {
	onScreens(t, func(t *testing.T, on screen) {
		s := newSalon(t, on)
		s.connect(ana)
		s.open(s.server.URL + "/settings/integrations/google-calendar/disable")
		s.choose(keep)
		other := s.person.tab()
		other.open(s.link("3", "Barbería Sol"))
		other.says("Desconectado")
		s.follow("Sí, desactivar")
		s.says("otra empresa", "Barbería Sol", "No se ha cambiado nada")
		s.look("other-company")
		if got := s.status("google-calendar"); got != "connected" {
			t.Errorf("it is %s", got)
		}
		s.enter()
		s.says("Conectado", ana)
		other.follow("Conectar Google Calendar") // on the page of the other
		other.says("otra empresa")
		if got := s.status("google-calendar"); got != "connected" {
			t.Errorf("it is %s", got)
		}
	})
}

// TestUsedLink follows a link twice: whoever is in already is led on, and
// anybody else is told where to find a new one.
func TestUsedLink(t *testing.T) {
	t.Parallel()
	s := newSalon(t, phone)
	link := s.link(s.company, "Salón Luz")
	s.open(link)
	s.open(link)
	s.says("Desconectado")
	stranger := newPerson(t, desktop).tab()
	stranger.open(link)
	stranger.says("ya se usó")
	stranger.look("link-used")
	stranger.follow("Ir a la plataforma de reservas")
	if at := eval[string](stranger, "location.origin"); at != s.server.Demo {
		t.Errorf("the way back leads to %s", at)
	}
}
