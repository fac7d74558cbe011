package sandbox

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// TemplateStatus is what Meta makes of a template.
type TemplateStatus string

// The statuses.
const (
	TemplateApproved TemplateStatus = "APPROVED"
	TemplatePending  TemplateStatus = "PENDING"
	TemplateRejected TemplateStatus = "REJECTED"
	TemplatePaused   TemplateStatus = "PAUSED"
	TemplateDisabled TemplateStatus = "DISABLED"
)

// WhatsAppTemplate is a message template with nothing but a body. Its variables
// are {{1}}, {{2}} … or have names, never both.
type WhatsAppTemplate struct {
	Name     string         `json:"name"`
	Language string         `json:"language"` // Meta's code: "es", "en_US"
	Category string         `json:"category"` // UTILITY, MARKETING, AUTHENTICATION
	Status   TemplateStatus `json:"status"`
	Body     string         `json:"body"`
	Example  []string       `json:"example,omitempty"` // a value for each variable: without, Meta accepts no template
}

//go:embed whatsapp_templates.json
var templatesFile []byte

// DefaultWhatsAppTemplates lists the templates that every sandbox has unless
// SetWhatsAppTemplate replaced them: booking_reserved, booking_confirmed and
// booking_deleted, in Spanish and English. Their variables are the customer, the
// company, the service, the date and the time.
func DefaultWhatsAppTemplates() []WhatsAppTemplate {
	var out []WhatsAppTemplate
	_ = json.Unmarshal(templatesFile, &out) // a test reads it
	return out
}

// WhatsAppTemplates lists the templates.
func (s *Sandbox) WhatsAppTemplates() []WhatsAppTemplate {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.templates()
}

// SetWhatsAppTemplate adds a template, or replaces that of its name and
// language.
func (s *Sandbox) SetWhatsAppTemplate(t WhatsAppTemplate) error {
	if err := t.validate(); err != nil {
		return err
	}
	return s.change(func(st *state) error {
		st.WhatsApp.Templates = slices.DeleteFunc(st.WhatsApp.Templates, t.same)
		st.WhatsApp.Templates = append(st.WhatsApp.Templates, t)
		return nil
	})
}

func (t WhatsAppTemplate) same(other WhatsAppTemplate) bool {
	return t.Name == other.Name && t.Language == other.Language
}

func (t WhatsAppTemplate) validate() error {
	if t.Name == "" || t.Language == "" || t.Body == "" {
		return errors.New("a template needs a name, a language and a body")
	}
	switch t.Status {
	case TemplateApproved, TemplatePending, TemplateRejected, TemplatePaused, TemplateDisabled:
	default:
		return fmt.Errorf("unknown status %q", t.Status)
	}
	numbers := 0
	names := t.variables()
	for _, v := range names {
		if _, err := strconv.Atoi(v); err == nil {
			numbers++
		}
	}
	if numbers > 0 && !slices.Equal(slices.Sorted(slices.Values(names)), numbered(len(names))) {
		return errors.New("variables with numbers are {{1}}, {{2}} and so on")
	}
	return nil
}

// numbered lists "1", "2" … in the order of strings.
func numbered(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = strconv.Itoa(i + 1)
	}
	slices.Sort(out)
	return out
}

func (st *state) templates() []WhatsAppTemplate {
	out := slices.DeleteFunc(DefaultWhatsAppTemplates(), func(t WhatsAppTemplate) bool {
		return slices.ContainsFunc(st.WhatsApp.Templates, t.same)
	})
	return append(out, st.WhatsApp.Templates...)
}

// template is the one that can be sent.
func (st *state) template(name, language string) (WhatsAppTemplate, error) {
	for _, t := range st.templates() {
		if t.Name != name || t.Language != language {
			continue
		}
		switch t.Status {
		case TemplatePaused:
			return t, graphErr(132015, "")
		case TemplateDisabled:
			return t, graphErr(132016, "")
		case TemplateApproved:
			return t, nil
		case TemplatePending, TemplateRejected:
		}
	}
	return WhatsAppTemplate{}, graphErr(132001, fmt.Sprintf("template name (%s) does not exist in %s", name, language))
}

var templateVariable = regexp.MustCompile(`\{\{\s*(\w+)\s*\}\}`)

// variables lists the body's, each once.
func (t WhatsAppTemplate) variables() []string {
	names := make(map[string]bool)
	for _, m := range templateVariable.FindAllStringSubmatch(t.Body, -1) {
		names[m[1]] = true
	}
	return slices.Collect(maps.Keys(names))
}

// maxText is how long a body may be once it is filled in.
const maxText = 1024

// render fills in the body.
func (t WhatsAppTemplate) render(components []sendComponent) (string, error) {
	var given []sendParameter
	for _, c := range components {
		switch {
		case strings.EqualFold(c.Type, "body"):
			given = append(given, c.Parameters...)
		case len(c.Parameters) > 0:
			return "", countMismatch(c.Type, len(c.Parameters), 0)
		}
	}
	names := t.variables()
	if len(given) != len(names) {
		return "", countMismatch("body", len(given), len(names))
	}
	values := make(map[string]string)
	for i, p := range given {
		if err := p.validate(); err != nil {
			return "", err
		}
		values[orDefault(p.Name, strconv.Itoa(i+1))] = p.Text
	}
	for _, n := range names {
		if _, ok := values[n]; !ok {
			return "", graphErr(132012, "body: parameter "+n+" is missing")
		}
	}
	text := templateVariable.ReplaceAllStringFunc(t.Body, func(v string) string {
		return values[templateVariable.FindStringSubmatch(v)[1]]
	})
	if utf8.RuneCountInString(text) > maxText {
		return "", graphErr(132005, "")
	}
	return text, nil
}

func countMismatch(component string, given, wanted int) error {
	return graphErr(132000, fmt.Sprintf("%s: number of localizable_params (%d) does not match the expected number of params (%d)",
		strings.ToLower(component), given, wanted))
}

func (p sendParameter) validate() error {
	switch {
	case p.Type != "text":
		return graphErr(132012, "body: the template takes text only")
	case p.Text == "":
		return graphErr(131008, "Parameter of type text is missing text value")
	case strings.ContainsAny(p.Text, "\n\r\t") || strings.Contains(p.Text, "     "):
		return graphErr(132018, "Param text cannot have new-line/tab characters or more than 4 consecutive spaces")
	}
	return nil
}
