package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
)

// TestTurnedOffWhileGoogleFails: whatever Google answers, neither secret nor
// data of a connection stays. Where the event is, the booking still knows.
func TestTurnedOffWhileGoogleFails(t *testing.T) { onShapes(t, turnedOffWhileGoogleFails) }

func turnedOffWhileGoogleFails(t *testing.T, s shape) {
	g := newOutside(t)
	p := newProcess(t, s, "GOOGLE_EMULATOR_URL="+g.url)
	p.connect(g, luna, lunaAccount)
	p.tell("confirmed", "2026-12-01T10:00:00")
	p.wantDelivery("981", "done")
	resp, err := http.Post(g.url+"/sandbox/faults", "application/json", strings.NewReader(`{"operation":"*","status":500}`))
	must(t, err)
	must(t, resp.Body.Close())
	if resp.StatusCode != http.StatusCreated {
		t.Fatalf("the fault was answered %s", resp.Status)
	}
	n := len(g.Requests())
	b := newBrowser(t)
	b.get(strings.TrimSpace(p.citasync("", "link", "--company", luna)))
	pg := b.post(p.url+"/settings/integrations/google-calendar/disable", url.Values{"confirm": {"yes"}, "events": {"keep"}})
	if pg.status != http.StatusOK || pg.url.Path != "/settings" {
		t.Errorf("turning off leads to %d at %s", pg.status, pg.url)
	}
	p.wantStatus("disconnected")
	calls := g.Requests()[n:]
	if len(calls) != 1 || calls[0].Operation != "revoke" || calls[0].Status != http.StatusInternalServerError {
		t.Errorf("Google was asked %+v", calls)
	}
	if s == (emulated{}) {
		p.wantEmptyDocument()
	}
	p.stop()
	kept := s.stores(p)
	defer func() { must(t, kept.close()) }()
	c, err := kept.Connection(t.Context(), luna, integration.GoogleCalendar)
	must(t, err)
	if c.Enabled || c.Status != integration.Disconnected || !c.Data.IsZero() || c.Version == "" {
		t.Errorf("the connection is %+v", c)
	}
	if left := kept.secrets(); left != "" {
		t.Errorf("secrets are left: %s", left)
	}
	snap, err := kept.ReadBooking(t.Context(), luna, "981")
	must(t, err)
	if d := snap.Booking.Deliveries[integration.GoogleCalendar]; snap.Booking.State != booking.Confirmed || d.Place.None() || d.ExternalID == "" {
		t.Errorf("of its event the booking knows %+v", d)
	}
}

// wantEmptyDocument reads the connection as Firestore has it.
func (p *process) wantEmptyDocument() {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, fmt.Sprintf(
		"http://%s/v1/projects/%s/databases/(default)/documents/companies/%s/connections/google-calendar",
		cloud.firestore, p.variable("GOOGLE_CLOUD_PROJECT"), luna), nil)
	must(p.t, err)
	req.Header.Set("Authorization", "Bearer owner") // the emulator's way past the rules
	resp, err := http.DefaultClient.Do(req)
	must(p.t, err)
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	must(p.t, err)
	var doc struct {
		Fields map[string]struct {
			StringValue  string
			BooleanValue *bool
			MapValue     *struct{ Fields map[string]any }
		}
	}
	must(p.t, json.Unmarshal(body, &doc))
	on, data := doc.Fields["enabled"].BooleanValue, doc.Fields["integration_data"].MapValue
	if doc.Fields["status"].StringValue != "disconnected" || on == nil || *on || data == nil || len(data.Fields) > 0 {
		p.t.Errorf("the document is %s", body)
	}
	wantNoText(p.t, string(body), lunaAccount, "ya29", "token")
}
