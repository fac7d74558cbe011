package firestore

import (
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"

	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

// The fields of a connection that queries name.
const (
	fieldIntegration  = "integration"
	fieldStatus       = "status"
	fieldReconciledAt = "reconciled_at"
	fieldCheckedAt    = "checked_at"
	fieldNoticeDue    = "notice_due"
	fieldOwed         = "owed"
	fieldHolder       = "holder"
)

// checkConnection refuses a status that is not known, on writing and on
// reading.
func checkConnection(c *integration.Connection) error {
	_, err := integration.ParseStatus(string(c.Status))
	return err
}

// connectionFields is a connection as it is stored.
func connectionFields(c *integration.Connection) fields {
	f := make(fields, 25)
	f[fieldIntegration] = text(string(c.ID))
	f["enabled"] = boolean(c.Enabled)
	f[fieldStatus] = text(string(c.Status))
	f.text("reason", string(c.Reason))
	f["integration_data"] = table(dataFields(&c.Data))
	f.table("options", optionsFields(c.Options))
	f.flag("remove_events", c.RemoveEvents)
	f.table("used", usedFields(c.Used))
	f.time("changed_at", c.ChangedAt)
	f.time("backfill_due", c.BackfillDue)
	f.time("passed_at", c.PassedAt)
	f[fieldReconciledAt] = moment(c.ReconciledAt)
	f[fieldCheckedAt] = moment(c.CheckedAt)
	f.time(fieldNoticeDue, c.NoticeDue)
	f.number("notices", int64(c.Notices))
	f.number("added", int64(c.Added))
	f.number("refused", int64(c.Refused))
	f.time("refused_at", c.RefusedAt)
	f.time("created_at", c.CreatedAt)
	f.time("updated_at", c.UpdatedAt)
	if !c.BackfillDue.IsZero() || c.Status == integration.Disconnecting {
		f[fieldOwed] = text(string(c.ID))
	}
	if c.Data.AccountSubject != "" {
		f[fieldHolder] = text(holder(c.ID, c.Data.AccountSubject))
	}
	return f
}

// holder names an account at an integration. An escaped id has no slash.
func holder(id integration.ID, subject string) string { return escape(string(id)) + "/" + subject }

func dataFields(d *integration.Data) fields {
	f := make(fields, 8)
	f.text("account_email", d.AccountEmail)
	f.text("account_subject", d.AccountSubject)
	f.text("calendar_id", d.CalendarID)
	f.text("calendar_name", d.CalendarName)
	f.texts("scopes", d.Scopes)
	f.bytes("access_token", d.AccessToken)
	f.time("token_expiry", d.TokenExpiry)
	f.text("secret_version", d.SecretVersion)
	return f
}

func optionsFields(o integration.Options) fields {
	f := make(fields, 7)
	f.text("summary", o.Summary)
	f.text("description", o.Description)
	f.flag("invite_customer", o.InviteCustomer)
	f.table("reminder", reminderFields(o.Reminder))
	f.text("color", o.Color)
	f.text("language", o.Language)
	f.table("mute", muteFields(o.Mute))
	return f
}

func reminderFields(r integration.Reminder) fields {
	f := make(fields, 2)
	f.flag("own", r.Own)
	f.number("minutes", int64(r.Before/time.Minute))
	return f
}

func muteFields(m integration.Mute) fields {
	f := make(fields, 3)
	f.flag("reserved", m.Reserved)
	f.flag("confirmed", m.Confirmed)
	f.flag("deleted", m.Deleted)
	return f
}

func usedFields(used map[string][]string) fields {
	f := make(fields, len(used))
	for account, calendars := range used {
		f.texts(account, calendars)
	}
	return f
}

// readConnection returns a disconnected one if there is no document.
func readConnection(id integration.ID, doc *pb.Document) (integration.Connection, error) {
	if doc == nil {
		return store.DefaultConnection(id), nil
	}
	f := newReader(doc.GetFields())
	c := integration.Connection{
		ID: id, Enabled: f.flag("enabled"), Status: integration.Status(f.text(fieldStatus)), Reason: integration.Reason(f.text("reason")),
		Data:         readData(f.table("integration_data")),
		Options:      readOptions(f.table("options")),
		RemoveEvents: f.flag("remove_events"), Used: readUsed(f.table("used")),
		ChangedAt: f.time("changed_at"), BackfillDue: f.time("backfill_due"), PassedAt: f.time("passed_at"),
		ReconciledAt: f.time(fieldReconciledAt), CheckedAt: f.time(fieldCheckedAt), NoticeDue: f.time(fieldNoticeDue),
		Notices: int(f.number("notices")), Added: int(f.number("added")), Refused: int(f.number("refused")), RefusedAt: f.time("refused_at"),
		CreatedAt: f.time("created_at"), UpdatedAt: f.time("updated_at"), Version: version(doc.GetUpdateTime()),
	}
	if err := f.err(); err != nil {
		return integration.Connection{}, err
	}
	return c, checkConnection(&c)
}

func readOptions(f reader) integration.Options {
	reminder, mute := f.table("reminder"), f.table("mute")
	return integration.Options{
		Summary: f.text("summary"), Description: f.text("description"), InviteCustomer: f.flag("invite_customer"),
		Reminder: integration.Reminder{Own: reminder.flag("own"), Before: time.Duration(reminder.number("minutes")) * time.Minute},
		Color:    f.text("color"), Language: f.text("language"),
		Mute: integration.Mute{Reserved: mute.flag("reserved"), Confirmed: mute.flag("confirmed"), Deleted: mute.flag("deleted")},
	}
}

func readData(f reader) integration.Data {
	return integration.Data{
		AccountEmail: f.text("account_email"), AccountSubject: f.text("account_subject"),
		CalendarID: f.text("calendar_id"), CalendarName: f.text("calendar_name"), Scopes: f.texts("scopes"),
		AccessToken: f.bytes("access_token"), TokenExpiry: f.time("token_expiry"), SecretVersion: f.text("secret_version"),
	}
}

func readUsed(f reader) map[string][]string {
	if len(f.fields) == 0 {
		return nil
	}
	used := make(map[string][]string, len(f.fields))
	for account := range f.fields {
		used[account] = f.texts(account)
	}
	return used
}
