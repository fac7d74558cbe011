package oauthstart

import (
	"net/http"
	"testing"

	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/session"
)

// Whoever the platform sent here to connect is sent back there with the reason
// why that can't be now.
func TestRefusalIsToldToThePlatform(t *testing.T) {
	const back = "https://platform.example/settings?tab=2#calendar"
	const told = "https://platform.example/settings?tab=2&integration=google-calendar&result="
	connecting := session.Claims{Company: "sol", ReturnURL: back, Connect: session.ConnectGoogleCalendar}
	busy := func(t *testing.T, r *rig) {
		r.put(t, func(c *integration.Connection) { c.Status, c.RemoveEvents = integration.Disconnecting, true })
	}
	for _, tt := range []struct {
		name   string
		claims session.Claims
		before func(*testing.T, *rig)
		target string
		want   string
	}{
		{"being turned off", connecting, busy, "/oauth/start?company=sol", told + "busy#calendar"},
		{"the store fails", connecting, func(_ *testing.T, r *rig) { r.deps.Store = failing{r.store} }, "/oauth/start", told + "failed#calendar"},
		{"another company", connecting, nil, "/oauth/start?company=luna", "/settings?result=other_company"},
		{"in the panel", session.Claims{Company: "sol", ReturnURL: back}, busy, "/oauth/start", "/settings?result=busy"},
		{"nowhere to go back to", session.Claims{Company: "sol", Connect: session.ConnectGoogleCalendar}, busy, "/oauth/start", "/settings?result=busy"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			_, cookie := openLink(t, r.deps.Sessions, tt.claims)
			if tt.before != nil {
				tt.before(t, r)
			}
			resp := r.get(t, tt.target, cookie)
			if resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != tt.want {
				t.Errorf("%d to %q, want %q", resp.StatusCode, resp.Header.Get("Location"), tt.want)
			}
		})
	}
}
