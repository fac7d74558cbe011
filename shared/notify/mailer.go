package notify

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/url"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
	"golang.org/x/net/idna"

	"github.com/citasync/citasync/shared/config"
	"github.com/citasync/citasync/shared/integration"
)

// sessionTime is how long a mail server has for one letter.
const sessionTime = 15 * time.Second

// errRefused is wrapped by errors that trying again would not mend.
var errRefused = errors.New("refused")

// Mailer sends letters by a mail server, each in a session of its own. It may be
// used by several goroutines.
//
// The server's certificate must verify wherever TLS is used: always with
// smtps, and with smtp, where TLS begins by STARTTLS, whenever the server
// offers that. A user and a password are sent under TLS only. The one exception
// is smtp to localhost, 127.0.0.1 or ::1, which stays in clear: nothing leaves
// the machine.
type Mailer struct {
	host, port string
	implicit   bool // TLS from the first byte (RFC 8314)
	user       string
	password   config.Secret
	from       *mail.Address
	domain     string // of from, in ASCII: what the server is greeted as, and where Message-IDs are unique
	roots      *x509.CertPool
	timeout    time.Duration
	dial       func(ctx context.Context, network, address string) (net.Conn, error)
}

// MailerOption changes how a Mailer reaches its server.
type MailerOption func(*Mailer)

// WithRootCAs has the server's certificate verified by these authorities
// instead of the system's.
func WithRootCAs(roots *x509.CertPool) MailerOption {
	return func(m *Mailer) { m.roots = roots }
}

// WithTimeout changes how long the server has for one letter: 15 s.
func WithTimeout(d time.Duration) MailerOption {
	return func(m *Mailer) { m.timeout = d }
}

// WithDialer has connections made by another way than straight to the server,
// such as through a proxy.
func WithDialer(dial func(ctx context.Context, network, address string) (net.Conn, error)) MailerOption {
	return func(m *Mailer) { m.dial = dial }
}

// NewMailer reads the server's URL, smtp://user:password@host:port or
// smtps://…, and the sender's address, as config has them. Without a port,
// smtps is 465, and smtp 587 with a user and 25 without one. The error tells
// neither of the values.
func NewMailer(smtpURL config.Secret, from string, opts ...MailerOption) (*Mailer, error) {
	u, err := url.Parse(smtpURL.Reveal())
	if err != nil || u.Scheme != "smtp" && u.Scheme != "smtps" || u.Hostname() == "" {
		return nil, errors.New("the mail server must be smtp://user:password@host:port, or smtps://…")
	}
	sender, err := parseAddress(from)
	if err != nil || !ascii(sender.Address) {
		return nil, errors.New("the sender must be an e-mail address, such as Citasync <noreply@example.com>")
	}
	m := &Mailer{
		host: u.Hostname(), port: port(u), implicit: u.Scheme == "smtps",
		from: sender, domain: domain(sender.Address),
		timeout: sessionTime, dial: (&net.Dialer{}).DialContext,
	}
	if u.User != nil {
		password, _ := u.User.Password()
		m.user, m.password = u.User.Username(), config.NewSecret(password)
	}
	for _, opt := range opts {
		opt(m)
	}
	return m, nil
}

func port(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "smtps":
		return "465"
	case u.User != nil:
		return "587"
	}
	return "25"
}

// send mails the letter to the company. The error names nobody; what a server
// had a part in wraps errRefused or fault.ErrUnavailable, and so does an address
// that is none.
func (m *Mailer) send(ctx context.Context, to integration.Company, l *letter) error {
	recipient, err := addressOf(to)
	if err != nil {
		return fmt.Errorf("mail: %w: not an e-mail address", errRefused)
	}
	data, err := m.compose(recipient, l)
	if err != nil {
		return err
	}
	return m.deliver(ctx, recipient, data)
}

// compose makes a message of a letter (RFC 5322), with both its forms.
func (m *Mailer) compose(to *mail.Address, l *letter) ([]byte, error) {
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	msg.FromMailAddress(m.from)
	msg.ToMailAddress(to)
	msg.Subject(l.Subject)
	msg.SetDateWithValue(l.date)
	msg.SetMessageIDWithValue(l.id + "@" + m.domain)
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no answer by a machine
	msg.SetGenHeader("Content-Language", l.Lang)
	msg.SetBodyString(gomail.TypeTextPlain, l.text)
	msg.AddAlternativeString(gomail.TypeTextHTML, l.html)
	var b bytes.Buffer
	if _, err := msg.WriteTo(&b); err != nil {
		return nil, errors.New("mail: the message could not be composed")
	}
	return b.Bytes(), nil
}

// addressOf is the company's address under its own name.
func addressOf(c integration.Company) (*mail.Address, error) {
	a, err := parseAddress(c.Email)
	if err != nil {
		return nil, err
	}
	a.Name = displayName(c.Name)
	return a, nil
}

// parseAddress reads an address, perhaps with a name. Its domain becomes ASCII
// (RFC 5891), because few servers take another.
func parseAddress(s string) (*mail.Address, error) {
	a, err := mail.ParseAddress(s)
	if err != nil {
		return nil, err
	}
	at := strings.LastIndex(a.Address, "@")
	if !ascii(a.Address[at:]) {
		d, err := idna.Lookup.ToASCII(a.Address[at+1:])
		if err != nil {
			return nil, err
		}
		a.Address = a.Address[:at+1] + d
	}
	a.Name = displayName(a.Name)
	return a, nil
}

// displayName is a name as an address may have it. Package net/mail leaves a
// backslash in an encoded word as it is, where none may stand (RFC 2047,
// section 5), and then can't read the address itself.
func displayName(s string) string { return strings.ReplaceAll(oneLine(s), `\`, "/") }

func domain(address string) string { return address[strings.LastIndex(address, "@")+1:] }

func ascii(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= 0x80 })
}
