package browser

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// press presses keys, one after the other.
func (t *tab) press(keys string) {
	t.Helper()
	if err := chromedp.Do(t.ctx, chromedp.KeyEvent(keys)); err != nil {
		t.Fatal(err)
	}
}

// focus is what the page's focus is on, and whether one sees that.
type focus struct {
	Words   string
	Body    bool // it is on nothing
	Visible bool // it is marked, and nothing covers it
}

func (t *tab) focused() focus {
	t.Helper()
	return eval[focus](t, `(() => {
  const e = document.activeElement, style = getComputedStyle(e), r = e.getBoundingClientRect();
  const marked = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  const hit = document.elementFromPoint(r.left + Math.min(r.width / 2, 20), r.top + r.height / 2);
  return { words: label(e) || words(e), body: e === document.body, visible: marked && (e.contains(hit) || !!hit?.contains(e)) };
})()`)
}

// tabTo presses Tab until the focus is on the link, button or field with these
// words, and looks that one sees it all the way.
func (t *tab) tabTo(name string) {
	t.Helper()
	var way []string
	for range 60 {
		t.press(kb.Tab)
		f := t.focused()
		if f.Words == name || len(f.Words) > len(name) && f.Words[:len(name)+1] == name+" " {
			if !f.Visible {
				t.Errorf("%s: one does not see that the focus is on %q", t.path(), f.Words)
			}
			return
		}
		if f.Body {
			break // round once
		}
		if !f.Visible {
			t.Errorf("%s: one does not see that the focus is on %q", t.path(), f.Words)
		}
		way = append(way, f.Words)
	}
	t.Fatalf("%s: the focus does not come to %q, but to %q", t.path(), name, way)
}

// fresh demands that the focus is at the beginning of a page that was just
// opened: the first thing is the link that skips what all pages have.
func (t *tab) fresh() {
	t.Helper()
	if f := t.focused(); !f.Body {
		t.Errorf("%s: the focus is on %q when the page opens", t.path(), f.Words)
	}
	t.press(kb.Tab)
	if f := t.focused(); f.Words != "Saltar al contenido" || !f.Visible {
		t.Errorf("%s: the first thing is %+v", t.path(), f)
	}
}

// leave presses a key on what has the focus, and waits for the page that it
// leads to.
func (t *tab) leave(key string) {
	t.Helper()
	t.loads("a key", func() { t.press(key) })
}

// TestKeyboard connects, looks at the history, and turns off, by the keyboard
// alone.
func TestKeyboard(t *testing.T) {
	t.Parallel()
	s := newSalon(t, desktop, "1")
	s.fresh()
	s.press(kb.Enter)
	s.tabTo("Conectar Google Calendar") // and not by way of the navigation
	s.leave(kb.Enter)
	s.wait("Google's page", "document.querySelector('h1')?.innerText.startsWith('Elige una cuenta')")
	s.tabs("Ana Ruiz (" + ana + ")")
	s.press(" ")
	s.tabs("Permitir")
	s.leave(kb.Enter)
	s.announced("status", "conectado")
	s.fresh()
	s.delivered("1", "done")

	s.tabTo("Historial")
	s.leave(kb.Enter)
	s.fresh()
	s.says("Corte de pelo")
	s.tabTo("Corte de pelo para Marta Ríos")
	s.leave(kb.Enter)
	s.fresh()
	s.tabTo("Volver al historial")
	s.leave(kb.Enter)

	s.tabTo("Integraciones")
	s.leave(kb.Enter)
	s.tabTo("Desactivar Google Calendar")
	s.press(kb.Enter)
	s.wait("a dialog", "document.querySelector('dialog:modal') !== null")
	s.inside()
	s.press(kb.Escape)
	s.wait("no dialog", "document.querySelector('dialog') === null")
	if f := s.focused(); f.Words != "Desactivar Google Calendar" || !f.Visible {
		t.Errorf("after the dialog the focus is %+v", f)
	}
	s.press(kb.Enter)
	s.wait("a dialog", "document.querySelector('dialog:modal') !== null")
	s.tabTo(keep)
	s.press(kb.ArrowDown)
	if f := s.focused(); f.Words != remove || !f.Visible {
		t.Errorf("the arrow leads to %+v", f)
	}
	s.press(kb.ArrowUp)
	s.tabTo("Sí, desactivar")
	s.leave(" ")
	s.announced("status", "desactivado")
	s.fresh()
	s.nothingLeft()
}

// tabs presses Tab until the focus is where it is wanted, on a page that is not
// the panel's.
func (t *tab) tabs(name string) {
	t.Helper()
	for range 30 {
		if t.press(kb.Tab); t.focused().Words == name {
			return
		}
	}
	t.Fatalf("the focus does not come to %q", name)
}

// inside demands that the focus is in the dialog, and stays there.
func (t *tab) inside() {
	t.Helper()
	for range 12 {
		if !eval[bool](t, "top.contains(document.activeElement) || document.activeElement === document.body") {
			t.Fatalf("the focus leaves the dialog for %q", t.focused().Words)
		}
		t.press(kb.Tab)
		time.Sleep(10 * time.Millisecond)
	}
}

// TestKeyboardSkips goes past what all pages have, to the page's own.
func TestKeyboardSkips(t *testing.T) {
	t.Parallel()
	s := newSalon(t, phone)
	for _, path := range []string{"/settings", "/settings/history", "/settings/activity"} {
		s.open(s.server.URL + path)
		s.fresh()
		s.press(kb.Enter)
		if !eval[bool](s.tab, "document.activeElement === document.querySelector('main')") {
			t.Errorf("%s: the skip leads to %q", path, s.focused().Words)
		}
	}
}
