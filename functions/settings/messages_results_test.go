package settings

import (
	"strings"
	"testing"
)

// A result in the address is said only while the notices do not belie it, and
// none that they can't have.
func TestMessagesResults(t *testing.T) {
	for _, tc := range []struct {
		result string
		on     bool
		said   bool
	}{
		{"connected", true, true},
		{"connected", false, false},
		{"disconnected", false, true},
		{"disconnected", true, false},
		{"options", true, true},
		{"options", false, false},
		{"paused", true, false},
		{"denied", false, false},
		{"reconnected", true, false},
		{"calendar", true, false},
		{"you+have+won", true, false},
		{"", true, false},
	} {
		m := newMessenger(t, bilingual())
		if tc.on {
			m.notify(salon, nil)
		}
		b := m.enter(m.claims(salon))
		page := body(t, b.get("/settings?integration=whatsapp&result="+tc.result))
		if said := strings.Contains(page, `class="notice`); said != tc.said {
			t.Errorf("%q, on %v: said %v", tc.result, tc.on, said)
		}
		if strings.Contains(body(t, b.get("/settings?integration=fax&result="+tc.result)), `class="notice`) {
			t.Errorf("%q of an integration that there is not is said", tc.result)
		}
	}
}
