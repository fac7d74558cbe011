package settings

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/citasync/citasync/shared/gcal"
	"github.com/citasync/citasync/shared/googleauth"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

// resultTooSoon: nothing was tested, so soon after another test.
const resultTooSoon googleauth.Result = "too_soon"

// test tries the connection, and leads to how it went: the page can be loaded
// again without another test.
func (h *handler) test(w http.ResponseWriter, r *http.Request, v *visit, e entry) error {
	to := v.to(actionPath(e.id, "test"))
	switch _, err := h.probe(r.Context(), e, v, store.ActorCompany); {
	case errors.Is(err, errPaused):
		to = overviewURL(e.id, googleauth.ResultPaused)
	case errors.Is(err, errNotConnected):
		to = overviewURL(e.id, resultOff)
	case errors.Is(err, errTooSoon):
		to += "&result=" + string(resultTooSoon)
	case err != nil && !errors.Is(err, errNoPhone): // of which the page tells
		return err
	}
	http.Redirect(w, r, to, http.StatusSeeOther) //nolint:gosec // an address of ours
	return nil
}

// trialPage is the body of the page of a test.
type trialPage struct {
	Lead   string
	To     string  // where a message goes, in words; may be empty
	Soon   *notice // that another test came too soon
	Lacks  string  // what a test needs and is not there; may be empty
	Again  *button
	Result *trialResult // nil: there was no test lately
}

type trialResult struct {
	Status string
	At     moment
	Trials []trial
	Advice []string
	Mend   link
}

// trial is a step of a test, in words.
type trial struct {
	Tone  tone
	Mark  string
	Words string
}

// tested shows how the last test went.
func (h *handler) tested(w http.ResponseWriter, r *http.Request, v *visit, e entry) error {
	t, found, err := h.lastTest(r.Context(), v.company.ID, e.Connection)
	if err != nil {
		return err
	}
	testable := e.Entry.Enabled && e.Status == integration.Connected
	if !testable && !found {
		http.Redirect(w, r, "/settings", http.StatusSeeOther) // there is nothing to try
		return nil
	}
	body := trialPage{Lead: v.say.T(v.own(e.id, "test.lead"), v.say.T("test.event"))}
	if found {
		body.Result = v.trialResult(e, t)
	}
	if googleauth.Result(r.FormValue("result")) == resultTooSoon {
		body.Soon = &notice{waiting, v.say.T("test.soon", int(testEvery/time.Second))}
	}
	switch {
	case testable && v.phoneless(e):
		body.Lacks = v.say.T("test.phoneless")
	case testable:
		if !e.events {
			body.To = v.say.T("test.to", v.company.Phone)
		}
		body.Again = v.button(e, "test", "test.begin")
		if found {
			body.Again = v.button(e, "test", "test.again")
		}
	}
	p := v.page("test", "overview", v.say.T(v.own(e.id, "test.title")))
	p.Zone, p.Body = v.say.T("footer.zone", v.zone), body
	h.render(w, r, p)
	return nil
}

func (v *visit) trialResult(e entry, t verdict) *trialResult {
	out := &trialResult{Status: v.say.T(v.own(e.id, "test.ok")), At: v.momentOf(t.at), Trials: v.trials(e, t), Advice: v.advice(e, t)}
	if t.why != integration.NoReason {
		out.Status = v.say.T("test.failed")
	}
	if e.Status == integration.NeedsReauth && e.Entry.Enabled {
		out.Mend = v.mend(e)
	}
	return out
}

// trials are the steps: those that succeeded, the one that failed and those
// that were not tried after it.
func (v *visit) trials(e entry, t verdict) []trial {
	done := t.done(e.trials)
	out := make([]trial, 0, len(e.trials))
	for i, step := range e.trials {
		key := "trial." + step
		switch {
		case slices.Contains(done, step):
			out = append(out, trial{good, "✓", v.say.T(key)})
		case i == len(done):
			out = append(out, trial{bad, "✗", v.say.T(v.say.Or(key+".failed."+string(t.why), key+".failed"), v.whyTest(e.id, t))})
		default:
			out = append(out, trial{off, "–", v.say.T(key + ".untried")})
		}
	}
	return out
}

// whyTest puts why a test failed into words.
func (v *visit) whyTest(id integration.ID, t verdict) string {
	return v.say.T(v.own(id, "code."+t.code, "why.test."+string(t.why), "why."+string(t.why), "why.unknown"))
}

// advice says what follows from a test, and what to do.
func (v *visit) advice(e entry, t verdict) []string {
	key := v.own(e.id, "advice."+string(t.why), "advice.other")
	var said []string
	switch t.why {
	case integration.NoReason:
		key = v.own(e.id, "advice.ok")
		said = append(said, v.say.T(key, v.calendar(e.Connection, e.Data.AccountSubject, e.Data.CalendarID), e.Data.AccountEmail))
	case integration.Internal, integration.Rejected:
		said = append(said, v.say.T(key, t.trace))
	default:
		said = append(said, v.say.T(key))
	}
	if t.failed == string(gcal.TrialRemove) {
		said = append(said, v.say.T("advice.left", v.say.T("test.event")))
	}
	return said
}
