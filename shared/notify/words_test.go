package notify

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/message/catalog"
)

var verb = regexp.MustCompile(`%(\[(\d)\])?[sd]`)

// arguments are the places and kinds of what a text is said with.
func arguments(s string) []string {
	var args []string
	for i, m := range verb.FindAllStringSubmatch(s, -1) {
		place := m[2]
		if place == "" {
			place = fmt.Sprint(i + 1)
		}
		args = append(args, place+m[0][len(m[0])-1:])
	}
	slices.Sort(args)
	return args
}

// TestLanguagesAgree: each says everything, with the same arguments.
func TestLanguagesAgree(t *testing.T) {
	spanish, err := readTexts("es")
	if err != nil {
		t.Fatal(err)
	}
	english, err := readTexts("en")
	if err != nil {
		t.Fatal(err)
	}
	for key, es := range spanish {
		en, ok := english[key]
		if !ok {
			t.Errorf("English lacks %s", key)
			continue
		}
		if (es.one == "") != (en.one == "") {
			t.Errorf("%s has a singular in one language only", key)
		}
		if key == "clock" || strings.HasPrefix(key, "when") {
			continue // their arguments are what a language makes of them
		}
		if a, b := arguments(es.other), arguments(en.other); !slices.Equal(a, b) {
			t.Errorf("%s takes %v in Spanish, %v in English", key, a, b)
		}
	}
	if len(english) != len(spanish) {
		t.Errorf("%d messages in Spanish, %d in English", len(spanish), len(english))
	}
}

// TestNoIdleWords: every message stands in some letter. Those that are made up
// are the days and months, which the letters of a test don't all have.
func TestNoIdleWords(t *testing.T) {
	texts, err := readTexts("es")
	if err != nil {
		t.Fatal(err)
	}
	whole := spoken(t, texts)
	for key := range texts {
		if strings.HasPrefix(key, "weekday.") || strings.HasPrefix(key, "month.") {
			continue
		}
		without := map[string]text{}
		for k, v := range texts {
			if k != key {
				without[k] = v
			}
		}
		if spoken(t, without) == whole {
			t.Errorf("nobody says %s", key)
		}
	}
	if i := strings.Index(whole, "%!"); i >= 0 {
		t.Errorf("badly said: %q", whole[max(0, i-60):i+60])
	}
}

// spoken is what the texts make of all the letters.
func spoken(t *testing.T, texts map[string]text) string {
	t.Helper()
	paper, err := newStationery()
	if err != nil {
		t.Fatal(err)
	}
	paper.words = &catalogue{builder: catalog.NewBuilder()}
	if err := paper.words.add(language.Spanish, texts); err != nil {
		t.Fatal(err)
	}
	paper.words.matcher = language.NewMatcher(paper.words.tags)
	var all strings.Builder
	notices := letters()
	for _, name := range sortedKeys(notices) {
		for _, url := range []string{"", "https://reservas.example/"} {
			l, err := paper.write(notices[name], url, noon())
			if err != nil {
				t.Fatal(err)
			}
			all.WriteString(l.Subject + l.text + l.html)
		}
	}
	return all.String()
}

func TestSpeaker(t *testing.T) {
	c, err := loadCatalogue()
	if err != nil {
		t.Fatal(err)
	}
	for locale, want := range map[string]string{
		"": "es", "es": "es", "es-CO": "es", "en": "en", "en-GB": "en", "EN": "en", "de": "es", "not a locale": "es", "ca": "es",
	} {
		if got := c.speaker(locale).lang; got != want {
			t.Errorf("%q is spoken to in %s, want %s", locale, got, want)
		}
	}
}

// TestWhen: dates as people write them, in every month and on every day.
func TestWhen(t *testing.T) {
	c, err := loadCatalogue()
	if err != nil {
		t.Fatal(err)
	}
	bogota, err := time.LoadLocation("America/Bogota")
	if err != nil {
		t.Fatal(err)
	}
	es, en := c.speaker("es"), c.speaker("en")
	at := func(month time.Month, day, hour, minute int) time.Time {
		return time.Date(2026, month, day, hour, minute, 0, 0, bogota)
	}
	for _, tt := range []struct {
		t      time.Time
		es, en string
	}{
		{at(1, 1, 0, 5), "jueves 1 de enero a las 00:05", "Thursday, January 1, at 12:05\u00a0am"},
		{at(2, 28, 1, 0), "sábado 28 de febrero a la 01:00", "Saturday, February 28, at 1:00\u00a0am"},
		{at(3, 29, 3, 30), "domingo 29 de marzo a las 03:30", "Sunday, March 29, at 3:30\u00a0am"},
		{at(4, 6, 13, 1), "lunes 6 de abril a las 13:01", "Monday, April 6, at 1:01\u00a0pm"},
		{at(5, 5, 9, 9), "martes 5 de mayo a las 09:09", "Tuesday, May 5, at 9:09\u00a0am"},
		{at(6, 10, 12, 0), "miércoles 10 de junio a las 12:00", "Wednesday, June 10, at 12:00\u00a0pm"},
		{at(7, 31, 23, 59), "viernes 31 de julio a las 23:59", "Friday, July 31, at 11:59\u00a0pm"},
		{at(8, 15, 10, 0), "sábado 15 de agosto a las 10:00", "Saturday, August 15, at 10:00\u00a0am"},
		{at(9, 1, 10, 0), "martes 1 de septiembre a las 10:00", "Tuesday, September 1, at 10:00\u00a0am"},
		{at(10, 25, 2, 30), "domingo 25 de octubre a las 02:30", "Sunday, October 25, at 2:30\u00a0am"},
		{at(11, 2, 10, 0), "lunes 2 de noviembre a las 10:00", "Monday, November 2, at 10:00\u00a0am"},
		{at(12, 31, 22, 0), "jueves 31 de diciembre a las 22:00", "Thursday, December 31, at 10:00\u00a0pm"},
		{at(13, 1, 0, 0), "viernes 1 de enero de 2027 a las 00:00", "Friday, January 1, 2027, at 12:00\u00a0am"},
	} {
		now := time.Date(2027, 1, 1, 4, 59, 0, 0, time.UTC) // still 2026 in Bogota, for a minute
		if got := es.when(tt.t, now, "clock"); got != tt.es {
			t.Errorf("%q, want %q", got, tt.es)
		}
		if got := en.when(tt.t, now, "clock"); got != tt.en {
			t.Errorf("%q, want %q", got, tt.en)
		}
	}
}
