package browser

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestConnect goes from the platform's link to the bookings in the calendar.
func TestConnect(t *testing.T) {
	onScreens(t, func(t *testing.T, on screen) {
		s := newSalon(t, on, "1", "2")
		s.says("Desconectado", "Al conectar se añadirán 2 reservas.")
		s.look("overview-disconnected")
		s.connect(ana)
		s.announced("status", "conect")
		s.look("overview-just-connected")
		s.delivered("1", "done")
		s.delivered("2", "done")
		if s.secrets() == 0 {
			t.Error("no grant is kept")
		}
		if n := s.events(ana); n != 2 {
			t.Errorf("%d events in the calendar, not 2", n)
		}
		s.open(s.server.URL + "/settings")
		s.says("Conectado", ana)
		s.silent("Desconectado")
		s.look("overview-connected")
	})
}

// TestConnectFromThePlatform goes to an address that the platform has asked the
// API for, and comes back to the platform with what came of it.
func TestConnectFromThePlatform(t *testing.T) {
	onScreens(t, func(t *testing.T, on screen) {
		s := newSalon(t, on, "1")
		begin := func() {
			var to struct {
				AuthorizeURL string `json:"authorize_url"`
			}
			s.api(http.MethodPost, "/v1/integrations/google-calendar/enable", fmt.Sprintf(`{"return_url":"%s/demo/companies/2"}`, s.server.Demo), &to)
			s.open(to.AuthorizeURL)
		}
		back := func(query string) {
			s.Helper()
			if at := eval[string](s.tab, "location.href"); at != s.server.Demo+"/demo/companies/2"+query {
				t.Errorf("the way back leads to %s", at)
			}
		}
		begin()
		s.says("Vas a conectar las reservas", "Desconectado", "Al conectar se añadirá 1 reserva")
		s.look("connect-new")
		s.follow("Volver sin conectar")
		back("")
		begin()
		s.follow("Conectar Google Calendar")
		s.consent(ana)
		back("?integration=google-calendar&result=connected")
		s.delivered("1", "done")
		begin()
		s.says("ya está conectado", ana)
		s.look("connect-done")
		s.follow("Volver a la plataforma de reservas")
		back("")
	})
}

// TestDenied presses "Deny" at Google.
func TestDenied(t *testing.T) {
	onScreens(t, func(t *testing.T, on screen) {
		s := newSalon(t, on)
		s.follow("Conectar Google Calendar")
		s.pick(ana)
		s.follow("Denegar")
		s.announced("alert", "permiso")
		s.says("Desconectado")
		s.look("denied")
		if got := s.status("google-calendar"); got != "disconnected" {
			t.Errorf("it is %s", got)
		}
		s.connect(ana) // there is a way on
	})
}

// TestUntick takes the tick out of the box without which nothing works.
func TestUntick(t *testing.T) {
	onScreens(t, func(t *testing.T, on screen) {
		s := newSalon(t, on, "1")
		s.follow("Conectar Google Calendar")
		s.consent(ana, s.boxOf("calendar.events"))
		s.announced("alert", "casilla")
		s.look("scope-missing")
		if got := s.status("google-calendar"); got != "disconnected" {
			t.Errorf("it is %s", got)
		}
		s.connect(ana)
		s.delivered("1", "done")
	})
}

// boxOf is the label of the box for a scope at Google.
func (s *salon) boxOf(scope string) string {
	s.Helper()
	s.wait("Google's page", "document.querySelector('input[type=checkbox]') !== null")
	for _, l := range eval[[]string](s.tab, "all('input[type=checkbox]').map(label)") {
		if strings.HasSuffix(l, "/"+scope) {
			return l
		}
	}
	s.Fatalf("Google does not ask for %s", scope)
	return ""
}

// TestAnotherAccount chooses another account at Google than the connected one:
// nothing changes until the question is answered.
func TestAnotherAccount(t *testing.T) {
	onScreens(t, func(t *testing.T, on screen) {
		s := newSalon(t, on, "1")
		s.connect(ana)
		s.delivered("1", "done")
		s.open(s.server.URL + "/oauth/start?company=" + s.company)
		s.consent(luis)
		s.says("otra cuenta", ana, luis)
		s.look("replace-question")
		if got := s.status("google-calendar"); got != "connected" || s.events(luis) > 0 {
			t.Fatalf("before the answer it is %s, with %d events at the other account", got, s.events(luis))
		}
		s.choose("Dejarlos allí")
		s.follow("Cambiar de cuenta")
		s.consent(luis)
		s.announced("status", "conectado")
		s.says(luis)
		s.delivered("1", "done")
		if s.events(ana) != 1 || s.events(luis) != 1 {
			t.Errorf("%d events at the account before, and %d at the new one", s.events(ana), s.events(luis))
		}
	})
}

// TestAnotherAccountAndRemove has the events of the account before taken out
// first: until then the page says what is to come.
func TestAnotherAccountAndRemove(t *testing.T) {
	t.Parallel()
	s := newSalon(t, phone, "1")
	s.connect(ana)
	s.delivered("1", "done")
	s.open(s.server.URL + "/oauth/start?company=" + s.company)
	s.consent(luis)
	s.choose("Quitarlos de allí")
	s.follow("Cambiar de cuenta")
	s.announced("status", luis)
	s.look("replacing")
	if got := s.status("google-calendar"); got != "disconnecting" {
		t.Errorf("it is %s", got)
	}
}
