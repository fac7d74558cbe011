package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/citasync/citasync/shared/sandbox"
)

// TestNotices does what a salon does: switch the notices on in the panel,
// reserve and confirm a booking, and look at the customer's phone. What is told
// twenty times more is told nobody; what comes back shows in the API; once they
// are off, nothing is called.
func TestNotices(t *testing.T) { onShapes(t, noticesToCustomers) }

func noticesToCustomers(t *testing.T, s shape) {
	p := newProcess(t, s)
	b := newBrowser(t)
	before := p.demoBook(b, "2026-12-10T09:00", "confirm")
	p.wantNotice(before, "skipped", "")
	panel := b.get(p.demo + "/demo/panel?company=2")
	if !strings.Contains(panel.body, "WhatsApp") {
		t.Fatal("the panel has no card for it")
	}
	if pg := b.post(p.url+"/settings/integrations/whatsapp/enable", url.Values{}); pg.status != http.StatusOK {
		t.Fatalf("switched on: %d at %s", pg.status, pg.url)
	}
	id := p.demoBook(b, "2026-12-01T10:00", "reserve")
	p.wantMessages("booking_reserved")
	b.post(p.demo+"/demo/companies/2/bookings/"+id+"/confirm", url.Values{})
	p.wantMessages("booking_reserved", "booking_confirmed")
	p.wantNotice(id, "done", "delivered")

	t.Log("twenty redeliveries, and a phone as people write it")
	at := time.Now().Add(-time.Second)
	events := []string{
		strings.Replace(bookingJSON("reserved", luna, "7001", "2026-12-05T10:00:00", "2026-12-05T11:00:00", at), "+573009998877", "300 999 88 66", 1),
		strings.Replace(bookingJSON("confirmed", luna, "7001", "2026-12-05T10:00:00", "2026-12-05T11:00:00", at.Add(500*time.Millisecond)), "+573009998877", "300 999 88 66", 1),
	}
	p.citasync(events[0], "send", "-")
	p.wantMessages("booking_reserved", "booking_confirmed", "booking_reserved")
	for range 20 {
		p.citasync(events[1], "send", "-")
	}
	p.wantNotice("7001", "done", "delivered")
	p.wantMessages("booking_reserved", "booking_confirmed", "booking_reserved", "booking_confirmed")
	if pg := b.get(p.demo + "/sandbox/whatsapp/phones/573009998866"); pg.status != http.StatusOK || !strings.Contains(pg.body, "Corte") {
		t.Errorf("the phone's page: %d", pg.status)
	}
	p.wantNotice("7001", "done", "read")

	t.Log("off means off")
	if pg := b.post(p.url+"/settings/integrations/whatsapp/disable", url.Values{"confirm": {"yes"}}); pg.status != http.StatusOK {
		t.Fatalf("switched off: %d", pg.status)
	}
	n := len(p.requests())
	after := p.demoBook(b, "2026-12-04T10:00", "confirm")
	p.wantNotice(after, "skipped", "")
	if calls := p.requests()[n:]; len(calls) > 0 {
		t.Errorf("calls once it was off: %+v", calls)
	}
	p.stop()
	p.wantLogged("message sent", "receipt delivered", "receipt read")
	if log := p.logs.String(); strings.Contains(log, "57300999") || strings.Contains(log, "wamid.") { // which has the number in it
		t.Error("a phone number is in the log")
	}
}

// wantMessages waits until the customers have these messages, by their
// templates.
func (p *process) wantMessages(want ...string) {
	p.t.Helper()
	eventually(p.t, 30*time.Second, "messages", func() error {
		var got struct{ Messages []sandbox.WhatsAppMessage }
		if err := json.Unmarshal([]byte(newBrowser(p.t).get(p.demo+"/sandbox/whatsapp/messages.json").body), &got); err != nil {
			return err
		}
		var names []string
		for _, m := range got.Messages {
			names = append(names, m.Template)
		}
		if !slices.Equal(names, want) {
			return fmt.Errorf("%q, want %q", names, want)
		}
		return nil
	})
}

// wantNotice waits until the API shows the booking's notice so.
func (p *process) wantNotice(id, status, receipt string) {
	p.t.Helper()
	eventually(p.t, 30*time.Second, "notice of booking "+id, func() error {
		var got struct {
			Deliveries map[string]struct{ Status, Receipt string }
		}
		code := p.api(luna, http.MethodGet, "/v1/bookings/"+id, "", &got)
		if d := got.Deliveries["whatsapp"]; code != http.StatusOK || d.Status != status || d.Receipt != receipt {
			return fmt.Errorf("%d, %+v, want %s %q", code, d, status, receipt)
		}
		return nil
	})
}
