package sandbox

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// TestDefaultTemplates: all there are, and in the form that Meta takes: values as
// examples, no variable at the beginning or the end.
func TestDefaultTemplates(t *testing.T) {
	var strict []WhatsAppTemplate
	d := json.NewDecoder(strings.NewReader(string(templatesFile)))
	d.DisallowUnknownFields()
	if err := d.Decode(&strict); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, tpl := range DefaultWhatsAppTemplates() {
		names = append(names, tpl.Name+" "+tpl.Language)
		if err := tpl.validate(); err != nil {
			t.Errorf("%s: %v", tpl.Name, err)
		}
		if tpl.Status != TemplateApproved || tpl.Category != "UTILITY" || len(tpl.Example) != 5 {
			t.Errorf("got %+v", tpl)
		}
		if !slices.Equal(slices.Sorted(slices.Values(tpl.variables())), numbered(5)) {
			t.Errorf("%s has the variables %v", tpl.Name, tpl.variables())
		}
		at := templateVariable.FindAllStringIndex(tpl.Body, -1)
		if at[0][0] == 0 || utf8.RuneCountInString(tpl.Body[at[len(at)-1][1]:]) < 10 || strings.Contains(tpl.Body, "}}{{") {
			t.Errorf("%s begins or ends with a variable, or has two without words between", tpl.Name)
		}
	}
	want := []string{
		"booking_confirmed en", "booking_confirmed es", "booking_deleted en", "booking_deleted es", "booking_reserved en", "booking_reserved es",
	}
	if diff := cmp.Diff(want, slices.Sorted(slices.Values(names))); diff != "" {
		t.Error(diff)
	}
}

// TestSetTemplate: a template is replaced by name and language, which is kept;
// the others stay.
func TestSetTemplate(t *testing.T) {
	dir := t.TempDir()
	w := local(t, Options{Dir: dir})
	set := func(tpl WhatsAppTemplate) {
		t.Helper()
		if err := w.s.SetWhatsAppTemplate(tpl); err != nil {
			t.Fatal(err)
		}
	}
	paused := WhatsAppTemplate{Name: "booking_reserved", Language: "es", Status: TemplatePaused, Body: "Hola, {{1}}."}
	set(paused)
	set(WhatsAppTemplate{Name: "other", Language: "es", Status: TemplatePending, Body: "Hola."})
	w = local(t, Options{Dir: dir})
	if got := w.s.WhatsAppTemplates(); len(got) != 7 || !slices.ContainsFunc(got, func(tpl WhatsAppTemplate) bool { return cmp.Equal(tpl, paused) }) {
		t.Errorf("got %+v", got)
	}
	_, err := w.send(t.Context(), message(nil))
	wantGraphError(t, err, 132015, 400)
	w.mustSend(map[string]any{"template": filledIn("booking_reserved", "en", "a", "b", "c", "d", "e")})
	paused.Status = TemplateApproved
	set(paused)
	w.mustSend(map[string]any{"template": filledIn("booking_reserved", "es", "Ana")})
	for _, bad := range []WhatsAppTemplate{
		{},
		{Name: "n", Language: "es", Status: "LOST", Body: "Hola."},
		{Name: "n", Language: "es", Status: TemplateApproved},
		{Name: "n", Language: "es", Status: TemplateApproved, Body: "{{1}} {{3}}"},
		{Name: "n", Language: "es", Status: TemplateApproved, Body: "{{1}} {{name}}"},
	} {
		if err := w.s.SetWhatsAppTemplate(bad); err == nil {
			t.Errorf("took %+v", bad)
		}
	}
}
