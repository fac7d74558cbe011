package settings

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/citasync/citasync/shared/session"
)

// The form that leads to Google when it is sent again may lead there, and no
// other form may lead out.
func TestResendLeadsOut(t *testing.T) {
	for path, out := range map[string]bool{
		enablePath: true,
		strings.Replace(enablePath, "-", "%2D", 1): true,
		disablePath:             false,
		optionsPath:             false,
		messagesPath + "enable": false,
	} {
		g := newGoogle(t)
		g.consent(salon, ana)
		b := g.enter(g.claims(salon))
		g.now = g.now.Add(session.SessionLife + time.Minute)
		res := b.post(path, agreed("keep"))
		page := body(t, res)
		if !strings.Contains(page, `<form method="post" action="`+path+`">`) || carried(t, page).Encode() != agreed("keep").Encode() {
			t.Errorf("%s: the page does not offer to send it again: %s", path, page)
		}
		policies := map[bool]string{true: "form-action 'self' https:;", false: "form-action 'self';"}
		if got := res.Header.Get("Content-Security-Policy"); !strings.Contains(got, policies[out]) {
			t.Errorf("%s: policy %q", path, got)
		}
	}
}

// A form of the longest texts is carried, and sent again is taken.
func TestResendLongTexts(t *testing.T) {
	for _, char := range []string{"日", "😀"} {
		g := newGoogle(t)
		g.consent(salon, ana)
		b := g.enter(g.claims(salon))
		form := typed(g.form(b), map[string]string{"title": strings.Repeat(char, maxTitle), "description": strings.Repeat(char, maxDescription)})
		g.now = g.now.Add(session.SessionLife + time.Minute)
		page := body(t, b.post(optionsPath, form))
		again := carried(t, page)
		if again.Encode() != form.Encode() {
			t.Errorf("%s: the page carries a form of %d fields, not of %d", char, len(again), len(form))
		}
		res := g.enter(g.claims(salon)).post(optionsPath, again)
		res.Body.Close()
		if c := g.connection(salon); res.StatusCode != http.StatusSeeOther || c.Options.Description != form.Get("description") {
			t.Errorf("%s: %d; a description of %d bytes", char, res.StatusCode, len(c.Options.Description))
		}
	}
}

// A form of more fields than any of ours has is not carried, however they are
// named.
func TestResendFields(t *testing.T) {
	for name, tc := range map[string]struct {
		form    url.Values
		carried bool
	}{
		"as many as there may be":  {url.Values{"company": {string(salon)}, "notice": slices.Repeat([]string{"x"}, maxFields-1)}, true},
		"one more":                 {url.Values{"company": {string(salon)}, "notice": slices.Repeat([]string{"x"}, maxFields)}, false},
		"one more, of other names": {named(maxFields + 1), false},
		"other names":              {named(maxFields), true},
		"none":                     {nil, false},
	} {
		res := (&browser{s: newSite(t)}).post(optionsPath, tc.form)
		page := body(t, res)
		lint(t, page)
		if res.StatusCode != http.StatusUnauthorized || strings.Contains(page, "<form") != tc.carried {
			t.Errorf("%s: %d, %s", name, res.StatusCode, page)
		}
		if got := carried(t, page); tc.carried && got.Encode() != tc.form.Encode() {
			t.Errorf("%s: carried is %v", name, got)
		}
	}
}

// carried is the form that a page offers to send again, but for the mark that it
// comes from there.
func carried(t *testing.T, page string) url.Values {
	t.Helper()
	form := filled(t, page)
	form.Del(fieldAgain)
	return form
}

// named is a form with so many fields, each of another name.
func named(fields int) url.Values {
	form := url.Values{}
	for i := range fields {
		form.Set(fmt.Sprint("field", i), "x")
	}
	return form
}
