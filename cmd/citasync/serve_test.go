package main

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// luna is the demo's company 2, in Bogotá, whose owner uses this account.
const (
	luna        = "2"
	lunaAccount = "luis@example.com"
)

// TestTheMainJob does in a browser what a person is told to do: open the demo
// and the panel, connect, confirm three bookings, move one, delete one; deny
// consent, untick a scope; turn the integration off, and confirm another.
func TestTheMainJob(t *testing.T) { onShapes(t, theMainJob) }

func theMainJob(t *testing.T, s shape) {
	p := newProcess(t, s)
	b := newBrowser(t)
	if pg := b.get(p.url + "/demo"); pg.status != http.StatusOK || pg.url.Host != strings.TrimPrefix(p.demo, "http://") {
		t.Fatalf("the demo: %d at %s", pg.status, pg.url)
	}

	t.Log("before anything is connected, a booking is kept and Google is left alone")
	before := p.demoBook(b, "2026-12-10T09:00", "confirm")
	p.wantDelivery(before, "skipped")
	p.wantNoRequests("while unconnected")

	t.Log("denied, and without the scope, nothing is connected")
	if pg := p.consent(b, lunaAccount, "deny", nil); pg.url.Query().Get("result") != "denied" {
		t.Errorf("denied consent leads to %s", pg.url)
	}
	if pg := p.consent(b, lunaAccount, "allow", []string{"calendar.events"}); pg.url.Query().Get("result") != "scope_missing" {
		t.Errorf("consent without the scope leads to %s", pg.url)
	}
	p.wantStatus("disconnected")

	t.Log("connected, the booking from before is added, and three more")
	if pg := p.consent(b, lunaAccount, "allow", nil); pg.url.Query().Get("result") != "connected" || pg.status != http.StatusOK {
		t.Fatalf("consent leads to %d at %s", pg.status, pg.url)
	}
	p.wantStatus("connected")
	ids := []string{before}
	for _, start := range []string{"2026-12-01T10:00", "2026-12-02T11:30", "2026-12-03T16:15"} {
		ids = append(ids, p.demoBook(b, start, "confirm"))
	}
	p.wantEvents("2026-12-01T10:00:00-05:00", "2026-12-02T11:30:00-05:00", "2026-12-03T16:15:00-05:00", "2026-12-10T09:00:00-05:00")

	if pg := b.get(p.demo + "/demo/companies/2"); !strings.Contains(pg.body, "/sandbox/calendar?account="+url.QueryEscape(lunaAccount)) {
		t.Error("the demo does not lead to the calendar that is connected")
	}

	t.Log("one moved, one deleted")
	b.post(p.demo+"/demo/companies/2/bookings/"+ids[1]+"/move", url.Values{"start": {"2026-12-01T12:45"}})
	b.post(p.demo+"/demo/companies/2/bookings/"+ids[2]+"/delete", url.Values{})
	p.wantEvents("2026-12-01T12:45:00-05:00", "2026-12-03T16:15:00-05:00", "2026-12-10T09:00:00-05:00")
	p.wantDelivery(ids[1], "done")

	t.Log("the panel shows the proof")
	if pg := b.get(p.url + "/settings/history"); !strings.Contains(pg.body, "Google Calendar") || pg.status != http.StatusOK {
		t.Errorf("the history shows no proof: %d", pg.status)
	}

	t.Log("turned off after a confirmation; what is confirmed then does not reach Google")
	off := p.url + "/settings/integrations/google-calendar/disable"
	if pg := b.post(off, url.Values{}); pg.status != http.StatusOK {
		t.Errorf("the confirmation: %d", pg.status)
	}
	p.wantStatus("connected")
	b.post(off, url.Values{"confirm": {"yes"}, "events": {"keep"}})
	p.wantStatus("disconnected")
	b.http.CloseIdleConnections()
	n := len(p.requests())
	after := p.demoBook(b, "2026-12-04T10:00", "confirm")
	p.wantDelivery(after, "skipped")
	b.post(p.demo+"/demo/companies/2/bookings/"+ids[3]+"/delete", url.Values{})
	p.wantDelivery(ids[3], "skipped")
	if calls := p.requests()[n:]; len(calls) > 0 {
		t.Errorf("calls to Google after turning off: %+v", calls)
	}
	p.wantNoSecrets()
	p.stop()
	p.wantLogged("integration enabled", "integration disabled", "event created", "event updated", "event removed", "delivery skipped", "grant revoked")
}

// demoBook makes a booking at the demo and returns its id.
func (p *process) demoBook(b *browser, start, then string) string {
	p.t.Helper()
	pg := b.post(p.demo+"/demo/companies/2/bookings", url.Values{
		"service": {"Corte de pelo"}, "start": {start}, "minutes": {"45"}, "name": {"Marta Secreta"}, "phone": {"+573009998877"},
		"email": {"marta.secreta@example.com"}, "staff": {"Luis"}, "location": {"Calle 10 #4-21"}, "notes": {"Primera visita"}, "then": {then},
	})
	ids := regexp.MustCompile(`id="booking-(\d+)"`).FindAllStringSubmatch(pg.body, -1)
	if pg.status != http.StatusOK || len(ids) == 0 {
		p.t.Fatalf("booking at the demo: %d", pg.status)
	}
	id := ""
	for _, m := range ids {
		id = max(id, m[1])
	}
	return id
}

// consent goes from the demo to the panel, presses Connect, and decides at
// Google. It returns where that leads.
func (p *process) consent(b *browser, account, decision string, untick []string) page {
	p.t.Helper()
	panel := b.get(p.demo + "/demo/panel?company=2")
	if panel.status != http.StatusOK || panel.url.Path != "/settings" || panel.url.RawQuery != "" {
		p.t.Fatalf("the link leads to %d at %s", panel.status, panel.url)
	}
	asked := b.get(p.url + "/oauth/start")
	if asked.url.Path != "/o/oauth2/v2/auth" {
		p.t.Fatalf("connect leads to %s", asked.url)
	}
	form := url.Values{"request": {asked.url.RawQuery}, "account": {account}, "decision": {decision}}
	for scope := range strings.FieldsSeq(asked.url.Query().Get("scope")) {
		if !slices.ContainsFunc(untick, func(u string) bool { return strings.HasSuffix(scope, "/"+u) }) {
			form.Add("scope", scope)
		}
	}
	return b.post(p.demo+"/o/oauth2/v2/auth", form)
}

func (p *process) wantStatus(want string) {
	p.t.Helper()
	var got struct {
		Integrations []struct{ ID, Status string }
	}
	p.api(luna, http.MethodGet, "/v1/integrations", "", &got)
	for _, i := range got.Integrations {
		if i.ID == "google-calendar" && i.Status == want {
			return
		}
	}
	p.t.Errorf("integrations %+v, want %s", got.Integrations, want)
}

func (p *process) wantDelivery(id, want string, patience ...time.Duration) {
	p.t.Helper()
	eventually(p.t, max(20*time.Second, append(patience, 0)[0]), "delivery of booking "+id, func() error {
		var got struct {
			Deliveries map[string]struct{ Status, Reason string }
		}
		p.api(luna, http.MethodGet, "/v1/bookings/"+id, "", &got)
		if d := got.Deliveries["google-calendar"]; d.Status != want {
			return fmt.Errorf("status %q (%s), want %q", d.Status, d.Reason, want)
		}
		return nil
	})
}

// wantEvents demands that these, by their starts, are the events in the
// company's calendar, with the bookings' content.
func (p *process) wantEvents(starts ...string) {
	p.t.Helper()
	eventually(p.t, 30*time.Second, "events", func() error {
		events, err := p.stored(lunaAccount)
		if err != nil {
			return err
		}
		var got []string
		for _, e := range events {
			got = append(got, e.Start.DateTime)
			for _, want := range []string{"Primera visita", "Luis", "Marta Secreta"} {
				if !strings.Contains(e.Description, want) {
					return fmt.Errorf("the description lacks %q: %q", want, e.Description)
				}
			}
			if e.Summary != "Corte de pelo – Marta Secreta" || e.Location != "Calle 10 #4-21" || e.Start.TimeZone != "America/Bogota" {
				return fmt.Errorf("event %q at %q in %s", e.Summary, e.Location, e.Start.TimeZone)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, starts) {
			return fmt.Errorf("events at %v, want %v", got, starts)
		}
		return nil
	})
}

func (p *process) wantNoRequests(when string) {
	p.t.Helper()
	if got := p.requests(); len(got) > 0 {
		p.t.Errorf("%s, Google was asked %+v", when, got)
	}
}

// wantNoSecrets reads everything that the process logged.
func (p *process) wantNoSecrets() {
	p.t.Helper()
	logs := p.logs.String()
	for _, secret := range []string{
		"Secreta", "marta.secreta", "3009998877", lunaAccount, "ya29.", "1//0", "4/0", "whsec_", "eyJ", "GOCSPX", "session=", "Primera visita",
	} {
		if i := strings.Index(logs, secret); i >= 0 {
			p.t.Errorf("the log has %q: …%s…", secret, logs[max(0, i-200):min(len(logs), i+50)])
		}
	}
}

// wantLogged demands a structured line for each message, and of those about a
// booking or a connection that they say which.
func (p *process) wantLogged(messages ...string) {
	p.t.Helper()
	seen := map[string]map[string]any{}
	for _, e := range p.logs.entries(p.t) {
		seen[fmt.Sprint(e["message"])] = e
	}
	for _, m := range messages {
		e := seen[m]
		if e == nil {
			p.t.Errorf("nothing is logged as %q", m)
			continue
		}
		for _, key := range []string{"company", "integration", "severity", "trace"} {
			if e[key] == nil {
				p.t.Errorf("%q is logged without %s: %v", m, key, e)
			}
		}
		if strings.HasPrefix(m, "event ") && (e["booking"] == nil || e["revision"] == nil) {
			p.t.Errorf("%q is logged without its booking: %v", m, e)
		}
	}
}
