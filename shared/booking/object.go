package booking

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"
)

// object is a JSON object that is being read. Its methods return a member, or
// the zero value after they have noted what is wrong with it.
type object struct {
	path    string // of the members: "data.booking."
	members []member
	invalid *[]FieldError // shared by all objects of an event
}

func (o object) refuse(name, message string) {
	*o.invalid = append(*o.invalid, FieldError{Field: o.path + name, Message: message})
}

func (o object) refused(name string) bool {
	return slices.ContainsFunc(*o.invalid, func(f FieldError) bool { return f.Field == o.path+name })
}

// value returns a member as it is written. Null is the same as absent.
// The last of several members of a name counts.
func (o object) value(name string) ([]byte, bool) {
	for _, m := range slices.Backward(o.members) {
		if m.name == name {
			return m.value, m.value[0] != 'n'
		}
	}
	return nil, false
}

// object returns a member that must be there and be an object.
func (o object) object(name string) (object, bool) {
	if _, ok := o.value(name); !ok {
		o.refuse(name, "is required")
		return object{}, false
	}
	return o.optionalObject(name)
}

func (o object) optionalObject(name string) (object, bool) {
	raw, ok := o.value(name)
	if !ok {
		return object{}, false
	}
	if raw[0] != '{' {
		o.refuse(name, "must be an object, not "+typeOf(raw))
		return object{}, false
	}
	return object{path: o.path + name + ".", members: split(raw), invalid: o.invalid}, true
}

// string returns a member as it is, or the empty string if it is absent.
func (o object) string(name string) (s string, ok bool) {
	raw, ok := o.value(name)
	if !ok {
		return "", true
	}
	if s, ok = unquote(raw); !ok {
		o.refuse(name, "must be a string, not "+typeOf(raw))
	}
	return s, ok
}

// required returns a string that must be there and not be empty.
func (o object) required(name string) (string, bool) {
	s, ok := o.string(name)
	if ok && s == "" {
		o.refuse(name, "is required")
		return "", false
	}
	return s, ok
}

// bounded returns a string of at most limit bytes.
func (o object) bounded(name string, limit int) string {
	s, _ := o.string(name)
	if len(s) > limit {
		o.refuse(name, fmt.Sprintf("must not be longer than %d bytes", limit))
		return ""
	}
	return s
}

// line returns free text of one line. What is blank counts as absent.
func (o object) line(name string, limit int) string {
	return clean(o.bounded(name, limit), unicode.IsControl)
}

// lines returns free text of any number of lines, which end in a line feed.
func (o object) lines(name string, limit int) string {
	s := strings.ReplaceAll(o.bounded(name, limit), "\r\n", "\n")
	return clean(s, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' })
}

func clean(s string, stray func(rune) bool) string {
	s = strings.Map(func(r rune) rune {
		if stray(r) {
			return ' '
		}
		return r
	}, s)
	if strings.TrimSpace(s) == "" {
		return ""
	}
	return s
}

// id returns an identifier: a string, or an integer as it is written.
func (o object) id(name string) string {
	raw, ok := o.value(name)
	if !ok {
		o.refuse(name, "is required")
		return ""
	}
	id := string(raw)
	if raw[0] == '"' {
		id, _ = o.string(name)
	} else if !integer(raw) {
		o.refuse(name, "must be a string or an integer, not "+typeOf(raw))
		return ""
	}
	if why := invalidID(id); why != "" {
		o.refuse(name, why)
		return ""
	}
	return id
}

func integer(raw []byte) bool {
	return typeOf(raw) == "a number" && !strings.ContainsAny(string(raw), ".eE")
}

// invalidID says what is wrong with an id. The replacement character stands
// for something that was lost on the way, so that two ids could look the same.
func invalidID(id string) string {
	switch {
	case id == "":
		return "is required"
	case len(id) > MaxID:
		return fmt.Sprintf("must not be longer than %d bytes", MaxID)
	case strings.ContainsFunc(id, unicode.IsControl):
		return "must not contain control characters"
	case strings.ContainsRune(id, unicode.ReplacementChar):
		return "must not contain replacement characters (U+FFFD) or halves of surrogate pairs"
	}
	return ""
}

// url returns the absolute http or https address of a page.
func (o object) url(name string) string {
	s := o.bounded(name, MaxURL)
	if s == "" {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		o.refuse(name, "must be an absolute http or https URL")
		return ""
	}
	return s
}

// typeOf names the JSON type of a value.
func typeOf(raw []byte) string {
	switch raw[0] {
	case '"':
		return "a string"
	case '{':
		return "an object"
	case '[':
		return "an array"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	}
	return "a number"
}
