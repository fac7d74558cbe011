package sandbox

import (
	"fmt"
	"net/http"
	"sync"
	"time"
)

// The OAuth client that the sandbox knows unless Options name another.
const (
	DefaultClientID     = "citasync-sandbox.apps.googleusercontent.com"
	DefaultClientSecret = "GOCSPX-sandbox-not-a-secret" //nolint:gosec // opens nothing but a sandbox
)

// Options say what a sandbox is to be. The zero value is one in memory with
// the default client, accounts and behaviour.
type Options struct {
	Dir          string           // where sandbox.json is kept across restarts; empty: in memory only
	Now          func() time.Time // nil: time.Now
	ClientID     string           // empty: DefaultClientID
	ClientSecret string           // empty: DefaultClientSecret
	URL          string           // the address at which browsers see the sandbox; empty: as each request was addressed
	Behaviour    Behaviour
	Demo         *Demo // nil: no demo
	WhatsApp     WhatsApp
}

// Sandbox is the stand-in. Its methods may be called from several goroutines.
type Sandbox struct {
	now          func() time.Time
	clientID     string
	clientSecret string
	url          string
	demo         *demo // nil: none
	whatsapp     *whatsapp
	handler      http.Handler

	log    requestLog
	faults faultSet
	quotas quotas
	zones  zoneCache
	file   stateFile

	mu        sync.Mutex
	state     *state // guarded by mu
	behaviour Behaviour
	version   uint64 // raised with every change of state
}

// New returns a sandbox, with the state that an earlier one left in the
// directory, if there is any.
func New(o Options) (*Sandbox, error) {
	st, err := loadState(o.Dir)
	if err != nil {
		return nil, err
	}
	s := &Sandbox{
		now:          o.Now,
		clientID:     orDefault(o.ClientID, DefaultClientID),
		clientSecret: orDefault(o.ClientSecret, DefaultClientSecret),
		url:          o.URL,
		file:         stateFile{dir: o.Dir},
		state:        st,
		behaviour:    o.Behaviour,
	}
	if s.now == nil {
		s.now = time.Now
	}
	if err := s.addDefaultAccounts(); err != nil {
		return nil, err
	}
	if o.Demo != nil {
		if s.demo, err = newDemo(s, *o.Demo); err != nil {
			return nil, fmt.Errorf("demo: %w", err)
		}
	}
	if s.whatsapp, err = newWhatsApp(s, o.WhatsApp); err != nil {
		return nil, fmt.Errorf("whatsapp: %w", err)
	}
	s.handler = s.routes()
	s.whatsapp.resume()
	return s, nil
}

// Handler serves everything that the package documentation lists.
func (s *Sandbox) Handler() http.Handler { return s.handler }

func (s *Sandbox) routes() http.Handler {
	mux := http.NewServeMux()
	s.routeOAuth(mux)
	s.routeCalendar(mux)
	s.routeControl(mux)
	s.routePages(mux)
	s.whatsapp.route(mux)
	if s.demo != nil {
		s.demo.route(mux)
	}
	// Another site must not press the buttons of a developer's sandbox.
	return s.whatsapp.before(http.NewCrossOriginProtection().Handler(mux))
}

// change runs f under the lock and, if it succeeds, saves what it changed.
func (s *Sandbox) change(f func(*state) error) error {
	s.mu.Lock()
	err := f(s.state)
	if err == nil {
		s.version++
	}
	version := s.version
	s.mu.Unlock()
	if err != nil {
		return err
	}
	return s.save(version)
}

// read runs f under the lock.
func (s *Sandbox) read(f func(*state) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return f(s.state)
}

func orDefault(v, fallback string) string {
	if v == "" {
		return fallback
	}
	return v
}
