package notify

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/citasync/citasync/shared/config"
	"github.com/citasync/citasync/shared/integration"
)

var update = flag.Bool("update", false, "write the golden letters anew")

// letters are notices of every kind and reason, known in full and in part.
func letters() map[string]Notice {
	with := func(change func(*Notice)) Notice {
		n := revoked()
		change(&n)
		return n
	}
	bare := func(n *Notice) {
		n.Account, n.Bookings, n.Company.Name, n.Company.TimeZone = "", 0, "", ""
	}
	caughtUp := func(bookings int) Notice {
		return with(func(n *Notice) { n.Kind, n.Reason, n.Bookings = CaughtUp, "", bookings })
	}
	failed := func(bookings int) Notice {
		return with(func(n *Notice) { n.Kind, n.Reason, n.Bookings = DeliveryFailed, integration.Rejected, bookings })
	}
	reason := func(r integration.Reason, reminder, bookings int) Notice {
		return with(func(n *Notice) { n.Reason, n.Reminder, n.Bookings = r, reminder, bookings })
	}
	return map[string]Notice{
		"revoked":                   revoked(),
		"revoked-bare":              with(bare),
		"revoked-reminder":          reason(integration.Revoked, 1, 1),
		"revoked-last":              reason(integration.Revoked, 4, 1200),
		"scope-missing":             reason(integration.ScopeMissing, 0, 1),
		"scope-missing-bare":        with(func(n *Notice) { bare(n); n.Reason = integration.ScopeMissing }),
		"scope-missing-reminder":    reason(integration.ScopeMissing, 2, 0),
		"calendar-missing":          reason(integration.CalendarMissing, 0, 2),
		"calendar-missing-bare":     with(func(n *Notice) { bare(n); n.Reason = integration.CalendarMissing }),
		"calendar-missing-reminder": reason(integration.CalendarMissing, 3, 2),
		"other":                     reason("", 0, 0),
		"other-bare":                with(func(n *Notice) { bare(n); n.Reason = "" }),
		"caught-up":                 caughtUp(21),
		"caught-up-one":             caughtUp(1),
		"caught-up-none":            caughtUp(0),
		"caught-up-bare":            with(func(n *Notice) { n.Kind, n.Reason = CaughtUp, ""; bare(n) }),
		"failed":                    failed(3),
		"failed-one":                failed(1),
		"failed-bare":               with(func(n *Notice) { n.Kind, n.Reason = DeliveryFailed, integration.Rejected; bare(n) }),
		// At one o'clock, a year ago.
		"old": with(func(n *Notice) { n.Since = time.Date(2025, 12, 31, 0, 30, 0, 0, time.UTC) }),
	}
}

// TestLetters sends every letter by a real server and compares what arrived
// with what it should be. The bare ones have no link.
func TestLetters(t *testing.T) {
	ca := newAuthority(t)
	server := startServer(t, ca.secured(t))
	m, _ := server.mailer(t, withUser("smtp", "mail.example.com"), WithRootCAs(ca.roots))
	linked, bare := newScene(t, m, settings), newScene(t, m, "")
	all := letters()
	for _, name := range sortedKeys(all) {
		for _, lang := range languages() {
			t.Run(name+"."+lang, func(t *testing.T) {
				n, s := all[name], linked
				n.Company.Locale = lang
				if strings.HasSuffix(name, "-bare") {
					s = bare
				}
				if err := s.Send(t.Context(), n); err != nil {
					t.Fatal(err)
				}
				mails := server.mails(t)
				got := parse(t, mails[len(mails)-1].Data)
				wantHeader(t, n, got)
				golden(t, name+"."+lang+".txt", "Subject: "+got.subject(t)+"\n\n"+got.text)
				golden(t, name+"."+lang+".html", got.html)
				lint(t, got.html)
			})
		}
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s: -want +got (run with -update if that is right):\n%s", name, diff)
	}
}

// parsed is a message taken apart.
type parsed struct {
	header     mail.Header
	text, html string
}

func (p parsed) subject(t *testing.T) string {
	t.Helper()
	s, err := (&mime.WordDecoder{}).DecodeHeader(p.header.Get("Subject"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// parse takes a message apart as a mail program does. It must be ASCII in short
// lines, with a text and the same as HTML, in this order.
func parse(t *testing.T, data []byte) parsed {
	t.Helper()
	for line := range strings.SplitSeq(string(data), "\r\n") {
		if len(line) > 100 || strings.ContainsAny(line, "\r\n") || strings.ContainsFunc(line, func(r rune) bool { return r > '~' || r < ' ' && r != '\t' }) {
			t.Errorf("line %q", line)
		}
	}
	m, err := mail.ReadMessage(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("%s, error %v", kind, err)
	}
	p := parsed{header: m.Header}
	r := multipart.NewReader(m.Body, params["boundary"])
	p.text = part(t, r, "text/plain; charset=UTF-8")
	p.html = part(t, r, "text/html; charset=UTF-8")
	if _, err := r.NextRawPart(); err != io.EOF {
		t.Errorf("after two parts: %v", err)
	}
	return p
}

func part(t *testing.T, r *multipart.Reader, kind string) string {
	t.Helper()
	p, err := r.NextRawPart()
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Header.Get("Content-Type"); got != kind || p.Header.Get("Content-Transfer-Encoding") != "quoted-printable" {
		t.Errorf("a part %v, want %s", p.Header, kind)
	}
	data, err := io.ReadAll(quotedprintable.NewReader(p))
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(data), "\r\n", "\n")
}

// wantHeader checks all of a message's header but its subject.
func wantHeader(t *testing.T, n Notice, got parsed) {
	t.Helper()
	kind, _, _ := strings.Cut(got.header.Get("Content-Type"), ";") // parse has checked the rest
	to := mail.Address{Name: n.Company.Name, Address: n.Company.Email}
	want := mail.Header{
		"From":             {"=?utf-8?q?Citasync_=E2=80=93_avisos?= <avisos@citasync.example>"},
		"To":               {to.String()},
		"Subject":          got.header["Subject"],
		"Date":             {"Tue, 01 Dec 2026 12:00:00 +0000"},
		"Message-Id":       {"<" + n.id() + "@citasync.example>"},
		"Mime-Version":     {"1.0"},
		"Auto-Submitted":   {"auto-generated"},
		"Content-Language": {n.Company.Locale},
		"Content-Type":     {kind},
	}
	have := mail.Header{}
	for k, v := range got.header {
		have[k] = v
	}
	have["Content-Type"] = []string{kind}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("header, -want +got:\n%s", diff)
	}
}

// TestSubjectIsEncoded: letters beyond ASCII arrive, in the one way that every
// server passes on (RFC 2047).
func TestSubjectIsEncoded(t *testing.T) {
	m := plainMailer(t)
	data, err := m.compose(&mail.Address{Name: "Íñigo Núñez", Address: "i@example.com"}, &letter{Subject: "Mañana, ¿qué? – " + strings.Repeat("año ", 40)})
	if err != nil {
		t.Fatal(err)
	}
	p := parse(t, data)
	if got, want := p.subject(t), "Mañana, ¿qué? – "+strings.TrimSpace(strings.Repeat("año ", 40)); strings.TrimSpace(got) != want {
		t.Errorf("subject %q, want %q", got, want)
	}
	if got := p.header.Get("To"); !strings.HasPrefix(got, "=?utf-8?q?=C3=8D=C3=B1igo") {
		t.Errorf("to %q", got)
	}
}

func plainMailer(t testing.TB) *Mailer {
	t.Helper()
	m, err := NewMailer(config.NewSecret("smtp://localhost"), sender)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestNames: a name can be anything, and stays a name.
func TestNames(t *testing.T) {
	for _, tt := range []struct{ name, want string }{
		{"Salón", "Salón"},
		{"  Salón\r\nBcc: eva@example.com\r\n\r\n<html> ", "Salón Bcc: eva@example.com <html>"},
		{"a\x00b\u2028c\u0085d\te", "a b c d e"},
		{"Salón \u202eanA\u202c", "Salón anA"},
		{"\xff\xfeSalón", "Salón"},
		{strings.Repeat("ñ", 101), strings.Repeat("ñ", 99) + "…"},
		{strings.Repeat("ñ", 100), strings.Repeat("ñ", 100)},
		{"Peluquería <b>Ana</b> & \"Eva\"", "Peluquería <b>Ana</b> & \"Eva\""},
		{"\n", ""},
	} {
		if got := oneLine(tt.name); got != tt.want {
			t.Errorf("%q becomes %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestNameOfRecipient: a name of several lines arrives as one.
func TestNameOfRecipient(t *testing.T) {
	c := salon()
	c.Name = "Salón\r\nBcc: eva@example.com\r\n\r\nÑ"
	to, err := addressOf(c)
	if err != nil {
		t.Fatal(err)
	}
	data, err := plainMailer(t).compose(to, &letter{Subject: "a"})
	if err != nil {
		t.Fatal(err)
	}
	got, err := parse(t, data).header.AddressList("To")
	want := []*mail.Address{{Name: "Salón Bcc: eva@example.com Ñ", Address: c.Email}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("error %v, -want +got:\n%s", err, diff)
	}
}

// FuzzHeaders: whatever a company is called, and wherever it has its mail, a
// message has the same header fields, once each, and one recipient.
func FuzzHeaders(f *testing.F) {
	f.Add("Salón\r\nBcc: eva@example.com", "ana@salon.example", "cuenta@gmail.example\r\n.\r\nQUIT")
	f.Add("=?utf-8?q?=0D=0ABcc:_eva@example.com?=", "=?utf-8?q?a=0Ab?= <ana@salon.example>", "a")
	f.Add("a, b <c@example.com>", `"a\" <b@example.com>, "@salon.example`, "{{.Foot}}")
	f.Add(`\ó`, "a@b", "")
	paper, err := newStationery()
	if err != nil {
		f.Fatal(err)
	}
	m := plainMailer(f)
	f.Fuzz(func(t *testing.T, name, email, account string) {
		n := revoked()
		n.Company.Name, n.Company.Email, n.Account = name, email, account
		to, err := addressOf(n.Company)
		if err != nil {
			return
		}
		l, err := paper.write(n, "https://reservas.example/", noon())
		if err != nil {
			t.Fatal(err)
		}
		data, err := m.compose(to, l)
		if err != nil {
			t.Fatal(err)
		}
		got, err := mail.ReadMessage(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		want := "[Auto-Submitted Content-Language Content-Type Date From Message-Id Mime-Version Subject To]"
		if keys := fmt.Sprint(sortedKeys(got.Header)); keys != want {
			t.Errorf("header %s", keys)
		}
		for key, values := range got.Header {
			if len(values) != 1 {
				t.Errorf("%s has %d values", key, len(values))
			}
		}
		list, err := got.Header.AddressList("To")
		if err != nil || len(list) != 1 || list[0].Address != to.Address {
			t.Errorf("to %v, error %v, want %q", list, err, to.Address)
		}
		if strings.ContainsAny(path(to), "\r\n") {
			t.Errorf("path %q", path(to))
		}
	})
}
