package settings

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/converge"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/gcal"
	"github.com/citasync/citasync/shared/googleauth"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/sandbox"
	"github.com/citasync/citasync/shared/secret/file"
	"github.com/citasync/citasync/shared/store"
)

// google is a site whose companies have accounts at Google.
type google struct {
	*site
	sandbox *sandbox.Sandbox
	client  *googleauth.Client
	grants  *googleauth.Grants
	engine  *converge.Engine
	bell    *bell
}

func newGoogle(t *testing.T) *google {
	t.Helper()
	g := &google{bell: &bell{}}
	g.site = newSite(t, func(d *Deps) { d.Publisher = g.bell })
	var err error
	g.sandbox, err = sandbox.New(sandbox.Options{Now: g.clock})
	g.must(err)
	secrets, err := file.Open(filepath.Join(t.TempDir(), "secrets"))
	g.must(err)
	keyset, err := googleauth.NewKeyset()
	g.must(err)
	cipher, err := googleauth.NewCipher(keyset)
	g.must(err)
	g.client = googleauth.NewClient(googleauth.ClientOptions{
		ClientID: sandbox.DefaultClientID, ClientSecret: sandbox.DefaultClientSecret, RedirectURL: "https://citas.example/oauth/callback",
		BaseURL: "http://google.test", HTTP: &http.Client{Transport: g.sandbox.Transport()}, Now: g.clock,
	})
	auth := googleauth.Deps{Client: g.client, Connections: g.store, Secrets: secrets, Cipher: cipher, Now: g.clock, Log: g.deps.Log}
	g.grants = googleauth.NewGrants(auth)
	g.deps.Grants = g.grants
	switches := converge.NewCatalogue(g.store, g.clock)
	calendar, err := gcal.New(gcal.Deps{
		Tokens: googleauth.NewSource(auth), Reasons: googleauth.ReasonOf, Installation: "test", BaseURL: "http://google.test",
		HTTP: &http.Client{Transport: g.sandbox.Transport()}, Now: g.clock, Log: g.deps.Log,
		Allowed: func(ctx context.Context) bool { return switches.Allowed(ctx, integration.GoogleCalendar) },
	})
	g.must(err)
	g.engine = converge.New(converge.Deps{
		Store: g.store, Switches: switches, Integrations: []integration.Integration{calendar}, Now: g.clock, Log: g.deps.Log,
	})
	g.deps.Calendar, g.deps.Engine = calendar, g.engine
	g.handler, err = New(g.deps)
	g.must(err)
	return g
}

// consent connects the company with the account, which does not allow what is
// unticked.
func (g *google) consent(company booking.CompanyID, account string, unticked ...string) {
	g.Helper()
	verifier := googleauth.NewVerifier()
	to, err := g.sandbox.Authorize(g.client.AuthURL("state", verifier, ""), sandbox.Consent{Account: account, Untick: unticked})
	g.must(err)
	u, err := url.Parse(to)
	g.must(err)
	grant, err := g.client.Exchange(g.Context(), u.Query().Get("code"), verifier)
	g.must(err)
	result, err := g.grants.Connect(g.Context(), company, grant)
	if err != nil || result != googleauth.ResultConnected {
		g.Fatalf("connect: %s, %v", result, err)
	}
}

func (g *google) connection(company booking.CompanyID) integration.Connection {
	g.Helper()
	c, err := g.store.Connection(g.Context(), company, integration.GoogleCalendar)
	g.must(err)
	return c
}

// Turning off asks once, and then does what was chosen; whatever becomes of
// the message to maintain.
func TestDisable(t *testing.T) {
	for _, tc := range []struct {
		events   string
		location string
		status   integration.Status
		lost     error // of the message to maintain
	}{
		{events: "keep", location: "/settings?result=disconnected", status: integration.Disconnected},
		{events: "remove", location: "/settings?result=removing", status: integration.Disconnecting},
		{events: "remove", location: "/settings?result=removing", status: integration.Disconnecting, lost: fault.ErrUnavailable},
	} {
		t.Run(tc.events, func(t *testing.T) {
			g := newGoogle(t)
			g.bell.err = tc.lost
			g.consent(salon, "ana@example.com")
			g.consent(clinic, "luis@example.com")
			b := g.enter(g.claims(salon))
			for _, res := range []*http.Response{b.get(disablePath), b.post(disablePath, nil)} {
				page := body(t, res)
				if !strings.Contains(page, "ana@example.com") || !strings.Contains(page, `name="company" value="2"`) {
					t.Error("the question does not name the account, or the company")
				}
			}
			if c := g.connection(salon); c.Status != integration.Connected {
				t.Fatalf("the question alone makes the connection %s", c.Status)
			}
			res := b.post(disablePath, url.Values{"confirm": {"yes"}, "events": {tc.events}, "company": {string(salon)}})
			res.Body.Close()
			if got := res.Header.Get("Location"); res.StatusCode != http.StatusSeeOther || got != tc.location {
				t.Errorf("%d to %q", res.StatusCode, got)
			}
			if c := g.connection(salon); c.Status != tc.status || c.Enabled {
				t.Errorf("the connection is %s, enabled %v", c.Status, c.Enabled)
			}
			if c := g.connection(clinic); c.Status != integration.Connected {
				t.Errorf("the other company's connection is %s", c.Status)
			}
			if len(g.bell.rung) != 1 || g.bell.rung[0].Attributes["company_id"] != string(salon) {
				t.Errorf("maintain is woken by %v", g.bell.rung)
			}
			if page := body(t, b.get(tc.location)); !strings.Contains(page, `role="status"`) {
				t.Error("what was done is not said")
			}
			if page := body(t, b.get("/settings/activity")); !strings.Contains(page, "Google Calendar se desactivó") || !strings.Contains(page, "Tu empresa") {
				t.Error("the activity does not tell who did what")
			}
			again := b.post(disablePath, nil)
			again.Body.Close()
			if got := again.Header.Get("Location"); got != "/settings" {
				t.Errorf("asked again, it leads to %q", got)
			}
		})
	}
}

// With keep, nothing of the connection stays behind, here or at Google.
func TestDisableEmpties(t *testing.T) {
	g := newGoogle(t)
	g.consent(salon, "ana@example.com")
	g.enter(g.claims(salon)).post(disablePath, url.Values{"confirm": {"yes"}, "events": {"keep"}}).Body.Close()
	if c := g.connection(salon); !c.Data.IsZero() {
		t.Error("data stays behind")
	}
	var revoked int
	for _, r := range g.sandbox.Requests() {
		if r.Operation == "revoke" {
			revoked++
		}
	}
	if revoked != 1 {
		t.Errorf("the grant is given back %d times", revoked)
	}
}

// The API turns off as the panel does, by the platform, as often as it likes.
func TestDisableByAPI(t *testing.T) {
	g := newGoogle(t)
	g.consent(salon, "ana@example.com")
	g.consent(clinic, "luis@example.com")
	want := `{"id":"google-calendar","name":"Google Calendar","available":true,"enabled":false,"status":"disconnected","reason":"","account":"","calendar":{"id":"","name":""},"waiting":0,` +
		`"refused":0,"since":"2026-12-01T14:30:00Z","checked_at":"","preview":{"add":0,"more":false},"action":"","message":"Tus reservas no se envían a Google Calendar.","language":"","notices":{},` +
		`"options":{"title":"{service} – {customer}","description":"Cliente: {customer}\nTeléfono: {phone}\nCorreo: {email}\nProfesional: {staff}\nNotas: {notes}",` +
		`"reminder":"","color":"","invite_customer":false,"language":""}}` + "\n"
	for range 2 {
		res := g.call(salon, http.MethodPost, "/v1/integrations/google-calendar/disable", `{"events":"keep"}`)
		if diff := cmp.Diff(want, body(t, res)); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	}
	if c := g.connection(clinic); c.Status != integration.Connected {
		t.Errorf("the other company's connection is %s", c.Status)
	}
	acts, err := g.store.ListActivity(t.Context(), salon, "", 10)
	g.must(err)
	var actors []string
	for _, a := range acts.Items {
		if a.Kind == store.ActTurnedOff {
			actors = append(actors, a.Actor)
		}
	}
	if diff := cmp.Diff([]string{"platform"}, actors); diff != "" {
		t.Errorf("who turned off -want +got:\n%s", diff)
	}
}

// call calls the API for the company.
func (s *site) call(company booking.CompanyID, method, path, body string) *http.Response {
	s.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+s.token(s.claims(company)))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return s.do(r)
}
