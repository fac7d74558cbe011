package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/citasync/citasync/shared/bus"
	"github.com/citasync/citasync/shared/bus/boltqueue"
)

// TestDeadLetters: what failed for the last time is listed and sent again, with
// and without a process that serves.
func TestDeadLetters(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	bury(t, dir, "one", "two")
	list := func() string {
		out, errs, err := invoke(t, nil, "", "dead", "--data", dir)
		if err != nil {
			t.Fatalf("%v: %s", err, errs)
		}
		return out
	}
	letters := strings.Split(strings.TrimSpace(list()), "\n")
	if len(letters) != 2 || !strings.Contains(letters[0], string(bus.Confirmed)) {
		t.Fatalf("dead letters: %q", letters)
	}
	// The store must exist for the directory to be one.
	p := &process{t: t, shape: served{}, dir: dir, addr: "localhost:0", logs: &lines{}}
	p.start()
	defer p.kill()
	out := p.citasync("", "dead", "redrive", strings.Fields(letters[0])[0])
	if !strings.Contains(out, "1 sent again") {
		t.Errorf("redrive: %s", out)
	}
	if out := p.citasync("", "dead", "redrive", "--all"); !strings.Contains(out, "sent again") {
		t.Errorf("redrive --all: %s", out)
	}
}

// bury makes dead letters, by a queue that gives up after the first failure.
func bury(t *testing.T, dir string, data ...string) {
	t.Helper()
	d, err := openData(dir, nil)
	must(t, err)
	must(t, d.Close())
	q, err := boltqueue.Open(filepath.Join(dir, "queue.db"), boltqueue.Options{MaxAttempts: 1})
	must(t, err)
	for _, m := range data {
		_, err := q.Publish(t.Context(), bus.Confirmed, bus.Message{Data: []byte(m)})
		must(t, err)
	}
	q.Subscribe(bus.Confirmed, http.NotFoundHandler())
	done := make(chan error, 1)
	go func() { done <- q.Run(t.Context()) }()
	eventually(t, 20*time.Second, "dead letters", func() error {
		letters, err := q.Dead(t.Context())
		if err == nil && len(letters) < len(data) {
			err = os.ErrNotExist
		}
		return err
	})
	must(t, q.Close())
}

// TestCatalogueSwitch works while nobody serves, too.
func TestCatalogueSwitch(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d, err := openData(dir, nil)
	must(t, err)
	must(t, d.Close())
	for _, c := range []struct{ args, want string }{
		{"disable google-calendar", "google-calendar: disabled"},
		{"", "google-calendar  disabled"},
		{"enable google-calendar", "google-calendar: enabled"},
		{"", "google-calendar  enabled"},
	} {
		args := append(append([]string{"integrations"}, strings.Fields(c.args)...), "--data", dir)
		out, errs, err := invoke(t, nil, "", args...)
		if err != nil || !strings.Contains(out, c.want) {
			t.Errorf("integrations %s: %v, %s%s", c.args, err, out, errs)
		}
	}
}

// TestUsage: what can't be done is refused with words, and nothing is made.
func TestUsage(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "none")
	for _, c := range []struct{ args, want string }{
		{"", "name a command"},
		{"fly", `unknown command "fly"`},
		{"serve now", "flags only"},
		{"send", "name one file"},
		{"send /no/such/file", "no such file"},
		{"link", "--company is needed"},
		{"link --company 2 --connect fax", "--connect must be google-calendar"},
		{"link --company 2 --locale fr", "--locale must be es or en"},
		{"link --company 2 --time-zone X/Y", "--time-zone must be an IANA name"},
		{"link --company 2 --country Spain --email " + strings.Repeat("x", 201), "--country must be"},
		{"link --company 2 --country Spain --email " + strings.Repeat("x", 201), "--email must be text of at most 200 bytes"},
		{"link --company 2 --return-url platform.example/back", "--return-url must be an http or https address"},
		{"link --company 2 --return-url ftp://platform.example/", "--return-url must be an http or https address"},
		{"link --company 2 --bearer --locale fr", "--locale must be es or en"},
		{"link --company a\x01b", "--company must be 1 to 128 bytes"},
		{"dead", "--data"},
		{"dead burn", "redrive"},
		{"integrations disable fax", "google-calendar and whatsapp"},
		{"integrations", "--data"},
		{"company", "company_id"},
		{"company remove", "company_id"},
		{"company close 2", "remove ID --yes"},
		{"company remove " + strings.Repeat("x", 129) + " --yes", "ID must be 1 to 128 bytes"},
		{"company remove a\x01b --yes", "control characters"},
		{"company remove 2 --yes", "--data"},
	} {
		args := strings.Fields(c.args)
		if len(args) > 0 && args[0] != "fly" {
			args = append(args, "--data", dir)
		}
		_, errs, err := invoke(t, nil, "", args...)
		if err == nil || !strings.Contains(errs, c.want) {
			t.Errorf("citasync %s: %v, %s", c.args, err, errs)
		}
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("a directory was made for a command that could do nothing")
	}
}

// TestOneProcessServes: a second one on the same directory or address says why
// it can't.
func TestOneProcessServes(t *testing.T) {
	t.Parallel()
	p := newProcess(t, served{})
	_, errs, err := invoke(t, nil, "", "serve", "--addr", "localhost:0", "--data", p.dir)
	if err == nil || !strings.Contains(errs, "another process") {
		t.Errorf("same directory: %v, %s", err, errs)
	}
	_, errs, err = invoke(t, nil, "", "serve", "--addr", p.addr, "--data", t.TempDir())
	if err == nil || !strings.Contains(errs, "address already in use") {
		t.Errorf("same address: %v, %s", err, errs)
	}
	if mode := stat(t, filepath.Join(p.dir, "admin.sock")).Mode().Perm(); mode != 0o600 {
		t.Errorf("the admin socket is open to others: %o", mode)
	}
	if mode := stat(t, filepath.Join(p.dir, "keys.json")).Mode().Perm(); mode != 0o600 {
		t.Errorf("the keys are open to others: %o", mode)
	}
}

func stat(t *testing.T, path string) os.FileInfo {
	t.Helper()
	i, err := os.Stat(path)
	must(t, err)
	return i
}

// TestLinkToConnect: such a link leads to the page that only connects.
func TestLinkToConnect(t *testing.T) {
	t.Parallel()
	p := newProcess(t, served{})
	pg := newBrowser(t).get(strings.TrimSpace(p.citasync("", "link", "--company", "77", "--name", "Salón Nuevo", "--connect", "google-calendar")))
	if pg.url.Path != "/settings/connect" || !strings.Contains(pg.body, "Salón Nuevo") {
		t.Errorf("the link leads to %s", pg.url)
	}
}

// TestTenantsByLinkAndAPI: what one company may, another may not, whatever ids
// it guesses.
func TestTenantsByLinkAndAPI(t *testing.T) {
	t.Parallel()
	g := newOutside(t)
	p := newProcess(t, served{}, "GOOGLE_EMULATOR_URL="+g.url)
	p.connect(g, luna, lunaAccount)
	p.tell("confirmed", "2026-12-01T10:00:00")
	p.wantDelivery("981", "done")
	for _, path := range []string{"/v1/bookings/981", "/v1/bookings/2%2F981"} {
		if status := p.api("1", http.MethodGet, path, "", nil); status != http.StatusNotFound {
			t.Errorf("company 1 gets %d for %s", status, path)
		}
	}
	for _, path := range []string{"/v1/bookings", "/v1/activity", "/v1/integrations"} {
		var got json.RawMessage
		if status := p.api("1", http.MethodGet, path, "", &got); status != http.StatusOK || bytes.Contains(got, []byte("981")) || bytes.Contains(got, []byte(lunaAccount)) {
			t.Errorf("company 1 gets %d %s for %s", status, got, path)
		}
	}
	p.api("1", http.MethodPost, "/v1/integrations/google-calendar/disable", `{"events":"remove"}`, nil)
	p.wantStatus("connected")
	b := newBrowser(t)
	b.get(strings.TrimSpace(p.citasync("", "link", "--company", "1")))
	for _, path := range []string{"/settings/history", "/settings/history?booking=981", "/settings/activity", "/settings"} {
		if pg := b.get(p.url + path); strings.Contains(pg.body, "Marta") || strings.Contains(pg.body, lunaAccount) {
			t.Errorf("company 1 sees company 2's at %s", path)
		}
	}
}
