package browser

import (
	"testing"

	"github.com/chromedp/cdproto/emulation"
)

// scripts switches the pages' scripts on or off, from the next page on.
func (t *tab) scripts(on bool) {
	t.Helper()
	call(t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on})
	if on {
		return
	}
	t.open(`data:text/html,<title>off</title><script>document.title = "on"</script>`)
	if eval[string](t, "document.title") != "off" {
		t.Fatal("scripts run")
	}
	t.back()
}

// TestWithoutScripts does everything in a browser that runs no scripts.
func TestWithoutScripts(t *testing.T) {
	onScreens(t, func(t *testing.T, on screen) {
		s := newSalon(t, on, "1")
		s.scripts(false)
		s.connect(ana)
		s.delivered("1", "done")
		s.open(s.server.URL + "/settings/integrations/google-calendar/options")
		s.choose("Equipo")
		s.follow("Guardar")
		s.announced("status", "«Equipo»")
		s.follow("Historial")
		s.says("Corte de pelo", "Marta Ríos")
		s.follow("Actividad")
		s.says("Google Calendar se conectó")
		s.follow("Integraciones")
		s.follow("Desactivar Google Calendar")
		s.says("¿Desactivar Google Calendar?")
		s.fits("turn-off")
		s.follow("Sí, desactivar")
		s.announced("status", "desactivado")
		s.nothingLeft()
	})
}
