package settings

import (
	"context"
	"fmt"
	"net/http"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/gcal"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/session"
)

// offer is what the panel and the API do with an integration, as far as that
// differs from one to another.
type offer struct {
	id      integration.ID
	missing bool     // the installation is not configured for it
	events  bool     // it writes events into a calendar of the company's
	trials  []string // the steps of its test, in their order

	notices   []booking.Kind // the news that it tells customers
	languages []string       // in which it can tell all of them

	enable     pageAction // the form that turns it on
	askOptions pageAction // the page on which its options are chosen
	choose     pageAction // that page's form

	enableByCall apiCall // the call of the API that turns it on
	chooseByCall apiCall // the one that chooses its options

	// turnOff does so for an actor, as often as it is called. Remove is asked
	// of one with events only.
	turnOff func(ctx context.Context, company booking.CompanyID, remove bool, actor string) (integration.Connection, error)
	// try makes the test, and returns how many of its steps succeeded.
	try func(context.Context, entry, *visit) (int, error)
	// reasonOf is the class of an error of try.
	reasonOf func(error) integration.Reason
}

// pageAction is what the panel does with an integration for a visitor.
type pageAction func(http.ResponseWriter, *http.Request, *visit, entry) error

// apiCall is what the API does with an integration for a caller.
type apiCall func(*http.Request, session.Claims, *visit, entry) (any, error)

var (
	errNoIntegration = fmt.Errorf("%w: no such integration", fault.ErrNotFound)
	errMissing       = fmt.Errorf("%w: the installation is not configured for this integration", fault.ErrState)
)

// newOffers are all integrations that there are, in the order in which they are
// shown.
func (h *handler) newOffers() []offer {
	calendar := offer{
		id: integration.GoogleCalendar, events: true,
		enable: h.connectCalendar, askOptions: h.askEvents, choose: h.chooseEvents,
		enableByCall: h.linkToConnect, chooseByCall: h.changeEventsByCall,
		turnOff: h.turnCalendarOff, try: h.tryCalendar, reasonOf: gcal.ReasonOf,
	}
	for _, step := range gcal.Trials() {
		calendar.trials = append(calendar.trials, string(step))
	}
	return []offer{calendar, {
		id: integration.WhatsApp, missing: h.Sender == nil, trials: []string{trialSend},
		notices: kindsOf(h.Templates), languages: languagesOf(h.Templates),
		enable: h.enableMessages, askOptions: h.askMessages, choose: h.chooseMessages,
		enableByCall: h.enableMessagesByCall, chooseByCall: h.chooseMessagesByCall,
		turnOff: h.turnMessagesOff, try: h.tryMessage, reasonOf: messageReason,
	}}
}

// named is the integration that a path names.
func (h *handler) named(r *http.Request) (offer, error) {
	for _, o := range h.offers {
		if string(o.id) == r.PathValue("integration") {
			return o, nil
		}
	}
	return offer{}, errNoIntegration
}

// about adapts an action to the integration that the path names, as it stands
// for the visitor's company. What a page of another company asks for is
// refused.
func (h *handler) about(do pageAction) http.Handler {
	return h.visited(func(w http.ResponseWriter, r *http.Request, v *visit) error {
		o, err := h.named(r)
		switch {
		case err != nil:
			return err
		case o.missing:
			return errNoIntegration // the panel has no card for it
		case r.Method == http.MethodPost:
			err = v.form(w, r)
		default:
			err = v.same(r.URL.Query()["company"])
		}
		if err != nil {
			return err
		}
		e, err := h.entry(r.Context(), v.company.ID, o)
		if err != nil {
			return err
		}
		return do(w, r, v, e)
	})
}

// turnOn, askOptions and choose are what each integration does in its own way.
func turnOn(w http.ResponseWriter, r *http.Request, v *visit, e entry) error {
	return e.enable(w, r, v, e)
}

func askOptions(w http.ResponseWriter, r *http.Request, v *visit, e entry) error {
	return e.askOptions(w, r, v, e)
}

func choose(w http.ResponseWriter, r *http.Request, v *visit, e entry) error {
	return e.choose(w, r, v, e)
}

// called is who calls the API, and the integration that the path names as it
// stands for her company.
func (h *handler) called(r *http.Request, c session.Claims) (entry, *visit, error) {
	o, err := h.named(r)
	if err != nil {
		return entry{}, nil, err
	}
	v, err := h.caller(r, c)
	if err != nil {
		return entry{}, nil, err
	}
	e, err := h.entry(r.Context(), c.Company, o)
	return e, v, err
}

// usable is called for a call that needs the integration to be there.
func (h *handler) usable(r *http.Request, c session.Claims) (entry, *visit, error) {
	e, v, err := h.called(r, c)
	if err == nil && e.missing {
		err = errMissing
	}
	return e, v, err
}
