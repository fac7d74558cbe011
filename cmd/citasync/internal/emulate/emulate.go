// Package emulate runs an installation on one machine in the shape in which it
// is deployed: each function a process of its own, with the environment that
// Terraform gives it and no other, behind a router that stands for the load
// balancer, on Firestore, Pub/Sub and Secret Manager, for which emulators
// stand.
//
// [StartBackends] comes first, then [StartFunctions]; [Functions.Pushes] says
// what has to be provisioned on Pub/Sub, [Functions.Router] serves the public
// paths, and [Schedule] stands for Cloud Scheduler.
package emulate

import (
	"os"
	"strings"

	"github.com/citasync/citasync/shared/bus"
)

// DefaultProject is the project if the environment names none. An emulator
// takes any.
const DefaultProject = "citasync-local"

// function is one of the functions as Terraform deploys it.
type function struct {
	name  string
	topic bus.Topic // whose messages are pushed to it; empty: it takes requests from the router
	vars  string    // what its environment has, beside what every function's has
}

// What functions are given, by what they do.
const (
	everywhere = "GOOGLE_CLOUD_PROJECT FIRESTORE_DATABASE INSTALLATION_ID"
	emulators  = "FIRESTORE_EMULATOR_HOST PUBSUB_EMULATOR_HOST SECRET_MANAGER_EMULATOR_HOST GOOGLE_EMULATOR_URL WHATSAPP_EMULATOR_URL"
	atGoogle   = "GOOGLE_CLIENT_ID GOOGLE_CLIENT_SECRET TOKEN_KEYSET"
	outwards   = atGoogle + " WHATSAPP_TOKEN WHATSAPP_PHONE_NUMBER_ID WHATSAPP_TEMPLATES"
	inBrowsers = atGoogle + " PUBLIC_URL SESSION_SECRETS ALLOWED_RETURN_ORIGINS PLATFORM_SETTINGS_URL"
)

func functions() []function {
	return []function{
		{"webhook", "", "WEBHOOK_SECRETS WHATSAPP_APP_SECRET WHATSAPP_VERIFY_TOKEN"},
		{"onreserve", bus.Reserved, outwards},
		{"onconfirm", bus.Confirmed, outwards},
		{"ondelete", bus.Deleted, outwards},
		{"oauthstart", "", inBrowsers},
		{"oauthcallback", "", inBrowsers},
		{"settings", "", inBrowsers + " WHATSAPP_TOKEN WHATSAPP_PHONE_NUMBER_ID WHATSAPP_TEMPLATES"},
		{"maintain", bus.Maintenance, outwards + " PLATFORM_SETTINGS_URL SMTP_URL NOTIFY_FROM"},
	}
}

// environ is the function's environment: its share of what getenv knows, and
// the little that any process needs of this machine.
func (f function) environ(getenv func(string) string, port string) []string {
	env := []string{
		"PORT=" + port, "FUNCTION_TARGET=" + f.name,
		"LOCAL_ONLY=true", // what listens for Pub/Sub asks nobody who they are
	}
	for _, name := range []string{"PATH", "HOME", "TMPDIR"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	for name := range strings.FieldsSeq(everywhere + " " + emulators + " " + f.vars) {
		if v := getenv(name); v != "" {
			env = append(env, name+"="+v)
		}
	}
	return env
}
