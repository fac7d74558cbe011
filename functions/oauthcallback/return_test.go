package oauthcallback

import (
	"net/http"
	"testing"

	"github.com/citasync/citasync/shared/googleauth"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/sandbox"
	"github.com/citasync/citasync/shared/session"
	"github.com/citasync/citasync/shared/store"
)

// begun is the session of a browser that the platform sent here to connect.
func (r *rig) begun(t testing.TB) *http.Cookie {
	t.Helper()
	s, cookie := r.open(t, session.Claims{
		Company: "sol", ReturnURL: "https://platform.example/settings?tab=2#calendar", Connect: session.ConnectGoogleCalendar,
	})
	r.session = s
	return cookie
}

// Whoever the platform sent here to connect is sent back there with what came
// of it. What has to be asked is asked in the panel.
func TestOutcomeIsToldToThePlatform(t *testing.T) {
	const told = "https://platform.example/settings?tab=2&integration=google-calendar&result="
	for _, tt := range []struct {
		name    string
		before  func(*testing.T, *rig)
		consent sandbox.Consent
		want    string
	}{
		{"connected", nil, sandbox.Consent{Account: ana}, told + "connected#calendar"},
		{"reconnected", func(t *testing.T, r *rig) { r.connect(t, ana) }, sandbox.Consent{Account: ana}, told + "reconnected#calendar"},
		{"denied", nil, sandbox.Consent{Account: ana, Deny: true}, told + "denied#calendar"},
		{"a box unticked", nil, sandbox.Consent{Account: ana, Untick: []string{googleauth.ScopeEvents}}, told + "scope_missing#calendar"},
		{"Google fails", func(t *testing.T, r *rig) {
			if _, err := r.google.AddFault(sandbox.Fault{Operation: "token", Status: 500}); err != nil {
				t.Fatal(err)
			}
		}, sandbox.Consent{Account: ana}, told + "failed#calendar"},
		{"switched off for everyone", func(t *testing.T, r *rig) {
			e := store.DefaultEntry(integration.GoogleCalendar)
			e.Enabled = false
			if err := r.store.PutEntry(t.Context(), &e); err != nil {
				t.Fatal(err)
			}
		}, sandbox.Consent{Account: ana}, told + "paused#calendar"},
		{"another account", func(t *testing.T, r *rig) { r.connect(t, luis) }, sandbox.Consent{Account: ana}, "/settings?result=other_account"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			if tt.before != nil {
				tt.before(t, r)
			}
			cookie := r.begun(t)
			if got := r.sent(t, r.consent(t, tt.consent), cookie).String(); got != tt.want {
				t.Errorf("sent to %s\nwant %s", got, tt.want)
			}
			r.quiet(t)
		})
	}
}

// An answer that comes again, by the back button for example, or too late, is
// put right on our own page: the platform may have been told something newer.
func TestAnswerAgainStaysHere(t *testing.T) {
	r := newRig(t)
	cookie := r.begun(t)
	answer := r.consent(t, sandbox.Consent{Account: ana})
	if to := r.sent(t, answer, cookie); to.Host != "platform.example" {
		t.Fatalf("sent to %s", to)
	}
	if got := r.sent(t, answer, cookie).String(); got != "/settings/connect?result=expired" {
		t.Errorf("again: sent to %s", got)
	}
}

// Another tab's visit to the panel, with a link of its own, ends the session in
// which the authorisation was begun: the answer is not taken, and the platform's
// page of the other visit is not led to.
func TestOutcomeOfAnotherSession(t *testing.T) {
	r := newRig(t)
	r.begun(t)
	answer := r.consent(t, sandbox.Consent{Account: ana})
	_, other := r.open(t, session.Claims{Company: "luna", ReturnURL: "https://platform.example/luna"})
	if got := r.sent(t, answer, other).String(); got != "/settings?result=expired" || r.calls("token") != 0 {
		t.Errorf("sent to %s, %d token calls", got, r.calls("token"))
	}
}
