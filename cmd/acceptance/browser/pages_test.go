package browser

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/page"
)

// panel is the folder of the panel's function. Its tests keep there every page
// in each of its states and languages.
const panel = "../../../functions/settings"

// narrow is the narrowest window that pages must fit into without scrolling
// sideways (WCAG 2.2, success criterion 1.4.10).
var narrow = screen{"narrow", 320, 740, true}

// TestPages examines every page of the panel that there is: on a phone and on a
// desktop, light and dark; in a narrow window, and with text twice as large.
func TestPages(t *testing.T) {
	t.Parallel()
	chrome.need(t)
	axe.need(t)
	files, err := filepath.Glob(filepath.Join(panel, "testdata", "*.html"))
	if err != nil || len(files) < 100 {
		t.Fatalf("%d pages: %v", len(files), err)
	}
	server := kept(t)
	const tabs = 2
	for n := range tabs {
		t.Run(fmt.Sprintf("tab %d", n), func(t *testing.T) {
			t.Parallel()
			tab := newPerson(t, phone).tab()
			call(tab, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: axe.need(t)})
			for i := n; i < len(files); i += tabs {
				tab.examineAll(server, strings.TrimSuffix(filepath.Base(files[i]), ".html"))
			}
		})
	}
}

// examineAll examines a page in all ways. Each language has one half of the
// pairs of screens and themes.
func (t *tab) examineAll(server, name string) {
	t.Helper()
	t.see(phone)
	t.open(server + "/" + name + ".html")
	themes := []string{"light", "dark"}
	if strings.HasSuffix(name, ".en") {
		themes = []string{"dark", "light"}
	}
	for i, s := range []screen{phone, desktop} {
		t.see(s)
		t.paint(themes[i])
		what := fmt.Sprintf("%s.%s.%s", name, s.name, themes[i])
		t.examine(what)
		t.fits(what)
		if s == phone {
			t.enlarged(what)
		}
	}
	t.see(narrow)
	t.fits(name + ".narrow")
	t.pictures(name)
}

// enlarged demands that the page fits with the browser's text size doubled
// (WCAG 2.2, success criterion 1.4.4).
func (t *tab) enlarged(what string) {
	t.Helper()
	t.textSize(32)
	t.fits(what + ", text doubled")
	t.textSize(16)
}

func (t *tab) textSize(pixels int64) {
	t.Helper()
	call(t, page.SetFontSizes, page.SetFontSizesParams{FontSizes: &page.FontSizes{Standard: pixels}})
	t.wait("the new text size", fmt.Sprintf("Math.abs(parseFloat(getComputedStyle(document.documentElement).fontSize) / %d - 1) < .2", pixels))
}

// pictures takes the page's, of all screens and themes, if any are taken.
func (t *tab) pictures(name string) {
	t.Helper()
	if os.Getenv("SCREENSHOTS") == "" {
		return
	}
	name, lang, _ := strings.Cut(name, ".")
	for _, s := range []screen{phone, desktop} {
		for _, theme := range []string{"light", "dark"} {
			t.see(s)
			t.paint(theme)
			t.picture(fmt.Sprintf("pages/%s/%s.%s.%s", lang, name, s.name, theme))
		}
	}
}

// kept serves the kept pages under the policy that an installation serves them
// with, and what they are made of.
func kept(t *testing.T) string {
	t.Helper()
	res, err := http.Get(citasync.Serve(t).URL + "/settings")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	policy := res.Header.Get("Content-Security-Policy")
	if policy == "" {
		t.Fatal("pages have no policy")
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{page}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		http.ServeFile(w, r, filepath.Join(panel, "testdata", filepath.Base(r.PathValue("page"))))
	})
	hashed := regexp.MustCompile(`\.\w+(\.\w+)$`)
	mux.HandleFunc("GET /settings/static/{file}", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, filepath.Join(panel, "static", hashed.ReplaceAllString(filepath.Base(r.PathValue("file")), "$1")))
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}
