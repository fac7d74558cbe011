package settings

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/gcal"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/sandbox"
	"github.com/citasync/citasync/shared/store"
)

// Each option is stored as it was chosen, in one commit that owes the passes,
// and told; the page then shows it, and the form as it is changes nothing.
func TestChooseOptions(t *testing.T) {
	g := newGoogle(t)
	g.consent(salon, ana)
	b := g.enter(g.claims(salon))
	team := g.other().ID
	for _, tc := range []struct {
		fields   map[string]string
		want     integration.Options
		location string
		told     string
	}{
		{map[string]string{}, integration.Options{}, "same_calendar", ""},
		{map[string]string{"title": "  Cita \t con {customer}\r\n"}, integration.Options{Summary: "Cita con {customer}"}, "options", "title"},
		{map[string]string{"description": "{notes}\r\n\r\n{url}  "}, integration.Options{Summary: "Cita con {customer}", Description: "{notes}\n\n{url}"}, "options", "description"},
		{map[string]string{"title": "", "description": " "}, integration.Options{Description: gcal.NoDescription}, "options", "title, description"},
		{map[string]string{"description": gcal.DefaultDescription("en")}, integration.Options{}, "options", "description"},
		{map[string]string{"title": gcal.DefaultSummary, "reminder": "none", "color": "11"}, integration.Options{Reminder: integration.Reminder{Own: true}, Color: "11"}, "options", "reminder, color"},
		{map[string]string{"reminder": "1d", "invite_customer": "true"}, integration.Options{Reminder: integration.Reminder{Own: true, Before: 24 * hour}, Color: "11", InviteCustomer: true}, "options", "reminder, invite_customer"},
		{map[string]string{"reminder": "", "color": "", "language": "en", "calendar": team}, integration.Options{InviteCustomer: true, Language: "en"}, "calendar", "reminder, color, language"},
		{map[string]string{"invite_customer": "false"}, integration.Options{Language: "en"}, "options", "invite_customer"},
	} {
		g.now, g.bell.rung = g.now.Add(time.Minute), nil
		before, acts := g.connection(salon), len(g.acts(store.ActOptionsChanged))
		res := b.post(optionsPath, typed(g.form(b), tc.fields))
		res.Body.Close()
		if got, want := res.Header.Get("Location"), "/settings?result="+tc.location; got != want {
			t.Fatalf("%v: %d to %q, want %q", tc.fields, res.StatusCode, got, want)
		}
		c := g.connection(salon)
		if diff := cmp.Diff(tc.want, c.Options); diff != "" {
			t.Errorf("%v: options -want +got:\n%s", tc.fields, diff)
		}
		changed := tc.location != "same_calendar"
		if (c.Version != before.Version) != changed || c.BackfillDue.Equal(g.now) != changed || (len(g.bell.rung) == 1) != changed {
			t.Errorf("%v: changed %v, owed since %v, maintain woken %d times", tc.fields, c.Version != before.Version, c.BackfillDue, len(g.bell.rung))
		}
		switch all := g.acts(store.ActOptionsChanged); {
		case changed && (len(all) != acts+1 || all[0].Detail != tc.told || all[0].Actor != "company"), !changed && len(all) != acts:
			t.Errorf("%v: told %+v", tc.fields, all)
		}
		if page := body(t, b.get("/settings?result="+tc.location)); !strings.Contains(page, `role="status"`) {
			t.Errorf("%v: the overview does not say that it is done", tc.fields)
		}
	}
	if c := g.connection(salon); c.Data.CalendarID != team {
		t.Errorf("calendar %q", c.Data.CalendarID)
	}
}

// What is changed in one tab stays when another, opened before, is saved, but
// for what is changed there too.
func TestTwoTabs(t *testing.T) {
	g := newGoogle(t)
	g.consent(salon, ana)
	b := g.enter(g.claims(salon))
	one, two := g.form(b), g.form(b)
	b.post(optionsPath, typed(one, map[string]string{"title": "{customer}", "calendar": g.other().ID, "invite_customer": "true", "color": "1"})).Body.Close()
	again := typed(two, map[string]string{"color": "2", "description": "{nota}"})
	res := b.post(optionsPath, again)
	page := body(t, res)
	if res.StatusCode != http.StatusUnprocessableEntity {
		t.Fatalf("answered with %d", res.StatusCode)
	}
	mended := typed(filled(t, page), map[string]string{"description": "{notes}"})
	if got := mended.Get("title"); got != "{customer}" || mended.Get("color") != "2" {
		t.Errorf("the page that is to be mended shows the title %q and the colour %q", got, mended.Get("color"))
	}
	b.post(optionsPath, mended).Body.Close()
	c := g.connection(salon)
	want := integration.Options{Summary: "{customer}", Description: "{notes}", InviteCustomer: true, Color: "2"}
	if diff := cmp.Diff(want, c.Options); diff != "" || c.Data.CalendarID != g.other().ID {
		t.Errorf("calendar %q, options -want +got:\n%s", c.Data.CalendarID, diff)
	}
}

// A calendar alone, as a form without marks has it, changes nothing else.
func TestCalendarAlone(t *testing.T) {
	g := newGoogle(t)
	g.consent(salon, ana)
	want := integration.Options{Summary: "{customer}", InviteCustomer: true, Language: "en"}
	g.change(func(c *integration.Connection) { c.Options = want })
	g.enter(g.claims(salon)).post(optionsPath, url.Values{"calendar": {g.other().ID}}).Body.Close()
	if c := g.connection(salon); c.Options != want || c.Data.CalendarID != g.other().ID || len(g.acts(store.ActOptionsChanged)) != 0 {
		t.Errorf("calendar %q, options %+v", c.Data.CalendarID, c.Options)
	}
}

// An example changes nothing. A script that asks for it, at each pause of
// somebody who types, does not have Google asked.
func TestPreviewOptions(t *testing.T) {
	g := newGoogle(t)
	g.consent(salon, ana)
	b := g.enter(g.claims(salon))
	form := typed(g.form(b), map[string]string{"action": actPreview, "title": "Cita de {customer}", "description": "{servicio}", "color": "5"})
	before := g.connection(salon)
	for _, by := range []struct {
		dest  string
		calls int
	}{{"document", 1}, {"empty", 0}} {
		g.sandbox.ClearRequests()
		r := httptest.NewRequest(http.MethodPost, optionsPath, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		r.Header.Set("Sec-Fetch-Dest", by.dest)
		res := b.send(r)
		page := body(t, res)
		lint(t, page)
		for _, want := range []string{`<div class="example" id="example" aria-live="polite">`, "<strong>Cita de Lucía Gómez</strong>", `value="Cita de {customer}"`, `id="description-fault"`, `value="5" selected`, "{servicio}</textarea>"} {
			if !strings.Contains(page, want) {
				t.Errorf("%s: the page lacks %s", by.dest, want)
			}
		}
		if n := g.calls("calendarList"); res.StatusCode != http.StatusOK || n != by.calls {
			t.Errorf("%s: %d, with %d calls", by.dest, res.StatusCode, n)
		}
	}
	if diff := cmp.Diff(before, g.connection(salon)); diff != "" {
		t.Errorf("connection -before +after:\n%s", diff)
	}
}

// The usual texts come back into the form, and into the store when it is saved.
func TestDefaultTexts(t *testing.T) {
	g := newGoogle(t)
	g.consent(salon, ana)
	g.change(func(c *integration.Connection) {
		c.Options = integration.Options{Summary: "x", Description: "y", Color: "1"}
	})
	b := g.enter(g.claims(salon))
	page := body(t, b.post(optionsPath, typed(g.form(b), map[string]string{"action": actDefaults, "title": "{", "description": "{nada}", "color": "2"})))
	form := filled(t, page)
	if form.Get("title") != gcal.DefaultSummary || tidy(form.Get("description")) != gcal.DefaultDescription("es") || strings.Contains(page, "-fault") {
		t.Errorf("the form has %q and %q", form.Get("title"), form.Get("description"))
	}
	if c := g.connection(salon); c.Options.Summary != "x" {
		t.Error("they are stored already")
	}
	b.post(optionsPath, form).Body.Close()
	if got, want := g.connection(salon).Options, (integration.Options{Color: "2"}); got != want {
		t.Errorf("options %+v, want %+v", got, want)
	}
}

// Whatever is wrong is said beside its field and above all of them, what was
// typed is kept, and nothing is stored.
func TestOptionsRefused(t *testing.T) {
	long := strings.Repeat("ñ", maxDescription) + "{notes}"
	for name, tc := range map[string]struct {
		field, value string
		wrong        bool
	}{
		"unknown placeholder":     {"title", "Cita {servicio}", true},
		"one in capitals":         {"title", "{Service}", true},
		"a brace":                 {"title", "{ Cita }}", true},
		"an open brace":           {"title", "a { b", false},
		"title too long":          {"title", strings.Repeat("ñ", maxTitle+1), true},
		"title just long enough":  {"title", strings.Repeat("ñ", maxTitle), false},
		"unknown in the text":     {"description", "a\n{cliente}\nb", true},
		"text too long":           {"description", long, true},
		"no such reminder":        {"reminder", "15m", true},
		"no such colour":          {"color", "0", true},
		"no such language":        {"language", "fr", true},
		"no such calendar":        {"calendar", "nowhere", true},
		"a calendar that is none": {"calendar", " ", true},
	} {
		g := newGoogle(t)
		g.consent(salon, ana)
		b := g.enter(g.claims(salon))
		before := g.connection(salon)
		res := b.post(optionsPath, typed(g.form(b), map[string]string{tc.field: tc.value, "invite_customer": "true"}))
		page := body(t, res)
		if (res.StatusCode == http.StatusUnprocessableEntity) != tc.wrong {
			t.Errorf("%s: %d", name, res.StatusCode)
		}
		if !tc.wrong {
			continue
		}
		lint(t, page)
		if diff := cmp.Diff(before, g.connection(salon)); diff != "" {
			t.Errorf("%s: connection -before +after:\n%s", name, diff)
		}
		for _, want := range []string{`<a href="#` + tc.field + `">`, `id="` + tc.field + `-fault"`, `id="wrong" tabindex="-1"`, `id="invite" aria-describedby="invite-hint" checked`} {
			if !strings.Contains(page, want) {
				t.Errorf("%s: the page lacks %s", name, want)
			}
		}
		if form := filled(t, page); (tc.field == "title" || tc.field == "description") && tidy(form.Get(tc.field)) != tc.value {
			t.Errorf("%s: typed %q, kept %q", name, tc.value, form.Get(tc.field))
		}
	}
}

// While Google does not answer, everything but the calendar can be changed, and
// without asking it.
func TestOptionsWhileGoogleIsDown(t *testing.T) {
	g := newGoogle(t)
	g.consent(salon, ana)
	b := g.enter(g.claims(salon))
	team := g.other().ID
	g.fail(sandbox.Fault{Operation: "calendarList.list", Status: 500})
	form := g.form(b)
	if form.Has("calendar") {
		t.Error("a calendar can be chosen")
	}
	g.sandbox.ClearRequests()
	b.post(optionsPath, typed(form, map[string]string{"title": "{customer}"})).Body.Close()
	if c := g.connection(salon); c.Options.Summary != "{customer}" || g.calls("") != 0 {
		t.Errorf("options %+v after %d calls", c.Options, g.calls(""))
	}
	res := b.post(optionsPath, typed(g.form(b), map[string]string{"title": "{service}", "calendar": team}))
	page := body(t, res)
	lint(t, page)
	if c := g.connection(salon); res.StatusCode != http.StatusServiceUnavailable || c.Options.Summary != "{customer}" {
		t.Errorf("%d; options %+v", res.StatusCode, c.Options)
	}
	if !strings.Contains(page, `id="calendar-fault"`) || filled(t, page).Get("title") != "{service}" {
		t.Errorf("what was typed is lost: %s", page)
	}
}

// The example is of the next booking that has an event.
func TestExampleIsTheNextBooking(t *testing.T) {
	g := newGoogle(t)
	g.consent(salon, ana)
	b := g.enter(g.claims(salon))
	named := func(name string) func(*store.Booking) {
		return func(b *store.Booking) { b.Booking.Customer.Name = name }
	}
	g.book(salon, "later", 48*hour, named("Más tarde"))
	g.book(clinic, "another's", hour, named("De otra"))
	g.book(salon, "under way", -10*time.Minute, named("Empezada"))
	for i, state := range []booking.Kind{booking.Reserved, booking.Deleted} {
		g.book(salon, booking.ID(state), time.Duration(i+1)*hour, func(b *store.Booking) { b.State = state })
	}
	if page := body(t, b.get(optionsPath)); !strings.Contains(page, "<strong>Corte de pelo – Más tarde</strong>") {
		t.Errorf("the example is another: %s", page)
	}
}

// The API shows the options and changes those that it names.
func TestOptionsByAPI(t *testing.T) {
	const path = "/v1/integrations/google-calendar/options"
	g := newGoogle(t)
	checkProblem(t, g.call(salon, http.MethodPost, path, `{"title":"x"}`), http.StatusConflict, "not connected")
	g.consent(salon, ana)
	shown := func(res *http.Response) (o eventOptionsJSON) {
		t.Helper()
		var i struct {
			Options eventOptionsJSON
		}
		if err := json.Unmarshal([]byte(body(t, res)), &i); err != nil || res.StatusCode != http.StatusOK {
			t.Errorf("%d, %v", res.StatusCode, err)
		}
		return i.Options
	}
	o := eventOptionsJSON{Title: gcal.DefaultSummary, Description: gcal.DefaultDescription("es")}
	g.sandbox.ClearRequests()
	for _, step := range []struct {
		call   string
		change func()
	}{
		{`{"title":"{staff}: {service}"}`, func() { o.Title = "{staff}: {service}" }},
		{`{"reminder":"2h","color":"3","title":null}`, func() { o.Reminder, o.Color = "2h", "3" }},
		{`{"invite_customer":true,"language":"en"}`, func() { o.Invite, o.Language, o.Description = true, "en", gcal.DefaultDescription("en") }},
		{`{"description":""}`, func() { o.Description = "" }},
		{`{"description":"{notes}\n{url}","invite_customer":false}`, func() { o.Description, o.Invite = "{notes}\n{url}", false }},
		{`{"calendar":"primary"}`, func() {}},
		{`{"title":"","reminder":"","color":"","language":"","description":"` + strings.ReplaceAll(gcal.DefaultDescription("en"), "\n", `\n`) + `"}`, func() {
			o = eventOptionsJSON{Title: gcal.DefaultSummary, Description: gcal.DefaultDescription("es")}
		}},
	} {
		step.change()
		if diff := cmp.Diff(o, shown(g.call(salon, http.MethodPost, path, step.call))); diff != "" {
			t.Errorf("%s -want +got:\n%s", step.call, diff)
		}
	}
	if c := g.connection(salon); c.Options != (integration.Options{}) || g.calls("") != 0 {
		t.Errorf("options %+v after %d calls", c.Options, g.calls(""))
	}
	all := g.acts(store.ActOptionsChanged)
	if len(all) != 6 || all[0].Actor != "platform" || all[0].Detail != "title, description, reminder, color, language" {
		t.Errorf("told %+v", all)
	}
	before := g.connection(salon)
	for call, fields := range map[string][]string{
		`{"title":"{servicio}"}`: {"title"},
		`{"title":"ok","description":"{x}","reminder":"15m","color":"12","language":"fr"}`: {"description", "reminder", "color", "language"},
		`{"calendar":"nowhere","title":"` + strings.Repeat("a", maxTitle+1) + `"}`:         {"calendar", "title"},
	} {
		res := g.call(salon, http.MethodPost, path, call)
		var problem struct {
			Detail string
			Errors []struct{ Field, Message string }
		}
		if err := json.Unmarshal([]byte(body(t, res)), &problem); err != nil || res.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d, %v", call, res.StatusCode, err)
		}
		var named []string
		for _, e := range problem.Errors {
			named = append(named, e.Field)
			if e.Message == "" || !strings.Contains(problem.Detail, e.Field+" "+e.Message) {
				t.Errorf("%s: %+v", call, problem)
			}
		}
		if diff := cmp.Diff(fields, named); diff != "" {
			t.Errorf("%s: fields -want +got:\n%s", call, diff)
		}
	}
	checkProblem(t, g.call(salon, http.MethodPost, path, `{"invite_customer":"yes"}`), http.StatusBadRequest, "invite_customer takes no string")
	checkProblem(t, g.call(salon, http.MethodPost, path, `{"color":5}`), http.StatusBadRequest, "color takes no number")
	checkProblem(t, g.call(salon, http.MethodPost, path, `["x"]`), http.StatusBadRequest, "not the JSON of this call")
	if diff := cmp.Diff(before, g.connection(salon)); diff != "" {
		t.Errorf("connection -before +after:\n%s", diff)
	}
	g.pause()
	checkProblem(t, g.call(salon, http.MethodPost, path, `{"title":"x"}`), http.StatusServiceUnavailable, "")
}

// The longest texts are taken in any script, by a call that escapes every
// character.
func TestLongestTextsByAPI(t *testing.T) {
	for char, escaped := range map[string]string{"日": `\u65e5`, "😀": `\ud83d\ude00`} {
		g := newGoogle(t)
		g.consent(salon, ana)
		res := g.call(salon, http.MethodPost, "/v1/integrations/google-calendar/options",
			`{"title":"`+strings.Repeat(escaped, maxTitle)+`","description":"`+strings.Repeat(escaped, maxDescription)+`"}`)
		res.Body.Close()
		want := integration.Options{Summary: strings.Repeat(char, maxTitle), Description: strings.Repeat(char, maxDescription)}
		if got := g.connection(salon).Options; res.StatusCode != http.StatusOK || got != want {
			t.Errorf("%s: %d; a description of %d bytes", char, res.StatusCode, len(got.Description))
		}
	}
}
