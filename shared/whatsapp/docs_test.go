package whatsapp

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/citasync/citasync/shared/config"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/sandbox"
)

// documentation is a part of docs/whatsapp.md, from a heading to the next one
// that is not below it.
func documentation(t *testing.T, heading string) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/whatsapp.md")
	if err != nil {
		t.Fatal(err)
	}
	_, part, found := strings.Cut(string(page), "\n"+heading+"\n")
	if !found {
		t.Fatalf("no %q", heading)
	}
	level, _, _ := strings.Cut(heading, " ")
	if end := regexp.MustCompile(`\n#{1,` + strconv.Itoa(len(level)) + `} `).FindStringIndex(part); end != nil {
		part = part[:end[0]]
	}
	return part
}

var (
	templateText = regexp.MustCompile("(?s)#### `(\\w+)`, `(\\w+)`\n\n```\n(.*?)\n```")
	quoted       = regexp.MustCompile("`([^`]*)`")
)

// cells are those of the tables in a part whose first cell is quoted.
func cells(part string) [][]string {
	var rows [][]string
	for line := range strings.Lines(part) {
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		row := strings.Split(strings.Trim(line, "|\n"), "|")
		for i := range row {
			row[i] = strings.TrimSpace(row[i])
		}
		rows = append(rows, row)
	}
	return rows
}

// TestDocumentedTemplates: what is to be submitted to Meta is what the stand-in
// takes for approved, and the samples are what the variables are filled with.
func TestDocumentedTemplates(t *testing.T) {
	part := documentation(t, "### The templates")
	samples := map[string][]string{}
	for i, row := range cells(part) {
		if want := "`{{" + strconv.Itoa(i+1) + "}}`"; len(row) != 4 || row[0] != want {
			t.Fatalf("row %v, want of the variable %s", row, want)
		}
		samples["es"] = append(samples["es"], row[2])
		samples["en"] = append(samples["en"], row[3])
	}
	var got []sandbox.WhatsAppTemplate
	for _, m := range templateText.FindAllStringSubmatch(part, -1) {
		got = append(got, sandbox.WhatsAppTemplate{
			Name: m[1], Language: m[2], Category: "UTILITY", Status: sandbox.TemplateApproved, Body: m[3], Example: samples[m[2]],
		})
	}
	if diff := cmp.Diff(sandbox.DefaultWhatsAppTemplates(), got); diff != "" {
		t.Errorf("-submitted +documented:\n%s", diff)
	}
	start := time.Date(2026, time.December, 1, 10, 0, 0, 0, time.UTC)
	for language, sample := range samples {
		for i, p := range parameters(newSpeeches().of(language), sample[0], sample[1], sample[2], start) {
			if !strings.EqualFold(p.Text, sample[i]) { // Meta does not compare, and people write AM and am
				t.Errorf("variable %d in %q is %q, documented is %q", i+1, language, p.Text, sample[i])
			}
		}
	}
}

// again is whether and when a message of a class is tried again, in the
// documentation's words.
func again(c class) string {
	switch {
	case c.reason == integration.Rejected:
		return "no"
	case c.passing:
		return "at once, then later"
	case c.wait == 10*time.Minute:
		return "after ten minutes"
	case c.wait == 6*time.Second:
		return "after six seconds"
	case c.wait == 0:
		return "later"
	}
	return "after " + c.wait.String()
}

// TestDocumentedCodes: every code with a class is there with what follows from
// it, and those that are the operator's to mend are codes without.
func TestDocumentedCodes(t *testing.T) {
	want, got := map[int]string{}, map[int]string{}
	for code, c := range classes() {
		want[code] = string(c.reason) + ", " + again(c)
	}
	for _, row := range cells(documentation(t, "### Error codes")) {
		for _, m := range quoted.FindAllStringSubmatch(row[0], -1) {
			code, err := strconv.Atoi(m[1])
			if err != nil {
				t.Fatalf("row %v: %v", row, err)
			}
			if _, twice := got[code]; twice {
				t.Errorf("%d is there twice", code)
			}
			got[code] = "the operator's"
			if len(row) == 4 {
				got[code] = row[1] + ", " + row[3]
			}
		}
	}
	for _, e := range sandbox.WhatsAppErrors() {
		if got[e.Code] == "the operator's" {
			want[e.Code] = string(classOfCode(e.Code).reason)
			got[e.Code] = string(integration.Internal)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-classed +documented:\n%s", diff)
	}
}

// TestDocumentedDefault: what is said to hold without WHATSAPP_TEMPLATES does.
func TestDocumentedDefault(t *testing.T) {
	load := func(templates string) config.Templates {
		c, err := config.Load(func(name string) string { return map[string]string{"WHATSAPP_TEMPLATES": templates}[name] })
		if err != nil {
			t.Fatalf("%q: %v", templates, err)
		}
		return c.WhatsApp.Templates
	}
	_, said, _ := strings.Cut(documentation(t, "## Configuration"), "\nBy default it is ")
	lists := quoted.FindAllStringSubmatch(said, -1)
	if len(lists) != 2 {
		t.Fatalf("lists %v, want two", lists)
	}
	if diff := cmp.Diff(load(""), load(lists[0][1])); diff != "" {
		t.Errorf("-default +documented:\n%s", diff)
	}
	if got := load(lists[1][1]); len(got) != 3 {
		t.Errorf("the list with deletions has %v", got)
	}
}
