package notify

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/citasync/citasync/shared/bus/boltqueue"
	"github.com/citasync/citasync/shared/config"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/logging"
)

const (
	sender   = "Citasync – avisos <avisos@citasync.example>"
	user     = "relay-user"
	password = "p4ss/wörd:@"
	settings = config.CompanyURL("https://reservas.example/empresas/{company}/integraciones?ver={company}&a=b")
)

// withUser is a mail server's URL with the user.
func withUser(scheme, hostPort string) string {
	return scheme + "://" + user + ":p4ss%2Fw%C3%B6rd%3A%40@" + hostPort
}

// authority makes certificates.
type authority struct {
	roots *x509.CertPool
	cert  *x509.Certificate
	key   *ecdsa.PrivateKey
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{roots: x509.NewCertPool(), key: key}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.roots.AddCert(a.cert)
	return a
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// issue certifies a server's name.
func (a *authority) issue(t testing.TB, name string) (certPEM, keyPEM []byte) {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// secured are the orders of a server with TLS that wants the password.
func (a *authority) secured(t testing.TB) orders {
	t.Helper()
	o := orders{Mechanisms: []string{"PLAIN"}, User: user, Password: password}
	o.Cert, o.Key = a.issue(t, "mail.example.com")
	return o
}

// wire leads every connection to one server, whatever its name, and knows which
// are open.
type wire struct {
	to     string
	mu     sync.Mutex
	dialed []string
	open   atomic.Int32
}

func (w *wire) dial(ctx context.Context, network, address string) (net.Conn, error) {
	w.mu.Lock()
	w.dialed = append(w.dialed, address)
	w.mu.Unlock()
	var d net.Dialer
	c, err := d.DialContext(ctx, network, w.to)
	if err != nil {
		return nil, err
	}
	w.open.Add(1)
	return &wireConn{Conn: c, close: sync.OnceFunc(func() { w.open.Add(-1) })}, nil
}

type wireConn struct {
	net.Conn
	close func()
}

func (c *wireConn) Close() error {
	c.close()
	return c.Conn.Close()
}

// mailer is a Mailer to the server, by the URL. No connection may be left when
// the test ends.
func (s *server) mailer(t testing.TB, smtpURL string, opts ...MailerOption) (*Mailer, *wire) {
	t.Helper()
	w := &wire{to: s.address}
	m, err := NewMailer(config.NewSecret(smtpURL), sender, append([]MailerOption{WithDialer(w.dial)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if n := w.open.Load(); n != 0 {
			t.Errorf("%d connections are left open", n)
		}
	})
	return m, w
}

// scene is a Notifier with a real queue behind it.
type scene struct {
	*Notifier
	queue *boltqueue.Queue
	logs  *syncBuffer
	now   time.Time
}

func newScene(t testing.TB, mail *Mailer, url config.CompanyURL) *scene {
	t.Helper()
	q, err := boltqueue.Open(filepath.Join(t.TempDir(), "queue.db"), boltqueue.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = q.Close() })
	s := &scene{queue: q, logs: &syncBuffer{}, now: noon()}
	s.Notifier, err = New(Deps{
		Publisher: q, Mail: mail, Settings: url,
		Now: func() time.Time { return s.now },
		Log: logging.New(s.logs, "", slog.LevelDebug),
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// syncBuffer is a buffer for several goroutines.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// noon is when the tests are: one in the afternoon in Madrid.
func noon() time.Time { return time.Date(2026, 12, 1, 12, 0, 0, 123456789, time.UTC) }

func salon() integration.Company {
	return integration.Company{
		ID: "empresa 7/ñ", Name: "Peluquería Ana Ruiz", Locale: "es", TimeZone: "Europe/Madrid", Email: "ana.ruiz@salon.example",
	}
}

// revoked is the first notice of a connection that Google ended at 10:05 in
// Madrid.
func revoked() Notice {
	return Notice{
		Kind: NeedsReauth, Company: salon(), Integration: integration.GoogleCalendar, Reason: integration.Revoked,
		Account: "ana.cuenta@gmail.example", Since: time.Date(2026, 12, 1, 9, 5, 0, 42000, time.UTC), Bookings: 3,
	}
}
