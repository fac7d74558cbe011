package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/mail"
	"slices"
	"strings"
	"time"

	"github.com/wneessen/go-mail/smtp"
)

// Of go-mail this uses the protocol's commands and not its Client, which keeps
// to a context only while it dials, leaves connections open whose greeting
// fails, and writes recipients into its errors.

var (
	errSlow   = errors.New("the session took longer than it may")
	errNoTLS  = errors.New("the server offers no STARTTLS, and the password must not go in clear")
	errNoAuth = errors.New("the server offers neither PLAIN nor LOGIN")
	errNoUTF8 = errors.New("the server takes no address with such letters")
)

// farewell is how long the server has to answer QUIT. It has the message by
// then.
const farewell = time.Second

// deliver hands the message to the server. The error is a *failure.
func (m *Mailer) deliver(ctx context.Context, to *mail.Address, message []byte) error {
	ctx, cancel := context.WithTimeoutCause(ctx, m.timeout, errSlow)
	defer cancel()
	conn, err := m.dial(ctx, "tcp", net.JoinHostPort(m.host, m.port))
	if err != nil {
		return failed(ctx, "connect", err)
	}
	defer func() { _ = conn.Close() }() // what matters has been answered by then
	// Whatever reads or writes when the context ends is cut short.
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()

	client, step, err := m.open(ctx, conn)
	if err == nil {
		step, err = transact(client, m.from, to, message)
	}
	if err != nil {
		return failed(ctx, step, err)
	}
	if stop() && conn.SetDeadline(time.Now().Add(farewell)) == nil {
		_ = client.Quit() // the message is the server's, whatever it says now
	}
	return nil
}

// open begins a session: greeting, TLS, authentication. Step is the one that
// failed.
func (m *Mailer) open(ctx context.Context, conn net.Conn) (client *smtp.Client, step string, err error) {
	if m.implicit {
		secured := tls.Client(conn, m.tls())
		if err := secured.HandshakeContext(ctx); err != nil {
			return nil, "TLS", err
		}
		conn = secured
	}
	if client, err = smtp.NewClient(conn, m.host); err != nil {
		return nil, "greeting", err
	}
	if err := client.Hello(m.domain); err != nil {
		return nil, "EHLO", err
	}
	if err := m.secure(client); err != nil {
		return nil, "STARTTLS", err
	}
	return client, "AUTH", m.authenticate(client)
}

func (m *Mailer) secure(client *smtp.Client) error {
	if m.implicit || m.local() {
		return nil
	}
	if offered, _ := client.Extension("STARTTLS"); offered {
		return client.StartTLS(m.tls())
	}
	if m.user != "" {
		return errNoTLS
	}
	return nil
}

// authenticate proves who we are, if the server's URL says it. The library,
// too, refuses to in clear, unless the server is local.
func (m *Mailer) authenticate(client *smtp.Client) error {
	if m.user == "" {
		return nil
	}
	_, offered := client.Extension("AUTH")
	mechanisms := strings.Fields(strings.ToUpper(offered))
	switch {
	case slices.Contains(mechanisms, "PLAIN"):
		return client.Auth(smtp.PlainAuth("", m.user, m.password.Reveal(), m.host, false))
	case slices.Contains(mechanisms, "LOGIN"):
		return client.Auth(smtp.LoginAuth(m.user, m.password.Reveal(), m.host, false))
	}
	return errNoAuth
}

// transact is the transaction of one message to one recipient (RFC 5321,
// section 3.3).
func transact(client *smtp.Client, from, to *mail.Address, message []byte) (step string, err error) {
	plain := ascii(to.Address)
	if able, _ := client.Extension("SMTPUTF8"); !plain && !able {
		return "RCPT", errNoUTF8
	}
	client.SkipSMTPUTF8(plain) // all else that is sent is ASCII
	if err := client.Mail(path(from)); err != nil {
		return "MAIL", err
	}
	if err := client.Rcpt(path(to)); err != nil {
		return "RCPT", err
	}
	w, err := client.Data()
	if err != nil {
		return "DATA", err
	}
	if _, err := bytes.NewReader(message).WriteTo(w); err != nil {
		return "message", err
	}
	return "message", w.Close()
}

// path is an address as the protocol's commands have it, quoted where it must
// be: "<ana@example.com>".
func path(a *mail.Address) string { return (&mail.Address{Address: a.Address}).String() }

func (m *Mailer) tls() *tls.Config {
	return &tls.Config{ServerName: m.host, RootCAs: m.roots, MinVersion: tls.VersionTLS12}
}

// local reports whether the server is on this machine, by the names that
// nobody else can answer to.
func (m *Mailer) local() bool {
	return slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, m.host)
}
