package settings

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/gcal"
	"github.com/citasync/citasync/shared/googleauth"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

const (
	// maxRadios is how many calendars are all shown at once.
	maxRadios = 20

	// pageTimeout bounds the wait for the calendars of a page that is of use
	// without them.
	pageTimeout = 6 * time.Second
)

// What the buttons of the form ask for, beside saving.
const (
	actPreview  = "preview"  // an example of what was typed
	actDefaults = "defaults" // the texts that a company has that changed none
)

// options is the body of the page on which a company chooses how its events
// are.
type options struct {
	Action    string
	Company   booking.CompanyID // whose page it is
	Lead      string
	Account   link   // to Google, where another can be chosen: that is asked about before anything changes
	Unsaved   string // that nothing is stored yet; may be empty
	Faults    []link // what is wrong, and where
	Calendars calendarField

	Title, Description formField
	Example            example
	Lists              []listField
	Invite             bool
	Was                map[string]string // what the fields hold by what is stored; see marks
}

// calendarField is where the calendar is chosen.
type calendarField struct {
	formField
	Gone      string // that the one before is; may be empty
	Choices   []choice
	Long      bool   // too many for radio buttons
	Pick      string // asks to choose, if none of them is the current one
	Only      string // where events go, if there is nothing to choose
	Limited   note   // why there are no more; may be empty
	Reconnect link   // mends that
	Unlisted  string // why there are none; may be empty
}

// note explains something below a title.
type note struct{ Title, Words string }

// listField is where one of a few is chosen.
type listField struct {
	formField
	Label, Hint string
	Choices     []choice
}

// formField is what a field of a form holds, and what is wrong with it.
type formField struct{ ID, Value, Fault string }

// choice is one of those that there are.
type choice struct {
	ID      string
	Name    string
	Hint    string // may be empty
	Current bool   // chosen, as far as the page knows
	Used    bool   // of calendars: the one that events go to now
}

// draft is the options page as it is to be shown: the options that are stored,
// with what was asked in place of them.
type draft struct {
	entry
	asked    eventChange
	options  integration.Options // as far as it can be done
	status   int                 // zero: 200
	faults   []optionFault
	unsaved  string             // key of what is said of that; empty: nothing
	quick    bool               // a script asks, for the example
	unlisted integration.Reason // why there is no list of calendars, if that is known already
}

// askEvents shows how the company's events are, and what can be chosen.
func (h *handler) askEvents(w http.ResponseWriter, r *http.Request, v *visit, e entry) error {
	return h.showEvents(w, r, v, draft{entry: e, options: e.Options})
}

// chooseEvents does what a form of that page asks.
func (h *handler) chooseEvents(w http.ResponseWriter, r *http.Request, v *visit, e entry) error {
	d := draft{entry: e, asked: formChange(r.PostForm), options: e.Options}
	action := r.PostForm.Get("action")
	if action == actDefaults {
		d.asked.Title, d.asked.Description = new(string), nil
		d.options.Description = ""
	}
	d.asked.apply(&d.options)
	if action == actPreview || action == actDefaults {
		d.faults, d.unsaved = d.asked.faults(), "options.unsaved"
		d.quick = r.Header.Get("Sec-Fetch-Dest") == "empty"
		return h.showEvents(w, r, v, d)
	}
	done, err := h.changeEvents(r.Context(), v.company.ID, e, d.asked, store.ActorCompany)
	if bad, ok := errors.AsType[*optionsError](err); ok {
		d.status, d.faults, d.unsaved = http.StatusUnprocessableEntity, bad.faults, "options.refused"
		return h.showEvents(w, r, v, d)
	}
	if google, ok := errors.AsType[*googleError](err); ok {
		d.status, d.unlisted = http.StatusServiceUnavailable, google.why
		d.faults, d.unsaved = []optionFault{{Field: optCalendar, Why: "unasked"}}, "options.refused"
		return h.showEvents(w, r, v, d)
	}
	if err != nil {
		return h.noOptions(w, r, err)
	}
	http.Redirect(w, r, overviewURL(e.id, done.result()), http.StatusSeeOther)
	return nil
}

func (c changed) result() googleauth.Result {
	switch {
	case c.calendar:
		return resultCalendar
	case c.options != "":
		return resultOptions
	}
	return resultSameCalendar
}

// noOptions answers when nothing can be chosen now. The overview says why, if
// it is a matter of the connection.
func (h *handler) noOptions(w http.ResponseWriter, r *http.Request, err error) error {
	switch {
	case errors.Is(err, errPaused):
		http.Redirect(w, r, "/settings?result="+string(googleauth.ResultPaused), http.StatusSeeOther)
	case errors.Is(err, errNotConnected):
		http.Redirect(w, r, overviewURL(integration.GoogleCalendar, resultOff), http.StatusSeeOther)
	default:
		return err
	}
	return nil
}

func (h *handler) showEvents(w http.ResponseWriter, r *http.Request, v *visit, d draft) error {
	cs, err := h.listed(r.Context(), v.company.ID, &d)
	if err != nil {
		return h.noOptions(w, r, err)
	}
	ex, err := h.example(r.Context(), v, d.options)
	if err != nil {
		return err
	}
	p := v.page("options", "overview", v.say.T("options.title"))
	p.Status, p.Body = d.status, v.options(d, cs, ex)
	h.render(w, r, p)
	return nil
}

// listed are the calendars that the page offers. That Google does not tell is
// no reason not to show the rest.
func (h *handler) listed(ctx context.Context, company booking.CompanyID, d *draft) (calendars, error) {
	if err := d.ready(); err != nil || d.quick || d.unlisted != integration.NoReason {
		return calendars{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, pageTimeout)
	defer cancel()
	cs, err := h.calendars(ctx, company, d.entry)
	if google, ok := errors.AsType[*googleError](err); ok {
		d.unlisted = google.why
		return calendars{}, nil
	}
	return cs, err
}

func (v *visit) options(d draft, cs calendars, ex example) options {
	asked := eventFields(v.company.Company, d.Data.CalendarID, d.options)
	for name, typed := range map[string]*string{optCalendar: d.asked.Calendar, optTitle: d.asked.Title, optDescription: d.asked.Description} {
		if typed != nil && (name == optCalendar || slices.ContainsFunc(d.faults, func(f optionFault) bool { return f.Field == name })) {
			asked[name] = *typed // it stays to be put right
		}
	}
	used := d.Data.CalendarID
	if d.calendarGone() {
		used = "" // to choose it once more is a choice: it may be there again
	}
	o := options{
		Action: actionPath(d.id, "options"), Company: v.company.ID, Lead: v.say.T("options.lead", d.Data.AccountEmail), Example: ex,
		Account: link{v.startURL(""), v.say.T("options.account")},
		Invite:  d.options.InviteCustomer, Was: marks(eventFields(v.company.Company, used, d.Options)),
		Title: formField{ID: optTitle, Value: asked[optTitle]}, Description: formField{ID: optDescription, Value: asked[optDescription]},
		Calendars: v.calendarField(d, cs, asked[optCalendar]), Lists: v.listFields(asked),
	}
	if d.unsaved != "" {
		o.Unsaved = v.say.T(d.unsaved)
	}
	if len(d.faults) == 0 {
		o.Example.Unsaved = o.Unsaved
	}
	v.blame(&o, d)
	return o
}

// listFields are the fields where one of a few is chosen, with what they hold.
func (v *visit) listFields(asked map[string]string) []listField {
	var codes []string
	for _, r := range reminders() {
		codes = append(codes, r.code)
	}
	var out []listField
	for _, l := range []struct {
		name  string
		codes []string
		word  func(code string) string
	}{
		{optReminder, codes, func(code string) string { return v.say.T("reminder." + cmp.Or(code, "own")) }},
		{optColor, colourIDs(), func(code string) string { return v.say.T("color." + cmp.Or(code, "own")) }},
		{optLanguage, eventLanguages(), func(code string) string {
			if code == "" {
				return v.say.T("options.language.own", v.languageOf(""))
			}
			return v.languageOf(code)
		}},
	} {
		f := listField{formField: formField{ID: l.name}, Label: v.say.T("options.field." + l.name), Hint: v.say.T("options.hint." + l.name)}
		for _, code := range l.codes {
			f.Choices = append(f.Choices, choice{ID: code, Name: l.word(code), Current: code == asked[l.name]})
		}
		out = append(out, f)
	}
	return out
}

// blame says at each field what is wrong with it, and above all of them where.
func (v *visit) blame(o *options, d draft) {
	fields := map[string]*formField{optCalendar: &o.Calendars.formField, optTitle: &o.Title, optDescription: &o.Description}
	for i := range o.Lists {
		fields[o.Lists[i].ID] = &o.Lists[i].formField
	}
	for _, f := range d.faults {
		var said string
		switch f.Why {
		case "unknown":
			said = v.say.T("options.fault.unknown", f.Words)
		case "long":
			said = v.say.T("options.fault.long", map[string]int{optTitle: maxTitle, optDescription: maxDescription}[f.Field])
		case "unasked":
			said = v.say.T("options.fault.unasked", v.why(d.id, string(d.unlisted)))
		default:
			said = v.say.T(v.say.Or("options.fault."+f.Field, "options.fault.choice"))
		}
		fields[f.Field].Fault = said
		at := v.say.T("options.fault.at", v.say.T("options.field."+f.Field), said)
		o.Faults = append(o.Faults, link{"#" + f.Field, at})
		if f.Field == optTitle || f.Field == optDescription {
			o.Example.Faults = append(o.Example.Faults, at)
		}
	}
}

// calendarField is where the calendar is chosen, the one that was asked for
// marked as chosen.
func (v *visit) calendarField(d draft, cs calendars, asked string) calendarField {
	list := d.withUsed(cs.list)
	f := calendarField{formField: formField{ID: optCalendar}, Choices: v.choices(d.entry, list), Long: len(list) > maxRadios}
	if d.calendarGone() {
		f.Gone = v.say.T("options.gone", v.calendar(d.Connection, d.Data.AccountSubject, d.Data.CalendarID))
	}
	if cs.limited {
		f.Limited, f.Reconnect = v.limited(len(list)), link{v.to(connectPath), v.say.T("card.reconnect", d.Name)}
		if d.Data.CalendarID == primary && !d.calendarGone() {
			f.Choices = nil // it is the only one, and chosen
		}
	}
	if d.unlisted != integration.NoReason && len(d.faults) == 0 { // otherwise that says it
		f.Unlisted = v.say.T("options.unlisted", v.why(d.id, string(d.unlisted)))
	}
	if len(f.Choices) == 0 && !d.calendarGone() {
		f.Only = v.calendar(d.Connection, d.Data.AccountSubject, d.Data.CalendarID)
	}
	for i := range f.Choices {
		if d.asked.Calendar != nil {
			f.Choices[i].Current = f.Choices[i].ID == asked
		}
	}
	if !slices.ContainsFunc(f.Choices, func(c choice) bool { return c.Current }) {
		f.Pick = v.say.T("options.pick")
	}
	return f
}

// withUsed are the account's calendars, and the one that events go to now though
// the account does not list it, or lets nobody see: without it on the page, the
// only way to save another option would be to leave it.
func (e entry) withUsed(list []gcal.Choice) []gcal.Choice {
	used := func(c gcal.Choice) bool { return c.ID == e.Data.CalendarID }
	if len(list) == 0 || e.Status != integration.Connected || slices.ContainsFunc(list, used) {
		return list
	}
	return append(slices.Clip(list), gcal.Choice{ID: e.Data.CalendarID, Name: e.Data.CalendarName})
}

// limited says why an account that lets nobody see its list has only so many
// calendars to choose among.
func (v *visit) limited(offered int) note {
	key := "options.limited"
	if offered > 1 {
		key = "options.limited.used"
	}
	return note{v.say.T(key + ".title"), v.say.T(key)}
}

// choices names the calendars, of two with one name by their ids too. None that
// is gone is the current one.
func (v *visit) choices(e entry, list []gcal.Choice) []choice {
	named := map[string]int{}
	for _, c := range list {
		named[c.Name]++
	}
	out := make([]choice, 0, len(list))
	for _, c := range list {
		used := c.ID == e.Data.CalendarID && e.Status == integration.Connected
		item := choice{ID: c.ID, Name: c.Name, Current: used, Used: used}
		switch {
		case c.ID == primary:
			item.Name, item.Hint = v.say.T("calendar.primary"), c.Name
		case c.Name == "":
			item.Name = c.ID
		case named[c.Name] > 1:
			item.Hint = c.ID
		}
		out = append(out, item)
	}
	return out
}
