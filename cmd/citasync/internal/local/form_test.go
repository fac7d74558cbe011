package local

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// form is a form of a page, with what it sends when its button is pressed.
type form struct {
	*html.Node
	t      testing.TB
	method string
	values url.Values
}

// formWith returns the page's only form with such a button, or else nil.
func (p *page) formWith(button string) *form {
	pressed := func(n *html.Node) *html.Node {
		for c := range n.Descendants() {
			if c.Type == html.ElementNode && c.Data == "button" && text(c) == button {
				return c
			}
		}
		return nil
	}
	n := p.one("form", func(n *html.Node) bool { return pressed(n) != nil })
	if n == nil {
		return nil
	}
	f := &form{Node: n, method: http.MethodPost, values: url.Values{}}
	for c := range n.Descendants() {
		if c.Type == html.ElementNode {
			f.take(c)
		}
	}
	if b := pressed(n); attr(b, "name") != "" {
		f.values.Add(attr(b, "name"), attr(b, "value"))
	}
	return f
}

// take adds what a field sends as the page has it.
func (f *form) take(n *html.Node) {
	switch {
	case n.Data != "input" || has(n, "disabled"):
	case slices.Contains([]string{"radio", "checkbox"}, attr(n, "type")) && !has(n, "checked"):
	default:
		f.values.Add(attr(n, "name"), attr(n, "value"))
	}
}

// choose picks the radio button that is labelled so.
func choose(label string) func(*form) {
	return func(f *form) {
		f.t.Helper()
		n := f.labelled(label, "radio")
		f.values.Set(attr(n, "name"), attr(n, "value"))
	}
}

// untick takes the tick out of the box that is labelled so.
func untick(label string) func(*form) {
	return func(f *form) {
		f.t.Helper()
		n := f.labelled(label, "checkbox")
		name := attr(n, "name")
		f.values[name] = slices.DeleteFunc(f.values[name], func(v string) bool { return v == attr(n, "value") })
	}
}

// labelled is the only field of the type whose label begins so.
func (f *form) labelled(label, kind string) (found *html.Node) {
	f.t.Helper()
	for l := range f.Descendants() {
		if l.Type != html.ElementNode || l.Data != "label" || !strings.HasPrefix(text(l), label) {
			continue
		}
		for n := range f.Descendants() {
			if n.Data == "input" && attr(n, "id") == attr(l, "for") && attr(n, "type") == kind {
				if found != nil {
					f.t.Fatalf("two fields are labelled %q", label)
				}
				found = n
			}
		}
	}
	if found == nil {
		f.t.Fatalf("no field is labelled %q", label)
	}
	return found
}

func has(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}
