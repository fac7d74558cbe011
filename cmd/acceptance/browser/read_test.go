package browser

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"
)

// TestHistory finds a booking, and on its own page what happened to it.
func TestHistory(t *testing.T) {
	onScreens(t, func(t *testing.T, on screen) {
		s := newSalon(t, on)
		s.follow("Historial")
		s.says("Todavía no ha llegado ninguna reserva")
		s.look("history-empty")
		s.follow("Integraciones")
		s.connect(ana)
		for _, id := range []string{"1", "2"} {
			s.server.Send(s.event("confirmed", id, 30*time.Hour))
			s.delivered(id, "done")
		}
		s.server.Send(s.event("deleted", "2", 30*time.Hour))
		s.until("a booking that is gone from the calendar", func() bool { return s.events(ana) == 1 })
		s.follow("Historial")
		s.says("Corte de pelo", "Marta Ríos", "En Google Calendar", "Eliminada")
		s.look("history")
		s.open(s.server.URL + "/settings/history?booking=1")
		s.says("Confirmada", "Marta Ríos", "La reserva se confirmó", "Evento creado en Google Calendar")
		s.look("booking")
		s.follow("Volver al historial")
		s.says("Historial de reservas")
	})
}

// TestSearch looks for bookings by name, telephone, state and day.
func TestSearch(t *testing.T) {
	onScreens(t, func(t *testing.T, on screen) {
		s := newSalon(t, on, "1", "2")
		s.server.Send(s.event("deleted", "2", 48*time.Hour))
		s.follow("Historial")
		s.fill("Buscar", "mart")
		s.follow("Mostrar")
		s.announced("status", "2 reservas")
		if at := eval[string](s.tab, "location.hash"); at != "#found" {
			t.Errorf("it leads to %q, not to what was found", at)
		}
		s.look("history-found")
		s.click("Más filtros")
		s.option("Estado", "Eliminada")
		s.look("history-filters")
		s.follow("Aplicar filtros")
		s.announced("status", "1 reserva")
		s.says("Eliminada")
		s.back()
		s.announced("status", "2 reservas")
		s.follow("Quitar la búsqueda")
		s.fill("Buscar", "Nadie")
		s.follow("Mostrar")
		s.announced("status", "No hay ninguna reserva así")
		s.look("history-none")
		s.fill("Buscar", "+57 300 999 8877")
		s.press(kb.Enter)
		s.wait("what was found", "all('[role=status]').map(words).join().includes('2 reservas')")
	})
}

// TestActivity reads who did what.
func TestActivity(t *testing.T) {
	onScreens(t, func(t *testing.T, on screen) {
		s := newSalon(t, on)
		s.follow("Actividad")
		s.says("Todavía no hay nada que contar")
		s.look("activity-empty")
		s.follow("Integraciones")
		s.connect(ana)
		s.turnOff(keep)
		s.follow("Actividad")
		s.says("Google Calendar se conectó", "Google Calendar se desactivó", "Tu empresa")
		s.look("activity")
	})
}

// TestOptions has the bookings put into another calendar.
func TestOptions(t *testing.T) {
	onScreens(t, func(t *testing.T, on screen) {
		s := newSalon(t, on, "1")
		s.connect(ana)
		s.delivered("1", "done")
		s.open(s.server.URL + "/settings/integrations/google-calendar/options")
		s.says("¿En qué calendario quieres tus reservas?")
		s.look("options")
		s.choose("Equipo")
		s.follow("Guardar")
		s.announced("status", "«Equipo»")
		s.look("options-chosen")
		s.says("Equipo")
	})
}

// TestOptionsOfUnlistedCalendar takes the permission for the list of calendars
// back while another than the main one is in use: the page says which, and saves
// everything else without leaving it.
func TestOptionsOfUnlistedCalendar(t *testing.T) {
	t.Parallel()
	s := newSalon(t, phone)
	s.connect(ana)
	s.open(s.server.URL + "/settings/integrations/google-calendar/options")
	s.choose("Equipo")
	s.follow("Guardar")
	s.open(s.server.URL + "/oauth/start?company=" + s.company)
	s.consent(ana, s.boxOf("calendar.calendarlist.readonly"))
	s.open(s.server.URL + "/settings/integrations/google-calendar/options")
	s.says("Equipo el de ahora", "Calendario principal")
	s.look("options-unlisted")
	s.fill("Título", "Cita de {customer}")
	s.follow("Guardar")
	s.announced("status", "Guardado")
	s.open(s.server.URL + "/settings/integrations/google-calendar/options")
	s.says("Equipo el de ahora", "Cita de")
}

// TestNotices turns the notices to customers on, has other ones sent, and turns
// them off.
func TestNotices(t *testing.T) {
	onScreens(t, func(t *testing.T, on screen) {
		s := newSalon(t, on)
		s.follow("Activar WhatsApp")
		s.announced("status", "WhatsApp está activado")
		s.look("notices-on")
		s.open(s.server.URL + "/settings/integrations/whatsapp/options")
		s.choose("Reserva recibida")
		s.look("notices-options")
		s.follow("Guardar")
		s.announced("status", "Guardado")
		s.click("Desactivar WhatsApp")
		s.follow("Sí, desactivar")
		s.announced("status", "WhatsApp está desactivado")
		s.look("notices-off")
	})
}
