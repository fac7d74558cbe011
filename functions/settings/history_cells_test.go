package settings

import (
	"encoding/csv"
	"strings"
	"testing"
	"unicode"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/citasync/citasync/shared/store"
)

// Whatever a customer is called, no reader of the file gets a cell that it would
// run: not with its own separator nor with another one, nor if it splits lines
// without minding the quotes.
func TestHistoryFileFormulas(t *testing.T) {
	names := map[string]string{ // to what the file has of it
		"=1+1":                "'=1+1",
		"+57":                 "'+57",
		"-2":                  "'-2",
		"@SUM(A1)":            "'@SUM(A1)",
		"＝1":                  "'＝1",
		"＋1":                  "'＋1",
		"－1":                  "'－1",
		"＠A":                  "'＠A",
		"\t =1":               "'=1",
		"\u200b=1":            "\u200b'=1",
		`"=1"`:                `"'=1"`,
		"x,=1+1,y":            "x,'=1+1,y",
		"x;=1+1;y":            "x;'=1+1;y",
		`x, "=1+1`:            `x, "'=1+1`,
		"x,\n;\t＝1":           "x,\n;\t'＝1",
		"x\n=1+1":             "x\n'=1+1",
		"x\r=1":               "x\r'=1",
		"a\",\"=1+1\";\"=1+1": "a\",\"'=1+1\";\"'=1+1",
		"Ana-María + Luis=@":  "Ana-María + Luis=@",
		"Ana; Luis, Zoe":      "Ana; Luis, Zoe",
	}
	for locale, separator := range map[string]rune{"es": ';', "en": ','} {
		t.Run(locale, func(t *testing.T) {
			for name, want := range names {
				s := newSite(t)
				s.book(salon, "1", 24*hour, func(b *store.Booking) { b.Booking.Customer.Name = name })
				who := s.claims(salon)
				who.Locale = locale
				file := strings.TrimPrefix(body(t, s.enter(who).get(historyFilePath)), "\ufeff")
				lines, err := cells(file, separator, false)
				if err != nil || len(lines) != 2 || len(lines[1]) < 4 {
					t.Fatalf("%q makes the file %q: %v", name, file, err)
				}
				if diff := gocmp.Diff(want, lines[1][3]); diff != "" {
					t.Errorf("%q -want +got\n%s", name, diff)
				}
				for _, other := range ",;\t" {
					lines, err := cells(file, other, true)
					s.must(err)
					for _, line := range append(lines, strings.FieldsFunc(file, func(r rune) bool { return strings.ContainsRune(",;\t\r\n", r) })) {
						runs(t, line)
					}
				}
			}
		})
	}
}

// cells reads a file with a separator, lazy as spreadsheets do.
func cells(file string, separator rune, lazy bool) ([][]string, error) {
	r := csv.NewReader(strings.NewReader(file))
	r.Comma, r.LazyQuotes, r.FieldsPerRecord = separator, lazy, -1
	return r.ReadAll()
}

// runs reports the cells that a spreadsheet would run.
func runs(t *testing.T, line []string) {
	t.Helper()
	for _, cell := range line {
		begins := strings.TrimLeftFunc(cell, func(r rune) bool { return r == '"' || unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) })
		if begins != "" && strings.ContainsRune("=+-@＝＋－＠", []rune(begins)[0]) {
			t.Errorf("a spreadsheet runs %q", cell)
		}
	}
}
