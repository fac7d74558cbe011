package browser

import "testing"

// TestDeletedByHand deletes an event in Google Calendar, finds that out on the
// booking's page, and puts it back.
func TestDeletedByHand(t *testing.T) {
	onScreens(t, func(t *testing.T, on screen) {
		s := newSalon(t, on, "1")
		s.connect(ana)
		s.delivered("1", "done")
		s.open(s.server.URL + "/settings/history?booking=1")
		s.follow("Comprobar ahora en Google Calendar")
		s.says("el evento está en el calendario")
		s.look("booking-there")

		s.follow("Abrir el evento")
		s.follow("Borrar a mano")
		if n := s.events(ana); n != 0 {
			t.Fatalf("%d events are left", n)
		}
		s.open(s.server.URL + "/settings/history?booking=1")
		s.says("En Google Calendar", "escrito") // as far as is known
		s.doubleClick("Comprobar ahora en Google Calendar")
		s.onPanel()
		s.says("el evento ya no está en el calendario", "Borrado a mano")
		s.look("booking-deleted")

		s.doubleClick("Volver a ponerla en Google Calendar")
		s.onPanel()
		s.delivered("1", "done")
		s.until("the event", func() bool { return s.events(ana) > 0 })
		s.reload()
		s.follow("Comprobar ahora en Google Calendar")
		s.says("el evento está en el calendario")
		if n := s.events(ana); n != 1 {
			t.Errorf("%d events", n)
		}
	})
}
