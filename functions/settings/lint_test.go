package settings

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// lint examines a page: that its tags are balanced, and what WCAG 2.2 asks
// that can be told from the markup.
func lint(t *testing.T, page string) {
	t.Helper()
	if len(page) > 50<<10 {
		t.Errorf("the page has %d bytes", len(page))
	}
	balanced(t, page)
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	l := linter{T: t, ids: map[string]bool{}, count: map[string]int{}, labels: map[string]bool{}}
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode {
			l.collect(n)
		}
	}
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode {
			l.element(n)
		}
	}
	for _, tag := range []string{"h1", "main", "header", "title"} {
		if l.count[tag] != 1 {
			t.Errorf("%d elements %s", l.count[tag], tag)
		}
	}
}

// balanced reports tags that are not closed, or not in order. A parser would
// mend them without a word.
func balanced(t *testing.T, page string) {
	t.Helper()
	var open []string
	for z := html.NewTokenizer(strings.NewReader(page)); ; {
		switch z.Next() {
		case html.ErrorToken:
			if len(open) > 0 {
				t.Errorf("not closed: %v", open)
			}
			return
		case html.StartTagToken:
			name, _ := z.TagName()
			if !slices.Contains([]string{"meta", "link", "input", "br", "img", "hr"}, string(name)) {
				open = append(open, string(name))
			}
		case html.EndTagToken:
			name, _ := z.TagName()
			if len(open) == 0 || open[len(open)-1] != string(name) {
				t.Errorf("</%s> while %v are open", name, open)
				return
			}
			open = open[:len(open)-1]
		case html.TextToken, html.SelfClosingTagToken, html.CommentToken, html.DoctypeToken:
		}
	}
}

type linter struct {
	*testing.T
	ids    map[string]bool
	labels map[string]bool // ids that a label is for
	count  map[string]int
	level  int // of the last heading
}

func (l *linter) collect(n *html.Node) {
	l.count[n.Data]++
	if id := attr(n, "id"); id != "" {
		if l.ids[id] {
			l.Errorf("two elements have the id %q", id)
		}
		l.ids[id] = true
	}
	if n.Data == "label" {
		l.labels[attr(n, "for")] = true
	}
}

func (l *linter) element(n *html.Node) {
	l.attributes(n)
	switch n.Data {
	case "style", "iframe", "object":
		l.Errorf("an element %s", n.Data)
	case "script":
		if attr(n, "src") == "" || n.FirstChild != nil {
			l.Error("an inline script")
		}
	case "html":
		if attr(n, "lang") == "" {
			l.Error("no language")
		}
	case "h1", "h2", "h3", "h4":
		l.heading(n)
	case "a":
		if attr(n, "href") == "" {
			l.Errorf("a link to nowhere: %q", text(n))
		}
		l.named(n)
	case "button", "legend", "caption", "label", "option", "title", "th", "dt", "dd", "li", "time":
		l.named(n)
	case "input", "select":
		l.input(n)
	case "fieldset":
		l.has(n, "legend")
	case "table":
		l.has(n, "caption")
	}
	if n.Data == "th" && attr(n, "scope") == "" {
		l.Errorf("a th without scope: %q", text(n))
	}
}

func (l *linter) attributes(n *html.Node) {
	for _, a := range n.Attr {
		switch {
		case a.Key == "style" || strings.HasPrefix(a.Key, "on"):
			l.Errorf("<%s %s=%q> is inline", n.Data, a.Key, a.Val)
		case a.Key == "aria-labelledby" || a.Key == "aria-describedby":
			for id := range strings.FieldsSeq(a.Val) {
				if !l.ids[id] {
					l.Errorf("%s refers to %q, which is not there", a.Key, id)
				}
			}
		case a.Key == "href" && strings.HasPrefix(a.Val, "#"):
			if !l.ids[a.Val[1:]] {
				l.Errorf("a link to %q, which is not there", a.Val)
			}
		case a.Key == "tabindex" && a.Val != "-1":
			l.Errorf("tabindex %q", a.Val)
		}
		if strings.Contains(a.Val, "ZgotmplZ") {
			l.Errorf("%s was not safe", a.Key)
		}
	}
}

func (l *linter) heading(n *html.Node) {
	level, _ := strconv.Atoi(n.Data[1:])
	if level > l.level+1 {
		l.Errorf("heading %q of level %d after level %d", text(n), level, l.level)
	}
	l.level = level
	l.named(n)
}

func (l *linter) input(n *html.Node) {
	if attr(n, "type") != "hidden" && !l.labels[attr(n, "id")] {
		l.Errorf("an input without a label: %q", attr(n, "name"))
	}
}

// named checks that there is something to read aloud.
func (l *linter) named(n *html.Node) {
	if strings.TrimSpace(text(n)) == "" {
		l.Errorf("<%s> without words", n.Data)
	}
}

func (l *linter) has(n *html.Node, tag string) {
	for c := range n.Descendants() {
		if c.Data == tag {
			return
		}
	}
	l.Errorf("<%s> without <%s>", n.Data, tag)
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// text is what an element says; decoration is hidden from who listens.
func text(n *html.Node) string {
	var b strings.Builder
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.TextNode {
			b.WriteString(n.Data)
		}
		if attr(n, "aria-hidden") == "true" {
			return
		}
		for c := range n.ChildNodes() {
			walk(c)
		}
	}
	walk(n)
	return b.String()
}
