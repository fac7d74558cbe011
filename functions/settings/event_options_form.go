package settings

import (
	"net/url"
	"strconv"

	"github.com/citasync/citasync/shared/integration"
)

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

// formChange is what a form of events names.
func formChange(form url.Values) eventChange {
	return eventChange{
		Calendar: changedField(form, optCalendar), Title: changedField(form, optTitle), Description: changedField(form, optDescription),
		Reminder: changedField(form, optReminder), Color: changedField(form, optColor), Language: changedField(form, optLanguage),
		Invite: changedBox(form, optInvite),
	}
}
