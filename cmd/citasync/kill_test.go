package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/citasync/citasync/shared/sandbox"
)

// outside is a stand-in for Google that outlives the process.
type outside struct {
	*sandbox.Sandbox
	url string
}

func newOutside(t *testing.T) *outside {
	t.Helper()
	s, err := sandbox.New(sandbox.Options{})
	must(t, err)
	srv := httptest.NewServer(s.Handler())
	t.Cleanup(srv.Close)
	return &outside{s, srv.URL}
}

// connect connects a company through the panel.
func (p *process) connect(g *outside, company, account string) {
	p.t.Helper()
	b := newBrowser(p.t)
	link := strings.TrimSpace(p.citasync("", "link", "--company", company))
	if pg := b.get(link); pg.status != http.StatusOK {
		p.t.Fatalf("the link leads to %d at %s", pg.status, pg.url)
	}
	b.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := b.http.Get(p.url + "/oauth/start")
	must(p.t, err)
	must(p.t, resp.Body.Close())
	callback, err := g.Authorize(resp.Header.Get("Location"), sandbox.Consent{Account: account})
	must(p.t, err)
	b.http.CheckRedirect = nil
	if pg := b.get(callback); pg.url.Query().Get("result") != "connected" {
		p.t.Fatalf("the consent leads to %s", pg.url)
	}
}

// TestPowerCut kills what runs while a call is under way, before or after
// Google has applied it, and right after a webhook was accepted. What is
// started then must bring the calendar right without being told anything.
func TestPowerCut(t *testing.T) {
	for _, c := range []cutCase{
		{"insert not applied", "events.insert", sandbox.Fault{Latency: time.Hour}, "2026-12-01T10:00:00-05:00"},
		{"insert applied", "events.insert", sandbox.Fault{Action: sandbox.AnswerLate, Late: time.Hour}, "2026-12-01T10:00:00-05:00"},
		{"update applied", "events.update", sandbox.Fault{Action: sandbox.AnswerLate, Late: time.Hour}, "2026-12-01T12:00:00-05:00"},
		{"deletion applied", "events.delete", sandbox.Fault{Action: sandbox.AnswerLate, Late: time.Hour}, ""},
		{"accepted only", "", sandbox.Fault{}, "2026-12-01T10:00:00-05:00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			onShapes(t, c.run)
		})
	}
}

type cutCase struct {
	name      string
	operation string
	fault     sandbox.Fault
	want      string // start of the one event; empty: none
}

func (c cutCase) run(t *testing.T, s shape) {
	g := newOutside(t)
	p := newProcess(t, s, "GOOGLE_EMULATOR_URL="+g.url)
	p.connect(g, luna, lunaAccount)
	if c.operation != "" {
		c.fault.Operation, c.fault.Times = c.operation, 1
		_, err := g.AddFault(c.fault)
		must(t, err)
	}
	p.tell("confirmed", "2026-12-01T10:00:00")
	if c.operation == "events.update" || c.operation == "events.delete" {
		p.wantDelivery("981", "done")
	}
	switch c.operation {
	case "events.update":
		p.tell("confirmed", "2026-12-01T12:00:00")
	case "events.delete":
		p.tell("deleted", "2026-12-01T10:00:00")
	}
	if c.operation != "" {
		eventually(t, 20*time.Second, "the call", func() error {
			for _, r := range g.Requests() {
				if r.Operation == c.operation {
					return nil
				}
			}
			return fmt.Errorf("no %s yet", c.operation)
		})
	}
	s.cut(p)
	eventually(t, 90*time.Second, "the calendar", func() error { return g.shows(c.want) })
	p.wantDelivery("981", "done", 90*time.Second) // once the lease of the dead has ended
	must(t, g.shows(c.want))
}

// tell sends an event of booking 981, as the platform would.
func (p *process) tell(kind, start string) {
	p.t.Helper()
	p.send(kind, "981", start)
}

// send sends an event of any of the company's bookings.
func (p *process) send(kind, id, start string) {
	p.t.Helper()
	end := strings.Replace(start, ":00:00", ":45:00", 1)
	out := p.citasync(bookingJSON(kind, luna, id, start, end, time.Now()), "send", "-")
	if !strings.Contains(out, "202") {
		p.t.Fatalf("send: %s", out)
	}
}

// shows reports whether the account's calendar has the one event, or none.
func (g *outside) shows(start string) error {
	events, err := g.Events(lunaAccount, "primary")
	if err != nil {
		return err
	}
	var live []string
	for _, e := range events {
		if e.Status != "cancelled" {
			live = append(live, e.Start.DateTime)
		}
	}
	if start == "" && len(live) == 0 || len(live) == 1 && live[0] == start {
		return nil
	}
	return fmt.Errorf("events at %v, want %q", live, start)
}

// TestWorkInHandEnds: what is asked to end lets calls under way finish and
// records what came of them.
func TestWorkInHandEnds(t *testing.T) { onShapes(t, workInHandEnds) }

func workInHandEnds(t *testing.T, s shape) {
	g := newOutside(t)
	p := newProcess(t, s, "GOOGLE_EMULATOR_URL="+g.url)
	p.connect(g, luna, lunaAccount)
	_, err := g.AddFault(sandbox.Fault{Operation: "events.insert", Action: sandbox.AnswerLate, Late: 3 * time.Second, Times: 1})
	must(t, err)
	p.tell("confirmed", "2026-12-01T10:00:00")
	eventually(t, 20*time.Second, "the event", func() error { return g.shows("2026-12-01T10:00:00-05:00") })
	p.stop()
	n := len(g.Requests())
	p.start()
	p.wantDelivery("981", "done")
	if more := g.Requests()[n:]; len(more) > 0 {
		t.Errorf("the new process had to call %+v", more)
	}
}

// TestConfigurationIsRefusedWhole: every problem is named at once.
func TestConfigurationIsRefusedWhole(t *testing.T) {
	t.Parallel()
	_, errs, err := invoke(t, []string{"PUBLIC_URL=ftp://x", "WEBHOOK_SECRETS=short", "SESSION_SECRETS=short"}, "",
		"serve", "--addr", "localhost:0", "--data", t.TempDir())
	if err == nil {
		t.Fatal("serve started")
	}
	for _, name := range []string{"PUBLIC_URL", "WEBHOOK_SECRETS", "SESSION_SECRETS"} {
		if !strings.Contains(errs, name) {
			t.Errorf("%s is not named: %s", name, errs)
		}
	}
}
