package notify

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"

	"github.com/citasync/citasync/shared/fault"
)

// TestSessions: each way to a server, and how far it is trusted with the
// password.
func TestSessions(t *testing.T) {
	ca := newAuthority(t)
	open := orders{Mechanisms: []string{"PLAIN"}} // anybody may send, in clear
	clear := orders{Mechanisms: []string{"PLAIN"}, User: user, Password: password}
	login, implicit, anybody := ca.secured(t), ca.secured(t), ca.secured(t)
	login.Mechanisms = []string{"XOAUTH2", "LOGIN"}
	implicit.Implicit = true
	anybody.User, anybody.Password, anybody.Mechanisms = "", "", nil
	tests := []struct {
		name   string
		orders orders
		url    string
		dialed string
		user   string
		tls    bool
	}{
		{"STARTTLS", ca.secured(t), withUser("smtp", "mail.example.com"), "mail.example.com:587", user, true},
		{"STARTTLS, port", ca.secured(t), withUser("smtp", "mail.example.com:2525"), "mail.example.com:2525", user, true},
		{"LOGIN", login, withUser("smtp", "mail.example.com"), "mail.example.com:587", user, true},
		{"implicit", implicit, withUser("smtps", "mail.example.com"), "mail.example.com:465", user, true},
		{"STARTTLS as it is offered", anybody, "smtp://mail.example.com", "mail.example.com:25", "", true},
		{"no TLS, no password", open, "smtp://mail.example.com", "mail.example.com:25", "", false},
		{"this machine, in clear", clear, withUser("smtp", "localhost"), "localhost:587", user, false},
		{"this machine, without STARTTLS", ca.secured(t), withUser("smtp", "127.0.0.1:25"), "127.0.0.1:25", user, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := startServer(t, tt.orders)
			m, w := s.mailer(t, tt.url, WithRootCAs(ca.roots))
			if err := newScene(t, m, settings).Send(t.Context(), revoked()); err != nil {
				t.Fatal(err)
			}
			mails := s.mails(t)
			if len(mails) != 1 {
				t.Fatalf("%d mails", len(mails))
			}
			mails[0].Data = nil
			want := mailFile{
				Greeted: "citasync.example", User: tt.user, From: "avisos@citasync.example", To: "ana.ruiz@salon.example", TLS: tt.tls,
			}
			if diff := cmp.Diff(want, mails[0]); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if diff := cmp.Diff([]string{tt.dialed}, w.dialed); diff != "" {
				t.Errorf("dialed, -want +got:\n%s", diff)
			}
			if !strings.Contains(s.transcript(t), "QUIT") {
				t.Error("the session does not end with QUIT")
			}
		})
	}
}

// TestNoPasswordInClear: to a server that asks for the password without TLS, or
// whose TLS can't be trusted, nothing is said.
func TestNoPasswordInClear(t *testing.T) {
	ca, other := newAuthority(t), newAuthority(t)
	clear := orders{Mechanisms: []string{"PLAIN", "LOGIN"}, User: user, Password: password}
	implicit, anybody := ca.secured(t), ca.secured(t)
	implicit.Implicit = true
	anybody.User = ""
	stranger := ca.secured(t)
	stranger.Cert, stranger.Key = ca.issue(t, "mail.example.net")
	for _, tt := range []struct {
		name   string
		orders orders
		url    string
		roots  *authority
		want   string
	}{
		{"no STARTTLS", clear, withUser("smtp", "mail.example.com"), ca, "STARTTLS: the server offers no STARTTLS"},
		{"another's certificate", stranger, withUser("smtp", "mail.example.com"), ca, "STARTTLS: tls: failed to verify certificate"},
		{"unknown authority", ca.secured(t), withUser("smtp", "mail.example.com"), other, "STARTTLS: tls: failed to verify certificate"},
		{"unknown authority, no password", anybody, "smtp://mail.example.com", other, "STARTTLS: tls: failed to verify certificate"},
		{"unknown authority, implicit", implicit, withUser("smtps", "mail.example.com"), other, "TLS: tls: failed to verify certificate"},
		{"implicit, but not TLS", clear, withUser("smtps", "mail.example.com"), ca, "TLS: tls: first record does not look like a TLS handshake"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := startServer(t, tt.orders)
			m, _ := s.mailer(t, tt.url, WithRootCAs(tt.roots.roots))
			err := newScene(t, m, settings).Send(t.Context(), revoked())
			if !errors.Is(err, fault.ErrUnavailable) || !strings.Contains(err.Error(), "mail: unavailable: "+tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
			said := s.transcript(t)
			if strings.Contains(said, "\nAUTH ") || strings.Contains(said, "MAIL") || len(s.mails(t)) > 0 {
				t.Errorf("it was said:\n%s", said)
			}
		})
	}
}

// TestTrouble: what a server's answer means for the notice, at each step.
func TestTrouble(t *testing.T) {
	ca := newAuthority(t)
	again, gone := fault.ErrUnavailable, error(nil)
	for _, tt := range []struct {
		name    string
		trouble trouble
		want    error  // that Send returns
		says    string // that the error, or else the log, says
	}{
		{"busy", trouble{At: "connect", Code: 421}, again, "greeting: the server answered 421"},
		{"blocked", trouble{At: "connect", Code: 554}, again, "greeting: the server answered 554"},
		{"gone at once", trouble{At: "connect", Drop: true}, again, "greeting: the server closed the connection"},
		{"speaks something else", trouble{At: "connect", Babble: true}, again, "greeting: unexpected textproto.ProtocolError"},
		{"greets nobody", trouble{At: "hello", Code: 451, Status: smtp.EnhancedCode{4, 3, 2}}, again, "EHLO: the server answered 451 4.3.2"},
		{"wrong password", trouble{At: "auth", Code: 535, Status: smtp.EnhancedCode{5, 7, 8}}, again, "AUTH: the server answered 535 5.7.8"},
		{"wrong sender", trouble{At: "mail", Code: 553, Status: smtp.EnhancedCode{5, 7, 1}}, again, "MAIL: the server answered 553 5.7.1"},
		{"sends no more", trouble{At: "mail", Code: 421, Status: smtp.EnhancedCode{4, 7, 0}}, again, "MAIL: the server answered 421 4.7.0"},
		{"greylisted", trouble{At: "rcpt", Code: 450, Status: smtp.EnhancedCode{4, 2, 0}}, again, "RCPT: the server answered 450 4.2.0"},
		{"nobody there", trouble{At: "rcpt", Code: 550, Status: smtp.EnhancedCode{5, 1, 1}}, gone, "refused: RCPT: the server answered 550 5.1.1"},
		{"nobody there, in short", trouble{At: "rcpt", Code: 550, Status: smtp.NoEnhancedCode}, gone, "refused: RCPT: the server answered 550"},
		{"password wanted", trouble{At: "rcpt", Code: 530, Status: smtp.EnhancedCode{5, 7, 0}}, again, "RCPT: the server answered 530 5.7.0"},
		{"gone at the recipient", trouble{At: "rcpt", Drop: true}, again, "RCPT: "},
		{"not now", trouble{At: "data", Code: 451, Status: smtp.EnhancedCode{4, 3, 0}}, again, "message: the server answered 451 4.3.0"},
		{"refused when read", trouble{At: "data", Code: 554, Status: smtp.EnhancedCode{5, 7, 1}}, gone, "refused: message: the server answered 554 5.7.1"},
		{"gone after the message", trouble{At: "data", Drop: true}, again, "message: the server closed the connection"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := ca.secured(t)
			o.Trouble = tt.trouble
			m, _ := startServer(t, o).mailer(t, withUser("smtp", "mail.example.com"), WithRootCAs(ca.roots))
			s := newScene(t, m, settings)
			err := s.Send(t.Context(), revoked())
			if !errors.Is(err, tt.want) {
				t.Errorf("error %v, want %v", err, tt.want)
			}
			said := s.logs.String()
			if err != nil {
				said = err.Error()
			}
			if !strings.Contains(said, tt.says) {
				t.Errorf("%q says not %q", said, tt.says)
			}
			silent(t, s, err)
		})
	}
}

// silent checks that nothing which names people, or gives access, is in the
// logs or the error.
func silent(t *testing.T, s *scene, err error) {
	t.Helper()
	said := s.logs.String()
	if err != nil {
		said += err.Error()
	}
	for _, secret := range []string{
		password, "p4ss", "%40", user, base64.StdEncoding.EncodeToString([]byte("\x00" + user + "\x00" + password)),
		"ana", "Ana", "ruiz", "Ruiz", "salon", "gmail", "server-side secret", "avisos", "Google Calendar",
	} {
		if strings.Contains(said, secret) {
			t.Errorf("%q is in %s", secret, said)
		}
	}
}

// TestHang: a server that says nothing any more takes no longer than a session
// may, and no longer than the context lasts.
func TestHang(t *testing.T) {
	ca := newAuthority(t)
	for _, at := range []string{"connect", "hello", "auth", "mail", "rcpt", "data"} {
		t.Run(at, func(t *testing.T) {
			o := ca.secured(t)
			o.Trouble = trouble{At: at, Hang: true}
			server := startServer(t, o)
			m, _ := server.mailer(t, withUser("smtp", "mail.example.com"), WithRootCAs(ca.roots), WithTimeout(300*time.Millisecond))
			s := newScene(t, m, settings)
			begun := time.Now()
			err := s.Send(t.Context(), revoked())
			if !errors.Is(err, fault.ErrUnavailable) || !errors.Is(err, errSlow) || errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("error %v", err)
			}
			silent(t, s, err)

			patient, _ := server.mailer(t, withUser("smtp", "mail.example.com"), WithRootCAs(ca.roots), WithTimeout(time.Hour))
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			err = newScene(t, patient, settings).Send(ctx, revoked())
			if !errors.Is(err, fault.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("error %v", err)
			}
			if took := time.Since(begun); took > 10*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}

// TestNoFarewell: a server that has taken the message and then says no more has
// taken it.
func TestNoFarewell(t *testing.T) {
	for name, tr := range map[string]trouble{"hang": {At: "quit", Hang: true}, "drop": {At: "quit", Drop: true}} {
		t.Run(name, func(t *testing.T) {
			server := startServer(t, orders{Trouble: tr})
			m, _ := server.mailer(t, "smtp://mail.example.com", WithTimeout(time.Hour))
			s := newScene(t, m, settings)
			begun := time.Now()
			if err := s.Send(t.Context(), revoked()); err != nil || len(server.mails(t)) != 1 {
				t.Errorf("error %v, %d mails", err, len(server.mails(t)))
			}
			if took := time.Since(begun); took > farewell+5*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}

// TestUnreachable: without a server it is tried again.
func TestUnreachable(t *testing.T) {
	s := startServer(t, orders{})
	m, w := s.mailer(t, withUser("smtp", "mail.example.com"))
	w.to = "127.0.0.1:1"
	scene := newScene(t, m, settings)
	err := scene.Send(t.Context(), revoked())
	if !errors.Is(err, fault.ErrUnavailable) || !strings.Contains(err.Error(), "connect: dial tcp 127.0.0.1:1") {
		t.Errorf("error %v", err)
	}
	silent(t, scene, err)
}

// TestNoKnownMechanism: a server that wants other proof than a password.
func TestNoKnownMechanism(t *testing.T) {
	ca := newAuthority(t)
	o := ca.secured(t)
	o.Mechanisms = []string{"XOAUTH2"}
	m, _ := startServer(t, o).mailer(t, withUser("smtp", "mail.example.com"), WithRootCAs(ca.roots))
	err := newScene(t, m, settings).Send(t.Context(), revoked())
	if !errors.Is(err, fault.ErrUnavailable) || !errors.Is(err, errNoAuth) {
		t.Errorf("error %v", err)
	}
}

// TestAddresses: an address as a company writes it, and as the server is told
// it.
func TestAddresses(t *testing.T) {
	servers := map[bool]*server{true: startServer(t, orders{UTF8: true}), false: startServer(t, orders{})}
	for _, tt := range []struct {
		name, email string
		utf8        bool // the server can do it
		want        string
	}{
		{"plain", "ana@salon.example", true, "ana@salon.example"},
		{"with a name", "Ana Ruiz <ana@salon.example>", false, "ana@salon.example"},
		{"quoted", `"ana, la jefa"@salon.example`, false, `ana, la jefa@salon.example`},
		{"the domain's own letters", "ana@peluquería.example", false, "ana@xn--peluquera-n5a.example"},
		{"letters of her own", "íñigo@salon.example", true, "íñigo@salon.example"},
		{"letters that the server can't", "íñigo@salon.example", false, ""},
		{"a command inside", `"x> SIZE=1"@salon.example`, false, `x> SIZE=1@salon.example`},
		{"no address", "ana", false, ""},
		{"two", "ana@salon.example, eva@salon.example", false, ""},
		{"another header", "ana@salon.example\r\nBcc: eva@salon.example", false, ""},
		{"impossible domain", "ana@-í-.example", false, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := servers[tt.utf8]
			before := len(s.mails(t))
			m, _ := s.mailer(t, "smtp://mail.example.com")
			scene := newScene(t, m, settings)
			n := revoked()
			n.Company.Email = tt.email
			if err := scene.Send(t.Context(), n); err != nil {
				t.Errorf("error %v", err)
			}
			var got string
			for _, f := range s.mails(t)[before:] {
				got += f.To
				if f.UTF8 != (tt.name == "letters of her own") {
					t.Errorf("SMTPUTF8 %v", f.UTF8)
				}
			}
			if got != tt.want {
				t.Errorf("to %q, want %q", got, tt.want)
			}
			if refused := strings.Contains(scene.logs.String(), "the address was refused"); refused != (tt.want == "") {
				t.Errorf("logged %s", scene.logs)
			}
			for _, name := range []string{"ana", "íñigo", "salon"} {
				if strings.Contains(scene.logs.String(), name) {
					t.Errorf("logged %s", scene.logs)
				}
			}
		})
	}
}
