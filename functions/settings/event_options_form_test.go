package settings

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// filled is what a browser sends of the page's form, without a button.
func filled(t *testing.T, page string) url.Values {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{}
	for n := range doc.Descendants() {
		name, kind := attr(n, "name"), attr(n, "type")
		switch {
		case n.Type != html.ElementNode || name == "":
		case n.Data == "textarea":
			form.Add(name, strings.ReplaceAll(text(n), "\n", "\r\n"))
		case n.Data == "select":
			form.Add(name, selected(n))
		case n.Data == "input" && (kind != "radio" && kind != "checkbox" || hasAttr(n, "checked")):
			form.Add(name, attr(n, "value"))
		}
	}
	return form
}

// unanswered are the fields of the page's form that a browser wants filled in
// before it sends it.
func unanswered(t *testing.T, page string) (names []string) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	form := filled(t, page)
	for n := range doc.Descendants() {
		if name := attr(n, "name"); hasAttr(n, "required") && form.Get(name) == "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

func selected(list *html.Node) string {
	for n := range list.Descendants() {
		if n.Data == "option" && hasAttr(n, "selected") {
			return attr(n, "value")
		}
	}
	return attr(list.FirstChild, "value")
}

func hasAttr(n *html.Node, name string) bool {
	for _, a := range n.Attr {
		if a.Key == name {
			return true
		}
	}
	return false
}

// form is what the options page sends as the browser gets it.
func (g *google) form(b *browser) url.Values {
	g.Helper()
	return filled(g.T, body(g.T, b.get(optionsPath)))
}

// typed is the form with some fields otherwise.
func typed(form url.Values, fields map[string]string) url.Values {
	out := url.Values{}
	for name, values := range form {
		out[name] = values
	}
	for name, value := range fields {
		out[name] = []string{value}
	}
	return out
}
