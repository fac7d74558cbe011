package main

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/sandbox"
	"github.com/citasync/citasync/shared/sandbox/secretmanager"
	"github.com/citasync/citasync/shared/store"
)

// sol is the demo's company 1, in Madrid, whose owner uses this account.
const (
	sol        = "1"
	solAccount = "salon@example.com"
)

// newSecretManager starts a stand-in that keeps its state in a directory.
func newSecretManager(t *testing.T) (addr, dir string) {
	t.Helper()
	dir = t.TempDir()
	s, err := secretmanager.New(secretmanager.Options{Dir: dir})
	must(t, err)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	done := make(chan error)
	go func() { done <- s.Serve(ln) }()
	t.Cleanup(func() {
		s.Stop()
		must(t, <-done)
	})
	return ln.Addr().String(), dir
}

// remove runs the command that removes a company, in this process, with
// something else in the place of the minute that it waits.
func (p *process) remove(minute func() error, args ...string) (out, errs string, err error) {
	p.t.Helper()
	var o, e bytes.Buffer
	err = run(p.t.Context(), env{getenv: p.variable, stdout: &o, stderr: &e, sleep: func(_ context.Context, d time.Duration) error {
		if d < time.Minute {
			p.t.Errorf("it waits %v only", d)
		}
		return minute()
	}}, append([]string{"company", "remove"}, args...))
	return o.String(), e.String(), err
}

// TestCompanyRemoved: nothing is left of a company, neither here nor of its
// grant; whatever comes in between.
func TestCompanyRemoved(t *testing.T) { onShapes(t, companyRemoved) }

func companyRemoved(t *testing.T, s shape) {
	g := newOutside(t)
	secrets, dir := newSecretManager(t)
	p := newProcess(t, s, "GOOGLE_EMULATOR_URL="+g.url, "SECRET_MANAGER_EMULATOR_HOST="+secrets)
	p.secretsDir = dir
	p.connect(g, luna, lunaAccount)
	p.connect(g, sol, solAccount)
	p.tell("confirmed", "2026-12-01T10:00:00")
	p.wantDelivery("981", "done")

	t.Log("without --yes it is said what would be done")
	out, errs, err := invoke(t, p.env, "", "company", "remove", luna, "--data", p.dir)
	if status := new(exec.ExitError); !errors.As(err, &status) || status.ExitCode() != 2 {
		t.Errorf("it ended with %v", err)
	}
	wantText(t, out+errs, "company 2: 1 booking; google-calendar on", "would be", "with --yes")
	wantNoText(t, out+errs, lunaAccount, "Marta")
	p.wantStatus("connected")

	t.Log("interrupted, it has turned the integration off")
	_, _, err = p.remove(func() error { return context.Canceled }, luna, "--yes", "--data", p.dir)
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "the same command goes on") {
		t.Errorf("interrupted, it ended with %v", err)
	}
	p.wantStatus("disconnected")
	if grants := g.Grants(lunaAccount); len(grants) > 0 {
		t.Errorf("the grant was not given back: %+v", grants)
	}

	t.Log("again, while the company connects once more, and bookings are told of")
	waits := 0
	out, _, err = p.remove(func() error {
		switch waits++; waits {
		case 1:
			p.connect(g, luna, lunaAccount)
		case 2:
			p.send("confirmed", "982", "2026-12-02T10:00:00")
			p.wantDelivery("982", "skipped")
		}
		return nil
	}, luna, "--yes", "--data", p.dir)
	must(t, err)
	wantText(t, out, "nothing is on", "again, google-calendar on: once more", "turned off", "removed: its secrets and connections, 2 bookings")
	wantNoText(t, out, lunaAccount, "Marta")
	if grants := g.Grants(lunaAccount); len(grants) > 0 || waits != 2 {
		t.Errorf("after %d minutes, there are the grants %+v", waits, grants)
	}
	p.wantRemoved(luna)
	must(t, g.shows("2026-12-01T10:00:00-05:00"))

	t.Log("what is told of it later starts afresh, unconnected")
	n := len(g.Requests())
	p.tell("confirmed", "2026-12-01T12:00:00")
	p.wantDelivery("981", "skipped")
	var b struct{ Revision int }
	if p.api(luna, http.MethodGet, "/v1/bookings/981", "", &b); b.Revision != 1 {
		t.Errorf("it is at revision %d", b.Revision)
	}
	if calls := g.Requests()[n:]; len(calls) > 0 {
		t.Errorf("Google was asked %+v", calls)
	}
	p.wantNoSecrets()

	t.Log("both companies are removed without the process")
	args := append(s.apart(p), "--yes")
	for _, c := range []struct{ company, want string }{{luna, "1 booking,"}, {sol, "0 bookings"}} {
		out, errs, err := p.remove(func() error { return nil }, append(args, c.company)...)
		must(t, err)
		wantText(t, out, "removed", c.want)
		wantText(t, errs, `"message":"company removed"`, `"company":"`+c.company+`"`)
		wantNoText(t, out+errs, "example.com", "Marta")
	}
	if grants := g.Grants(solAccount); len(grants) > 0 {
		t.Errorf("a grant was not given back: %+v", grants)
	}
	_, _, err = p.remove(nil, append(args, luna)...)
	if err == nil || errors.Is(err, errUsage) || !strings.Contains(err.Error(), `nothing is kept of company "2"`) {
		t.Errorf("of a company that was removed: %v", err)
	}
	kept := s.stores(p)
	defer func() { must(t, kept.close()) }()
	kept.wantNothing(t, luna)
	kept.wantNothing(t, sol)
	if left := kept.secrets(); left != "" {
		t.Errorf("secrets are left: %s", left)
	}
}

// wantRemoved demands that nothing is shown of the company, and that one line
// tells of its removal.
func (p *process) wantRemoved(company string) {
	p.t.Helper()
	for _, list := range []string{"bookings", "activity"} {
		var got map[string]any
		p.api(company, http.MethodGet, "/v1/"+list, "", &got)
		if rows, ok := got[list].([]any); !ok || len(rows) > 0 {
			p.t.Errorf("%s is left: %v", list, got)
		}
	}
	p.wantStatus("disconnected")
	for _, e := range p.logs.entries(p.t) {
		if e["message"] == "company removed" && e["whole"] == true {
			if e["company"] != company || e["bookings"] != 2.0 || e["activity"] == 0.0 {
				p.t.Errorf("its removal is logged as %v", e)
			}
			return
		}
	}
	p.t.Error("no line tells of the removal")
}

// wantNothing demands that nothing is kept of the company but what stands for
// a company without documents.
func (k stores) wantNothing(t *testing.T, company booking.CompanyID) {
	t.Helper()
	ctx := t.Context()
	record, err := k.Company(ctx, company)
	must(t, err)
	conn, err := k.Connection(ctx, company, integration.GoogleCalendar)
	must(t, err)
	bookings, err := k.ListBookings(ctx, company, store.Query{Limit: 10})
	must(t, err)
	acts, err := k.ListActivity(ctx, company, "", 10)
	must(t, err)
	if record != store.DefaultCompany(company) || conn.Version != "" || len(bookings.Items)+len(acts.Items) > 0 {
		t.Errorf("of company %s are kept %+v, %+v, %d bookings, %v", company, record, conn, len(bookings.Items), acts.Items)
	}
}

func wantText(t *testing.T, text string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in: %s", want, text)
		}
	}
}

func wantNoText(t *testing.T, text string, unwanted ...string) {
	t.Helper()
	for _, no := range unwanted {
		if strings.Contains(text, no) {
			t.Errorf("%q is in: %s", no, text)
		}
	}
}

// TestCompanyOfSandboxRemoved: while serve's own sandbox does not run, the
// grant is given back in what that keeps, and not to Google.
func TestCompanyOfSandboxRemoved(t *testing.T) {
	t.Parallel()
	p := newProcess(t, served{})
	if pg := p.consent(newBrowser(t), lunaAccount, "allow", nil); pg.url.Query().Get("result") != "connected" {
		t.Fatalf("consent leads to %s", pg.url)
	}
	p.stop()
	grants := func() int {
		s, err := sandbox.New(sandbox.Options{Dir: p.dir + "/sandbox"})
		must(t, err)
		return len(s.Grants(lunaAccount))
	}
	if grants() != 1 {
		t.Fatal("there is no grant to give back")
	}
	out, errs, err := p.remove(func() error { return nil }, luna, "--yes", "--data", p.dir)
	must(t, err)
	wantText(t, out, "company 2, Estudio Luna: 0 bookings", "removed")
	wantNoText(t, errs, "WARNING")
	if n := grants(); n > 0 {
		t.Errorf("%d grants are left", n)
	}
}
