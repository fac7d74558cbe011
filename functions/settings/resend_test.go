package settings

import (
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
		if !strings.Contains(page, `<form method="post" action="`+path+`">`) || filled(t, page).Encode() != agreed("keep").Encode() {
			t.Errorf("%s: the page does not offer to send it again: %s", path, page)
		}
		policies := map[bool]string{true: "form-action 'self' https:;", false: "form-action 'self';"}
		if got := res.Header.Get("Content-Security-Policy"); !strings.Contains(got, policies[out]) {
			t.Errorf("%s: policy %q", path, got)
		}
	}
}
