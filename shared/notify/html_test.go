package notify

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// lint examines a letter's HTML: tags in order, a language, headings, links that
// say where they lead, and nothing that is fetched when it is read.
func lint(t *testing.T, page string) {
	t.Helper()
	balanced(t, page)
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		count[n.Data]++
		element(t, n)
	}
	for _, tag := range []string{"html", "title", "h1"} {
		if count[tag] != 1 {
			t.Errorf("%d elements %s", count[tag], tag)
		}
	}
	if strings.Contains(page, "url(") || strings.Contains(page, "@import") || strings.Contains(page, "ZgotmplZ") {
		t.Error("a style fetches something, or a value was not safe")
	}
}

func element(t *testing.T, n *html.Node) {
	t.Helper()
	switch n.Data {
	case "img", "script", "link", "iframe", "form", "object", "video", "audio":
		t.Errorf("an element %s", n.Data)
	case "html":
		if attr(n, "lang") == "" {
			t.Error("no language")
		}
	case "a":
		if text := n.FirstChild; text == nil || text.Data == "" || !strings.HasPrefix(attr(n, "href"), "https://") {
			t.Errorf("a link to %q", attr(n, "href"))
		}
	case "table":
		if attr(n, "role") != "presentation" {
			t.Error("a table that is read as one")
		}
	}
	for _, a := range n.Attr {
		if a.Key == "src" || a.Key == "background" || strings.HasPrefix(a.Key, "on") {
			t.Errorf("<%s %s=%q>", n.Data, a.Key, a.Val)
		}
	}
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// balanced reports tags that are not closed, or not in order: a parser would
// mend them without a word.
func balanced(t *testing.T, page string) {
	t.Helper()
	var open []string
	for z := html.NewTokenizer(strings.NewReader(page)); ; {
		kind := z.Next()
		name, _ := z.TagName()
		switch {
		case kind == html.ErrorToken:
			if len(open) > 0 {
				t.Errorf("not closed: %v", open)
			}
			return
		case kind == html.StartTagToken && string(name) != "meta":
			open = append(open, string(name))
		case kind == html.EndTagToken:
			if len(open) == 0 || open[len(open)-1] != string(name) {
				t.Errorf("</%s> while %v are open", name, open)
				return
			}
			open = open[:len(open)-1]
		}
	}
}

// TestNamesInHTML: a name is text there too.
func TestNamesInHTML(t *testing.T) {
	paper, err := newStationery()
	if err != nil {
		t.Fatal(err)
	}
	n := revoked()
	n.Company.Name, n.Account = `<img src="https://spy.example/x">`, `"><script>alert(1)</script>`
	l, err := paper.write(n, `javascript:alert("x")`, noon())
	if err != nil {
		t.Fatal(err)
	}
	balanced(t, l.html)
	if strings.Contains(l.html, "<img") || strings.Contains(l.html, "<script") || strings.Contains(l.html, "javascript:") {
		t.Errorf("%s", l.html)
	}
	if !strings.Contains(l.text, `Hola, <img src="https://spy.example/x">:`) {
		t.Errorf("%s", l.text)
	}
}

var (
	darkRule = regexp.MustCompile(`\.([a-z]+) \{ ([^}]*) \}`)
	inline   = regexp.MustCompile(`class="([a-z]+)"[^>]* style="([^"]*)"`)
	colour   = regexp.MustCompile(`(background|[^-]color): #([0-9a-f]{6})`)
)

// TestContrast: what is written has the contrast that WCAG 2.2 asks for in
// criterion 1.4.3, in both schemes.
func TestContrast(t *testing.T) {
	page, err := templateFS.ReadFile("letter.html")
	if err != nil {
		t.Fatal(err)
	}
	for scheme, rules := range map[string]*regexp.Regexp{"light": inline, "dark": darkRule} {
		front, back := map[string]string{}, map[string]string{}
		for _, m := range rules.FindAllStringSubmatch(string(page), -1) {
			for _, c := range colour.FindAllStringSubmatch(" "+m[2], -1) {
				if c[1] == "background" {
					back[m[1]] = c[2]
				} else {
					front[m[1]] = c[2]
				}
			}
		}
		for _, pair := range [][2]string{{"ink", "card"}, {"soft", "paper"}, {"button", "button"}} {
			if c := contrast(front[pair[0]], back[pair[1]]); !(c >= 4.5) {
				t.Errorf("%s: %s (#%s) on %s (#%s) has contrast %.2f", scheme, pair[0], front[pair[0]], pair[1], back[pair[1]], c)
			}
		}
		if want := []string{"button", "card", "paper"}; !slices.Equal(sortedKeys(back), want) {
			t.Errorf("%s: backgrounds of %v, want of %v", scheme, sortedKeys(back), want)
		}
	}
}

// contrast is the ratio of WCAG 2.2's definition of that name; NaN for what is
// no colour.
func contrast(a, b string) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func luminance(hex string) float64 {
	n, err := strconv.ParseUint(hex, 16, 32)
	if err != nil {
		return math.NaN()
	}
	sum := 0.0
	for i, weight := range []float64{0.0722, 0.7152, 0.2126} {
		c := float64(n>>(8*i)&0xff) / 255
		if c <= 0.04045 {
			sum += weight * c / 12.92
		} else {
			sum += weight * math.Pow((c+0.055)/1.055, 2.4)
		}
	}
	return sum
}
