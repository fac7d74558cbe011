package bolt

import (
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

// connectionDoc is a stored connection.
type connectionDoc struct {
	ID           integration.ID      `json:"id"`
	Enabled      bool                `json:"enabled"`
	Status       integration.Status  `json:"status"`
	Reason       integration.Reason  `json:"reason,omitempty"`
	Data         dataDoc             `json:"integration_data"`
	Options      optionsDoc          `json:"options,omitzero"`
	RemoveEvents bool                `json:"remove_events,omitempty"`
	Used         map[string][]string `json:"used,omitempty"`
	ChangedAt    time.Time           `json:"changed_at,omitzero"`
	BackfillDue  time.Time           `json:"backfill_due,omitzero"`
	PassedAt     time.Time           `json:"passed_at,omitzero"`
	ReconciledAt time.Time           `json:"reconciled_at,omitzero"`
	CheckedAt    time.Time           `json:"checked_at,omitzero"`
	NoticeDue    time.Time           `json:"notice_due,omitzero"`
	Notices      int                 `json:"notices,omitempty"`
	Added        int                 `json:"added,omitempty"`
	Refused      int                 `json:"refused,omitempty"`
	RefusedAt    time.Time           `json:"refused_at,omitzero"`
	CreatedAt    time.Time           `json:"created_at,omitzero"`
	UpdatedAt    time.Time           `json:"updated_at,omitzero"`
	Version      int64               `json:"version"`
}

type dataDoc struct {
	AccountEmail   string    `json:"account_email,omitempty"`
	AccountSubject string    `json:"account_subject,omitempty"`
	CalendarID     string    `json:"calendar_id,omitempty"`
	CalendarName   string    `json:"calendar_name,omitempty"`
	Scopes         []string  `json:"scopes,omitempty"`
	AccessToken    []byte    `json:"access_token,omitempty"`
	TokenExpiry    time.Time `json:"token_expiry,omitzero"`
	SecretVersion  string    `json:"secret_version,omitempty"`
}

type optionsDoc struct {
	Summary        string      `json:"summary,omitempty"`
	Description    string      `json:"description,omitempty"`
	InviteCustomer bool        `json:"invite_customer,omitempty"`
	Reminder       reminderDoc `json:"reminder,omitzero"`
	Color          string      `json:"color,omitempty"`

	Language string  `json:"language,omitempty"`
	Mute     muteDoc `json:"mute,omitzero"`
}

type reminderDoc struct {
	Own     bool  `json:"own,omitempty"`
	Minutes int64 `json:"minutes,omitempty"`
}

type muteDoc struct {
	Reserved  bool `json:"reserved,omitempty"`
	Confirmed bool `json:"confirmed,omitempty"`
	Deleted   bool `json:"deleted,omitempty"`
}

func newOptionsDoc(o integration.Options) optionsDoc {
	return optionsDoc{
		Summary: o.Summary, Description: o.Description, InviteCustomer: o.InviteCustomer,
		Reminder: reminderDoc{Own: o.Reminder.Own, Minutes: int64(o.Reminder.Before / time.Minute)}, Color: o.Color,
		Language: o.Language, Mute: muteDoc(o.Mute),
	}
}

func (d optionsDoc) options() integration.Options {
	return integration.Options{
		Summary: d.Summary, Description: d.Description, InviteCustomer: d.InviteCustomer,
		Reminder: integration.Reminder{Own: d.Reminder.Own, Before: time.Duration(d.Reminder.Minutes) * time.Minute}, Color: d.Color,
		Language: d.Language, Mute: integration.Mute(d.Mute),
	}
}

func newConnectionDoc(c *integration.Connection, version int64) connectionDoc {
	data := c.Data
	data.TokenExpiry = utc(data.TokenExpiry)
	return connectionDoc{
		ID: c.ID, Enabled: c.Enabled, Status: c.Status, Reason: c.Reason,
		Data: dataDoc(data), Options: newOptionsDoc(c.Options), RemoveEvents: c.RemoveEvents, Used: c.Used,
		ChangedAt: utc(c.ChangedAt), BackfillDue: utc(c.BackfillDue), PassedAt: utc(c.PassedAt), ReconciledAt: utc(c.ReconciledAt),
		CheckedAt: utc(c.CheckedAt), NoticeDue: utc(c.NoticeDue), Notices: c.Notices, Added: c.Added,
		Refused: c.Refused, RefusedAt: utc(c.RefusedAt),
		CreatedAt: utc(c.CreatedAt), UpdatedAt: utc(c.UpdatedAt),
		Version: version,
	}
}

// check refuses a status that is not known, on writing and on reading.
func (d *connectionDoc) check() error {
	_, err := integration.ParseStatus(string(d.Status))
	return err
}

func (d *connectionDoc) connection() (integration.Connection, error) {
	return integration.Connection{
		ID: d.ID, Enabled: d.Enabled, Status: d.Status, Reason: d.Reason,
		Data: integration.Data(d.Data), Options: d.Options.options(), RemoveEvents: d.RemoveEvents, Used: d.Used,
		ChangedAt: d.ChangedAt, BackfillDue: d.BackfillDue, PassedAt: d.PassedAt, ReconciledAt: d.ReconciledAt,
		CheckedAt: d.CheckedAt, NoticeDue: d.NoticeDue, Notices: d.Notices, Added: d.Added,
		Refused: d.Refused, RefusedAt: d.RefusedAt,
		CreatedAt: d.CreatedAt, UpdatedAt: d.UpdatedAt,
		Version: versionText(d.Version),
	}, d.check()
}

func (d *connectionDoc) version() int64 { return d.Version }

// index lists the connection's index entries.
func (d *connectionDoc) index(company booking.CompanyID) []entry {
	i, c := key(nil).text(string(d.ID)), string(company)
	var es []entry
	if !d.BackfillDue.IsZero() || d.Status == integration.Disconnecting {
		es = append(es, entry{owed, i.text(c)})
	}
	if d.Status == integration.Connected {
		es = append(es, entry{connected, i.ascending(d.ReconciledAt).text(c)}, entry{lookedAt, i.ascending(d.CheckedAt).text(c)})
	}
	if !d.NoticeDue.IsZero() {
		es = append(es, entry{notices, i.ascending(d.NoticeDue).text(c)})
	}
	if d.Data.AccountSubject != "" {
		es = append(es, entry{holders, i.text(d.Data.AccountSubject).text(c)})
	}
	return es
}

// companyDoc is a stored company.
type companyDoc struct {
	ID            booking.CompanyID `json:"id"`
	Name          string            `json:"name,omitempty"`
	Locale        string            `json:"locale,omitempty"`
	Country       string            `json:"country,omitempty"`
	TimeZone      string            `json:"time_zone,omitempty"`
	Email         string            `json:"email,omitempty"`
	Phone         string            `json:"phone,omitempty"`
	FeedTokenHash string            `json:"feed_token_hash,omitempty"`
	FeedSeed      string            `json:"feed_seed,omitempty"`
	Version       int64             `json:"version"`
}

func newCompanyDoc(c *store.Company, version int64) companyDoc {
	return companyDoc{
		ID: c.ID, Name: c.Name, Locale: c.Locale, Country: c.Country, TimeZone: c.TimeZone,
		Email: c.Email, Phone: c.Phone, FeedTokenHash: c.FeedTokenHash, FeedSeed: c.FeedSeed, Version: version,
	}
}

func (d *companyDoc) company() store.Company {
	return store.Company{
		Company: integration.Company{
			ID: d.ID, Name: d.Name, Locale: d.Locale, Country: d.Country, TimeZone: d.TimeZone,
			Email: d.Email, Phone: d.Phone,
		},
		FeedTokenHash: d.FeedTokenHash, FeedSeed: d.FeedSeed, Version: versionText(d.Version),
	}
}

// entryDoc is a stored entry of the catalogue.
type entryDoc struct {
	ID          integration.ID `json:"id"`
	Name        string         `json:"name,omitempty"`
	Description string         `json:"description,omitempty"`
	Enabled     bool           `json:"enabled"`
	ChangedAt   time.Time      `json:"changed_at,omitzero"`
	Version     int64          `json:"version"`
}

func newEntryDoc(e *integration.Entry, version int64) entryDoc {
	return entryDoc{
		ID: e.ID, Name: e.Name, Description: e.Description, Enabled: e.Enabled,
		ChangedAt: utc(e.ChangedAt), Version: version,
	}
}

func (d *entryDoc) entry() integration.Entry {
	return integration.Entry{
		ID: d.ID, Name: d.Name, Description: d.Description, Enabled: d.Enabled,
		ChangedAt: d.ChangedAt, Version: versionText(d.Version),
	}
}

// activityDoc is a stored activity.
type activityDoc struct {
	ID          string         `json:"id"`
	At          time.Time      `json:"at,omitzero"`
	Kind        string         `json:"kind"`
	Integration integration.ID `json:"integration,omitempty"`
	Actor       string         `json:"actor,omitempty"`
	Outcome     string         `json:"outcome,omitempty"`
	Detail      string         `json:"detail,omitempty"`
	Trace       string         `json:"trace,omitempty"`
}
