// Package config reads the configuration from the environment. It checks
// everything that is set and reports every problem at once, each with the
// variable and what to do about it; no problem repeats a value.
package config

import (
	"net/url"
	"strings"

	"github.com/citasync/citasync/shared/booking"
)

// Config is the whole configuration. What is not set is zero.
type Config struct {
	PublicURL *url.URL // what browsers see: scheme and host alone, so that PublicURL.JoinPath("settings") fits

	Project  string // of Google Cloud
	Database string // of Firestore

	Google           GoogleClient
	WhatsApp         WhatsAppSender
	WebhookSecrets   []Secret // "whsec_…", newest first
	SessionSecrets   []Secret // at least 32 bytes each, newest first
	InstallationID   string   // tells this installation's events at Google from another's
	TokenKeyset      Secret   // a Tink keyset in JSON
	ReturnOrigins    []string // "https://booking.example.com": lower case, no default port
	PlatformSettings CompanyURL
	SMTPURL          Secret // smtp://user:password@host:port, or smtps
	NotifyFrom       string // an e-mail address, perhaps with a name (RFC 5322)

	FirestoreEmulator     string // host:port, as all emulators
	PubSubEmulator        string
	SecretManagerEmulator string
}

// GoogleClient is the OAuth client at Google.
type GoogleClient struct {
	ID       string
	Secret   Secret
	Emulator *url.URL // in place of Google's hosts, without a slash at the end; nil: Google
}

// WhatsAppSender is the number that sends for all companies.
type WhatsAppSender struct {
	Token         Secret
	PhoneNumberID string
	Templates     Templates
	AppSecret     Secret   // Meta signs what it tells with it
	VerifyToken   Secret   // Meta shows it once, when it is told where to tell
	Emulator      *url.URL // in place of the Graph API's host, without a slash at the end; nil: Meta
}

// CompanyURL is the address of a page of the platform with "{company}" in the
// place of a company's id.
type CompanyURL string

// For returns the company's own address; none if there is no page. The id is
// escaped so that it is safe in a path and in a query alike.
func (u CompanyURL) For(id booking.CompanyID) string {
	escaped := strings.ReplaceAll(url.QueryEscape(string(id)), "+", "%20")
	return strings.ReplaceAll(string(u), companyMark, escaped)
}

const companyMark = "{company}"

// Need is a part of the configuration that a caller cannot do without.
type Need string

// The needs. Each makes its variables mandatory; an emulator, an origin or a
// database is never.
const (
	PublicURL        Need = "PUBLIC_URL"
	Cloud            Need = "GOOGLE_CLOUD_PROJECT"
	Google           Need = "GOOGLE_CLIENT_ID GOOGLE_CLIENT_SECRET"
	WebhookSecrets   Need = "WEBHOOK_SECRETS"
	SessionSecrets   Need = "SESSION_SECRETS"
	Installation     Need = "INSTALLATION_ID"
	TokenKeyset      Need = "TOKEN_KEYSET"
	WhatsApp         Need = "WHATSAPP_TOKEN WHATSAPP_PHONE_NUMBER_ID"   // to send
	WhatsAppReceipts Need = "WHATSAPP_APP_SECRET WHATSAPP_VERIFY_TOKEN" // to be told what became of it
	PlatformSettings Need = "PLATFORM_SETTINGS_URL"
	Notify           Need = "SMTP_URL NOTIFY_FROM"
)

// Load reads the configuration by a function such as os.Getenv. Space around a
// value is not part of it. The error is an [*Error] with every problem: a
// variable that is needed and missing, a group that is set by half, a value
// that is not of its form.
func Load(getenv func(string) string, needs ...Need) (Config, error) {
	r := &reader{getenv: getenv}
	c := r.config()
	r.require(c, needs)
	if len(r.problems) > 0 {
		return Config{}, &Error{Problems: r.problems}
	}
	return c, nil
}

func (r *reader) config() Config {
	c := Config{
		PublicURL:        r.publicURL("PUBLIC_URL"),
		Project:          r.get("GOOGLE_CLOUD_PROJECT"),
		Database:         r.get("FIRESTORE_DATABASE"),
		WebhookSecrets:   r.secrets("WEBHOOK_SECRETS", checkWebhookSecret),
		SessionSecrets:   r.secrets("SESSION_SECRETS", checkSessionSecret),
		InstallationID:   r.installation("INSTALLATION_ID"),
		TokenKeyset:      r.keyset("TOKEN_KEYSET"),
		ReturnOrigins:    r.origins("ALLOWED_RETURN_ORIGINS"),
		PlatformSettings: r.companyURL("PLATFORM_SETTINGS_URL"),
		SMTPURL:          r.smtpURL("SMTP_URL"),
		NotifyFrom:       r.address("NOTIFY_FROM"),

		FirestoreEmulator:     r.hostPort("FIRESTORE_EMULATOR_HOST"),
		PubSubEmulator:        r.hostPort("PUBSUB_EMULATOR_HOST"),
		SecretManagerEmulator: r.hostPort("SECRET_MANAGER_EMULATOR_HOST"),
	}
	c.Google = GoogleClient{
		ID:       r.get("GOOGLE_CLIENT_ID"),
		Secret:   NewSecret(r.get("GOOGLE_CLIENT_SECRET")),
		Emulator: r.emulatorURL("GOOGLE_EMULATOR_URL"),
	}
	c.WhatsApp = WhatsAppSender{
		Token:         NewSecret(r.get("WHATSAPP_TOKEN")),
		PhoneNumberID: r.id("WHATSAPP_PHONE_NUMBER_ID"),
		Templates:     r.templates("WHATSAPP_TEMPLATES"),
		AppSecret:     NewSecret(r.get("WHATSAPP_APP_SECRET")),
		VerifyToken:   NewSecret(r.get("WHATSAPP_VERIFY_TOKEN")),
		Emulator:      r.emulatorURL("WHATSAPP_EMULATOR_URL"),
	}
	c.applyDefaults()
	return c
}

// applyDefaults names the database that Firestore makes first, and the
// installation by where its records are.
func (c *Config) applyDefaults() {
	if c.Project == "" {
		return
	}
	if c.Database == "" {
		c.Database = "(default)"
	}
	if c.InstallationID == "" {
		c.InstallationID = c.Project + "/" + c.Database
	}
}
