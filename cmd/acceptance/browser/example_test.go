package browser

import (
	"slices"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// TestExample has the example follow what is typed, without anything being stored.
func TestExample(t *testing.T) {
	t.Parallel()
	s := newSalon(t, phone, "1")
	s.connect(ana)
	s.delivered("1", "done")
	s.open(s.server.URL + "/settings/integrations/google-calendar/options")
	s.says("Corte de pelo – Marta Ríos")
	s.fill("Título", "Cita de {customer} a la vista")
	s.wait("the example of what is typed", "document.getElementById('example').innerText.includes('Cita de Marta Ríos a la vista')")
	s.says("Todavía no se ha guardado nada")
	s.look("options-typed")
	s.fill("Título", "Cita de {cliente}")
	s.wait("what is wrong with it", "document.getElementById('example').innerText.includes('No hay ninguna palabra {cliente}')")
	s.reload()
	s.says("Corte de pelo – Marta Ríos")
	s.silent("a la vista")
}

// TestExampleOfTheLastTyped has the answer to what was typed first come last: the
// example stays that of what is typed now.
func TestExampleOfTheLastTyped(t *testing.T) {
	t.Parallel()
	s := newSalon(t, phone, "1")
	s.connect(ana)
	s.delivered("1", "done")
	s.open(s.server.URL + "/settings/integrations/google-calendar/options")
	requests := s.hold("*/google-calendar/options")
	s.fill("Título", "Primero {customer}")
	first := requests.next(s.tab, 0)
	s.fill("Título", "Segundo {customer}")
	second := requests.next(s.tab, 1)
	call(s.tab, fetch.ContinueRequest, fetch.ContinueRequestParams{RequestID: second.RequestID})
	s.wait("the example of what is typed", "document.getElementById('example').innerText.includes('Segundo Marta Ríos')")
	// It fails if the page does not wait for it any more.
	_, _ = try(s.tab, fetch.ContinueRequest, fetch.ContinueRequestParams{RequestID: first.RequestID})
	s.until("an end of the first request", func() bool { return requests.over(first) })
	eval[int](s.tab, "fetch('/settings/activity').then((r) => r.text()).then((text) => text.length)") // the page has come so far
	s.says("Segundo Marta Ríos")
	s.silent("Primero Marta")
}

// held are requests that are not sent until the test lets them go.
type held struct {
	mu     sync.Mutex
	paused []*fetch.EventRequestPaused
	ended  []network.RequestID
}

// hold holds back what the page asks for at addresses of the pattern from now on.
func (t *tab) hold(pattern string) *held {
	t.Helper()
	h := &held{}
	if err := chromedp.Listen(t.ctx, h.event); err != nil {
		t.Fatal(err)
	}
	call(t, fetch.Enable, fetch.EnableParams{Patterns: []*fetch.RequestPattern{{URLPattern: pattern}}})
	return h
}

func (h *held) event(ev any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch ev := ev.(type) {
	case *fetch.EventRequestPaused:
		h.paused = append(h.paused, ev)
	case *network.EventLoadingFailed:
		h.ended = append(h.ended, ev.RequestID)
	case *network.EventLoadingFinished:
		h.ended = append(h.ended, ev.RequestID)
	}
}

// next waits for the request with that number, from zero.
func (h *held) next(t *tab, number int) (r *fetch.EventRequestPaused) {
	t.Helper()
	t.until("another request", func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		if number < len(h.paused) {
			r = h.paused[number]
		}
		return r != nil
	})
	return r
}

// over reports whether the request was answered, or given up.
func (h *held) over(r *fetch.EventRequestPaused) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Contains(h.ended, r.NetworkID)
}
