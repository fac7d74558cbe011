package settings

import (
	"cmp"
	"net/http"
	"strings"

	"github.com/citasync/citasync/shared/googleauth"
	"github.com/citasync/citasync/shared/integration"
)

// Results of other changes than an authorisation.
const (
	resultDisconnected googleauth.Result = "disconnected"
	resultRemoving     googleauth.Result = "removing"
	resultOff          googleauth.Result = "off"           // what was asked for needs a connection, and there is none by now
	resultReplacing    googleauth.Result = "replacing"     // the account before is turned off; see replace
	resultCalendar     googleauth.Result = "calendar"      // another one was chosen
	resultSameCalendar googleauth.Result = "same_calendar" // the one that it was
)

// overview is the body of the page of that name.
type overview struct {
	Notice  *notice
	Replace *replacement // asks whether to change accounts
	Cards   []card
	Feed    link // for who has no Google; empty for who is connected
}

// notice says how what the visitor just did went.
type notice struct {
	Tone  tone
	Words string
}

// Short is its first sentence.
func (n notice) Short() string {
	short, _, _ := strings.Cut(n.Words, ". ")
	return strings.TrimSuffix(short, ".")
}

// Role is how a screen reader is to take the notice.
func (n notice) Role() string {
	if n.Tone == bad {
		return "alert"
	}
	return "status"
}

// overview shows the integrations, and how what was just done went.
func (h *handler) overview(w http.ResponseWriter, r *http.Request, v *visit) error {
	var body overview
	entries, err := h.entries(r, v)
	if err != nil {
		return err
	}
	about := cmp.Or(r.FormValue("integration"), string(integration.GoogleCalendar))
	for _, e := range entries {
		b, err := h.backlog(r.Context(), v.company.ID, e)
		if err != nil {
			return err
		}
		if e.held() && b.last.IsZero() {
			if b.last, err = h.lastSuccess(r.Context(), v.company.ID, e); err != nil {
				return err
			}
		}
		c := v.card(e, b)
		if e.events && e.Status == integration.Disconnected {
			body.Feed = link{feedPath, v.say.T("overview.feed")}
		}
		if string(e.id) == about {
			if err := h.tell(w, r, v, &body, &c, e); err != nil {
				return err
			}
		}
		body.Cards = append(body.Cards, c)
	}
	p := v.page("overview", "overview", v.say.T("overview.title"))
	p.Zone, p.Said, p.Body = v.say.T("footer.zone", v.zone), body.Notice, body
	h.render(w, r, p)
	return nil
}

// tell adds to the overview what follows from the result in its address.
func (h *handler) tell(w http.ResponseWriter, r *http.Request, v *visit, body *overview, c *card, e entry) error {
	res := googleauth.Result(r.FormValue("result"))
	if !e.events {
		body.Notice = v.messagesNotice(res, e)
		return nil
	}
	var account string
	if res == googleauth.ResultOtherAccount || res == resultReplacing {
		var err error
		if account, err = h.offeredAccount(r.Context(), v.company.ID); err != nil {
			return err
		}
	}
	body.Notice = v.notice(res, e, account)
	switch {
	case res == googleauth.ResultOtherAccount && e.held() && e.Entry.Enabled:
		h.leadOut(w)
		body.Replace = v.replacement(e, account, eventsKeep, "")
	case res == resultReplacing && c.Connect.URL != "" && account != "":
		c.Connect.URL = v.startURL(account)
	}
	return nil
}

// notice puts the result of a change into words. One that the connection
// belies is not said: anybody can make up an address, or open it again later.
// Account is the one that was offered in place of the connected one.
func (v *visit) notice(res googleauth.Result, e entry, account string) *notice {
	key := "result." + string(res)
	switch res {
	case googleauth.ResultOtherCompany:
		return &notice{bad, v.say.T(key, v.name())}
	case googleauth.ResultDenied, googleauth.ResultScopeMissing, googleauth.ResultNoRefreshToken, googleauth.ResultFailed:
		if e.Status == integration.Connected {
			return &notice{waiting, v.say.T(key + ".still")}
		}
	case resultReplacing:
		return v.replacing(e, account)
	case resultDisconnected:
		if e.unremoved() {
			return &notice{bad, v.say.T("result.left")}
		}
	default:
	}
	if !holds(res, e) {
		return nil
	}
	switch res {
	case googleauth.ResultOtherAccount:
		return &notice{waiting, v.say.T(key)}
	case resultOff:
		return &notice{bad, v.say.T(key, e.Name)}
	case resultCalendar, resultSameCalendar:
		return &notice{good, v.say.T(key, v.calendar(e.Connection, e.Data.AccountSubject, e.Data.CalendarID))}
	case googleauth.ResultConnected, googleauth.ResultReconnected, resultDisconnected, resultRemoving, resultOptions:
		return &notice{good, v.say.T(key)}
	default:
	}
	return &notice{bad, v.say.T(key)}
}

// messagesNotice is notice for the notices to customers.
func (v *visit) messagesNotice(res googleauth.Result, e entry) *notice {
	switch {
	case !holds(res, e):
	case res == googleauth.ResultConnected, res == resultDisconnected, res == resultOptions:
		return &notice{good, v.say.T(v.own(e.id, "result."+string(res)))}
	case res == googleauth.ResultPaused:
		return &notice{bad, v.say.T("result.paused")}
	case res == resultOff:
		return &notice{bad, v.say.T("result.off", e.Name)}
	}
	return nil
}

// holds reports whether a result can be true of the connection as it is now.
func holds(res googleauth.Result, e entry) bool {
	switch res {
	case googleauth.ResultConnected, googleauth.ResultReconnected, resultCalendar, resultSameCalendar, resultOptions:
		return e.Status == integration.Connected
	case resultOff:
		return e.Status != integration.Connected
	case googleauth.ResultOtherAccount:
		return e.held()
	case googleauth.ResultExpired:
		return e.Status != integration.Connected
	case googleauth.ResultBusy:
		return e.Status == integration.Disconnecting
	case googleauth.ResultPaused:
		return !e.Entry.Enabled
	case resultDisconnected:
		return !e.Connection.Enabled
	case resultRemoving:
		return e.Status == integration.Disconnecting
	default:
		return googleauth.ParseResult(string(res)) != ""
	}
}
