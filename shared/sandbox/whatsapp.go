package sandbox

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// The WhatsApp sender that the sandbox knows unless Options name another. The
// ids are those of Meta's own examples.
const (
	DefaultWhatsAppToken         = "EAA-sandbox-not-a-secret" //nolint:gosec // opens nothing but a sandbox
	DefaultWhatsAppPhoneNumberID = "106540352242922"
	DefaultWhatsAppAppSecret     = "sandbox-app-not-a-secret" //nolint:gosec // likewise
	DefaultWhatsAppVerifyToken   = "sandbox-verify-not-a-secret"
)

// The business to which the sender belongs, as webhooks name it. Its number is
// one of Meta's test numbers, in the United States.
const (
	businessAccountID   = "102290129340398"
	businessPhone       = "15550783881"
	businessCallingCode = "1"
)

// WhatsApp says which sender the sandbox's WhatsApp Cloud API has, and where it
// tells what became of messages. The zero value is the default sender, which
// tells nobody.
type WhatsApp struct {
	Token         string       // the bearer token; empty: DefaultWhatsAppToken
	PhoneNumberID string       // empty: DefaultWhatsAppPhoneNumberID
	AppSecret     string       // signs webhooks; empty: DefaultWhatsAppAppSecret
	VerifyToken   string       // of the verification handshake; empty: DefaultWhatsAppVerifyToken
	CallbackURL   string       // where webhooks are posted; empty: nowhere
	Client        *http.Client // posts them; nil: one that waits 10 seconds at most
}

// whatsapp is the WhatsApp Cloud API.
type whatsapp struct {
	WhatsApp
	sandbox   *Sandbox
	limits    limits
	jobs      *background
	handshake chan struct{} // has room for whoever shakes hands

	// guarded by the sandbox's mu
	behaviour    WhatsAppBehaviour
	verification Verification
}

func newWhatsApp(s *Sandbox, o WhatsApp) (*whatsapp, error) {
	o.Token = orDefault(o.Token, DefaultWhatsAppToken)
	o.PhoneNumberID = orDefault(o.PhoneNumberID, DefaultWhatsAppPhoneNumberID)
	o.AppSecret = orDefault(o.AppSecret, DefaultWhatsAppAppSecret)
	o.VerifyToken = orDefault(o.VerifyToken, DefaultWhatsAppVerifyToken)
	if o.CallbackURL != "" && !absolute(o.CallbackURL) {
		return nil, fmt.Errorf("%q is no address", o.CallbackURL)
	}
	if o.Client == nil {
		o.Client = &http.Client{Timeout: 10 * time.Second}
	}
	return &whatsapp{WhatsApp: o, sandbox: s, jobs: newBackground(), handshake: make(chan struct{}, 1)}, nil
}

// OpWhatsAppSend is the sending of a message, as faults and the log of requests
// name it. Whatever else is asked of the Graph API is "whatsapp.unsupported"
// there.
const OpWhatsAppSend = "whatsapp.send"

var (
	graphPath    = regexp.MustCompile(`^/v\d+\.\d+/`)
	graphVersion = regexp.MustCompile(`^v([2-9]\d|\d{3,})\.\d+$`)
)

// before serves the Graph API's paths and leaves the others to next.
func (w *whatsapp) before(next http.Handler) http.Handler {
	graph := http.NewServeMux()
	graph.Handle("POST /{version}/{sender}/messages", w.sandbox.serve(endpoint{
		name: OpWhatsAppSend, prepare: w.identify, perform: w.send, failure: graphFault,
	}))
	graph.Handle("/{version}/{sender}/", w.sandbox.serve(endpoint{
		name: "whatsapp.unsupported", prepare: w.identify, perform: unsupported, failure: graphFault,
	}))
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if graphPath.MatchString(r.URL.Path) {
			graph.ServeHTTP(rw, r)
			return
		}
		next.ServeHTTP(rw, r)
	})
}

func unsupported(c *call) (any, error) { return nil, unsupportedObject(c.sender) }

func (w *whatsapp) route(mux *http.ServeMux) {
	w.routeControl(mux)
	w.routePages(mux)
}

// identify finds out who calls, and for the log and the faults what is asked:
// whether that makes sense is looked at later.
func (w *whatsapp) identify(c *call) error {
	var asked sendRequest
	if c.decode(&asked) == nil {
		c.recipient, c.template, c.language = asked.To, asked.template().Name, asked.template().Language.Code
	}
	if !graphVersion.MatchString(c.version) {
		return graphErr(100, "The sandbox speaks v20.0 of the Graph API and whatever came after it.")
	}
	if c.bearer != w.Token {
		return graphErr(190, "")
	}
	return nil
}

// Close ends the telling of what became of messages and returns when nothing
// runs any more. What was not told stays in the state: a sandbox that is made
// from it later goes on telling. Calls are served as before, but tell nothing.
func (s *Sandbox) Close() { s.whatsapp.jobs.close() }

// Wait returns when every status that was due or planned until then has been
// told or given up.
func (s *Sandbox) Wait() { s.whatsapp.jobs.wait() }

// digits leaves of a phone number only those.
func digits(phone string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, phone)
}
