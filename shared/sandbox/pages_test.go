package sandbox

import (
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	google "google.golang.org/api/calendar/v3"
)

// wantPage checks that a page is well formed and what a page must have: a
// language, a title, one first heading, and a name for every control.
func wantPage(t *testing.T, name, page string) {
	t.Helper()
	p := pageCheck{labels: map[string]bool{}, ids: map[string]int{}}
	d := xml.NewDecoder(strings.NewReader(page))
	d.Entity = xml.HTMLEntity
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%s: %v in\n%s", name, err, page)
		}
		if e, ok := token.(xml.StartElement); ok {
			p.element(e)
		}
	}
	for _, id := range p.controls {
		if !p.labels[id] {
			t.Errorf("%s: no label for control %q", name, id)
		}
	}
	for id, n := range p.ids {
		if n > 1 {
			t.Errorf("%s: id %q is there %d times", name, id, n)
		}
	}
	if p.lang != "es" || p.titles != 1 || p.headings != 1 || p.mains != 1 {
		t.Errorf("%s: %+v", name, p)
	}
	if strings.Contains(page, "<script") || !strings.HasPrefix(page, "<!DOCTYPE html>") || strings.Contains(page, "ZgotmplZ") {
		t.Errorf("%s: not the page it should be", name)
	}
}

type pageCheck struct {
	lang                    string
	titles, headings, mains int
	controls                []string // ids
	labels                  map[string]bool
	ids                     map[string]int
}

func (p *pageCheck) element(e xml.StartElement) {
	attr := map[string]string{}
	for _, a := range e.Attr {
		attr[a.Name.Local] = a.Value
	}
	if id, ok := attr["id"]; ok {
		p.ids[id]++
	}
	switch e.Name.Local {
	case "html":
		p.lang = attr["lang"]
	case "title":
		p.titles++
	case "h1":
		p.headings++
	case "main":
		p.mains++
	case "label":
		p.labels[attr["for"]] = true
	case "input", "select":
		if attr["type"] != "hidden" {
			p.controls = append(p.controls, attr["id"])
		}
	}
}

// hostile is text that a page must not take for its own.
const hostile = `<b>"O’Connor" & 'hijos'</b>`

func TestPages(t *testing.T) {
	w := local(t, Options{})
	svc := w.api(w.connect(ana))
	e := haircut("event1")
	e.Summary, e.Description, e.Location = hostile, hostile+"\nsegunda línea", hostile
	e.ColorId = "11"
	e.Reminders = &google.EventReminders{Overrides: []*google.EventReminder{{Method: "popup", Minutes: 90}}, ForceSendFields: []string{"UseDefault"}}
	w.mustInsert(svc, e)
	w.mustInsert(svc, haircut("event2"))
	if err := svc.Events.Delete("primary", "event2").Do(); err != nil {
		t.Fatal(err)
	}
	if _, err := w.s.AddEvent(ana, "primary", Event{Start: &EventTime{Date: "2026-12-03"}, End: &EventTime{Date: "2026-12-04"}}); err != nil {
		t.Fatal(err)
	}
	auth := strings.TrimPrefix(w.oauth().AuthCodeURL(hostile), w.base)
	for _, tt := range []struct {
		path   string
		status int
		want   []string
	}{
		{"/", http.StatusOK, []string{`href="/sandbox/calendar"`}},
		{"/sandbox/calendar", http.StatusOK, []string{
			"10:00–10:45 · &lt;b&gt;", "America/Bogota · confirmado", "· cancelado", "martes, 1 de diciembre de 2026", "todo el día · (sin título)", "jueves, 3 de diciembre",
			`class="color-11"`, "Color tomate · Recordatorio 90 minutos antes",
		}},
		{"/sandbox/calendar?account=luis@example.com&calendar=other", http.StatusOK, []string{"No hay eventos", "America/Bogota"}},
		{"/sandbox/account", http.StatusOK, []string{ScopeEvents, "Quitar el acceso"}},
		{"/sandbox/account?account=luis@example.com", http.StatusOK, []string{"Ninguna"}},
		{"/sandbox/requests", http.StatusOK, []string{"events.delete", "token (authorization_code)"}},
		{auth, http.StatusOK, []string{"Permitir"}},
		{authPath, http.StatusUnauthorized, []string{"invalid_client"}},
	} {
		status, page := w.get(tt.path)
		if status != tt.status {
			t.Errorf("%s: status %d", tt.path, status)
		}
		wantPage(t, tt.path, page)
		for _, want := range tt.want {
			if !strings.Contains(page, want) {
				t.Errorf("%s lacks %q", tt.path, want)
			}
		}
	}
	if status, css := w.get("/sandbox/style.css"); status != http.StatusOK || !strings.Contains(css, "body") {
		t.Errorf("the stylesheet: status %d", status)
	}
}

func TestButtons(t *testing.T) {
	w := local(t, Options{})
	tok := w.connect(ana)
	w.mustInsert(w.api(tok), haircut("event1"))
	form := url.Values{"account": {ana}, "calendar": {ana}, "event": {"event1"}}
	status, to, _ := w.post("/sandbox/calendar/delete", form)
	if status != http.StatusSeeOther || to != "/sandbox/calendar?account=ana%40example.com&calendar=ana%40example.com" || w.has(ana, "event1") {
		t.Errorf("delete: %d to %s", status, to)
	}
	if status, _, page := w.post("/sandbox/calendar/delete", form); status != http.StatusNotFound {
		t.Errorf("delete again: %d", status)
	} else {
		wantPage(t, "refused", page)
	}
	if status, _, _ := w.post("/sandbox/account/expire", form); status != http.StatusSeeOther {
		t.Errorf("expire: %d", status)
	}
	_, err := w.api(tok).Events.List("primary").Do()
	wantAPIError(t, err, http.StatusUnauthorized, "authError")
	if status, _, _ := w.post("/sandbox/account/revoke", form); status != http.StatusSeeOther || len(w.s.Grants(ana)) != 0 {
		t.Errorf("revoke: %d", status)
	}
	if status, _, _ := w.post("/sandbox/account/revoke", url.Values{"account": {"nobody@example.com"}}); status != http.StatusNotFound {
		t.Errorf("revoke of nobody's: %d", status)
	}
	if status, to, _ := w.post("/sandbox/requests/clear", nil); status != http.StatusSeeOther || to != "/sandbox/requests" || len(w.s.Requests()) != 0 {
		t.Errorf("clear: %d to %s", status, to)
	}
}

func TestDayTitle(t *testing.T) {
	if got, want := dayTitle(time.Date(2026, 2, 28, 0, 0, 0, 0, time.UTC)), "sábado, 28 de febrero de 2026"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
