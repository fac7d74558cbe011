package settings

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/citasync/citasync/shared/integration"
)

const luis = "luis@example.com"

// agreed is the form of somebody who agrees to Luis's account in place of Ana's.
func agreed(events string, more ...string) url.Values {
	form := url.Values{"replace": {"yes"}, "events": {events}, "account": {luis}, "old": {ana}, "company": {string(salon)}}
	for i := 0; i < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	return form
}

// The question shows both accounts, changes nothing, and may lead out to
// Google, as no other page may.
func TestReplaceAsks(t *testing.T) {
	g := newGoogle(t)
	g.consent(salon, ana)
	g.offer(luis, 9*time.Minute)
	b := g.enter(g.claims(salon))
	res := b.get("/settings?result=other_account")
	page := body(t, res)
	for _, want := range []string{ana, `name="account" value="` + luis + `"`, `value="keep"`, `value="remove"`, `name="company" value="2"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the question lacks %s", want)
		}
	}
	if csp := res.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "form-action 'self' https:;") {
		t.Errorf("policy %q", csp)
	}
	if c := g.connection(salon); c.Status != integration.Connected || c.Data.AccountEmail != ana {
		t.Errorf("connection %s of %s", c.Status, c.Data.AccountEmail)
	}
	g.now = g.now.Add(2 * time.Minute)
	if page := body(t, b.get("/settings?result=other_account")); strings.Contains(page, luis) || !strings.Contains(page, "otra distinta") {
		t.Error("an account is shown that was chosen long ago")
	}
}

// What was noted as an account and is no address is not shown or used.
func TestReplaceAsksOddly(t *testing.T) {
	g := newGoogle(t)
	g.consent(salon, ana)
	for _, odd := range []string{"", "Luis <luis@example.com>", "luis", "luis@example.com,ana@example.com", "a@b\r\nX: y"} {
		g.offer(odd, 0)
		if page := body(t, g.enter(g.claims(salon)).get("/settings?result=other_account")); !strings.Contains(page, `name="account" value=""`) {
			t.Errorf("%q is taken for an account", odd)
		}
		g.now = g.now.Add(time.Second)
	}
}

// Keeping the events, the old account is off at once and the consent of the
// other one begins; pressing the button twice does no more.
func TestReplaceKeeping(t *testing.T) {
	g := newGoogle(t)
	g.consent(salon, ana)
	b := g.enter(g.claims(salon))
	for range 2 {
		res := b.post(enablePath, agreed("keep"))
		res.Body.Close()
		if got := res.Header.Get("Location"); res.StatusCode != http.StatusSeeOther || got != "/oauth/start?account=luis%40example.com&company=2" {
			t.Errorf("%d to %q", res.StatusCode, got)
		}
	}
	if c := g.connection(salon); c.Status != integration.Disconnected || !c.Data.IsZero() || len(g.sandbox.Grants(ana)) != 0 {
		t.Errorf("connection %s, %d grants left", c.Status, len(g.sandbox.Grants(ana)))
	}
	if n := len(g.acts("turned_off")); n != 1 {
		t.Errorf("turned off %d times", n)
	}
	// Pressed again when it is done, it turns nothing off.
	g.consent(salon, luis)
	res := b.post(enablePath, agreed("remove"))
	res.Body.Close()
	if c := g.connection(salon); c.Status != integration.Connected || res.Header.Get("Location") != "/settings" {
		t.Errorf("pressed once more: %q, connection %s", res.Header.Get("Location"), c.Status)
	}
}

// Removing the events first, the panel says so, and offers the other account
// when they are gone.
func TestReplaceRemoving(t *testing.T) {
	g := newGoogle(t)
	g.consent(salon, ana)
	g.offer(luis, time.Minute)
	b := g.enter(g.claims(salon))
	res := b.post(enablePath, agreed("remove"))
	res.Body.Close()
	const replacing = "/settings?result=replacing"
	if got := res.Header.Get("Location"); got != replacing {
		t.Fatalf("%d to %q", res.StatusCode, got)
	}
	if c := g.connection(salon); c.Status != integration.Disconnecting || !c.RemoveEvents || len(g.bell.rung) != 1 {
		t.Errorf("connection %s, maintain woken %d times", c.Status, len(g.bell.rung))
	}
	page := body(t, b.get(replacing))
	if !strings.Contains(page, "Después podrás conectar "+luis) || strings.Contains(page, "/oauth/start") {
		t.Error("while the events are removed, the page does not say so, or offers to connect")
	}
	g.must(g.grants.Finish(t.Context(), salon, integration.NoReason))
	page = body(t, b.get(replacing))
	if !strings.Contains(page, "Ya puedes conectar "+luis) || !strings.Contains(page, `href="/oauth/start?account=luis%40example.com&amp;company=2"`) {
		t.Error("when they are gone, the page does not offer the other account")
	}
	g.now = g.now.Add(offerLife)
	if page = body(t, b.get(replacing)); !strings.Contains(page, `href="/oauth/start?company=2"`) {
		t.Error("long after, it offers no account at all")
	}
}

// With a dead grant nothing can be removed, whatever is asked for: the page
// says where the events stay, and the other account can be connected at once.
func TestReplaceDead(t *testing.T) {
	for _, events := range []string{"keep", "remove"} {
		g := newGoogle(t)
		g.consent(salon, ana)
		g.offer(luis, time.Minute)
		g.change(func(c *integration.Connection) { c.NeedReauth(integration.Revoked, g.now) })
		b := g.enter(g.claims(salon))
		page := body(t, b.get("/settings?result=other_account"))
		if strings.Contains(page, `value="remove"`) || !strings.Contains(page, "«Calendario principal»") {
			t.Error("the page offers to remove the events, or does not say where they stay")
		}
		res := b.post(enablePath, agreed(events))
		res.Body.Close()
		if got := res.Header.Get("Location"); !strings.HasPrefix(got, "/oauth/start?account=luis") {
			t.Errorf("%s: %d to %q", events, res.StatusCode, got)
		}
	}
}

// Nothing is turned off on a page of another company or of another time, while
// everything is paused, or without an answer.
func TestReplaceRefuses(t *testing.T) {
	for _, tc := range []struct {
		name     string
		form     url.Values
		paused   bool
		status   int
		location string
	}{
		{"another company's page", agreed("keep", "company", "7"), false, 409, ""},
		{"no answer", agreed(""), false, 422, ""},
		{"odd answer", agreed("burn"), false, 422, ""},
		{"of another time", agreed("keep", "old", "before@example.com"), false, 303, "/settings"},
		{"connected already", agreed("keep", "account", ana), false, 303, "/settings"},
		{"paused", agreed("remove"), true, 303, "/settings?result=paused"},
		{"not agreed", agreed("remove", "replace", "no"), false, 303, "/oauth/start"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := newGoogle(t)
			g.consent(salon, ana)
			if tc.paused {
				g.pause()
			}
			before := g.connection(salon)
			res := g.enter(g.claims(salon)).post(enablePath, tc.form)
			res.Body.Close()
			if got := res.Header.Get("Location"); res.StatusCode != tc.status || got != tc.location {
				t.Errorf("%d to %q", res.StatusCode, got)
			}
			if diff := cmp.Diff(before, g.connection(salon)); diff != "" {
				t.Errorf("connection -before +after:\n%s", diff)
			}
		})
	}
	// An account that is no address is left out, and the rest done.
	g := newGoogle(t)
	g.consent(salon, ana)
	res := g.enter(g.claims(salon)).post(enablePath, agreed("keep", "account", "x&state=y"))
	res.Body.Close()
	if got := res.Header.Get("Location"); got != "/oauth/start?company=2" {
		t.Errorf("an account that is no address leads to %q", got)
	}
}
