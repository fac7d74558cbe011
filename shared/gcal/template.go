package gcal

import (
	"strings"
	"unicode/utf8"

	"github.com/citasync/citasync/shared/integration"
)

// DefaultSummary is the template of an event's title unless the company has
// its own. If the booking lacks one of the two, the dash goes as well.
const DefaultSummary = "{service} – {customer}"

// What an event's texts are cut to, in characters: Google refuses longer ones.
const (
	maxSummary     = 1024
	maxDescription = 8192
	maxLocation    = 1024
)

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

// summary is the event's title, one line that is never empty.
func summary(t integration.Task) string {
	var s string
	if own := t.Connection.Options.Summary; own != "" && own != DefaultSummary {
		s = oneLine(expand(own, t))
	}
	if s == "" {
		s = oneLine(joined(" – ", t.Booking.Service, t.Booking.Customer.Name))
	}
	if s == "" {
		s = wordsOf(t.Company.Locale).booking + " " + string(t.Booking.ID)
	}
	return cut(s, maxSummary)
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func description(t integration.Task) string {
	if own := t.Connection.Options.Description; own != "" {
		return cut(expand(own, t), maxDescription)
	}
	w, b := wordsOf(t.Company.Locale), t.Booking
	return cut(joined("\n",
		labelled(w.customer, b.Customer.Name),
		labelled(w.phone, b.Customer.Phone),
		labelled(w.email, b.Customer.Email),
		labelled(w.staff, b.Staff),
		labelled(w.notes, b.Notes)), maxDescription)
}

func labelled(label, value string) string {
	if value == "" {
		return ""
	}
	return label + ": " + value
}

// joined joins the parts that are not empty.
func joined(separator string, parts ...string) string {
	var b strings.Builder
	for _, p := range parts {
		if p == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteString(separator)
		}
		b.WriteString(p)
	}
	return b.String()
}

// expand puts the booking's values in place of {service}, {customer}, {phone},
// {email}, {staff}, {location}, {notes}, {url}, {company} and {id}. Other
// braces stay as they are, and so do those within values.
func expand(template string, t integration.Task) string {
	var b strings.Builder
	for {
		text, rest, found := strings.Cut(template, "{")
		b.WriteString(text)
		if !found {
			return b.String()
		}
		name, after, closed := strings.Cut(rest, "}")
		if value, known := placeholder(name, t); closed && known {
			b.WriteString(value)
			template = after
			continue
		}
		b.WriteByte('{')
		template = rest
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
