package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// tab is a tab of a person's browser. What can't be done fails the test.
type tab struct {
	*testing.T
	person *person
	ctx    context.Context
	seen   observations
}

// call runs a command of the protocol on the tab.
func call[P, R any](t *tab, cmd cdp.Command[P, R], params P) R {
	t.Helper()
	r, err := try(t, cmd, params)
	if err != nil {
		t.Fatalf("%s: %v", cmd.Method, err)
	}
	return r
}

func try[P, R any](t *tab, cmd cdp.Command[P, R], params P) (R, error) {
	ctx, cancel := context.WithTimeout(t.ctx, patience)
	defer cancel()
	return chromedp.Call(ctx, cmd, params)
}

// eval evaluates an expression that may use the functions of script, and a
// promise's value if it is one, as nobody who uses a page can: the page's policy
// does not hold for it, and it works where scripts are switched off.
func eval[T any](t *tab, expression string) T {
	t.Helper()
	v, err := tryEval[T](t, expression)
	if err != nil {
		t.Fatalf("evaluate %.200s: %v", expression, err)
	}
	return v
}

func tryEval[T any](t *tab, expression string) (v T, err error) {
	yes := true
	r, err := try(t, runtime.Evaluate, runtime.EvaluateParams{
		Expression: "(async () => {" + script + "\nreturn " + expression + "})()", ReturnByValue: &yes, AwaitPromise: &yes,
	})
	switch {
	case err != nil:
		return v, err
	case r.ExceptionDetails != nil:
		return v, fmt.Errorf("%s: %v", r.ExceptionDetails.Text, r.ExceptionDetails.Exception)
	case len(r.Result.Value) == 0:
		return v, fmt.Errorf("it is %s", r.Result.Type)
	}
	return v, json.Unmarshal(r.Result.Value, &v)
}

// script finds things on a page by what a person sees of them: what is visible,
// and if a dialog is open in it. Words are those of an element without what is
// for the eye only.
const script = `
const top = document.querySelector("dialog:modal") ?? document;
const words = (e) => {
  const all = [];
  const read = (n) => {
    if (n.nodeType === Node.TEXT_NODE) all.push(n.data);
    if (n.ariaHidden !== "true") n.childNodes.forEach(read);
  };
  read(e);
  return all.join(" ").replace(/\s+/g, " ").trim();
};
const label = (e) => e.labels?.length ? words(e.labels[0]) : e.ariaLabel ?? "";
const visible = (e) => e.checkVisibility({ visibilityProperty: true }) && e.getClientRects().length > 0;
const all = (selector) => [...top.querySelectorAll(selector)].filter(visible);
const named = (name) => all("a[href], button, summary").filter((e) => words(e) === name);
const field = (name) => all("input, select, textarea").filter((e) => label(e) === name || label(e).startsWith(name + " "));
const spot = (e) => {
  e.scrollIntoView({ block: "center", behavior: "instant" });
  const r = e.getClientRects()[0];
  const x = r.left + Math.min(r.width, innerWidth) / 2, y = r.top + r.height / 2;
  const hit = document.elementFromPoint(x, y);
  return { x, y, hit: e.contains(hit) || !!hit?.contains(e) };
};
const seen = (e) => {
  const r = e.getBoundingClientRect();
  return r.top >= 0 && r.bottom <= innerHeight && e.contains(document.elementFromPoint(r.left + r.width / 2, r.top + r.height / 2));
};
`

// quoted is a text as a script writes it.
func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // never, of a string
	}
	return string(b)
}

// open goes to an address, as whoever types it or follows a bookmark.
func (t *tab) open(address string) {
	t.Helper()
	t.loads("open an address", func() {
		if r := call(t, page.Navigate, page.NavigateParams{URL: address}); r.ErrorText != "" {
			t.Fatalf("open %s: %s", address, r.ErrorText)
		}
	})
}

// follow clicks on the link or button with these words, and waits for the page
// that it leads to.
func (t *tab) follow(name string) {
	t.Helper()
	t.loads(name, func() { t.click(name) })
}

// click clicks on the link or button with these words.
func (t *tab) click(name string) {
	t.Helper()
	t.mouse("named", name, 1)
}

// doubleClick does so twice at once, and waits for the page that it leads to.
func (t *tab) doubleClick(name string) {
	t.Helper()
	t.loads(name, func() { t.mouse("named", name, 2) })
	t.rest()
}

// choose clicks on the field that is labelled so: a box or a radio button.
func (t *tab) choose(label string) {
	t.Helper()
	t.mouse("field", label, 1)
}

// mouse clicks so many times, as fast as it can, on the only element that a
// function of script finds by the name.
func (t *tab) mouse(finder, name string, times int) {
	t.Helper()
	found := fmt.Sprintf("%s(%s)", finder, quoted(name))
	t.wait(fmt.Sprintf("one %q", name), found+".length === 1")
	at := eval[struct {
		X, Y float64
		Hit  bool
	}](t, "spot("+found+"[0])")
	if !at.Hit {
		t.Errorf("%q is covered by something else", name)
	}
	for n := range times {
		for _, kind := range []input.DispatchMouseEventType{input.DispatchMouseEventTypeMousePressed, input.DispatchMouseEventTypeMouseReleased} {
			_, err := try(t, input.DispatchMouseEvent, input.DispatchMouseEventParams{
				Type: kind, X: at.X, Y: at.Y, Button: input.MouseButtonLeft, ClickCount: int64(n + 1),
			})
			if err != nil {
				t.Fatalf("click on %q: %v", name, err)
			}
		}
	}
}

// back does what the browser's button does.
func (t *tab) back() {
	t.Helper()
	h := call(t, page.GetNavigationHistory, cdp.Empty{})
	if h.CurrentIndex == 0 {
		t.Fatal("there is nowhere to go back to")
	}
	t.loads("go back", func() {
		call(t, page.NavigateToHistoryEntry, page.NavigateToHistoryEntryParams{EntryID: h.Entries[h.CurrentIndex-1].ID})
	})
	t.rest() // a page that was kept may ask for itself again
}

// reload does what the browser's button does.
func (t *tab) reload() {
	t.Helper()
	t.loads("reload", func() { call(t, page.Reload, page.ReloadParams{}) })
}

// loads does what leads to another page, and waits until it is there.
func (t *tab) loads(what string, lead func()) {
	t.Helper()
	before := eval[float64](t, "performance.timeOrigin")
	lead()
	t.wait("another page after: "+what, fmt.Sprintf("performance.timeOrigin !== %v && document.readyState === 'complete'", before))
}

// rest waits until the tab has shown one page for a while: a second request may
// have taken the place of the first.
func (t *tab) rest() {
	t.Helper()
	var since time.Time
	var last float64
	t.until("a page that stays", func() bool {
		at, err := tryEval[float64](t, "document.readyState === 'complete' ? performance.timeOrigin : 0")
		if err != nil || at == 0 || at != last {
			last, since = at, time.Now()
		}
		return time.Since(since) > 500*time.Millisecond
	})
}

// wait waits until a condition, an expression, is true on the page.
func (t *tab) wait(what, condition string) {
	t.Helper()
	t.until(what, func() bool {
		ok, err := tryEval[bool](t, condition) // which fails between two pages
		return err == nil && ok
	})
}

// until waits for a state that others bring about.
func (t *tab) until(what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			where, _ := tryEval[string](t, `location.href + "\n" + document.body.innerText`)
			t.Fatalf("there is not %s at %s", what, where)
		}
	}
}

// text is what the page's main part says, or the dialog that is open.
func (t *tab) text() string {
	t.Helper()
	return eval[string](t, `words(top === document ? document.querySelector("main") ?? document.body : top)`)
}

// path is the address's path, with what follows it.
func (t *tab) path() string {
	t.Helper()
	return eval[string](t, "location.pathname + location.search")
}

// says demands that the page says all of it.
func (t *tab) says(words ...string) {
	t.Helper()
	text := t.text()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("%s does not say %q, but:\n%s", t.path(), w, text)
		}
	}
}

// silent demands that the page says none of it.
func (t *tab) silent(words ...string) {
	t.Helper()
	text := t.text()
	for _, w := range words {
		if strings.Contains(text, w) {
			t.Errorf("%s says %q:\n%s", t.path(), w, text)
		}
	}
}

// announced demands that the page tells a screen reader these words.
func (t *tab) announced(role, words string) {
	t.Helper()
	said := eval[[]string](t, fmt.Sprintf("all('[role=%s]').map(words).filter((w) => w)", role))
	if len(said) != 1 || !strings.Contains(said[0], words) {
		t.Errorf("%s announces as %s %q, not %q", t.path(), role, said, words)
	}
}

// offered demands that there is a link or button with each of these words.
func (t *tab) offered(names ...string) {
	t.Helper()
	for _, name := range names {
		if !eval[bool](t, "named("+quoted(name)+").length === 1") {
			t.Errorf("%s does not offer %q:\n%s", t.path(), name, t.text())
		}
	}
}

// option picks one of a list, by its words.
func (t *tab) option(label, words string) {
	t.Helper()
	t.wait("a list "+label, "field("+quoted(label)+").length === 1")
	ok := eval[bool](t, fmt.Sprintf(`(() => {
  const list = field(%s)[0], at = [...list.options].findIndex((o) => o.text.trim() === %s);
  list.selectedIndex = at;
  list.dispatchEvent(new Event("change", { bubbles: true }));
  return at >= 0;
})()`, quoted(label), quoted(words)))
	if !ok {
		t.Fatalf("%s: there is no %q in the list %q", t.path(), words, label)
	}
}

// fill types a text into the field that is labelled so, in place of what it had.
func (t *tab) fill(label, text string) {
	t.Helper()
	t.mouse("field", label, 1)
	eval[bool](t, "(document.activeElement.select?.(), true)")
	call(t, input.InsertText, input.InsertTextParams{Text: text})
}
