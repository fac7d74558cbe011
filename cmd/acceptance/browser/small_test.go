package browser

import "testing"

// small is the window of the smallest phones that are still about.
var small = screen{"small", 320, 568, true}

// TestSmallDialog: a dialog that does not fit keeps its buttons in sight, and
// nothing that the keyboard comes to is under them.
func TestSmallDialog(t *testing.T) {
	t.Parallel()
	s := newSalon(t, small, "1")
	s.connect(ana)
	s.click("Desactivar Google Calendar")
	s.wait("the question", "field("+quoted(keep)+").length === 1")
	s.look("turn-off")
	for _, name := range []string{"Sí, desactivar", "No, dejarlo como está"} {
		if !eval[bool](s.tab, "seen(named("+quoted(name)+")[0])") {
			t.Errorf("%q is out of sight", name)
		}
	}
	if !eval[bool](s.tab, "(() => { const d = document.querySelector('dialog'); return d.scrollHeight > d.clientHeight; })()") {
		t.Error("everything fits: this window is not small enough")
	}
	for _, label := range []string{keep, remove} {
		if !eval[bool](s.tab, "(() => { const f = field("+quoted(label)+")[0]; f.focus(); return seen(f); })()") {
			t.Errorf("%q is covered when it has the focus", label)
		}
	}
	s.choose(remove)
	s.follow("Sí, desactivar")
	s.announced("status", "desactiv")
}

// TestSmallGaps: what stands below a button or a field does not touch it.
func TestSmallGaps(t *testing.T) {
	t.Parallel()
	s := newSalon(t, small, "1")
	gap := func(what, above, below string) {
		t.Helper()
		if got := eval[float64](s.tab, below+".getBoundingClientRect().top - "+above+".getBoundingClientRect().bottom"); got < 6 {
			t.Errorf("%s: %v pixels", what, got)
		}
	}
	s.follow("Otro calendario")
	s.follow("Crear mi dirección")
	s.click("Copiar")
	s.wait("word that it is copied", "all('[role=status]').map(words).includes('Copiada.')")
	gap("the word below its button", "named('Copiar')[0]", "all('[role=status]').find((e) => words(e) === 'Copiada.')")
	gap("a list below its heading", "all('h3').find((e) => words(e) === 'Cómo añadirla a mano')", "all('h3 + ul')[0]")
	s.look("feed-copied")
	s.open(s.server.Demo + "/demo/companies/1")
	s.follow("Reservar y confirmar")
	s.fits("the demo")
	gap("the button below its date", "field('Nueva hora')[0]", "all('article button')[0]")
}
