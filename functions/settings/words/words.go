// Package words holds everything that the panel says, in each of its
// languages, and writes days and hours as people write them there.
//
// A catalogue is a directory of JSON objects from keys to messages, a file for
// each part of the panel. A message is a text with
// the verbs of package fmt, or, where it depends on a number, an object with
// the texts for CLDR's plural categories; the number is then its first
// argument.
package words

import (
	"embed"
	"encoding/json"
	"fmt"
	"slices"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/message/catalog"
)

//go:embed es en
var files embed.FS

// Languages lists the panel's languages. The first is spoken to whoever asks
// for none of them.
func Languages() []string { return []string{"es", "en"} }

// Catalogue holds the messages of every language. It may be used by several
// goroutines.
type Catalogue struct {
	builder *catalog.Builder
	matcher language.Matcher
	tags    []language.Tag
	keys    map[string]bool
}

// Load reads the catalogues.
func Load() (*Catalogue, error) {
	c := &Catalogue{builder: catalog.NewBuilder(), keys: map[string]bool{}}
	for _, lang := range Languages() {
		if err := c.load(lang); err != nil {
			return nil, fmt.Errorf("words: language %s: %w", lang, err)
		}
	}
	c.matcher = language.NewMatcher(c.tags)
	return c, nil
}

func (c *Catalogue) load(lang string) error {
	tag, err := language.Parse(lang)
	if err != nil {
		return err
	}
	texts, err := readTexts(lang)
	if err != nil {
		return err
	}
	c.tags = append(c.tags, tag)
	for key, t := range texts {
		c.keys[key] = true
		if err := c.builder.Set(tag, key, t.message()); err != nil {
			return fmt.Errorf("message %s: %w", key, err)
		}
	}
	return nil
}

// readTexts reads the files of a language. No two may have the same key.
func readTexts(lang string) (map[string]text, error) {
	entries, err := files.ReadDir(lang)
	if err != nil {
		return nil, err
	}
	all := map[string]text{}
	for _, e := range entries {
		data, err := files.ReadFile(lang + "/" + e.Name())
		if err != nil {
			return nil, err
		}
		var texts map[string]text
		if err := json.Unmarshal(data, &texts); err != nil {
			return nil, fmt.Errorf("%s: %w", e.Name(), err)
		}
		for key, t := range texts {
			if _, twice := all[key]; twice {
				return nil, fmt.Errorf("%s: message %s is in another file too", e.Name(), key)
			}
			all[key] = t
		}
	}
	return all, nil
}

// text is a message as a catalogue has it.
type text struct {
	one, other string // one is empty if the message does not depend on a number
}

// UnmarshalJSON reads either form.
func (t *text) UnmarshalJSON(b []byte) error {
	if b[0] == '"' {
		return json.Unmarshal(b, &t.other)
	}
	var forms struct{ One, Other string }
	if err := json.Unmarshal(b, &forms); err != nil {
		return err
	}
	t.one, t.other = forms.One, forms.Other
	return nil
}

func (t *text) message() catalog.Message {
	if t.one == "" {
		return catalog.String(t.other)
	}
	return plural.Selectf(1, "%d", plural.One, t.one, plural.Other, t.other)
}

// Speaker returns a Speaker of the first language among the preferences that
// the panel has. A preference is a language tag, or a list of them as
// Accept-Language has it (RFC 9110, section 12.5.4); an empty or unreadable
// one counts for nothing.
func (c *Catalogue) Speaker(preferences ...string) *Speaker {
	i := 0
	for _, p := range preferences {
		tags, _, err := language.ParseAcceptLanguage(p)
		if err != nil || len(tags) == 0 {
			continue
		}
		if _, best, confidence := c.matcher.Match(tags...); confidence > language.No {
			i = best
			break
		}
	}
	return &Speaker{
		catalogue: c,
		lang:      Languages()[i],
		printer:   message.NewPrinter(c.tags[i], message.Catalog(c.builder)),
	}
}

// Keys returns the keys of all messages, in order.
func (c *Catalogue) Keys() []string {
	keys := make([]string, 0, len(c.keys))
	for k := range c.keys {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// Speaker says things in one language. It is for one goroutine.
type Speaker struct {
	catalogue *Catalogue
	lang      string
	printer   *message.Printer
}

// Lang is the language, for HTML's lang attribute.
func (s *Speaker) Lang() string { return s.lang }

// T returns the key's message with its arguments.
func (s *Speaker) T(key string, args ...any) string {
	return s.printer.Sprintf(key, args...)
}

// Or returns the first key that has a message, and the last one if none has.
func (s *Speaker) Or(keys ...string) string {
	for _, k := range keys {
		if s.catalogue.keys[k] {
			return k
		}
	}
	return keys[len(keys)-1]
}
