package browser

import (
	"context"
	"flag"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/citasync/citasync/cmd/acceptance/internal/served"
	"github.com/citasync/citasync/shared/emulator/emulatortest"
)

var (
	citasync served.Command
	chrome   chromium
)

// TestMain has more tests run at once than there are cores: they wait, for pages
// and for the installation, more than they work.
func TestMain(m *testing.M) {
	flag.Parse()
	if f := flag.Lookup("test.parallel"); f.Value.String() == strconv.Itoa(runtime.GOMAXPROCS(0)) { // nobody has set it
		_ = f.Value.Set("4")
	}
	status := citasync.Main(m)
	chrome.quit()
	os.Exit(status)
}

// chromium is the one browser process of all tests.
type chromium struct {
	once sync.Once
	ctx  context.Context // of the browser; the tests' tabs are its children
	ends []context.CancelFunc
	err  error
}

// need starts the browser, or ends the test.
func (c *chromium) need(t testing.TB) context.Context {
	t.Helper()
	path := find(t)
	c.once.Do(func() { c.start(path) })
	if c.err != nil {
		t.Fatal(c.err)
	}
	return c.ctx
}

// find is the path of the browser.
func find(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	emulatortest.Lacking(t, "Chromium is not installed")
	return ""
}

func (c *chromium) start(path string) {
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.Flag("lang", "es"), chromedp.Flag("accept-lang", "es-CO,es"))
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox) // which root cannot have
	}
	alloc, end := chromedp.NewExecAllocator(context.Background(), options...)
	// What a browser newer than the library says, the library complains of.
	ctx, quit := chromedp.NewContext(alloc, chromedp.WithErrorf(func(string, ...any) {}))
	c.ctx, c.ends, c.err = ctx, []context.CancelFunc{quit, end}, chromedp.Do(ctx)
}

func (c *chromium) quit() {
	for _, end := range c.ends {
		end()
	}
}

// screen is what a person looks at, in CSS pixels.
type screen struct {
	name          string
	width, height int64
	mobile        bool
}

var (
	phone   = screen{"phone", 360, 740, true}
	desktop = screen{"desktop", 1280, 800, false}
)

// onScreens runs a test on a phone and on a desktop.
func onScreens(t *testing.T, test func(*testing.T, screen)) {
	t.Parallel()
	for _, s := range []screen{phone, desktop} {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			test(t, s)
		})
	}
}

// person is somebody at a browser of her own: her tabs share cookies, with
// nobody else.
type person struct {
	t      *testing.T
	screen screen
	ctx    context.Context // the first tab's; before it the browser's
	tabs   int
}

func newPerson(t *testing.T, s screen) *person {
	t.Helper()
	return &person{t: t, screen: s, ctx: chrome.need(t)}
}

// tab opens another tab.
func (p *person) tab() *tab {
	p.t.Helper()
	var options []chromedp.ContextOption
	if p.tabs++; p.tabs == 1 {
		options = append(options, chromedp.WithNewBrowserContext())
	}
	ctx, end := chromedp.NewContext(p.ctx, options...)
	p.t.Cleanup(end)
	if p.tabs == 1 {
		p.ctx = ctx
	}
	t := &tab{T: p.t, person: p, ctx: ctx}
	if err := chromedp.Do(ctx); err != nil {
		p.t.Fatal(err)
	}
	t.observe()
	t.see(p.screen)
	call(t, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}) // whatever other tabs do
	return t
}

// see makes the tab's window that of a screen.
func (t *tab) see(s screen) {
	t.Helper()
	scale := 1.0
	if s.mobile {
		scale = 2
	}
	call(t, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: s.width, Height: s.height, DeviceScaleFactor: scale, Mobile: s.mobile,
	})
}

// paint has pages shown in a theme, "light" or "dark", at once: colours that
// fade would be measured half-way.
func (t *tab) paint(theme string) {
	t.Helper()
	call(t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}, {Name: "prefers-reduced-motion", Value: "reduce"}},
	})
}

// patience is how long anything may take that a person waits for.
const patience = 30 * time.Second
