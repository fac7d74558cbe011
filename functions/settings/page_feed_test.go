package settings

import (
	"regexp"
	"strings"
	"testing"
)

// The link that a calendar app should open may open nothing: the page says what
// then, tells a screen reader so with the link, and how it is done by hand,
// on Android too.
func TestFeedWithoutAnApp(t *testing.T) {
	for locale, want := range map[string][]string{
		"es": {"Si no se abre nada", "Android: la aplicación Google Calendar no puede"},
		"en": {"If nothing opens", "Android: the Google Calendar app can’t"},
	} {
		s := newSite(t)
		s.share()
		c := s.claims(salon)
		c.Locale = locale
		page := body(t, s.enter(c).get(feedPath))
		link := regexp.MustCompile(`href="webcal:[^>]* aria-describedby="([^"]+)"`).FindStringSubmatch(page)
		if link == nil || !strings.Contains(page, `id="`+link[1]+`">`+want[0]) {
			t.Errorf("%s: the link to an app is described by %q", locale, link)
		}
		for _, words := range want {
			if !strings.Contains(page, words) {
				t.Errorf("%s: the page does not say %q", locale, words)
			}
		}
	}
}
