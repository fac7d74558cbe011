package browser

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// turnOff turns Google Calendar off from the overview. The answer is what
// becomes of the events.
func (s *salon) turnOff(answer string) {
	s.Helper()
	s.click("Desactivar Google Calendar")
	s.choose(answer)
	s.follow("Sí, desactivar")
}

// What may become of the events.
const (
	keep   = "Dejarlos en el calendario"
	remove = "Quitarlos del calendario"
)

// TestTurnOffAndKeep leaves the events where they are, and nothing else.
func TestTurnOffAndKeep(t *testing.T) {
	onScreens(t, func(t *testing.T, on screen) {
		s := newSalon(t, on, "1")
		s.connect(ana)
		s.delivered("1", "done")
		s.click("Desactivar Google Calendar")
		s.wait("the question", "field("+quoted(keep)+").length === 1")
		s.says("¿Desactivar Google Calendar?", ana)
		s.look("turn-off")
		s.click("No, dejarlo como está")
		s.wait("the overview", "named('Desactivar Google Calendar').length === 1")
		if got := s.status("google-calendar"); got != "connected" {
			t.Fatalf("after No it is %s", got)
		}
		s.turnOff(keep)
		s.announced("status", "desactivado")
		s.look("turned-off")
		s.nothingLeft()
		if n := s.events(ana); n != 1 {
			t.Errorf("%d events in the calendar, not the one that was to stay", n)
		}
		s.server.Send(s.event("confirmed", "2", 48*time.Hour))
		s.delivered("2", "skipped")
		if n := s.events(ana); n != 1 {
			t.Errorf("%d events after a booking that came later", n)
		}
	})
}

// TestTurnOffAndRemove takes the events of bookings to come out of the calendar,
// which takes a minute and a half: what was on its way is waited for.
func TestTurnOffAndRemove(t *testing.T) {
	t.Parallel()
	s := newSalon(t, phone, "1", "2", "3")
	s.connect(ana)
	s.delivered("3", "done")
	s.turnOff(remove)
	s.announced("status", "desactiv")
	s.look("turning-off")
	for end := time.Now().Add(4 * time.Minute); s.status("google-calendar") != "disconnected"; time.Sleep(time.Second) {
		if time.Now().After(end) {
			t.Fatal("it takes more than four minutes")
		}
	}
	s.reload()
	s.says("Desconectado")
	s.nothingLeft()
	if n := s.events(ana); n != 0 {
		t.Errorf("%d events are left in the calendar", n)
	}
}

// nothingLeft demands that no grant is left at Google, and no token here.
func (s *salon) nothingLeft() {
	s.Helper()
	if got := s.status("google-calendar"); got != "disconnected" {
		s.Errorf("it is %s", got)
	}
	if n := s.secrets(); n != 0 {
		s.Errorf("%d secrets are left", n)
	}
	s.offered("Conectar Google Calendar")
	s.silent(ana)
	google := s.person.tab()
	google.open(s.server.Demo + "/sandbox/account?account=" + ana)
	google.says("Aplicaciones con acceso a "+ana, "Ninguna.")
}

// secrets counts those that the installation keeps of the company.
func (s *salon) secrets() (n int) {
	s.Helper()
	err := fs.WalkDir(os.DirFS(filepath.Join(s.server.Dir, "secrets")), ".", func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			n++
		}
		return err
	})
	if err != nil {
		s.Fatal(err)
	}
	return n
}
