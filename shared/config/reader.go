package config

import (
	"fmt"
	"strings"
)

// Problem is what is wrong with one variable.
type Problem struct {
	Variable string
	Message  string // what it must be; never what it is
}

// Error lists every problem of a configuration.
type Error struct {
	Problems []Problem
}

// Error has a line for each problem.
func (e *Error) Error() string {
	lines := []string{"the configuration is not usable:"}
	for _, p := range e.Problems {
		lines = append(lines, p.Variable+" "+p.Message)
	}
	return strings.Join(lines, "\n  ")
}

// reader reads variables and collects what is wrong with them.
type reader struct {
	getenv   func(string) string
	problems []Problem
}

func (r *reader) get(name string) string { return strings.TrimSpace(r.getenv(name)) }

func (r *reader) refuse(name, message string) {
	r.problems = append(r.problems, Problem{Variable: name, Message: message})
}

// require reports variables that are needed and missing, and those without
// which others that are set mean nothing.
func (r *reader) require(c Config, needs []Need) {
	needed := map[Need]bool{}
	for _, n := range needs {
		needed[n] = true
	}
	for _, n := range []Need{PublicURL, Cloud, WebhookSecrets, SessionSecrets, TokenKeyset, PlatformSettings} {
		if needed[n] && r.get(string(n)) == "" {
			r.refuse(string(n), "is not set: "+meaning(n))
		}
	}
	if needed[Installation] && r.get(string(Installation)) == "" && c.InstallationID == "" {
		r.refuse(string(Installation), "is not set, and there is no GOOGLE_CLOUD_PROJECT to take it from: "+meaning(Installation))
	}
	for _, n := range []Need{Google, WhatsApp, WhatsAppReceipts, Notify} {
		r.requireGroup(n, needed[n])
	}
}

// requireGroup reports what is missing of variables that belong together.
func (r *reader) requireGroup(n Need, needed bool) {
	var set string
	names := strings.Fields(string(n))
	for _, name := range names {
		if r.get(name) != "" {
			set = name
		}
	}
	for _, name := range names {
		switch {
		case r.get(name) != "":
		case needed:
			r.refuse(name, "is not set: "+meaning(n))
		case set != "":
			r.refuse(name, fmt.Sprintf("is not set, but %s is: set both or neither", set))
		}
	}
}

// meaning says what to set a variable to.
func meaning(n Need) string {
	switch n {
	case PublicURL:
		return "set it to the address that browsers see, such as https://citasync.example.com"
	case Cloud:
		return "set it to the Google Cloud project that holds the data"
	case Google:
		return "set it to what Google Cloud's console shows for the OAuth client"
	case WebhookSecrets:
		return "set it to the secrets that the booking platform signs webhooks with, each whsec_ and base64"
	case SessionSecrets:
		return "set it to the secrets that the booking platform signs links with, at least 32 bytes each"
	case Installation:
		return "set it to a name that no other installation has"
	case TokenKeyset:
		return "set it to a Tink AEAD keyset in JSON"
	case WhatsApp, WhatsAppReceipts:
		return "set it to what Meta's console shows for the WhatsApp app"
	case PlatformSettings:
		return "set it to the booking platform's page that leads to a settings link, with {company} in it"
	case Notify:
		return "set both to send notices by e-mail"
	}
	return "set it"
}
