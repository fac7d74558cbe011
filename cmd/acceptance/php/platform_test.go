package php

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/citasync/citasync/cmd/acceptance/internal/consent"
	"github.com/citasync/citasync/shared/emulator/emulatortest"
)

// send sends an event by the example, which must succeed.
func (p *platform) send(kind, booking string) {
	p.Helper()
	if out, status := p.php(booking, "send.php", kind, company); status != 0 || !strings.HasPrefix(out, "202: ") {
		p.Fatalf("%s: exit status %d: %s", kind, status, out)
	}
}

// TestBookings sends what happens to a booking, from a company that came in by
// the example's link and connected, and looks for it everywhere.
func TestBookings(t *testing.T) {
	p := newPlatform(t)
	link, status := p.php("", "link.php", company, "name=Salón Luz", "locale=es", "time_zone=America/Bogota", "return_url="+p.server.Demo+"/demo")
	if status != 0 {
		t.Fatal(link)
	}
	b := consent.New(t)
	page, at := b.Enter(strings.TrimSpace(link))
	if at != p.server.URL+"/settings" || !strings.Contains(page, "Salón Luz") || !strings.Contains(page, p.server.Demo+"/demo") {
		t.Errorf("the link leads to %s", at)
	}
	if to := b.Decide(p.server.URL, ana, true); to != p.server.URL+"/settings?result=connected" {
		t.Fatalf("connecting leads to %s", to)
	}

	p.send("reserved", appointment("981", 10))
	p.until("981", "reserved", func(b booked) bool { return b.State == "reserved" })
	if n := p.events(ana); n != 0 {
		t.Errorf("%d events for what is only reserved", n)
	}
	p.send("confirmed", appointment("981", 10))
	p.until("981", "in the calendar", func(b booked) bool { return b.State == "confirmed" && b.Deliveries["google-calendar"].Status == "done" })
	if n := p.events(ana); n != 1 {
		t.Errorf("%d events", n)
	}
	p.send("confirmed", appointment("981", 11)) // it is moved
	p.until("981", "moved", func(b booked) bool { return b.Revision == 3 && b.Deliveries["google-calendar"].Status == "done" })
	if n := p.events(ana); n != 1 {
		t.Errorf("%d events after the booking was moved", n)
	}
	p.send("deleted", `{"id":"981"}`)
	p.until("981", "gone", func(b booked) bool { return b.State == "deleted" && b.Deliveries["google-calendar"].Status == "done" })
	if n := p.events(ana); n != 0 {
		t.Errorf("%d events after the deletion", n)
	}
}

// TestConnectFromThePlatform begins on a page of the platform's, and comes back
// to it.
func TestConnectFromThePlatform(t *testing.T) {
	p := newPlatform(t)
	back := p.server.Demo + "/demo/panel?company=2#calendar"
	for _, tt := range []struct {
		allow  bool
		result string
	}{{false, "denied"}, {true, "connected"}, {true, "reconnected"}} {
		address, status := p.php("", "connect.php", company, back)
		if status != 0 {
			t.Fatal(address)
		}
		b := consent.New(t)
		page, at := b.Enter(strings.TrimSpace(address))
		if at != p.server.URL+"/settings/connect" || !strings.Contains(page, `href="`+strings.ReplaceAll(back, "&", "&amp;")+`"`) {
			t.Errorf("%s: the address leads to %s", tt.result, at)
		}
		want := p.server.Demo + "/demo/panel?company=2&integration=google-calendar&result=" + tt.result + "#calendar"
		if got := b.Decide(p.server.URL, ana, tt.allow); got != want {
			t.Errorf("%s: led to %s\nwant %s", tt.result, got, want)
		}
	}
	if out, status := p.php("", "connect.php", company, "https://evil.example/"); status != 1 || !strings.Contains(out, "return_url") || !strings.Contains(out, "ALLOWED_RETURN_ORIGINS") {
		t.Errorf("to another origin: exit status %d: %s", status, out)
	}
}

// TestConnectAStranger: a company that no link has brought before is named on
// the page, if the example is told its name.
func TestConnectAStranger(t *testing.T) {
	p := newPlatform(t)
	back := p.server.Demo + "/demo/panel"
	for company, args := range map[string][]string{
		"77": {"connect.php", "77", back, "name=Salón Nuevo", "locale=es"},
		"78": {"link.php", "78", "return_url=" + back, "connect=google-calendar", "name=Salón Nuevo", "locale=es"},
	} {
		address, status := p.php("", args...)
		if status != 0 {
			t.Fatal(address)
		}
		page, at := consent.New(t).Enter(strings.TrimSpace(address))
		if at != p.server.URL+"/settings/connect" || !strings.Contains(page, "Vas a conectar las reservas de Salón Nuevo.") {
			t.Errorf("company %s: the address leads to %s", company, at)
		}
	}
	if out, status := p.php("", "connect.php", "77", back, "locale"); status != 2 || !strings.Contains(out, "CLAIM=VALUE") {
		t.Errorf("a claim of no value: exit status %d: %s", status, out)
	}
}

// TestRefused: what is wrong is said in words, field by field, and not tried
// again.
func TestRefused(t *testing.T) {
	p := newPlatform(t)
	out, status := p.php(`{"id":"1","service":"Corte","start":"2030-01-01T10:00:00","end":"2030-01-01T09:00:00","time_zone":"Mars/Base"}`, "send.php", "confirmed", company)
	if status != 1 || !strings.HasPrefix(out, "422: ") || !strings.Contains(out, "\n  data.booking.time_zone: ") {
		t.Errorf("a wrong booking: exit status %d: %s", status, out)
	}
	p.env = append(p.env, "CITASYNC_WEBHOOK_SECRET=whsec_"+strings.Repeat("A", 32))
	out, status = p.php(appointment("1", 3), "send.php", "confirmed", company)
	if status != 1 || !strings.HasPrefix(out, "401: ") || !strings.Contains(out, "signature") {
		t.Errorf("with a wrong secret: exit status %d: %s", status, out)
	}
	for _, secret := range []string{"", "A", "whsec_", "whsec_!", "whsec_QUJD"} {
		p.env = append(p.env, "CITASYNC_WEBHOOK_SECRET="+secret)
		if out, status := p.php(appointment("1", 3), "send.php", "confirmed", company); status == 0 || strings.HasPrefix(out, "4") {
			t.Errorf("with the secret %q: exit status %d: %s", secret, status, out)
		}
	}
}

// stub answers with one status after the other, the last one from then on, and
// keeps the ids of what it was sent.
type stub struct {
	mu       sync.Mutex
	statuses []int
	ids      []string
}

func (s *stub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ids = append(s.ids, r.Header.Get("webhook-id"))
	status := s.statuses[min(len(s.ids), len(s.statuses))-1]
	w.WriteHeader(status)
	if status == http.StatusAccepted {
		_, _ = w.Write([]byte(`{"message_id":"1"}`))
	}
}

// TestRetries: what may succeed later is tried again under the same id, and
// nothing else is.
func TestRetries(t *testing.T) {
	p := examples(t)
	for _, tt := range []struct {
		statuses []int
		sent     int
		want     string
	}{
		{[]int{202}, 1, "202 stored as message 1"},
		{[]int{503, 500, 202}, 3, "202 stored as message 1"},
		{[]int{429, 202}, 2, "202 stored as message 1"},
		{[]int{503}, 3, "503 an answer that is not Citasync's"},
		{[]int{400}, 1, "400 an answer that is not Citasync's"},
		{[]int{401, 202}, 1, "401 an answer that is not Citasync's"},
		{[]int{413}, 1, "413 an answer that is not Citasync's"},
	} {
		s := &stub{statuses: tt.statuses}
		server := httptest.NewServer(s)
		got := p.run(fmt.Sprintf("$r = (new Webhook('%s', \\setting('CITASYNC_WEBHOOK_SECRET')))->deliver('msg_7', '{}', [0.01, 0.01]); echo \"$r->status $r->words\";", server.URL))
		server.Close()
		if got != tt.want || len(s.ids) != tt.sent {
			t.Errorf("%v: sent %d times, %s", tt.statuses, len(s.ids), got)
		}
		for _, id := range s.ids {
			if id != "msg_7" {
				t.Errorf("%v: sent as %s", tt.statuses, id)
			}
		}
	}
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	got := p.run(fmt.Sprintf("$r = (new Webhook('%s', \\setting('CITASYNC_WEBHOOK_SECRET')))->deliver('msg_7', '{}', [0.01, 0.02], fn ($r, $pause) => print(\"$r->status for $pause s, \")); echo \"$r->status $r->words\", $r->again ? ' again' : '';", server.URL))
	if got != "0 for 0.01 s, 0 for 0.02 s, 0 no answer again" {
		t.Errorf("nobody there: %s", got)
	}
}

var table = regexp.MustCompile(`(?s)CREATE TABLE.*?\);`)

// database makes a file with the table that a class describes in its comment.
func (p *platform) database(class string) string {
	p.Helper()
	if out, _ := p.php("", "-m"); !strings.Contains(out, "pdo_sqlite") {
		emulatortest.Lacking(p, "PHP's extension pdo_sqlite")
	}
	source, err := os.ReadFile(filepath.Join(p.dir, "src", class+".php"))
	if err != nil {
		p.Fatal(err)
	}
	create := strings.ReplaceAll(string(table.Find(source)), "\n *", "\n")
	dsn := "sqlite:" + filepath.Join(p.TempDir(), "db")
	p.env = append(p.env, "CITASYNC_PDO="+dsn)
	p.run("(new \\PDO('" + dsn + "'))->exec(" + quoted(create) + ");")
	return dsn
}

// quoted is a text as PHP has it in single quotes.
func quoted(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

// TestOutbox: an event is sent if and only if its transaction was made, late
// rather than never, and one that can't succeed is kept for somebody to look at.
func TestOutbox(t *testing.T) {
	p := examples(t)
	dsn := p.database("Outbox")
	s := &stub{statuses: []int{503, 202, 422}}
	server := httptest.NewServer(s)
	defer server.Close()
	begin := "$pdo = new \\PDO('" + dsn + "'); $box = new Outbox($pdo); $hook = new Webhook('" + server.URL + "', \\setting('CITASYNC_WEBHOOK_SECRET')); "
	p.run(begin + "$pdo->beginTransaction(); $box->put('{}'); $pdo->rollBack();")
	p.run(begin + "$pdo->beginTransaction(); $box->put('{}'); $pdo->commit();")
	const rows = " foreach ($pdo->query('SELECT attempts, refused FROM citasync_outbox') as $row) { echo ' ', $row['attempts'], '/', $row['refused']; }"
	if got := p.run(begin + "echo $box->work($hook);" + rows); got != "0 1/" {
		t.Errorf("while it is down: %s", got)
	}
	if got := p.run(begin + "echo $box->work($hook);" + rows); got != "0 1/" {
		t.Errorf("before it is due again: %s", got)
	}
	if got := p.run(begin + "$pdo->exec('UPDATE citasync_outbox SET due_at = 0'); echo $box->work($hook);" + rows); got != "1" {
		t.Errorf("when it is back: %s", got)
	}
	if got := p.run(begin + "$box->put('{}'); echo $box->work($hook);" + rows); got != "0 0/422: an answer that is not Citasync's" {
		t.Errorf("what can't succeed: %s", got)
	}
	if got := p.run(begin + "echo $box->work($hook);"); got != "0" || len(s.ids) != 3 || s.ids[0] != s.ids[1] || s.ids[1] == s.ids[2] {
		t.Errorf("%s more; sent as %v", got, s.ids)
	}
}
