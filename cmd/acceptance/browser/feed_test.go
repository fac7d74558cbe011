package browser

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestFeed makes the private address of a company's bookings, copies it, has it
// replaced, and does without it again.
func TestFeed(t *testing.T) {
	onScreens(t, func(t *testing.T, on screen) {
		s := newSalon(t, on, "1")
		s.follow("Otro calendario")
		s.look("feed-off")
		s.follow("Crear mi dirección")
		s.announced("status", "Tu dirección está lista")
		s.look("feed-created")
		first := s.address()
		if status, body := s.get(first); status != http.StatusOK || !strings.Contains(body, "SUMMARY:Corte de pelo") {
			t.Errorf("the feed is answered with %d:\n%s", status, body)
		}
		s.click("Copiar")
		s.wait("word that it is copied", "all('[role=status]').map(words).includes('Copiada.')")

		s.click("Cambiar por una dirección nueva")
		s.follow("Sí, cambiarla")
		s.announced("status", "dirección nueva")
		second := s.address()
		if status, _ := s.get(first); status != http.StatusNotFound || first == second {
			t.Errorf("the address before is answered with %d", status)
		}
		s.click("Dejar de usarla")
		s.doubleClick("Sí, dejar de usarla")
		s.onPanel()
		s.says("Todavía no tienes ninguna dirección")
		s.look("feed-removed")
		if status, _ := s.get(second); status != http.StatusNotFound {
			t.Errorf("an address that is no longer used is answered with %d", status)
		}
	})
}

// address is the feed's, as the page shows it.
func (s *salon) address() string {
	s.Helper()
	s.wait("an address", "field('Tu dirección privada').length === 1")
	return eval[string](s.tab, "field('Tu dirección privada')[0].value")
}

func (s *salon) get(address string) (status int, body string) {
	s.Helper()
	res, err := http.Get(address)
	if err != nil {
		s.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		s.Fatal(err)
	}
	return res.StatusCode, string(b)
}
