package whatsapp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/config"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/integration"
)

const (
	graph   = "https://graph.facebook.com"
	version = "v23.0"
)

// Deps are what a Sender needs.
type Deps struct {
	Sender       config.WhatsAppSender
	Installation string                     // tells this installation's messages from another's with the same number
	HTTP         *http.Client               // with the process's one transport
	Allowed      func(context.Context) bool // looked at before each call; nil: always
	Now          func() time.Time           // nil: time.Now
	Log          *slog.Logger
}

// Sender is the integration with WhatsApp, for every company: they share its
// number. It may be used by several goroutines.
type Sender struct {
	deps Deps
	url  string // of the number's messages
	say  speeches
}

var _ integration.Integration = (*Sender)(nil)

// New returns a Sender.
func New(deps Deps) (*Sender, error) {
	switch {
	case deps.Sender.Token.IsZero() || deps.Sender.PhoneNumberID == "":
		return nil, errors.New("whatsapp: no token or no phone number")
	case deps.Installation == "":
		return nil, errors.New("whatsapp: no name of the installation")
	}
	base := graph
	if e := deps.Sender.Emulator; e != nil {
		base = e.String()
	}
	if deps.Allowed == nil {
		deps.Allowed = func(context.Context) bool { return true }
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	client := *cmp.Or(deps.HTTP, http.DefaultClient)
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	deps.HTTP = &client
	deps.Log = cmp.Or(deps.Log, slog.New(slog.DiscardHandler))
	return &Sender{deps, fmt.Sprintf("%s/%s/%s/messages", base, version, deps.Sender.PhoneNumberID), newSpeeches()}, nil
}

// ID names the integration.
func (*Sender) ID() integration.ID { return integration.WhatsApp }

// Test sends the company's own phone (E.164) a message that looks as those to
// its customers do. Its error is an [*Error] or wraps [ErrNoTemplate].
func (s *Sender) Test(ctx context.Context, company integration.Company, o integration.Options) error {
	template, ok := s.tested(o)
	if !ok {
		return ErrNoTemplate
	}
	zone, err := booking.LoadZone(company.TimeZone)
	if err != nil {
		zone = time.UTC
	}
	out := s.filled(template, company, o, func(say speech) []outgoingParameter {
		return parameters(say, company.Name, company.Name, say.test, s.deps.Now().In(zone))
	})
	out.To = company.Phone
	if _, e := s.send(ctx, out); e != nil {
		return e
	}
	return nil
}

// tested is the template that a test is sent with: of a notice that customers
// get, if they get one.
func (s *Sender) tested(o integration.Options) (config.Template, bool) {
	for _, muted := range []bool{false, true} {
		for _, kind := range []booking.Kind{booking.Confirmed, booking.Reserved, booking.Deleted} {
			if t, ok := s.deps.Sender.Templates[kind]; ok && o.Mute.Of(kind) == muted {
				return t, true
			}
		}
	}
	return config.Template{}, false
}

// ErrNoTemplate says that the installation has no notices.
var ErrNoTemplate = fmt.Errorf("%w: no template is configured", fault.ErrNotFound)
