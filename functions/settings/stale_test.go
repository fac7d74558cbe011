package settings

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/citasync/citasync/shared/integration"
)

// TestStaleForm: a form of a page that was open when the integration was turned
// off in another tab says that it changed nothing.
func TestStaleForm(t *testing.T) {
	for path, to := range map[string]string{
		actionPath(integration.GoogleCalendar, "options"): "/settings?result=off",
		actionPath(integration.GoogleCalendar, "test"):    "/settings?result=off",
		actionPath(integration.WhatsApp, "options"):       "/settings?integration=whatsapp&result=off",
		actionPath(integration.WhatsApp, "test"):          "/settings?integration=whatsapp&result=off",
	} {
		m := newMessenger(t, bilingual())
		b := m.enter(m.claims(salon))
		res := b.post(path, url.Values{"company": {"2"}, "title": {"x"}, "language": {"es"}, "notice.reserved": {"true"}})
		res.Body.Close()
		if got := res.Header.Get("Location"); res.StatusCode != http.StatusSeeOther || got != to {
			t.Errorf("%s: %d to %q", path, res.StatusCode, got)
		}
		if page := body(t, b.get(to)); !strings.Contains(page, "Ahora no se puede cambiar nada de ") {
			t.Errorf("%s: the overview does not say so", path)
		}
	}
	m := newMessenger(t, bilingual())
	m.connect(salon, nil)
	if page := body(t, m.enter(m.claims(salon)).get("/settings?result=off")); strings.Contains(page, "Ahora no se puede cambiar nada") {
		t.Error("the address alone says so of what is connected")
	}
}
