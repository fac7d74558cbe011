package settings

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/citasync/citasync/shared/googleauth"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/sandbox"
	"github.com/citasync/citasync/shared/store"
)

// A connection that lost its calendar takes other options together with a
// calendar, which may be the same, if it is there again. Only while Google shows
// none does it take them alone.
func TestOptionsWithoutCalendar(t *testing.T) {
	g := newGoogle(t)
	g.consent(salon, ana)
	b := g.enter(g.claims(salon))
	g.change(func(c *integration.Connection) { c.NeedReauth(integration.CalendarMissing, g.now) })
	down, err := g.sandbox.AddFault(sandbox.Fault{Operation: "calendarList.list", Status: 500})
	g.must(err)
	page := body(t, b.get(optionsPath))
	if form := filled(t, page); form.Has("calendar") || len(unanswered(t, page)) > 0 {
		t.Errorf("the form has the calendar %q, and lacks %q", form["calendar"], unanswered(t, page))
	}
	b.post(optionsPath, typed(filled(t, page), map[string]string{"color": "4"})).Body.Close()
	if c := g.connection(salon); c.Status != integration.NeedsReauth || c.Options.Color != "4" {
		t.Errorf("connection %s, options %+v", c.Status, c.Options)
	}
	g.sandbox.ClearFault(down)
	page = body(t, b.get(optionsPath))
	if diff := cmp.Diff([]string{"calendar"}, unanswered(t, page)); diff != "" {
		t.Errorf("what the form lacks -want +got:\n%s", diff)
	}
	b.post(optionsPath, typed(filled(t, page), map[string]string{"calendar": "primary", "color": "5"})).Body.Close()
	if c := g.connection(salon); c.Status != integration.Connected || c.Options.Color != "5" || !c.BackfillDue.Equal(g.now) {
		t.Errorf("connection %s, options %+v, owed since %v", c.Status, c.Options, c.BackfillDue)
	}
}

// The calendar in use is on the page, and chosen, though the account does not
// list it: everything else can be saved without leaving it.
func TestUsedCalendarNotListed(t *testing.T) {
	for name, tc := range map[string]struct {
		given  func(*google)
		others []string // that it can be left for; nil: they are in a list
	}{
		"no permission for the list": {
			func(g *google) {
				g.change(func(c *integration.Connection) { c.Data.Scopes = []string{googleauth.ScopeEvents} })
			},
			[]string{"primary"},
		},
		"the permission withdrawn": {
			func(g *google) {
				g.fail(sandbox.Fault{Operation: "calendarList.list", Status: 403, Reason: "insufficientPermissions"})
			},
			[]string{"primary"},
		},
		"taken off the list": {
			func(g *google) { g.must(g.sandbox.DeleteCalendar(ana, g.other().ID)) },
			[]string{"primary"},
		},
		"of the same name as one that is listed": {
			func(g *google) {
				g.must(g.sandbox.DeleteCalendar(ana, g.other().ID))
				_, err := g.sandbox.AddCalendar(ana, sandbox.Calendar{ID: "equipo@group.example", Summary: "Equipo"})
				g.must(err)
			},
			[]string{"primary", "equipo@group.example"},
		},
		"of a long list": {
			func(g *google) {
				g.must(g.sandbox.DeleteCalendar(ana, g.other().ID))
				for i := range maxRadios - 1 {
					_, err := g.sandbox.AddCalendar(ana, sandbox.Calendar{ID: fmt.Sprintf("sala%02d@group.example", i), Summary: fmt.Sprintf("Sala %02d", i)})
					g.must(err)
				}
			},
			nil,
		},
	} {
		g := newGoogle(t)
		g.consent(salon, ana)
		b := g.enter(g.claims(salon))
		team := g.other().ID
		b.post(optionsPath, typed(g.form(b), map[string]string{"calendar": team})).Body.Close()
		tc.given(g)
		page := body(t, b.get(optionsPath))
		lint(t, page)
		form := filled(t, page)
		if form.Get("calendar") != team || len(unanswered(t, page)) > 0 || !strings.Contains(page, "Equipo") {
			t.Errorf("%s: the form has the calendar %q, and lacks %q", name, form["calendar"], unanswered(t, page))
		}
		var ids []string
		for _, m := range offeredCalendar.FindAllStringSubmatch(page, -1) {
			ids = append(ids, m[1])
		}
		if long := strings.Contains(page, `<select name="calendar"`); long != (tc.others == nil) || !long && !cmp.Equal(ids, append(tc.others, team)) {
			t.Errorf("%s: in a list: %v; otherwise %q", name, long, ids)
		}
		res := b.post(optionsPath, typed(form, map[string]string{"title": "{customer}"}))
		res.Body.Close()
		c := g.connection(salon)
		if res.StatusCode != http.StatusSeeOther || c.Data.CalendarID != team || c.Data.CalendarName != "Equipo" || c.Options.Summary != "{customer}" {
			t.Errorf("%s: %d; calendar %q %q, options %+v", name, res.StatusCode, c.Data.CalendarID, c.Data.CalendarName, c.Options)
		}
		if n := len(g.acts(store.ActCalendarChosen)); n != 1 {
			t.Errorf("%s: calendars were chosen %d times", name, n)
		}
	}
}

var offeredCalendar = regexp.MustCompile(`name="calendar" value="([^"]+)"`)
