// Package notify tells a company what happened to its integrations: that only
// it can mend a connection, that bookings were refused for good, that all is
// well again. A notice is a message on the topic integration-events, for the
// booking platform, and an e-mail to the company itself where a mail server is
// configured and the company's address is known.
//
// The package sends. Its caller decides when, keeps in the store that a notice
// is due, and clears that once [Notifier.Send] has succeeded: a crash between
// the two repeats one notice and loses none. A notice's id is made from what it
// is about, so the repetition has the same id, and its e-mail the same
// Message-ID.
//
// docs/notices.md describes the message to those who receive it.
package notify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/citasync/citasync/shared/bus"
	"github.com/citasync/citasync/shared/config"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/logging"
)

// Kind is what a notice is about; it is the type of its message.
type Kind string

// The kinds.
const (
	NeedsReauth    Kind = "integration.needs_reauth" // only the company can mend the connection
	CaughtUp       Kind = "integration.caught_up"    // it has, and what was missing is there
	DeliveryFailed Kind = "delivery.failed"          // the integration refused bookings for good; the others go on
)

// ParseKind reads a kind.
func ParseKind(s string) (Kind, error) {
	switch k := Kind(s); k {
	case NeedsReauth, CaughtUp, DeliveryFailed:
		return k, nil
	}
	return "", fmt.Errorf("unknown kind of notice %q", s)
}

// Notice is one thing to tell one company.
type Notice struct {
	Kind        Kind
	Company     integration.Company // its id, name, locale, time zone and e-mail
	Integration integration.ID
	Reason      integration.Reason // of NeedsReauth and DeliveryFailed
	Account     string             // the Google account's e-mail, told to the company alone; may be empty
	Since       time.Time          // when the incident began: the same for everything that is said of it
	Reminder    int                // of NeedsReauth: 0 is the first notice, n the one that integration.ReminderAfter(n) is for

	// Bookings is how many are waiting (NeedsReauth), were added (CaughtUp) or
	// were refused (DeliveryFailed). 0 is none, or, but for CaughtUp, unknown.
	Bookings int
}

// last reports whether no reminder follows the notice.
func (n Notice) last() bool {
	_, more := integration.ReminderAfter(n.Reminder + 1)
	return n.Kind == NeedsReauth && !more
}

// check refuses what no caller should send: trying again would not help.
func (n Notice) check() error {
	_, kindErr := ParseKind(string(n.Kind))
	_, idErr := integration.ParseID(string(n.Integration))
	err := errors.Join(kindErr, idErr)
	switch {
	case err != nil:
	case n.Company.ID == "":
		err = errors.New("no company")
	case n.Since.IsZero():
		err = errors.New("no time since when")
	default:
		return nil
	}
	return fmt.Errorf("notice: %w: %w", fault.ErrInvalid, err)
}

// Deps are what a Notifier needs.
type Deps struct {
	Publisher bus.Publisher
	Mail      *Mailer           // nil: no e-mail is sent
	Settings  config.CompanyURL // where notices lead to; empty: they say the way in words
	Now       func() time.Time  // nil: time.Now
	Log       *slog.Logger      // nil: nothing is logged
}

// Notifier sends notices. It may be used by several goroutines.
type Notifier struct {
	deps  Deps
	paper *stationery
}

// New returns a Notifier. Its error is one of the texts that the package is
// built with.
func New(deps Deps) (*Notifier, error) {
	paper, err := newStationery()
	if err != nil {
		return nil, fmt.Errorf("notify: %w", err)
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	deps.Log = cmp.Or(deps.Log, slog.New(slog.DiscardHandler))
	return &Notifier{deps: deps, paper: paper}, nil
}

// Send publishes the notice and then mails it. An error that wraps
// [fault.ErrUnavailable] asks for the same notice again, later: it may have
// been published already, and is then published once more with the same id. How
// often to try is the caller's to say. An error that wraps [fault.ErrInvalid]
// is the caller's mistake.
//
// An address that cannot be written to is no error, because trying again would
// not help: it is logged, without the address.
func (n *Notifier) Send(ctx context.Context, notice Notice) error {
	if err := notice.check(); err != nil {
		return err
	}
	e := n.event(notice)
	ctx = logging.With(ctx, slog.String("company", string(notice.Company.ID)), slog.String("integration", string(notice.Integration)),
		slog.String("kind", string(notice.Kind)), slog.String("notice", e.Data.ID))
	if err := n.publish(ctx, e); err != nil {
		return fmt.Errorf("notice %s: %w", e.Data.ID, err)
	}
	mailed, err := n.mail(ctx, notice, e)
	if err != nil {
		return fmt.Errorf("notice %s: %w", e.Data.ID, err)
	}
	n.deps.Log.InfoContext(ctx, "notice sent", "reason", string(notice.Reason), "reminder", notice.Reminder, "mailed", mailed)
	return nil
}

// mail sends the notice to the company and reports whether a server took it.
func (n *Notifier) mail(ctx context.Context, notice Notice, e event) (mailed bool, err error) {
	if n.deps.Mail == nil || notice.Company.Email == "" || !worded(notice) {
		return false, nil
	}
	l, err := n.paper.write(notice, e.Data.SettingsURL, n.deps.Now())
	if err != nil {
		return false, err
	}
	err = n.deps.Mail.send(ctx, notice.Company, l)
	if errors.Is(err, errRefused) {
		n.deps.Log.WarnContext(ctx, "notice not mailed: the address was refused", "error", err.Error())
		return false, nil
	}
	return err == nil, err
}
