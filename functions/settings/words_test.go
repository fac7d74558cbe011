package settings

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/net/html"

	"github.com/citasync/citasync/functions/settings/words"
	"github.com/citasync/citasync/shared/integration"
)

var (
	action = regexp.MustCompile(`\{\{.*?\}\}`)
	said   = regexp.MustCompile(`\.T "([^"]+)"`)
	keyish = regexp.MustCompile(`^[a-z_-]+(\.[a-z0-9_-]+)*\.?$`)
)

// Templates hold no words of their own: every one is in the catalogues.
func TestTemplatesSayNothing(t *testing.T) {
	for path, source := range templates(t) {
		z := html.NewTokenizer(strings.NewReader(action.ReplaceAllString(source, "")))
		for z.Next() != html.ErrorToken {
			tok := z.Token()
			if tok.Type == html.TextToken && strings.ContainsFunc(tok.Data, unicode.IsLetter) {
				t.Errorf("%s says %q", path, strings.TrimSpace(tok.Data))
			}
			for _, a := range tok.Attr {
				readable := a.Key == "title" || a.Key == "alt" || a.Key == "placeholder" || a.Key == "aria-label"
				if readable && strings.ContainsFunc(a.Val, unicode.IsLetter) {
					t.Errorf("%s says %q in %s", path, a.Val, a.Key)
				}
			}
		}
	}
}

// Every message that is said is in the catalogues, and every one there is
// said: by its key, or by the beginning of its key.
func TestMessagesExist(t *testing.T) {
	c, err := words.Load()
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]bool{}
	for _, k := range c.Keys() {
		keys[k] = true
	}
	used := literals(t)
	for _, source := range templates(t) {
		for _, m := range said.FindAllStringSubmatch(source, -1) {
			used[m[1]] = true
			if !keys[m[1]] {
				t.Errorf("a template says %q, which no catalogue has", m[1])
			}
		}
	}
	for k := range keys {
		if !isUsed(k, used) {
			t.Errorf("nobody says %q", k)
		}
	}
}

// isUsed reports whether a key is said whole, or put together from a literal
// that ends in a full stop.
func isUsed(key string, used map[string]bool) bool {
	if used[key] {
		return true
	}
	for _, id := range []integration.ID{integration.GoogleCalendar, integration.WhatsApp} {
		if own, ok := strings.CutPrefix(key, string(id)+"."); ok {
			name, _, _ := strings.Cut(own, ".")
			return name == "does" || name == "leaves" || isUsed(own, used)
		}
	}
	for i, r := range key {
		if r == '.' && used[key[:i+1]] {
			return true
		}
	}
	for _, built := range []string{".title", ".pages", ".newest", ".older", ".more"} {
		if stem, ok := strings.CutSuffix(key, built); ok && used[stem] {
			return true
		}
	}
	return false
}

// literals are the strings in this package's code that can be a message's key
// or the beginning of one.
func literals(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	paths, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	more, err := filepath.Glob("words/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range append(paths, more...) {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if s, err := strconv.Unquote(lit.Value); err == nil && keyish.MatchString(s) {
					found[s] = true
				}
			}
			return true
		})
	}
	return found
}

// templates are the sources of the pages, by path.
func templates(t *testing.T) map[string]string {
	t.Helper()
	paths, err := filepath.Glob("templates/*.html")
	if err != nil || len(paths) == 0 {
		t.Fatal("no templates", err)
	}
	sources := map[string]string{}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		sources[path] = string(data)
	}
	return sources
}
