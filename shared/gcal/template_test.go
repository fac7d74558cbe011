package gcal

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
)

func TestSummary(t *testing.T) {
	for _, tc := range []struct {
		template, service, customer, want string
	}{
		{"", "Corte", "Ana", "Corte – Ana"},
		{DefaultSummary, "Corte", "Ana", "Corte – Ana"},
		{"", "Corte", "", "Corte"},
		{DefaultSummary, "", "Ana", "Ana"},
		{"", "", "", "Reserva 981"},
		{"{staff}", "Corte", "Ana", "Luis"},
		{
			"{staff} {location} {phone} {email} {notes} {url} {company} {id}", "", "",
			"Luis Calle 10 #4-21 +573001112233 ana.ruiz@example.com Primera visita https://platform.example/bookings/981 Peluquería Sol 981",
		},
		{"{Service} {nobody} { service } {{service}}", "Corte", "Ana", "{Service} {nobody} { service } {Corte}"},
		{"{service", "Corte", "Ana", "{service"},
		{"}{service}{", "Corte", "Ana", "}Corte{"},
		{"{service}", "{customer}", "Ana", "{customer}"}, // a value is not a template
		{"{service}\n{customer}", "Corte", "Ana", "Corte Ana"},
		{"{service} ", "", "Ana", "Ana"}, // empty: as if there were no template
		{"   ", "Corte", "Ana", "Corte – Ana"},
		{"", strings.Repeat("ñ", 2000), "", strings.Repeat("ñ", 1023) + "…"},
		{"Cita: {service}", "", "Ana", "Ana"},
		{"Cita de {customer}", "", "", "Reserva 981"},
		{"Cita", "", "", "Cita"},
		{"{service} – {customer} – {staff}", "Corte", "", "Corte – Luis"},
		{"{service} – {customer} – {staff}", "", "", "Luis"},
		{"{staff} · {service} – {customer}", "", "", "Luis"},
		{"{staff} ({service}) [{customer}]", "", "", "Luis"},
		{"{service} ({customer})", "Corte", "Ana", "Corte (Ana)"},
	} {
		task := taskFor(booking.Confirmed)
		task.Connection.Options.Summary = tc.template
		task.Booking.Service, task.Booking.Customer.Name = tc.service, tc.customer
		if got := summary(task); got != tc.want {
			t.Errorf("%q with %q and %q: %q, want %q", tc.template, tc.service, tc.customer, got, tc.want)
		}
	}
}

func TestDescription(t *testing.T) {
	task := taskFor(booking.Confirmed)
	task.Company.Locale = "en-GB"
	want := "Customer: Ana Ruiz\nPhone: +573001112233\nEmail: ana.ruiz@example.com\nStaff: Luis\nNotes: Primera visita"
	if got := describe(task); got != want {
		t.Errorf("in English: %q", got)
	}
	task.Booking.Customer.Phone, task.Booking.Customer.Email, task.Booking.Staff = "", "", ""
	if got := describe(task); got != "Customer: Ana Ruiz\nNotes: Primera visita" {
		t.Errorf("without some: %q", got)
	}
	for _, locale := range []string{"es", "ES-co", "", "fr", "eng"} {
		task.Company.Locale = locale
		if got := describe(task); !strings.HasPrefix(got, "Cliente: ") {
			t.Errorf("locale %q: %q", locale, got)
		}
	}
	task.Connection.Options.Language = "en"
	if got := describe(task); got != "Customer: Ana Ruiz\nNotes: Primera visita" {
		t.Errorf("in the language that was chosen: %q", got)
	}
	task.Connection.Options.Description = NoDescription
	if got := describe(task); got != "" {
		t.Errorf("without: %q", got)
	}
	task.Connection.Options.Description = DefaultDescription("es") + "\n\n{staff} / {location}\nTel. {phone} ({email})\nFin"
	if got := describe(task); got != "Cliente: Ana Ruiz\nNotas: Primera visita\n\nCalle 10 #4-21\nFin" {
		t.Errorf("without lines that say nothing: %q", got)
	}
	task.Connection.Options.Description = "Nota:\n{notes}"
	if got := describe(task); got != "Nota:\nPrimera visita" {
		t.Errorf("own template: %q", got)
	}
	task.Booking.Notes = strings.Repeat("x", 10_000)
	if got := describe(task); utf8.RuneCountInString(got) != maxDescription {
		t.Errorf("%d characters", utf8.RuneCountInString(got))
	}
}

func TestCut(t *testing.T) {
	for _, tc := range []struct {
		in   string
		n    int
		want string
	}{
		{"", 3, ""}, {"abc", 3, "abc"}, {"abcd", 3, "ab…"}, {"ñandú", 5, "ñandú"}, {"ñandúes", 5, "ñand…"}, {"😀😀😀", 2, "😀…"},
	} {
		if got := cut(tc.in, tc.n); got != tc.want {
			t.Errorf("cut(%q, %d) = %q, want %q", tc.in, tc.n, got, tc.want)
		}
	}
}

func FuzzTemplates(f *testing.F) {
	f.Add("{service} – {customer}", "Corte", "{service}")
	f.Add("{{}{service", "\xff", "")
	f.Add("{x}{id}{", strings.Repeat("é", 900), "y")
	f.Fuzz(func(t *testing.T, template, service, notes string) {
		task := taskFor(booking.Confirmed)
		task.Booking.Service, task.Booking.Notes = service, notes
		task.Connection.Options = integration.Options{Summary: template, Description: template}
		s, d := summary(task), describe(task)
		if n := utf8.RuneCountInString(s); n == 0 || n > maxSummary || strings.ContainsAny(s, "\n\r") {
			t.Errorf("summary of %d characters: %q", n, s)
		}
		if n := utf8.RuneCountInString(d); n > maxDescription {
			t.Errorf("description of %d characters", n)
		}
		valid := utf8.ValidString(template) && utf8.ValidString(service) && utf8.ValidString(notes)
		if valid && (!utf8.ValidString(s) || !utf8.ValidString(d)) {
			t.Errorf("broken text: %q, %q", s, d)
		}
		if !strings.Contains(template, "{") && template != "" && len(template) < maxDescription && d != template {
			t.Errorf("without placeholders %q became %q", template, d)
		}
	})
}

// What the panel shows is what is written, and what it lists is all there is.
func TestTextsAndPlaceholders(t *testing.T) {
	task := taskFor(booking.Confirmed)
	var all strings.Builder
	for _, name := range Placeholders() {
		value, known := placeholder(name, task)
		if !known || value == "" {
			t.Errorf("{%s} stands for nothing", name)
		}
		all.WriteString("{" + name + "}")
	}
	if got := UnknownPlaceholders(all.String()); got != nil {
		t.Errorf("unknown: %q", got)
	}
	ev := (&Calendar{}).event(task)
	if title, text := Texts(task); title != ev.Summary || text != ev.Description || title == "" || text == "" {
		t.Errorf("%q and %q are not the event's", title, text)
	}
	task.Connection.Options = integration.Options{Summary: DefaultSummary, Description: DefaultDescription(task.Company.Locale)}
	if title, text := Texts(task); title != ev.Summary || text != ev.Description {
		t.Errorf("the defaults written out give %q and %q", title, text)
	}
	for template, want := range map[string]string{
		"": "", "{service}": "", "{servicio}": "{servicio}", "{ service }": "{ service }", "{}": "{}", "{service} {x} {y} {x}": "{x} {y}",
		"{{service}}": "", "{service": "", "}{": "", "{a\nb}": "", "{Service}": "{Service}",
	} {
		if got := strings.Join(UnknownPlaceholders(template), " "); got != want {
			t.Errorf("%q: %q, want %q", template, got, want)
		}
	}
}
