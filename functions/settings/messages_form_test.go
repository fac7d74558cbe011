package settings

import (
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/citasync/citasync/shared/config"
	"github.com/citasync/citasync/shared/integration"
)

// noticesForm is a form without marks in which the notices of these kinds are
// ticked, and all others not.
func noticesForm(ticked ...string) url.Values {
	form := url.Values{"company": {string(salon)}}
	for _, kind := range []string{"reserved", "confirmed", "deleted", "birthday"} {
		form.Set("notice."+kind, "false")
		if slices.Contains(ticked, kind) {
			form.Add("notice."+kind, "true")
		}
	}
	return form
}

// What was changed elsewhere while the page was open stays when it is saved, but
// for what was changed on it too.
func TestMessagesTwoTabs(t *testing.T) {
	for name, tc := range map[string]struct {
		fields map[string]string // as they are on the page that was open
		status int
		want   integration.Options
	}{
		"as it was shown":  {nil, 303, integration.Options{Language: "en", Mute: integration.Mute{Deleted: true}}},
		"another notice":   {map[string]string{"notice.reserved": "false"}, 303, integration.Options{Language: "en", Mute: integration.Mute{Reserved: true, Deleted: true}}},
		"another language": {map[string]string{"language": "es"}, 303, integration.Options{Language: "es", Mute: integration.Mute{Deleted: true}}},
		"all that is left": {map[string]string{"notice.reserved": "false", "notice.confirmed": "false"}, 422, integration.Options{Language: "en", Mute: integration.Mute{Deleted: true}}},
	} {
		m := newMessenger(t, bilingual())
		m.notify(salon, nil)
		b := m.enter(m.claims(salon))
		form := filled(t, body(t, b.get(messagesPath+"options")))
		m.call(salon, http.MethodPost, messagesCall+"options", `{"language":"en","notices":{"deleted":false}}`).Body.Close()
		res := b.post(messagesPath+"options", typed(form, tc.fields))
		page := body(t, res)
		if diff := cmp.Diff(tc.want, m.notices(salon).Options); diff != "" || res.StatusCode != tc.status {
			t.Errorf("%s: %d; options -want +got:\n%s", name, res.StatusCode, diff)
		}
		if tc.status != http.StatusUnprocessableEntity {
			continue
		}
		// The page that is to be mended shows how it is now, with what was asked.
		again := filled(t, page)
		for _, kind := range []string{"reserved", "confirmed", "deleted"} {
			if got := again["notice."+kind]; !cmp.Equal(got, []string{"false"}) {
				t.Errorf("%s: %s is %q", name, kind, got)
			}
		}
		b.post(messagesPath+"options", typed(again, map[string]string{"notice.confirmed": "true"})).Body.Close()
		want := integration.Options{Language: "en", Mute: integration.Mute{Reserved: true, Deleted: true}}
		if diff := cmp.Diff(want, m.notices(salon).Options); diff != "" {
			t.Errorf("%s, mended: options -want +got:\n%s", name, diff)
		}
	}
}

// A page without a choice of languages leaves the language as it is.
func TestMessagesLanguageStays(t *testing.T) {
	templates := bilingual()
	for kind, template := range templates {
		templates[kind] = config.Template{Name: template.Name, Languages: []string{"es"}}
	}
	m := newMessenger(t, templates)
	m.notify(salon, func(c *integration.Connection) { c.Options.Language = "en" }) // of a time when there was one
	b := m.enter(m.claims(salon))
	form := filled(t, body(t, b.get(messagesPath+"options")))
	b.post(messagesPath+"options", typed(form, map[string]string{"notice.reserved": "false"})).Body.Close()
	if got, want := m.notices(salon).Options, (integration.Options{Language: "en", Mute: integration.Mute{Reserved: true}}); got != want {
		t.Errorf("options %+v, want %+v", got, want)
	}
}
