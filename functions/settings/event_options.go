package settings

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/citasync/citasync/functions/settings/words"
	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/gcal"
	"github.com/citasync/citasync/shared/integration"
)

// How long a company's templates may be, in characters.
const (
	maxTitle       = 200
	maxDescription = 2000
)

// The options of events, as the API, forms and activities name them.
const (
	optCalendar    = "calendar"
	optTitle       = "title"
	optDescription = "description"
	optReminder    = "reminder"
	optColor       = "color"
	optInvite      = "invite_customer"
	optLanguage    = "language"
)

// colours is how many colours Google has for events: their ids are the numbers
// from 1.
const colours = 11

// eventChange is what a company wants changed about its events. What is nil
// stays as it is.
type eventChange struct {
	Calendar    *string `json:"calendar"`
	Title       *string `json:"title"`       // template; empty: the default
	Description *string `json:"description"` // template; empty: events have none
	Reminder    *string `json:"reminder"`    // see reminders; empty: as the calendar does
	Color       *string `json:"color"`       // Google's id; empty: the calendar's own
	Invite      *bool   `json:"invite_customer"`
	Language    *string `json:"language"` // empty: the company's
}

// named reports whether anything is to be changed.
func (ch *eventChange) named() bool { return *ch != (eventChange{}) }

// reminder is one that can be chosen, by the code that the API and forms have
// for it.
type reminder struct {
	code string
	is   integration.Reminder
}

func reminders() []reminder {
	own := func(before time.Duration) integration.Reminder {
		return integration.Reminder{Own: true, Before: before}
	}
	return []reminder{
		{"", integration.Reminder{}},
		{"none", own(0)},
		{"10m", own(10 * time.Minute)},
		{"30m", own(30 * time.Minute)},
		{"1h", own(time.Hour)},
		{"2h", own(2 * time.Hour)},
		{"1d", own(24 * time.Hour)},
	}
}

func reminderOf(code string) (integration.Reminder, bool) {
	all := reminders()
	i := slices.IndexFunc(all, func(r reminder) bool { return r.code == code })
	if i < 0 {
		return integration.Reminder{}, false
	}
	return all[i].is, true
}

// reminderCode is the code of a reminder that can be chosen.
func reminderCode(is integration.Reminder) string {
	all := reminders()
	i := slices.IndexFunc(all, func(r reminder) bool { return r.is == is })
	return all[max(i, 0)].code
}

func colourIDs() []string {
	ids := []string{""}
	for n := range colours {
		ids = append(ids, strconv.Itoa(n+1))
	}
	return ids
}

func eventLanguages() []string { return append([]string{""}, words.Languages()...) }

// optionFault is an option that can't be as was asked.
type optionFault struct {
	Field string
	Why   string // unknown, long or choice
	Words string // the placeholders that are unknown, with their braces
}

// faults are those of the change, but for the calendar, which Google knows.
func (ch *eventChange) faults() []optionFault {
	var out []optionFault
	for _, t := range []struct {
		field string
		text  *string
		most  int
	}{{optTitle, ch.Title, maxTitle}, {optDescription, ch.Description, maxDescription}} {
		if t.text == nil {
			continue
		}
		if utf8.RuneCountInString(tidy(*t.text)) > t.most {
			out = append(out, optionFault{Field: t.field, Why: "long"})
		} else if unknown := gcal.UnknownPlaceholders(tidy(*t.text)); len(unknown) > 0 {
			out = append(out, optionFault{Field: t.field, Why: "unknown", Words: strings.Join(unknown, ", ")})
		}
	}
	if ch.Reminder != nil {
		if _, ok := reminderOf(*ch.Reminder); !ok {
			out = append(out, optionFault{Field: optReminder, Why: "choice"})
		}
	}
	if ch.Color != nil && !slices.Contains(colourIDs(), *ch.Color) {
		out = append(out, optionFault{Field: optColor, Why: "choice"})
	}
	if ch.Language != nil && !slices.Contains(eventLanguages(), *ch.Language) {
		out = append(out, optionFault{Field: optLanguage, Why: "choice"})
	}
	return out
}

// apply makes the options what the change wants, as far as that can be, and
// names those that were otherwise. The calendar is not among them.
func (ch *eventChange) apply(o *integration.Options) string {
	before, bad := *o, map[string]bool{}
	for _, f := range ch.faults() {
		bad[f.Field] = true
	}
	if ch.Title != nil && !bad[optTitle] {
		o.Summary = titleTemplate(*ch.Title)
	}
	if ch.Description != nil && !bad[optDescription] {
		o.Description = descriptionTemplate(*ch.Description)
	}
	if ch.Reminder != nil && !bad[optReminder] {
		o.Reminder, _ = reminderOf(*ch.Reminder)
	}
	if ch.Color != nil && !bad[optColor] {
		o.Color = *ch.Color
	}
	if ch.Invite != nil {
		o.InviteCustomer = *ch.Invite
	}
	if ch.Language != nil && !bad[optLanguage] {
		o.Language = *ch.Language
	}
	return differing(before, *o)
}

// differing names the options that differ.
func differing(a, b integration.Options) string {
	var names []string
	for _, d := range []struct {
		name    string
		differs bool
	}{
		{optTitle, a.Summary != b.Summary},
		{optDescription, a.Description != b.Description},
		{optReminder, a.Reminder != b.Reminder},
		{optColor, a.Color != b.Color},
		{optInvite, a.InviteCustomer != b.InviteCustomer},
		{optLanguage, a.Language != b.Language},
	} {
		if d.differs {
			names = append(names, d.name)
		}
	}
	return strings.Join(names, ", ")
}

// optionsInWords names the options that an activity names.
func (v *visit) optionsInWords(names string) string {
	if names == "" {
		return ""
	}
	said := strings.Split(names, ", ")
	for i, name := range said {
		said[i] = v.say.T("option." + name)
	}
	return strings.Join(said, ", ")
}

// tidy is a text without what nobody sees: browsers end lines in their own way.
func tidy(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\r\n", "\n")
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' {
			return ' '
		}
		return r
	}, s)
	return strings.TrimSpace(s)
}

// titleTemplate is a title as it is stored: on one line, and nothing if it is
// the default.
func titleTemplate(s string) string {
	s = strings.Join(strings.Fields(tidy(s)), " ")
	if s == gcal.DefaultSummary {
		return ""
	}
	return s
}

// descriptionTemplate is a description as it is stored: nothing if it is the
// default in any language, for a company that chooses another language has the
// words of that one.
func descriptionTemplate(s string) string {
	s = tidy(s)
	isDefault := func(lang string) bool { return s == gcal.DefaultDescription(lang) }
	switch {
	case s == "":
		return gcal.NoDescription
	case slices.ContainsFunc(words.Languages(), isDefault):
		return ""
	}
	return s
}

// titleIn and descriptionIn are the templates in use.
func titleIn(o integration.Options) string { return cmp.Or(o.Summary, gcal.DefaultSummary) }

func descriptionIn(c integration.Company, o integration.Options) string {
	switch o.Description {
	case "":
		return gcal.DefaultDescription(languageIn(c, o))
	case gcal.NoDescription:
		return ""
	}
	return o.Description
}

// languageIn is the language of the events' own words.
func languageIn(c integration.Company, o integration.Options) string {
	return cmp.Or(o.Language, c.Locale)
}

// optionsError is a change of which nothing was done. Its words are the API's,
// and name no value.
type optionsError struct{ faults []optionFault }

// Error names the fields with what they must be.
func (e *optionsError) Error() string {
	said := make([]string, 0, len(e.faults))
	for _, f := range e.fields() {
		said = append(said, f.Field+" "+f.Message)
	}
	return strings.Join(said, "; ")
}

// As lets a problem document list the fields.
func (e *optionsError) As(target any) bool {
	t, ok := target.(**booking.InvalidError)
	if ok {
		*t = &booking.InvalidError{Fields: e.fields()}
	}
	return ok
}

func (e *optionsError) fields() []booking.FieldError {
	out := make([]booking.FieldError, 0, len(e.faults))
	for _, f := range e.faults {
		out = append(out, booking.FieldError{Field: f.Field, Message: f.message()})
	}
	return out
}

func (f optionFault) message() string {
	switch {
	case f.Why == "unknown":
		return "must have no words in braces but {" + strings.Join(gcal.Placeholders(), "}, {") + "}"
	case f.Field == optTitle:
		return fmt.Sprintf("must have at most %d characters", maxTitle)
	case f.Field == optDescription:
		return fmt.Sprintf("must have at most %d characters", maxDescription)
	case f.Field == optReminder:
		return "must be empty, none, 10m, 30m, 1h, 2h or 1d"
	case f.Field == optColor:
		return fmt.Sprintf("must be empty or the id of one of Google's colours for events, 1 to %d", colours)
	case f.Field == optLanguage:
		return "must be empty or one of " + strings.Join(words.Languages(), ", ")
	}
	return "must be the id of one of the account's calendars"
}
