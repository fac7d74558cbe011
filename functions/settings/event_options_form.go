package settings

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strconv"

	"github.com/citasync/citasync/shared/integration"
)

// A form of events has a field for each option, and beside it, below wasField,
// a mark of what the page showed in it. A field that is still as it was shown
// names nothing: what was changed in another tab meanwhile stays.
const wasField = "was."

// eventFields are the form's fields with what they hold for a company that has
// these options.
func eventFields(c integration.Company, calendar string, o integration.Options) map[string]string {
	return map[string]string{
		optCalendar:    calendar,
		optTitle:       titleIn(o),
		optDescription: descriptionIn(c, o),
		optReminder:    reminderCode(o.Reminder),
		optColor:       o.Color,
		optInvite:      strconv.FormatBool(o.InviteCustomer),
		optLanguage:    o.Language,
	}
}

// marks are those of the fields, by the names that the form has for them.
func marks(fields map[string]string) map[string]string {
	out := make(map[string]string, len(fields))
	for name, value := range fields {
		out[wasField+name] = markOf(value)
	}
	return out
}

// markOf tells one value of a field from others.
func markOf(value string) string {
	sum := sha256.Sum256([]byte(tidy(value)))
	return hex.EncodeToString(sum[:6])
}

// formChange is what a form names.
func formChange(form url.Values) eventChange {
	field := func(name string) *string {
		values := form[name]
		if len(values) == 0 {
			return nil
		}
		value := values[len(values)-1] // of a box that is ticked it follows the one for a box that is not
		if form.Get(wasField+name) == markOf(value) {
			return nil
		}
		return &value
	}
	ch := eventChange{
		Calendar: field(optCalendar), Title: field(optTitle), Description: field(optDescription),
		Reminder: field(optReminder), Color: field(optColor), Language: field(optLanguage),
	}
	if v := field(optInvite); v != nil {
		yes := *v == strconv.FormatBool(true)
		ch.Invite = &yes
	}
	return ch
}
