package notify

import (
	"embed"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/message/catalog"
)

//go:embed es.json en.json
var catalogueFS embed.FS

// languages are what notices are written in. The first is for companies that
// speak neither, or of whom nothing is known.
func languages() []string { return []string{"es", "en"} }

// catalogue holds the messages of every language: by key, a text with the verbs
// of package fmt or, where it depends on a number, the texts for CLDR's plural
// categories, whose first argument is the number.
type catalogue struct {
	builder *catalog.Builder
	tags    []language.Tag
	matcher language.Matcher
}

func loadCatalogue() (*catalogue, error) {
	c := &catalogue{builder: catalog.NewBuilder()}
	for _, lang := range languages() {
		texts, err := readTexts(lang)
		if err != nil {
			return nil, fmt.Errorf("words in %s: %w", lang, err)
		}
		if err := c.add(language.Make(lang), texts); err != nil {
			return nil, fmt.Errorf("words in %s: %w", lang, err)
		}
	}
	c.matcher = language.NewMatcher(c.tags)
	return c, nil
}

func readTexts(lang string) (map[string]text, error) {
	data, err := catalogueFS.ReadFile(lang + ".json")
	if err != nil {
		return nil, err
	}
	var texts map[string]text
	return texts, json.Unmarshal(data, &texts)
}

func (c *catalogue) add(tag language.Tag, texts map[string]text) error {
	c.tags = append(c.tags, tag)
	for key, t := range texts {
		if err := c.builder.Set(tag, key, t.message()); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	return nil
}

// text is a message as a catalogue's file has it.
type text struct {
	one, other string // one is empty if the text does not depend on a number
}

// UnmarshalJSON reads a string, or an object with the plural's forms.
func (t *text) UnmarshalJSON(data []byte) error {
	if data[0] == '"' {
		return json.Unmarshal(data, &t.other)
	}
	var forms struct{ One, Other string }
	if err := json.Unmarshal(data, &forms); err != nil {
		return err
	}
	t.one, t.other = forms.One, forms.Other
	return nil
}

func (t text) message() catalog.Message {
	if t.one == "" {
		return catalog.String(t.other)
	}
	return plural.Selectf(1, "%d", plural.One, t.one, plural.Other, t.other)
}

// speaker says things in one language. It is for one goroutine.
type speaker struct {
	lang    string
	printer *message.Printer
}

// speaker returns a speaker of the locale's language, a BCP 47 tag.
func (c *catalogue) speaker(locale string) *speaker {
	i := 0
	if tag, err := language.Parse(locale); err == nil {
		if _, best, confidence := c.matcher.Match(tag); confidence > language.No {
			i = best
		}
	}
	return &speaker{lang: languages()[i], printer: message.NewPrinter(c.tags[i], message.Catalog(c.builder))}
}

func (s *speaker) say(key string, args ...any) string { return s.printer.Sprintf(key, args...) }

// known says the key's message with its variant about what is known, if it is,
// as its last argument.
func (s *speaker) known(key, variant, what string, args ...any) string {
	if what == "" {
		return s.say(key, args...)
	}
	return s.say(key+variant, append(slices.Clone(args), what)...)
}

// when writes t where it is, as people do who read it near now: "martes 1 de
// diciembre a las 10:05". The clock is the key of how they write the hour.
func (s *speaker) when(t, now time.Time, clock string) string {
	key := "when"
	if t.Year() != now.In(t.Location()).Year() {
		key = "when.year"
	}
	weekday := s.say("weekday." + strconv.Itoa(int(t.Weekday())))
	month := s.say("month." + strconv.Itoa(int(t.Month())))
	hour := s.say("at", t.Hour(), t.Format(s.say(clock)))
	return s.say(key, weekday, strconv.Itoa(t.Day()), month, strconv.Itoa(t.Year()), hour)
}
