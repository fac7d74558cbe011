package browser

import (
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/page"
)

// TestStop stops the browser after a click: the button works again after a while.
func TestStop(t *testing.T) {
	t.Parallel()
	s := newSalon(t, desktop)
	s.connect(ana)
	s.open(s.server.URL + "/settings")
	eval[bool](s.tab, "(() => { const real = setTimeout; window.setTimeout = (f, ms) => real(f, ms / 100); return true })()") // what is half a minute
	requests := s.hold("*/google-calendar/test")
	s.click("Probar la conexión")
	requests.next(s.tab, 0)
	call(s.tab, page.StopLoading, cdp.Empty{})
	s.wait("a form that can be sent", "!document.querySelector('form[data-sent]')")
	s.click("Probar la conexión")
	second := requests.next(s.tab, 1)
	call(s.tab, fetch.ContinueRequest, fetch.ContinueRequestParams{RequestID: second.RequestID})
	s.wait("the result", "document.querySelector('h1')?.innerText.startsWith('Prueba')")
	s.oneOf("connection_tested", 1)
}
