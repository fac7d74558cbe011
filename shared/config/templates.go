package config

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/citasync/citasync/shared/booking"
)

// Templates are the message templates, as they are named at Meta, by the kind
// of news that they tell. There is no notice of a kind without one.
type Templates map[booking.Kind]Template

// Template is a message template and the languages that it was approved in, in
// Meta's spelling ("es", "es_MX", "en_US"); the first one stands in for any
// other.
type Template struct {
	Name      string
	Languages []string
}

// In is the language, of those of the template, for someone who reads the one
// asked for (BCP 47): the same, or the same but for the country, or the first.
func (t Template) In(language string) string {
	asked := strings.ReplaceAll(language, "-", "_")
	for _, alike := range []func(string) bool{
		func(l string) bool { return strings.EqualFold(l, asked) },
		func(l string) bool { return strings.EqualFold(base(l), base(asked)) },
	} {
		if i := slices.IndexFunc(t.Languages, alike); i >= 0 {
			return t.Languages[i]
		}
	}
	return t.Languages[0]
}

// base is a language without its country.
func base(language string) string {
	b, _, _ := strings.Cut(language, "_")
	return b
}

// defaultTemplates are those that are set if nothing is said of them.
func defaultTemplates() Templates {
	return Templates{
		booking.Reserved:  {Name: "booking_reserved", Languages: []string{"es", "en"}},
		booking.Confirmed: {Name: "booking_confirmed", Languages: []string{"es", "en"}},
	}
}

var (
	templateName     = regexp.MustCompile(`^[a-z0-9_]{1,512}$`)
	templateLanguage = regexp.MustCompile(`^(es|en)(_[A-Z]{2,3})?$`)
)

// templates reads "reserved=booking_reserved confirmed=booking_confirmed:es,en".
func (r *reader) templates(name string) Templates {
	value := r.get(name)
	if value == "" {
		return defaultTemplates()
	}
	all := Templates{}
	for entry := range strings.FieldsSeq(value) {
		kind, t, err := template(entry)
		if _, twice := all[kind]; err == nil && twice {
			err = fmt.Errorf("names a template for %q twice", kind)
		}
		if err != nil {
			r.refuse(name, err.Error())
			return nil
		}
		all[kind] = t
	}
	return all
}

// template reads one of them. The error does not repeat what was read.
func template(entry string) (booking.Kind, Template, error) {
	key, value, _ := strings.Cut(entry, "=")
	kind, err := booking.ParseKind("booking." + key)
	if err != nil {
		return "", Template{}, errors.New("must name templates for reserved, confirmed or deleted, such as confirmed=booking_confirmed:es,en")
	}
	title, languages, listed := strings.Cut(value, ":")
	t := Template{Name: title, Languages: []string{"es", "en"}}
	if listed {
		t.Languages = strings.Split(languages, ",")
	}
	if !templateName.MatchString(t.Name) {
		return "", Template{}, fmt.Errorf("must give the template for %q the name that it has at Meta: lower case, digits and _", kind)
	}
	if slices.ContainsFunc(t.Languages, func(l string) bool { return !templateLanguage.MatchString(l) }) {
		return "", Template{}, fmt.Errorf("must give the template for %q languages as Meta spells them, es or en or one of these with a country, such as es_MX", kind)
	}
	return kind, t, nil
}
