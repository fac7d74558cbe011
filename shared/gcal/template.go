package gcal

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/citasync/citasync/shared/integration"
)

// DefaultSummary is the template of an event's title unless the company has
// its own.
const DefaultSummary = "{service} – {customer}"

// NoDescription is the template of an event without a description. An empty
// one stands for the default.
const NoDescription = " "

// What an event's texts are cut to, in characters: Google refuses longer ones.
const (
	maxSummary     = 1024
	maxDescription = 8192
	maxLocation    = 1024
)

// missing stands, while a template is filled in, for what a booking lacks.
const missing = "\x00"

var (
	placeholderPattern = regexp.MustCompile(`\{[^{}\n]*\}`)

	// What goes together with a missing value: brackets around it, the marks
	// that set it off from what comes before, and at the beginning of a line
	// those behind it.
	emptyBrackets = regexp.MustCompile(`\(\x00\)|\[\x00\]`)
	leadingMarks  = regexp.MustCompile(`^(?:[ –—\-·|,/+&]*\x00)+[ –—\-·|,/+&]*`)
	otherMarks    = regexp.MustCompile(`[ –—\-·|,/+&]*\x00`)
)

// Texts are the title and the description of the booking's event, as Google
// gets them. Of the task its company, its connection's options and its booking
// are looked at.
func Texts(t integration.Task) (title, description string) {
	return summary(t), describe(t)
}

// Placeholders lists what a template may name, by the names in the braces.
func Placeholders() []string {
	return []string{"service", "customer", "phone", "email", "staff", "location", "notes", "url", "company", "id"}
}

// UnknownPlaceholders returns the words in braces of a template, with them, that
// stand for nothing, each once.
func UnknownPlaceholders(template string) (unknown []string) {
	for _, word := range placeholderPattern.FindAllString(template, -1) {
		if !slices.Contains(Placeholders(), word[1:len(word)-1]) && !slices.Contains(unknown, word) {
			unknown = append(unknown, word)
		}
	}
	return unknown
}

// DefaultDescription is the template of an event's description unless the
// company has its own, in the words of the language of a BCP 47 tag.
func DefaultDescription(locale string) string {
	w := wordsOf(locale)
	return w.customer + ": {customer}\n" + w.phone + ": {phone}\n" + w.email + ": {email}\n" + w.staff + ": {staff}\n" + w.notes + ": {notes}"
}

// words are those of an event's texts in one language.
type words struct {
	booking, customer, phone, email, staff, notes string
}

// wordsOf returns the words for a BCP 47 tag: English for English ones,
// otherwise Spanish.
func wordsOf(locale string) words {
	if lang, _, _ := strings.Cut(strings.ToLower(locale), "-"); lang == "en" {
		return words{"Booking", "Customer", "Phone", "Email", "Staff", "Notes"}
	}
	return words{"Reserva", "Cliente", "Teléfono", "Correo", "Profesional", "Notas"}
}

// localeOf is the language of the event's own words.
func localeOf(t integration.Task) string {
	return cmp.Or(t.Connection.Options.Language, t.Company.Locale)
}

// summary is the event's title, one line that is never empty.
func summary(t integration.Task) string {
	for _, template := range []string{t.Connection.Options.Summary, DefaultSummary} {
		line, _ := fill(oneLine(template), t)
		if line = oneLine(line); line != "" {
			return cut(line, maxSummary)
		}
	}
	return cut(wordsOf(localeOf(t)).booking+" "+string(t.Booking.ID), maxSummary)
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// describe is the event's description.
func describe(t integration.Task) string {
	template := cmp.Or(t.Connection.Options.Description, DefaultDescription(localeOf(t)))
	if strings.TrimSpace(template) == "" {
		return ""
	}
	var lines []string
	for line := range strings.SplitSeq(template, "\n") {
		if filled, ok := fill(line, t); ok {
			lines = append(lines, filled)
		}
	}
	return cut(strings.Join(lines, "\n"), maxDescription)
}

// fill puts the booking's values into a line of a template. It reports whether
// the line says anything: one whose placeholders are all without a value does
// not, whatever stands around them.
func fill(line string, t integration.Task) (filled string, ok bool) {
	filled, some, none := expand(line, t)
	if none == 0 {
		return filled, true
	}
	if some == 0 {
		return "", false
	}
	filled = emptyBrackets.ReplaceAllString(filled, missing)
	filled = leadingMarks.ReplaceAllString(filled, "")
	return otherMarks.ReplaceAllString(filled, ""), true
}

// expand puts values in place of the placeholders, and missing where there is
// none. It counts both. Other braces stay as they are, and so do those within
// values.
func expand(template string, t integration.Task) (filled string, some, none int) {
	var b strings.Builder
	for {
		text, rest, found := strings.Cut(template, "{")
		b.WriteString(text)
		if !found {
			return b.String(), some, none
		}
		name, after, closed := strings.Cut(rest, "}")
		value, known := placeholder(name, t)
		switch {
		case !closed || !known:
			b.WriteByte('{')
			template = rest
			continue
		case value == "":
			b.WriteString(missing)
			none++
		default:
			b.WriteString(value)
			some++
		}
		template = after
	}
}

func placeholder(name string, t integration.Task) (value string, known bool) {
	b := t.Booking
	switch name {
	case "service":
		return b.Service, true
	case "customer":
		return b.Customer.Name, true
	case "phone":
		return b.Customer.Phone, true
	case "email":
		return b.Customer.Email, true
	case "staff":
		return b.Staff, true
	case "location":
		return b.Location, true
	case "notes":
		return b.Notes, true
	case "url":
		return b.URL, true
	case "company":
		return t.Company.Name, true
	case "id":
		return string(b.ID), true
	}
	return "", false
}

// cut shortens s to n characters, the last of which then is an ellipsis.
func cut(s string, n int) string {
	if len(s) <= n || utf8.RuneCountInString(s) <= n {
		return s
	}
	i := 0
	for range n - 1 {
		_, size := utf8.DecodeRuneInString(s[i:])
		i += size
	}
	return s[:i] + "…"
}
