package browser

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/chromedp/cdproto/page"
)

// look examines the page, or the state of one, that a test has come to: that
// axe-core finds nothing wrong, and nothing is cut off or out of reach at the
// side. With SCREENSHOTS it also takes a picture.
func (t *tab) look(name string) {
	t.Helper()
	name += "." + t.person.screen.name
	t.examine(name)
	t.fits(name)
	t.picture("live/" + name)
}

// fits demands that the page is no wider than the window, and that no text is
// cut off.
func (t *tab) fits(name string) {
	t.Helper()
	for _, w := range eval[[]string](t, overflowing) {
		t.Errorf("%s: %s", name, w)
	}
}

// overflowing lists what does not fit. What is there for screen readers only is
// a pixel large, and fields scroll their text.
const overflowing = `(() => {
  const wide = document.scrollingElement.scrollWidth, room = document.documentElement.clientWidth, wrong = [];
  if (wide > room) wrong.push("the page is " + wide + " pixels wide, the window " + room);
  for (const e of all("body *")) {
    const r = e.getBoundingClientRect(), style = getComputedStyle(e);
    if (r.width <= 1 || e.matches("input, select, textarea, option")) continue;
    if (r.right > room + 1 || r.left < -1) wrong.push(e.outerHTML.slice(0, 200) + " is from " + r.left + " to " + r.right + " of " + room);
    if (style.overflow !== "visible" && !e.matches("dialog") && (e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1))
      wrong.push(e.outerHTML.slice(0, 200) + " is cut off");
  }
  return wrong;
})()`

// picture writes a picture of the whole page into the folder that SCREENSHOTS
// names, if it does.
func (t *tab) picture(name string) {
	t.Helper()
	dir := os.Getenv("SCREENSHOTS")
	if dir == "" {
		return
	}
	size := eval[struct{ Width, Height float64 }](t, `{
  width: document.documentElement.clientWidth,
  height: Math.max(innerHeight, document.documentElement.scrollHeight),
}`)
	beyond := true
	shot := call(t, page.CaptureScreenshot, page.CaptureScreenshotParams{
		Clip: &page.Viewport{Width: size.Width, Height: size.Height, Scale: 1}, CaptureBeyondViewport: &beyond,
	})
	file := filepath.Join(dir, filepath.FromSlash(name)+".png")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, shot.Data, 0o644); err != nil {
		t.Fatal(fmt.Errorf("picture: %w", err))
	}
}
