package settings

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/citasync/citasync/shared/integration"
)

var langs = regexp.MustCompile(`<(\w+)[^>]* lang="(\w+)"`)

// What the example says in another language than the page's is marked as that:
// all of a booking that is made up, and of the company's own booking what our
// words are in.
func TestExampleLanguage(t *testing.T) {
	for name, tc := range map[string]struct {
		page    string // its language
		options integration.Options
		booked  bool
		want    []string
	}{
		"the page's":               {"es", integration.Options{}, false, []string{}},
		"the page's, chosen":       {"en", integration.Options{Language: "en"}, false, []string{}},
		"another":                  {"es", integration.Options{Language: "en"}, false, []string{"p en", "p en"}},
		"the company's":            {"en", integration.Options{Language: "es"}, false, []string{"p es", "p es"}},
		"another, of a booking":    {"es", integration.Options{Language: "en"}, true, []string{"p en"}},
		"the company's own words":  {"es", integration.Options{Language: "en", Description: "{notes}"}, true, []string{}},
		"the page's, of a booking": {"es", integration.Options{Language: "es"}, true, []string{}},
	} {
		g := newGoogle(t)
		g.consent(salon, ana)
		g.change(func(c *integration.Connection) { c.Options = tc.options })
		if tc.booked {
			g.book(salon, "1", hour, nil)
		}
		claims := g.claims(salon)
		claims.Locale = tc.page
		res := g.enter(claims).get(optionsPath)
		page := body(t, res)
		_, page, _ = strings.Cut(page, "<body>")
		got := []string{}
		values := 0
		for _, m := range langs.FindAllStringSubmatch(page, -1) {
			if m[1] == "span" {
				values++
				continue
			}
			got = append(got, m[1]+" "+m[2])
		}
		if diff := cmp.Diff(tc.want, got); diff != "" || res.StatusCode != http.StatusOK {
			t.Errorf("%s: %d; marked -want +got:\n%s", name, res.StatusCode, diff)
		}
		if want := map[bool]int{true: 9}[len(tc.want) == 2]; values != want {
			t.Errorf("%s: %d values of placeholders are marked, want %d", name, values, want)
		}
	}
}
