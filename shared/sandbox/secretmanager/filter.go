package secretmanager

import (
	"regexp"
	"slices"
	"strings"
)

// field looks up a field of what is filtered; ok is false if it is not set.
type field func(name string) (value string, ok bool)

// A filter is a list of conditions in Google's language, as far as the
// stand-in knows it:
//
//	state:ENABLED                  contains, without regard to case
//	state:(ENABLED OR DISABLED)    one of them
//	labels.app=citasync            equal, without regard to case
//	state!=DESTROYED               set, and not equal
//	labels.company:*               set
//	NOT state:DESTROYED, a AND b, a OR b, (a)
//
// AND and OR don't mix without parentheses, for sources differ in which binds
// tighter. What it does not know, it refuses.
type filter func(field) bool

var tokens = regexp.MustCompile(`\s*(!=|[=:()]|"[^"]*"|[^\s=:()!"]+)`)

// parseFilter reads a filter over the fields that are known. The empty one
// matches everything.
func parseFilter(text string, known func(name string) bool) (filter, error) {
	p := &parser{known: known}
	rest := strings.TrimSpace(text)
	if rest == "" {
		return func(field) bool { return true }, nil
	}
	for rest != "" {
		m := tokens.FindStringSubmatchIndex(rest)
		if m == nil || m[0] != 0 {
			return nil, invalid("the filter %q can't be read at %q", text, rest)
		}
		p.tokens = append(p.tokens, rest[m[2]:m[3]])
		rest = rest[m[1]:]
	}
	f, err := p.conditions()
	if err == nil && len(p.tokens) > 0 {
		err = invalid("the filter can't be read at %q", p.tokens[0])
	}
	return f, err
}

type parser struct {
	tokens []string // not read yet
	known  func(name string) bool
}

// take reads the next token if it is one of those.
func (p *parser) take(any ...string) (string, bool) {
	if len(p.tokens) == 0 || !slices.Contains(any, p.tokens[0]) {
		return "", false
	}
	return p.next(), true
}

// next reads a token; empty if there is none.
func (p *parser) next() string {
	if len(p.tokens) == 0 {
		return ""
	}
	t := p.tokens[0]
	p.tokens = p.tokens[1:]
	return t
}

// conditions reads one or several, all joined by the same word.
func (p *parser) conditions() (filter, error) {
	first, err := p.condition()
	if err != nil {
		return nil, err
	}
	all := []filter{first}
	joint := ""
	for {
		word, ok := p.take("AND", "OR")
		if !ok {
			break
		}
		if joint != "" && joint != word {
			return nil, invalid("the filter mixes AND and OR without parentheses")
		}
		joint = word
		f, err := p.condition()
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	if joint == "OR" {
		return func(v field) bool { return slices.ContainsFunc(all, func(f filter) bool { return f(v) }) }, nil
	}
	return func(v field) bool { return !slices.ContainsFunc(all, func(f filter) bool { return !f(v) }) }, nil
}

func (p *parser) condition() (filter, error) {
	if _, ok := p.take("NOT"); ok {
		f, err := p.condition()
		return func(v field) bool { return !f(v) }, err
	}
	if _, ok := p.take("("); ok {
		f, err := p.conditions()
		if _, ok := p.take(")"); !ok && err == nil {
			err = invalid("a parenthesis of the filter is not closed")
		}
		return f, err
	}
	name := p.next()
	if !p.known(name) {
		return nil, invalid("the stand-in does not filter by %q", name)
	}
	operator, ok := p.take(":", "=", "!=")
	if !ok {
		return nil, invalid("the stand-in does not know what the filter wants of %q", name)
	}
	values, err := p.values()
	return comparison(name, operator, values), err
}

// values reads a value, or several in parentheses.
func (p *parser) values() ([]string, error) {
	if _, ok := p.take("("); !ok {
		v, err := p.value()
		return []string{v}, err
	}
	var out []string
	for {
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		out = append(out, v)
		switch p.next() {
		case ")":
			return out, nil
		case "OR":
		default:
			return nil, invalid("values of the filter are not joined by OR")
		}
	}
}

func (p *parser) value() (string, error) {
	v := p.next()
	if v == "" || strings.ContainsAny(v, "=:()") && v[0] != '"' {
		return "", invalid("the filter lacks a value")
	}
	return strings.Trim(v, `"`), nil
}

func comparison(name, operator string, values []string) filter {
	return func(v field) bool {
		have, ok := v(name)
		if !ok {
			return false
		}
		matches := slices.ContainsFunc(values, func(want string) bool {
			if operator == ":" {
				return want == "*" || strings.Contains(strings.ToLower(have), strings.ToLower(want))
			}
			return strings.EqualFold(have, want)
		})
		return matches != (operator == "!=")
	}
}

// secretField tells which fields secrets are filtered by.
func secretField(name string) bool { return name == "name" || strings.HasPrefix(name, "labels.") }

func (s *secret) field(name string) (string, bool) {
	if label, ok := strings.CutPrefix(name, "labels."); ok {
		v, ok := s.Secret.pb.GetLabels()[label]
		return v, ok
	}
	return s.Secret.pb.GetName(), true
}

// versionField tells which fields versions are filtered by.
func versionField(name string) bool { return name == "name" || name == "state" }
