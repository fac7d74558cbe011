package words

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

func load(t *testing.T) *Catalogue {
	t.Helper()
	c, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func texts(t *testing.T, lang string) map[string]text {
	t.Helper()
	m, err := readTexts(lang)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

var verb = regexp.MustCompile(`%(\[(\d)\])?[sd]`)

// arguments are the places and kinds of a text's arguments.
func arguments(s string) []string {
	var args []string
	for i, m := range verb.FindAllStringSubmatch(s, -1) {
		place := m[2]
		if place == "" {
			place = string(rune('1' + i))
		}
		args = append(args, place+m[0][len(m[0])-1:])
	}
	slices.Sort(args)
	return slices.Compact(args)
}

// Every language says everything, with the same arguments.
func TestLanguagesAgree(t *testing.T) {
	first := texts(t, Languages()[0])
	for _, lang := range Languages() {
		m := texts(t, lang)
		for key, want := range first {
			got, ok := m[key]
			if !ok {
				t.Errorf("%s lacks %s", lang, key)
				continue
			}
			if (got.one == "") != (want.one == "") {
				t.Errorf("%s: %s has a singular in one language only", lang, key)
			}
			for _, form := range []string{got.one, got.other} {
				if a, b := arguments(form), arguments(want.other); form != "" && !slices.Equal(a, b) {
					t.Errorf("%s: %s takes %v, elsewhere %v", lang, key, a, b)
				}
				if strings.Contains(verb.ReplaceAllString(form, ""), "%") {
					t.Errorf("%s: %s has an odd verb", lang, key)
				}
			}
			if got.other == "" {
				t.Errorf("%s: %s is empty", lang, key)
			}
		}
		if len(m) != len(first) {
			t.Errorf("%s has %d messages, %s %d", lang, len(m), Languages()[0], len(first))
		}
	}
}

func TestSpeaker(t *testing.T) {
	c := load(t)
	for _, tc := range []struct {
		name        string
		preferences []string
		want        string
	}{
		{"nothing asked", nil, "es"},
		{"first that is spoken", []string{"", "de", "en", "es"}, "en"},
		{"region", []string{"en-GB"}, "en"},
		{"by weight", []string{"de, es;q=0.4, en;q=0.8"}, "en"},
		{"other languages only", []string{"de", "fr;q=0.3"}, "es"},
		{"nonsense", []string{"!!", "en;q=x", "en"}, "en"},
		{"anything", []string{"*"}, "es"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := c.Speaker(tc.preferences...).Lang(); got != tc.want {
				t.Errorf("speaks %s, want %s", got, tc.want)
			}
		})
	}
}

func TestPlural(t *testing.T) {
	c := load(t)
	for _, tc := range []struct {
		lang string
		n    int
		want string
	}{
		{"es", 1, "1 reserva espera a que reconectes."},
		{"es", 3, "3 reservas esperan a que reconectes."},
		{"en", 1, "1 booking is waiting for you to reconnect."},
		{"en", 1000, "1,000 bookings are waiting for you to reconnect."},
	} {
		if got := c.Speaker(tc.lang).T("waiting.reauth", tc.n); got != tc.want {
			t.Errorf("%s, %d: %q, want %q", tc.lang, tc.n, got, tc.want)
		}
	}
}

func TestTimes(t *testing.T) {
	bogota := time.FixedZone("", -5*3600)
	now := time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC) // the last day of February in Bogota
	at := func(y int, m time.Month, d, h, min int) time.Time { return time.Date(y, m, d, h, min, 0, 0, bogota) }
	c := load(t)
	es, en := c.Speaker("es"), c.Speaker("en")
	for _, tc := range []struct{ name, got, want string }{
		{"day", es.Day(at(2026, 12, 1, 0, 0)), "martes, 1 de diciembre de 2026"},
		{"day, en", en.Day(at(2026, 12, 1, 0, 0)), "Tuesday, December 1, 2026"},
		{"span", es.Span(at(2026, 12, 1, 9, 0), at(2026, 12, 1, 13, 45)), "09:00 – 13:45"},
		{"span, en", en.Span(at(2026, 12, 1, 9, 0), at(2026, 12, 1, 13, 45)), "9:00\u00a0am – 1:45\u00a0pm"},
		{"span over midnight", es.Span(at(2026, 12, 31, 23, 0), at(2027, 1, 1, 0, 30)), "23:00 – 1 de enero, 00:30"},
		{"today", es.Moment(at(2026, 2, 28, 14, 2), now), "hoy, 14:02"},
		{"yesterday", es.Moment(at(2026, 2, 27, 23, 59), now), "ayer, 23:59"},
		{"tomorrow", en.Moment(at(2026, 3, 1, 0, 0), now), "tomorrow, 12:00\u00a0am"},
		{"this year", es.Moment(at(2026, 5, 3, 8, 5), now), "3 de mayo, 08:05"},
		{"this year, en", en.Moment(at(2026, 5, 3, 8, 5), now), "May 3, 8:05\u00a0am"},
		{"another year", es.Moment(at(2025, 2, 28, 8, 5), now), "28 de febrero de 2025, 08:05"},
		{"another year, en", en.Moment(at(2027, 2, 28, 8, 5), now), "February 28, 2027, 8:05\u00a0am"},
	} {
		if tc.got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, tc.got, tc.want)
		}
	}
}

func FuzzSpeaker(f *testing.F) {
	f.Add("es-CO, en;q=0.5")
	f.Add(";;q=,")
	c, err := Load()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, header string) {
		if s := c.Speaker(header); s.T("skip") == "skip" {
			t.Errorf("speechless in %q", s.Lang())
		}
	})
}
