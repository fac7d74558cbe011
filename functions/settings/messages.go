package settings

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"

	"github.com/citasync/citasync/functions/settings/words"
	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/config"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/logging"
	"github.com/citasync/citasync/shared/store"
	"github.com/citasync/citasync/shared/whatsapp"
)

// trialSend is the one step of a test of the notices to customers.
const trialSend = "send"

var (
	errNoPhone    = fmt.Errorf("%w: the company has no phone in E.164; a token's claim phone gives it, with the claim country if it lacks the country's code", fault.ErrUnprocessable)
	errNoNotice   = fmt.Errorf("%w: one of the notices must be on; to send none, disable the integration", fault.ErrUnprocessable)
	errNoMessages = fmt.Errorf("%w: name at least one of language and notices", fault.ErrUnprocessable)
	errNotOffered = fmt.Errorf("%w: notices may name those that the integration lists, and language one of its templates' or nothing, for the company's own", fault.ErrUnprocessable)
)

// phoneless reports whether a test needs a phone of the company's that there is
// not.
func (v *visit) phoneless(e entry) bool {
	return !e.events && !whatsapp.IsPhone(v.company.Phone)
}

// kindsOf are the kinds of news that there are templates for.
func kindsOf(all config.Templates) []booking.Kind {
	var kinds []booking.Kind
	for _, k := range []booking.Kind{booking.Reserved, booking.Confirmed, booking.Deleted} {
		if _, ok := all[k]; ok {
			kinds = append(kinds, k)
		}
	}
	return kinds
}

// languagesOf are those that every template has.
func languagesOf(all config.Templates) []string {
	return slices.DeleteFunc(words.Languages(), func(lang string) bool {
		for _, t := range all {
			if spoken, _, _ := strings.Cut(t.In(lang), "_"); spoken != lang {
				return true
			}
		}
		return false
	})
}

// turnMessagesOn turns the notices to a company's customers on, for an actor.
// It may be called again, and then does nothing. The error is errPaused, beside
// those of the store.
func (h *handler) turnMessagesOn(ctx context.Context, company booking.CompanyID, e entry, actor string) (integration.Connection, error) {
	return h.change(ctx, company, e.id, actor, func(c *integration.Connection) (string, error) {
		switch {
		case c.Status == integration.Connected:
			return "", nil
		case !e.Entry.Enabled:
			return "", errPaused
		}
		c.Enabled, c.Status = true, integration.Connected
		c.Reason, c.ChangedAt = integration.NoReason, h.Now()
		c.ForgetNotices()
		return store.ActConnected, nil
	})
}

// turnMessagesOff turns them off, and there is nothing to be removed. It may be
// called again, and then does nothing.
func (h *handler) turnMessagesOff(ctx context.Context, company booking.CompanyID, _ bool, actor string) (integration.Connection, error) {
	return h.change(ctx, company, integration.WhatsApp, actor, func(c *integration.Connection) (string, error) {
		if c.Status == integration.Disconnected {
			return "", nil
		}
		c.TurnOff(h.Now())
		return store.ActTurnedOff, nil
	})
}

// messageChange is what a company wants changed about the notices to its
// customers. What is nil stays as it is.
type messageChange struct {
	Language *string                `json:"language"` // empty: the company's own
	Notices  map[booking.Kind]*bool `json:"notices"`
}

// named reports whether anything is to be changed.
func (ch messageChange) named() bool {
	for _, on := range ch.Notices {
		if on != nil {
			return true
		}
	}
	return ch.Language != nil
}

// apply makes the options what the change wants, up to what can't be. The errors
// are errNotOffered and errNoNotice, and name the field.
func (ch messageChange) apply(to offer, o *integration.Options) error {
	for kind, on := range ch.Notices {
		if on == nil {
			continue
		}
		if err := to.mute(&o.Mute, kind, !*on); err != nil {
			return fault.Blame("notices", err)
		}
	}
	if ch.Language != nil {
		if err := to.speak(o, *ch.Language); err != nil {
			return fault.Blame("language", err)
		}
	}
	if err := to.heard(o.Mute); err != nil {
		return fault.Blame("notices", err)
	}
	return nil
}

// setMessages changes which notices are sent, and how, for an actor. Beside the
// errors of apply there is errNotConnected.
func (h *handler) setMessages(
	ctx context.Context, company booking.CompanyID, actor string, e entry, ch messageChange,
) (integration.Connection, error) {
	return h.change(ctx, company, integration.WhatsApp, actor, func(c *integration.Connection) (string, error) {
		before := c.Options
		if c.Status != integration.Connected {
			return "", errNotConnected
		}
		if err := ch.apply(e.offer, &c.Options); err != nil || c.Options == before {
			return "", err
		}
		return store.ActOptionsChanged, nil
	})
}

// change is [store.Change] together with the activity of the kind that how
// returns; without a kind nothing is written.
func (h *handler) change(
	ctx context.Context, company booking.CompanyID, id integration.ID, actor string, how func(*integration.Connection) (kind string, err error),
) (integration.Connection, error) {
	var kind string
	c, err := store.Change(ctx, h.Store, company, id, h.Now, func(c *integration.Connection) (acts []store.Activity, err error) {
		if kind, err = how(c); err != nil {
			return nil, err
		}
		if kind == "" {
			return nil, store.ErrUnchanged
		}
		return []store.Activity{{At: c.UpdatedAt, Kind: kind, Integration: id, Actor: actor, Outcome: "ok", Trace: logging.TraceOf(ctx).ID}}, nil
	})
	if err == nil && kind != "" {
		h.Log.LogAttrs(ctx, slog.LevelInfo, logged(kind), slog.String("integration", string(id)), slog.String("actor", actor))
	}
	return c, err
}

// logged is what the log says of a change, in the words that it has for every
// integration.
func logged(kind string) string {
	switch kind {
	case store.ActConnected:
		return "integration enabled"
	case store.ActTurnedOff:
		return "integration disabled"
	}
	return "integration changed"
}

// mute says of a notice whether it is not sent.
func (o offer) mute(m *integration.Mute, kind booking.Kind, muted bool) error {
	if !slices.Contains(o.notices, kind) {
		return errNotOffered
	}
	switch kind {
	case booking.Reserved:
		m.Reserved = muted
	case booking.Confirmed:
		m.Confirmed = muted
	case booking.Deleted:
		m.Deleted = muted
	}
	return nil
}

// heard reports an error if no notice is sent.
func (o offer) heard(m integration.Mute) error {
	if !slices.ContainsFunc(o.notices, func(k booking.Kind) bool { return !m.Of(k) }) {
		return errNoNotice
	}
	return nil
}

// speak says in which language notices are; empty: the company's own.
func (o offer) speak(opt *integration.Options, lang string) error {
	if lang != "" && !slices.Contains(o.languages, lang) {
		return errNotOffered
	}
	opt.Language = lang
	return nil
}

// tryMessage sends a message to the company's own phone.
func (h *handler) tryMessage(ctx context.Context, e entry, v *visit) (int, error) {
	if err := h.Sender.Test(ctx, v.company.Company, e.Options); err != nil {
		return 0, fmt.Errorf("test message: %w", err)
	}
	return 1, nil
}

// messageReason is the class of an error of Sender.
func messageReason(err error) integration.Reason {
	if err == nil {
		return integration.NoReason
	}
	if e, ok := errors.AsType[*whatsapp.Error](err); ok {
		return e.Reason
	}
	return integration.Internal // there are no templates
}

// messageCode is WhatsApp's code for an error; empty if there is none.
func messageCode(err error) string {
	if e, ok := errors.AsType[*whatsapp.Error](err); ok && e.Code != 0 {
		return strconv.Itoa(e.Code)
	}
	return ""
}
