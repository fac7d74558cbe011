package browser

import "testing"

// TestDoubleClick clicks twice at once on everything that does something: it is
// done once, and the page that follows says so.
func TestDoubleClick(t *testing.T) {
	for _, scripts := range []bool{true, false} {
		name := "with scripts"
		if !scripts {
			name = "without"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSalon(t, desktop, "1")
			s.scripts(scripts)
			s.doubleClick("Conectar Google Calendar")
			s.pick(ana)
			s.doubleClick("Permitir")
			s.onPanel()
			s.says("Conectado", ana)
			s.oneOf("connected", 1)
			s.delivered("1", "done")

			s.open(s.server.URL + "/settings")
			s.doubleClick("Probar la conexión")
			s.onPanel()
			s.oneOf("connection_tested", 1)

			s.open(s.server.URL + "/settings/integrations/google-calendar/options")
			s.choose("Equipo")
			s.doubleClick("Guardar")
			s.onPanel()
			s.says("Equipo")
			s.oneOf("calendar_chosen", 1)

			s.open(s.server.URL + "/oauth/start?company=" + s.company)
			s.consent(luis)
			s.choose("Dejarlos allí")
			s.doubleClick("Cambiar de cuenta")
			s.reconnect(luis)
			s.says(luis)
			s.oneOf("turned_off", 1)

			s.open(s.server.URL + "/settings")
			if scripts { // the question is a dialog
				s.mouse("named", "Desactivar Google Calendar", 2)
			} else {
				s.doubleClick("Desactivar Google Calendar")
			}
			s.choose(keep)
			s.doubleClick("Sí, desactivar")
			s.onPanel()
			s.says("Desconectado")
			s.oneOf("turned_off", 2)
			s.oneOf("disconnected", 2)

			s.doubleClick("Activar WhatsApp")
			s.onPanel()
			s.offered("Desactivar WhatsApp")
			s.oneOf("connected", 3) // of both integrations

			s.open(s.server.URL + "/settings/integrations/whatsapp/options")
			s.choose("Reserva recibida")
			s.doubleClick("Guardar")
			s.onPanel()
			s.oneOf("options_changed", 1)

			s.open(s.server.URL + "/settings/integrations/whatsapp/disable")
			s.doubleClick("Sí, desactivar")
			s.onPanel()
			s.offered("Activar WhatsApp")
			s.oneOf("turned_off", 3)
		})
	}
}

// reconnect connects the account, after the one before was turned off: at once,
// or when what a second request of the same kind waited for is done.
func (s *salon) reconnect(account string) {
	s.Helper()
	if eval[string](s.tab, "location.origin") == s.server.URL {
		s.says("La cuenta anterior")
		s.until("a way to connect", func() bool {
			s.reload()
			return eval[bool](s.tab, "named('Conectar Google Calendar').length === 1")
		})
		s.follow("Conectar Google Calendar")
	}
	s.consent(account)
}
