package whatsapp

import (
	"cmp"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/go-playground/locales"
	"github.com/go-playground/locales/en"
	"github.com/go-playground/locales/es"

	"github.com/citasync/citasync/shared/config"
	"github.com/citasync/citasync/shared/integration"
)

// maxText keeps five parameters and the text around them below the 1024
// characters that a template's body may have.
const maxText = 150

// speech is how a language says what templates are filled with.
type speech struct {
	locales.Translator // dates and times as CLDR has them

	customer, company, service string // where a booking says nothing
	test                       string // the service of a message that tests the connection
}

// speeches are the languages, each loaded when it is first spoken: CLDR's tables
// are too much to be built for every message.
type speeches struct{ spanish, english func() speech }

func newSpeeches() speeches {
	return speeches{
		spanish: sync.OnceValue(func() speech {
			return speech{es.New(), "cliente", "el establecimiento", "tu cita", "mensaje de prueba"}
		}),
		english: sync.OnceValue(func() speech {
			return speech{en.New(), "customer", "the business", "your appointment", "test message"}
		}),
	}
}

// of is the language of a template.
func (s speeches) of(language string) speech {
	if strings.HasPrefix(language, "en") {
		return s.english()
	}
	return s.spanish()
}

// parameters fill a template, in this order: customer, company, service, date,
// time. The date and the time are those of the booking's own zone.
func parameters(s speech, customer, company, service string, start time.Time) []outgoingParameter {
	var all []outgoingParameter
	for _, text := range []string{
		cmp.Or(line(customer), s.customer), cmp.Or(line(company), s.company), cmp.Or(line(service), s.service),
		s.FmtDateFull(start), s.FmtTimeShort(start),
	} {
		all = append(all, outgoingParameter{Type: "text", Text: text})
	}
	return all
}

// line is a text as a parameter may have it: without line breaks, tabs and
// rows of spaces, and not too long.
func line(s string) string {
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	if r := []rune(s); len(r) > maxText {
		s = strings.TrimSpace(string(r[:maxText-1])) + "…"
	}
	return s
}

// notice is the message that a task's delivery announces.
func (s *Sender) notice(t integration.Task) outgoing {
	m := t.Delivery.Sent.Announced
	template := s.deps.Sender.Templates[m.Kind]
	b := t.Booking
	out := s.filled(template, t.Company, t.Connection.Options, func(say speech) []outgoingParameter {
		return parameters(say, b.Customer.Name, t.Company.Name, b.Service, b.Start)
	})
	out.To = b.Customer.Phone
	out.Callback = callback{Installation: s.deps.Installation, Company: t.Company.ID, Booking: b.ID, Kind: m.Kind, Revision: m.Revision}.String()
	return out
}

func (s *Sender) filled(
	t config.Template, company integration.Company, o integration.Options, parameters func(speech) []outgoingParameter,
) outgoing {
	language := t.In(cmp.Or(o.Language, company.Locale))
	return outgoing{
		Product: "whatsapp", Type: "template",
		Template: outgoingTemplate{
			Name: t.Name, Language: outgoingLanguage{language},
			Components: []outgoingComponent{{"body", parameters(s.say.of(language))}},
		},
	}
}
