package settings

import (
	"html"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

var (
	firstRow = regexp.MustCompile(`<h3><a href="(/settings/history[^"]+)"`)
	trail    = regexp.MustCompile(`<p class="trail"><a href="([^"]+)"`)
)

// TestHistoryBack: a booking's page leads back to the list that it was found
// in, which names nobody in its address.
func TestHistoryBack(t *testing.T) {
	s := newSite(t)
	s.clientele()
	b := s.enter(s.claims(salon))
	for name, form := range map[string]url.Values{
		"all":        {},
		"by a state": {"state": {"confirmed"}, "from": {"2026-12-01"}},
		"by a name":  {"find": {"Ana Ruiz"}},
	} {
		list := body(t, b.get(b.searched(form)))
		to := html.UnescapeString(firstRow.FindStringSubmatch(list)[1])
		if strings.Contains(strings.ToLower(to), "ruiz") {
			t.Errorf("%s: a row leads to %s", name, to)
		}
		back := html.UnescapeString(trail.FindStringSubmatch(body(t, b.get(to)))[1])
		if again := body(t, b.get(back)); sealed.ReplaceAllString(again, "") != sealed.ReplaceAllString(list, "") {
			t.Errorf("%s: %s does not lead back to the list, but to %s", name, to, back)
		}
	}
	if back := trail.FindStringSubmatch(body(t, b.get("/settings/history?booking=1&search=!")))[1]; back != historyPath {
		t.Errorf("without a list that can be read it leads back to %s", back)
	}
}
