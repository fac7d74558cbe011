package browser

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// TestBadPage sees to it that a page on which everything is wrong is not taken
// for a good one.
func TestBadPage(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(elsewhere.Close)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Security-Policy", "style-src 'self'")
		fmt.Fprintf(w, `<title>Bad</title><body bgcolor="white"><main><h1>Bad</h1><p><font color="#bbbbbb">Hardly to be read.</font>
<p style="color: red">Styled against the policy. <input name="what"><img src="%s/picture.png" width="3000">`, elsewhere.URL)
	}))
	t.Cleanup(server.Close)
	tab := newPerson(t, phone).tab()
	tab.open(server.URL)

	var rules []string
	for _, v := range tab.violations("bad") {
		rules = append(rules, v.ID)
	}
	for _, want := range []string{"color-contrast", "html-has-lang", "image-alt", "label"} {
		if !slices.Contains(rules, want) {
			t.Errorf("axe-core finds %q, and not %s", rules, want)
		}
	}
	if wide := eval[[]string](tab, overflowing); len(wide) < 2 { // the page, and the picture
		t.Errorf("what does not fit: %q", wide)
	}

	tab.seen.mu.Lock()
	defer tab.seen.mu.Unlock()
	seen := strings.Join(tab.seen.wrong, "\n")
	for _, want := range []string{"asks for " + elsewhere.URL, "policy is violated: style-src"} {
		if !strings.Contains(seen, want) {
			t.Errorf("not seen: %s; but:\n%s", want, seen)
		}
	}
	tab.seen.wrong = nil // they were to happen
}
