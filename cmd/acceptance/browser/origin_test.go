package browser

import (
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// TestFormsSayOrigin has a form say where it comes from: browsers that don't
// send Sec-Fetch-Site have nothing else to be believed by.
func TestFormsSayOrigin(t *testing.T) {
	t.Parallel()
	s := newSalon(t, phone)
	said := make(chan any, 100)
	err := chromedp.Listen(s.ctx, func(ev any) {
		if ev, ok := ev.(*network.EventRequestWillBeSent); ok && ev.Request.Method == "POST" {
			said <- ev.Request.Headers["Origin"]
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	s.follow("Otro calendario")
	s.follow("Crear mi dirección")
	s.announced("status", "Tu dirección está lista")
	if got := <-said; got != s.server.URL {
		t.Errorf("a form's origin is %v, want %s", got, s.server.URL)
	}
}
