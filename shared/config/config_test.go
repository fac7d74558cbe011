package config

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/citasync/citasync/shared/booking"
)

const (
	webhookSecret = "whsec_bmV3LXNlY3JldC1vZi0zMi1ieXRlcy1mb3ItdGVzdHM="
	sessionSecret = "session-secret-of-at-least-32-bytes"
)

// environment is one in which everything is set.
func environment() map[string]string {
	return map[string]string{
		"PUBLIC_URL":                   "https://Citasync.example.com:443/",
		"GOOGLE_CLOUD_PROJECT":         "salon",
		"FIRESTORE_DATABASE":           "citas",
		"GOOGLE_CLIENT_ID":             "123.apps.googleusercontent.com",
		"GOOGLE_CLIENT_SECRET":         "GOCSPX-hidden\n",
		"GOOGLE_EMULATOR_URL":          "http://sandbox:9000/google/",
		"WEBHOOK_SECRETS":              " " + webhookSecret + "  whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n",
		"SESSION_SECRETS":              sessionSecret + " another-" + sessionSecret,
		"INSTALLATION_ID":              "production",
		"TOKEN_KEYSET":                 `{"primaryKeyId": 1, "key": []}`,
		"WHATSAPP_TOKEN":               "hidden-token",
		"WHATSAPP_PHONE_NUMBER_ID":     "10622",
		"WHATSAPP_APP_SECRET":          "hidden-app",
		"WHATSAPP_VERIFY_TOKEN":        "hidden-verify",
		"WHATSAPP_EMULATOR_URL":        "http://127.0.0.1:9000",
		"ALLOWED_RETURN_ORIGINS":       "https://Booking.example.com/ http://localhost:8081",
		"PLATFORM_SETTINGS_URL":        "https://booking.example.com/companies/{company}/integrations?c={company}",
		"SMTP_URL":                     "smtps://user:hidden@mail.example.com:465",
		"NOTIFY_FROM":                  "Citasync <noreply@example.com>",
		"FIRESTORE_EMULATOR_HOST":      "localhost:8085",
		"PUBSUB_EMULATOR_HOST":         "[::1]:8086",
		"SECRET_MANAGER_EMULATOR_HOST": "emulators:8087",
	}
}

func getenv(env map[string]string) func(string) string {
	return func(name string) string { return env[name] }
}

// everything lists all needs.
func everything() []Need {
	return []Need{
		PublicURL, Cloud, Google, WebhookSecrets, SessionSecrets, Installation, TokenKeyset, WhatsApp, WhatsAppReceipts, PlatformSettings, Notify,
	}
}

func TestLoadEverything(t *testing.T) {
	c, err := Load(getenv(environment()), everything()...)
	if err != nil {
		t.Fatal(err)
	}
	got := []string{
		c.PublicURL.JoinPath("oauth", "callback").String(),
		c.Project, c.Database, c.InstallationID,
		c.Google.ID, c.Google.Secret.Reveal(), c.Google.Emulator.String(),
		strings.Join(RevealAll(c.WebhookSecrets), ","), strings.Join(RevealAll(c.SessionSecrets), ","), c.TokenKeyset.Reveal(),
		c.WhatsApp.Token.Reveal(), c.WhatsApp.PhoneNumberID, c.WhatsApp.AppSecret.Reveal(), c.WhatsApp.VerifyToken.Reveal(),
		c.WhatsApp.Emulator.String(),
		strings.Join(c.ReturnOrigins, ","), c.PlatformSettings.For("a b/&ñ"),
		c.SMTPURL.Reveal(), c.NotifyFrom,
		c.FirestoreEmulator, c.PubSubEmulator, c.SecretManagerEmulator,
	}
	want := []string{
		"https://citasync.example.com/oauth/callback",
		"salon", "citas", "production",
		"123.apps.googleusercontent.com", "GOCSPX-hidden", "http://sandbox:9000/google",
		webhookSecret + ",whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", sessionSecret + ",another-" + sessionSecret,
		`{"primaryKeyId": 1, "key": []}`,
		"hidden-token", "10622", "hidden-app", "hidden-verify",
		"http://127.0.0.1:9000",
		"https://booking.example.com,http://localhost:8081",
		"https://booking.example.com/companies/a%20b%2F%26%C3%B1/integrations?c=a%20b%2F%26%C3%B1",
		"smtps://user:hidden@mail.example.com:465", "Citasync <noreply@example.com>",
		"localhost:8085", "[::1]:8086", "emulators:8087",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestLoadNothing(t *testing.T) {
	c, err := Load(getenv(nil))
	if err != nil {
		t.Fatal(err)
	}
	if c.PublicURL != nil || c.InstallationID != "" || c.Database != "" || !c.TokenKeyset.IsZero() || c.WebhookSecrets != nil {
		t.Errorf("got %+v", c)
	}
}

func TestDefaults(t *testing.T) {
	c, err := Load(getenv(map[string]string{"GOOGLE_CLOUD_PROJECT": "salon"}), Cloud, Installation)
	if err != nil || c.Database != "(default)" || c.InstallationID != "salon/(default)" {
		t.Errorf("got %+v, %v", c, err)
	}
}

// problems returns the variables of an error, each once.
func problems(t *testing.T, err error) []string {
	t.Helper()
	var e *Error
	if err != nil && !errors.As(err, &e) {
		t.Fatalf("error %v", err)
	}
	var names []string
	if e != nil {
		for _, p := range e.Problems {
			names = append(names, p.Variable)
		}
	}
	return names
}

func TestNeedsAreReportedAtOnce(t *testing.T) {
	_, err := Load(getenv(nil), everything()...)
	want := strings.Fields(`PUBLIC_URL GOOGLE_CLOUD_PROJECT WEBHOOK_SECRETS SESSION_SECRETS TOKEN_KEYSET PLATFORM_SETTINGS_URL
		INSTALLATION_ID GOOGLE_CLIENT_ID GOOGLE_CLIENT_SECRET
		WHATSAPP_TOKEN WHATSAPP_PHONE_NUMBER_ID WHATSAPP_APP_SECRET WHATSAPP_VERIFY_TOKEN SMTP_URL NOTIFY_FROM`)
	if diff := cmp.Diff(want, problems(t, err)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, line := range strings.Split(err.Error(), "\n")[1:] {
		if !strings.Contains(line, "is not set") || !strings.Contains(line, ": set ") {
			t.Errorf("no fix in %q", line)
		}
	}
	_, err = Load(getenv(nil), WebhookSecrets, Cloud)
	if diff := cmp.Diff([]string{"GOOGLE_CLOUD_PROJECT", "WEBHOOK_SECRETS"}, problems(t, err)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestHalfAGroup(t *testing.T) {
	_, err := Load(getenv(map[string]string{"GOOGLE_CLIENT_ID": "123", "WHATSAPP_TOKEN": "x", "WHATSAPP_APP_SECRET": "x", "NOTIFY_FROM": "a@example.com"}))
	want := []string{"GOOGLE_CLIENT_SECRET", "WHATSAPP_PHONE_NUMBER_ID", "WHATSAPP_VERIFY_TOKEN", "SMTP_URL"}
	if diff := cmp.Diff(want, problems(t, err)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestValues(t *testing.T) {
	short := "whsec_c2hvcnQ="
	long := "whsec_" + strings.Repeat("QUFB", 22)
	tests := []struct {
		variable  string
		good, bad []string
	}{
		{
			"PUBLIC_URL",
			[]string{"https://example.com", "http://localhost:8080", "http://127.0.0.1:8080/", "http://[::1]:8080", "http://citasync.localhost"},
			[]string{
				"example.com", "http://example.com", "https://example.com/citasync", "https://example.com?x", "https://example.com?",
				"https://example.com#x", "https://user:hidden@example.com", "https://", "https://example.com:", "https://example.com:99999",
				"ftp://localhost", "https://exa mple.com", "http://localhost.example.com",
			},
		},
		{
			"ALLOWED_RETURN_ORIGINS",
			[]string{"https://a.example https://b.example:8443", "http://localhost"},
			[]string{"https://a.example, https://b.example", "*", "https://a.example/page", "http://a.example", "https://a.example null"},
		},
		{
			"PLATFORM_SETTINGS_URL",
			[]string{"https://example.com/{company}", "http://localhost:8081/?company={company}"},
			[]string{
				"https://example.com/", "http://example.com/{company}", "/settings/{company}", "{company}",
				"https://{company}.example.com/", "https://user:hidden@example.com/{company}",
			},
		},
		{
			"WEBHOOK_SECRETS",
			[]string{webhookSecret, webhookSecret + "\n" + webhookSecret},
			[]string{short, long, "whsec_%%%", webhookSecret[6:], webhookSecret + "," + webhookSecret, webhookSecret + " " + short},
		},
		{"SESSION_SECRETS", []string{sessionSecret}, []string{sessionSecret[:31], sessionSecret + " short"}},
		{"INSTALLATION_ID", []string{"a", strings.Repeat("x", 128)}, []string{"a\x00b", strings.Repeat("x", 129)}},
		{"TOKEN_KEYSET", []string{`{"primaryKeyId": 1}`}, []string{"hidden", "{}", "[1]", "null", `{"primaryKeyId"`}},
		{"GOOGLE_EMULATOR_URL", []string{"http://sandbox:9000", "https://sandbox/google"}, []string{"sandbox:9000", "http://sandbox?x=1", "http://u:hidden@sandbox"}},
		{
			"WHATSAPP_TEMPLATES",
			[]string{"reserved=booking_reserved", "confirmed=a:es_MX,en deleted=b:en", "reserved=a:es confirmed=a:es"},
			[]string{
				"booking_reserved", "moved=a", "confirmed=", "confirmed=Hidden", "confirmed=a:", "confirmed=a:fr", "confirmed=a:es,hidden",
				"confirmed=a confirmed=b", "booking.confirmed=a",
			},
		},
		{"WHATSAPP_EMULATOR_URL", []string{"http://sandbox:9000"}, []string{"grpc://sandbox"}},
		{"FIRESTORE_EMULATOR_HOST", []string{"localhost:8085"}, []string{"localhost", "http://localhost:8085", ":8085", "localhost:http", "localhost:0"}},
		{"PUBSUB_EMULATOR_HOST", []string{"10.0.0.1:1"}, []string{"localhost:65536"}},
		{"SECRET_MANAGER_EMULATOR_HOST", []string{"[::1]:1"}, []string{"::1:1"}},
	}
	for _, test := range tests {
		for _, value := range test.good {
			if _, err := Load(getenv(map[string]string{test.variable: value})); err != nil {
				t.Errorf("%s=%q: %v", test.variable, value, err)
			}
		}
		for _, value := range test.bad {
			_, err := Load(getenv(map[string]string{test.variable: value}))
			if diff := cmp.Diff([]string{test.variable}, problems(t, err)); diff != "" {
				t.Errorf("%s=%q (-want +got):\n%s", test.variable, value, diff)
			}
			if err != nil && (strings.Contains(err.Error(), "hidden") || strings.Contains(err.Error(), short) || strings.Contains(err.Error(), sessionSecret[:31])) {
				t.Errorf("%s=%q: the error tells the value: %v", test.variable, value, err)
			}
		}
	}
}

func TestPhoneNumberID(t *testing.T) {
	for id, good := range map[string]bool{"106540352242922": true, "test-1": true, "10 65": false, "1/messages": false, "../x": false} {
		_, err := Load(getenv(map[string]string{"WHATSAPP_TOKEN": "x", "WHATSAPP_PHONE_NUMBER_ID": id}))
		if good && err != nil || !good && !slices.Equal(problems(t, err), []string{"WHATSAPP_PHONE_NUMBER_ID"}) {
			t.Errorf("%q: %v", id, err)
		}
	}
}

func TestTemplates(t *testing.T) {
	load := func(value string) Templates {
		env := map[string]string{"WHATSAPP_TEMPLATES": value}
		if value == "" {
			env = nil
		}
		c, err := Load(func(name string) string { return env[name] })
		if err != nil {
			t.Fatal(err)
		}
		return c.WhatsApp.Templates
	}
	both := []string{"es", "en"}
	if diff := cmp.Diff(Templates{booking.Reserved: {"booking_reserved", both}, booking.Confirmed: {"booking_confirmed", both}}, load("")); diff != "" {
		t.Errorf("by default (-want +got):\n%s", diff)
	}
	got := load("confirmed=yes:es_MX,en_US  deleted=no")
	if diff := cmp.Diff(Templates{booking.Confirmed: {"yes", []string{"es_MX", "en_US"}}, booking.Deleted: {"no", both}}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for language, want := range map[string]string{"es": "es_MX", "es-MX": "es_MX", "en": "en_US", "en-GB": "en_US", "pt": "es_MX", "": "es_MX"} {
		if in := got[booking.Confirmed].In(language); in != want {
			t.Errorf("for %q in %q, want %q", language, in, want)
		}
	}
}

func TestMailValues(t *testing.T) {
	env := func(smtp, from string) func(string) string {
		return getenv(map[string]string{"SMTP_URL": smtp, "NOTIFY_FROM": from})
	}
	for _, smtp := range []string{"smtp://localhost:25", "smtps://user:p%40ss@mail.example.com"} {
		if _, err := Load(env(smtp, "a@example.com")); err != nil {
			t.Errorf("%s: %v", smtp, err)
		}
	}
	for _, smtp := range []string{"mail.example.com:25", "https://mail.example.com", "smtp://", "smtp://user:hid%zz@host"} {
		_, err := Load(env(smtp, "a@example.com"))
		if got := problems(t, err); len(got) != 1 || got[0] != "SMTP_URL" || strings.Contains(err.Error(), "hid%zz") {
			t.Errorf("%s: %v", smtp, err)
		}
	}
	if _, err := Load(env("smtp://localhost:25", "noreply")); len(problems(t, err)) != 1 {
		t.Errorf("from noreply: %v", err)
	}
}

func TestLoadFromTheProcess(t *testing.T) {
	t.Setenv("WEBHOOK_SECRETS", webhookSecret)
	c, err := Load(os.Getenv, WebhookSecrets)
	if err != nil || len(c.WebhookSecrets) != 1 {
		t.Errorf("got %v, %v", c.WebhookSecrets, err)
	}
}
