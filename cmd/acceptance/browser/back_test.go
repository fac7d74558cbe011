package browser

import "testing"

// TestBack goes back after each action, and on from there: no page says what is
// no longer so, and none does a thing again.
func TestBack(t *testing.T) {
	onScreens(t, func(t *testing.T, on screen) {
		s := newSalon(t, on)
		t.Log("from the panel, to Google's page, whose answer is used up")
		s.connect(ana)
		s.back()
		s.consent(ana)
		s.onPanel()
		s.oneOf("connected", 1)
		s.says("Conectado", ana)

		t.Log("to the options, which say what is chosen now")
		s.open(s.server.URL + "/settings/integrations/google-calendar/options")
		s.choose("Equipo")
		s.follow("Guardar")
		s.back()
		s.onPanel()
		s.follow("Guardar") // as they are
		s.onPanel()
		s.oneOf("calendar_chosen", 1)

		t.Log("to a form that was refused, which is as it was")
		s.open(s.server.URL + "/settings/integrations/google-calendar/options")
		s.fill("Título", "Cita de {cliente}")
		s.follow("Guardar")
		s.says("No se ha guardado nada", "{cliente}")
		s.fill("Título", "Cita de {customer}")
		s.follow("Guardar")
		s.says("Guardado")
		s.back()
		s.onPanel()
		s.says("No se ha guardado nada", "{cliente}")

		t.Log("to the question whether to turn off, which is off already")
		s.open(s.server.URL + "/settings/integrations/google-calendar/disable")
		s.choose(keep)
		s.follow("Sí, desactivar")
		s.back()
		s.onPanel()
		s.says("Desconectado")
		s.silent("¿Desactivar Google Calendar?")
		s.oneOf("turned_off", 1)

		t.Log("to the notices, which are on by then")
		s.open(s.server.URL + "/settings")
		s.follow("Activar WhatsApp")
		s.back()
		s.onPanel()
		s.offered("Desactivar WhatsApp")
		if got := s.status("whatsapp"); got != "connected" {
			t.Errorf("the notices are %s", got)
		}
	})
}

// onPanel demands a page of the panel that is no error.
func (s *salon) onPanel() {
	s.Helper()
	if at := eval[string](s.tab, "location.origin"); at != s.server.URL {
		s.Errorf("the tab is at %s", at)
	}
	s.silent("Algo falló", "No entendimos", "no existe", "no podemos responder")
	s.offered("Integraciones", "Historial", "Actividad")
}

// oneOf demands so many entries of a kind in the activity.
func (s *salon) oneOf(kind string, want int) {
	s.Helper()
	if n := s.acts(kind); n != want {
		s.Errorf("the activity tells %d times of %s, not %d", n, kind, want)
	}
}
