package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"regexp"
	"strconv"
	"strings"

	"github.com/citasync/citasync/shared/fault"
)

// failure is how a session failed. It has the server's codes but not its words,
// which may name the recipient or the user.
type failure struct {
	step   string
	code   int    // the server's answer; 0: there was none
	status string // the answer's enhanced status code (RFC 3463); may be empty
	cause  error  // of a session without an answer; names nobody
}

// enhanced is where a status code stands in an answer (RFC 2034).
var enhanced = regexp.MustCompile(`^[245]\.\d{1,3}\.\d{1,3}\b`)

// failed tells what err, which the step ended with, may tell.
func failed(ctx context.Context, step string, err error) *failure {
	f := &failure{step: step}
	var answer *textproto.Error
	switch {
	case errors.As(err, &answer):
		f.code, f.status = answer.Code, enhanced.FindString(answer.Msg)
	case ctx.Err() != nil:
		f.cause = context.Cause(ctx)
	default:
		f.cause = harmless(err)
	}
	return f
}

// harmless is the error itself if it is of a kind that speaks of machines only.
func harmless(err error) error {
	var (
		network     net.Error
		certificate *tls.CertificateVerificationError
		record      tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &network), errors.As(err, &certificate), errors.As(err, &record),
		errors.Is(err, errNoTLS), errors.Is(err, errNoAuth), errors.Is(err, errNoUTF8):
		return err
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the server closed the connection")
	}
	return fmt.Errorf("unexpected %T", err)
}

// Error implements error.
func (f *failure) Error() string {
	if f.code == 0 {
		return fmt.Sprintf("mail: %v: %s: %v", f.class(), f.step, f.cause)
	}
	answer := strings.TrimSpace(strconv.Itoa(f.code) + " " + f.status)
	return fmt.Sprintf("mail: %v: %s: the server answered %s", f.class(), f.step, answer)
}

// Unwrap gives the class and the cause.
func (f *failure) Unwrap() []error {
	if f.cause == nil {
		return []error{f.class()}
	}
	return []error{f.class(), f.cause}
}

// class says whether trying again may help.
func (f *failure) class() error {
	if f.final() {
		return errRefused
	}
	return fault.ErrUnavailable
}

// final reports whether the server will never take this message for this
// recipient: it said so (RFC 5321, section 4.2.1) when it knew the recipient.
// What it refuses earlier, or because it wants a password (530, RFC 4954), is
// not the recipient's fault, and mended by whoever runs the installation.
func (f *failure) final() bool {
	if errors.Is(f.cause, errNoUTF8) {
		return true
	}
	if f.code/100 != 5 || f.code == 530 {
		return false
	}
	return f.step == "RCPT" || f.step == "DATA" || f.step == "message"
}
