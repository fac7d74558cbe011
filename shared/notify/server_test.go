package notify

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// ordersVariable holds the orders of a test binary that is run as a mail server.
const ordersVariable = "NOTIFY_TEST_SMTP_SERVER"

func TestMain(m *testing.M) {
	if o := os.Getenv(ordersVariable); o != "" {
		if err := serve(o); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// orders are what a mail server is started with.
type orders struct {
	Dir            string // where it keeps messages and its transcript
	Cert, Key      []byte // PEM; none: it has no TLS
	Implicit       bool   // TLS from the first byte
	Mechanisms     []string
	User, Password string // who may send; none: anybody
	UTF8           bool
	Trouble        trouble
}

// trouble is where a server fails, and how.
type trouble struct {
	At     string // connect, hello, auth, mail, rcpt, data or quit
	Times  int    // 0: every time
	Code   int
	Status smtp.EnhancedCode
	Hang   bool
	Drop   bool
	Babble bool // at connect: an answer that is none
}

// mailFile is a message as the server got it.
type mailFile struct {
	Greeted, User, From, To string
	TLS, UTF8               bool
	Data                    []byte
}

// host is a mail server with its state.
type host struct {
	orders
	mu     sync.Mutex
	struck int
	stored int
}

// serve is the server's process: it says where it listens, and ends with its
// standard input, which is when its parent ends.
func serve(text string) error {
	h := &host{}
	if err := json.Unmarshal([]byte(text), &h.orders); err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	transcript, err := os.Create(filepath.Join(h.Dir, "transcript"))
	if err != nil {
		return err
	}
	s := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &mailSession{host: h, conn: c}, h.strike("hello", c.Conn())
	}))
	s.Domain, s.Debug, s.AllowInsecureAuth, s.EnableSMTPUTF8 = "mail.example.com", transcript, true, h.UTF8
	var accepting net.Listener = &gate{Listener: l, host: h}
	if h.Cert != nil {
		pair, err := tls.X509KeyPair(h.Cert, h.Key)
		if err != nil {
			return err
		}
		config := &tls.Config{Certificates: []tls.Certificate{pair}}
		if h.Implicit {
			accepting = tls.NewListener(accepting, config)
		} else {
			s.TLSConfig = config
		}
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	fmt.Fprintln(os.Stdout, l.Addr())
	return s.Serve(accepting)
}

// strike is the server's trouble, if it has any there. Its words name people, as
// real servers' do.
func (h *host) strike(at string, conn net.Conn) error {
	h.mu.Lock()
	struck := h.Trouble.At == at && (h.Trouble.Times == 0 || h.struck < h.Trouble.Times)
	if struck {
		h.struck++
	}
	h.mu.Unlock()
	switch {
	case !struck:
		return nil
	case h.Trouble.Hang:
		select {}
	case h.Trouble.Drop:
		_ = conn.Close()
	}
	return &smtp.SMTPError{Code: h.Trouble.Code, EnhancedCode: h.Trouble.Status, Message: "user ana.ruiz@salon.example and her server-side secret"}
}

// gate has its trouble before a server greets, every time.
type gate struct {
	net.Listener
	host *host
}

func (g *gate) Accept() (net.Conn, error) {
	c, err := g.Listener.Accept()
	if err != nil || g.host.Trouble.At != "connect" {
		return c, err
	}
	go func() {
		var answer *smtp.SMTPError
		err := g.host.strike("connect", c)
		if g.host.Trouble.Babble {
			fmt.Fprint(c, "Ana Ruiz <ana.ruiz@salon.example>\r\n")
		} else if errors.As(err, &answer) {
			fmt.Fprintf(c, "%d %s\r\n", answer.Code, answer.Message)
		}
		_ = c.Close()
	}()
	return g.Accept()
}

// mailSession is a session as the server sees it.
type mailSession struct {
	host *host
	conn *smtp.Conn
	file mailFile
}

func (s *mailSession) AuthMechanisms() []string { return s.host.Mechanisms }

func (s *mailSession) Auth(mechanism string) (sasl.Server, error) {
	if mechanism == sasl.Login {
		return &loginServer{check: s.check}, nil
	}
	return sasl.NewPlainServer(func(_, user, password string) error { return s.check(user, password) }), nil
}

func (s *mailSession) check(user, password string) error {
	if err := s.host.strike("auth", s.conn.Conn()); err != nil {
		return err
	}
	if user != s.host.User || password != s.host.Password {
		return smtp.ErrAuthFailed
	}
	s.file.User = user
	return nil
}

func (s *mailSession) Mail(from string, opts *smtp.MailOptions) error {
	if s.host.User != s.file.User {
		return &smtp.SMTPError{Code: 530, EnhancedCode: smtp.EnhancedCode{5, 7, 0}, Message: "Authentication required"}
	}
	s.file.From, s.file.UTF8 = from, opts.UTF8
	return s.host.strike("mail", s.conn.Conn())
}

func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.file.To = to
	return s.host.strike("rcpt", s.conn.Conn())
}

// Data stores the message before it has any trouble: what a server does with a
// message is known to the client by its answer only.
func (s *mailSession) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	_, s.file.TLS = s.conn.TLSConnectionState()
	s.file.Data, s.file.Greeted = data, s.conn.Hostname()
	if err := s.host.keep(s.file); err != nil {
		return err
	}
	return s.host.strike("data", s.conn.Conn())
}

// Reset comes when the message has been answered, before QUIT is read.
func (s *mailSession) Reset() { _ = s.host.strike("quit", s.conn.Conn()) }

func (s *mailSession) Logout() error { return nil }

func (h *host) keep(f mailFile) error {
	data, err := json.Marshal(f)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stored++
	name := filepath.Join(h.Dir, fmt.Sprintf("%04d.json", h.stored))
	return os.WriteFile(name, data, 0o600)
}

// loginServer is the server's side of LOGIN: it asks for the user, then for the
// password.
type loginServer struct {
	check func(user, password string) error
	said  []string
}

func (l *loginServer) Next(response []byte) (challenge []byte, done bool, err error) {
	if response != nil {
		l.said = append(l.said, string(response))
	}
	switch len(l.said) {
	case 0:
		return []byte("Username:"), false, nil
	case 1:
		return []byte("Password:"), false, nil
	}
	return nil, true, l.check(l.said[0], l.said[1])
}

// server is a mail server's process, seen from the test.
type server struct {
	address string
	dir     string
}

// startServer runs the test binary as a mail server. It is killed when the test
// ends.
func startServer(t testing.TB, o orders) *server {
	t.Helper()
	o.Dir = t.TempDir()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), ordersVariable+"="+string(text))
	if _, err := cmd.StdinPipe(); err != nil { // open as long as this process lives
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed, and says so
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the server did not start: %v", err)
	}
	return &server{address: strings.TrimSpace(line), dir: o.Dir}
}

// mails are the messages that the server has got, in order.
func (s *server) mails(t testing.TB) []mailFile {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(s.dir, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	files := make([]mailFile, len(names))
	for i, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(data, &files[i]); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// transcript is all that was said to the server and by it, decrypted.
func (s *server) transcript(t testing.TB) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(s.dir, "transcript"))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
