package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// state is all that a sandbox remembers, in the form in which it is kept.
type state struct {
	Accounts      map[string]*account     `json:"accounts"` // by e-mail
	Grants        map[string]*grant       `json:"grants"`   // by id
	Codes         map[string]*authCode    `json:"codes"`
	AccessTokens  map[string]*accessToken `json:"access_tokens"`
	RefreshTokens map[string]string       `json:"refresh_tokens"` // to the grant's id
	LastETag      int64                   `json:"last_etag"`
	Demo          demoState               `json:"demo"`
	WhatsApp      whatsappState           `json:"whatsapp"`
}

// account is a Google account.
type account struct {
	Account
	Calendars []*calendar `json:"calendars"` // the primary one first
}

// calendar is one of an account's calendars. Its events are never forgotten:
// a deleted one stays, cancelled.
type calendar struct {
	Calendar
	Order  []string                `json:"order"` // ids in order of insertion
	Events map[string]*storedEvent `json:"events"`
}

// storedEvent is an event with its hours as instants.
type storedEvent struct {
	Event
	StartsAt time.Time `json:"starts_at"`
	EndsAt   time.Time `json:"ends_at"`
}

// grant is what one consent gave to the client.
type grant struct {
	ID      string    `json:"id"`
	Account string    `json:"account"`
	Scopes  []string  `json:"scopes"`
	Nonce   string    `json:"nonce,omitempty"`
	Offline bool      `json:"offline"` // it has a refresh token
	Created time.Time `json:"created"`
}

type authCode struct {
	Account     string    `json:"account"`
	Scopes      []string  `json:"scopes"`
	RedirectURI string    `json:"redirect_uri"`
	Challenge   string    `json:"challenge,omitempty"`
	Nonce       string    `json:"nonce,omitempty"`
	Offline     bool      `json:"offline"`
	Consent     bool      `json:"consent"`
	Expires     time.Time `json:"expires"`
	Used        bool      `json:"used"`
}

type accessToken struct {
	Grant   string    `json:"grant"`
	Expires time.Time `json:"expires"`
}

func newState() *state {
	return &state{
		Accounts:      make(map[string]*account),
		Grants:        make(map[string]*grant),
		Codes:         make(map[string]*authCode),
		AccessTokens:  make(map[string]*accessToken),
		RefreshTokens: make(map[string]string),
	}
}

// stateFile is where state is kept. Writers that come while one is writing
// share the next write, so that many at once cost two writes and not many.
type stateFile struct {
	dir string // empty: nowhere

	mu    sync.Mutex
	saved uint64 // version; guarded by mu
}

const stateFileName = "sandbox.json"

func loadState(dir string) (*state, error) {
	st := newState()
	if dir == "" {
		return st, nil
	}
	data, err := os.ReadFile(filepath.Join(dir, stateFileName)) //nolint:gosec // the operator's own directory
	if errors.Is(err, fs.ErrNotExist) {
		return st, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the sandbox's state: %w", err)
	}
	if err := json.Unmarshal(data, st); err != nil {
		return nil, fmt.Errorf("decoding %s: %w", filepath.Join(dir, stateFileName), err)
	}
	return st, nil
}

// save returns once the state is on disk at that version or a later one.
func (s *Sandbox) save(version uint64) error {
	if s.file.dir == "" {
		return nil
	}
	s.file.mu.Lock()
	defer s.file.mu.Unlock()
	if s.file.saved >= version {
		return nil
	}
	s.mu.Lock()
	data, err := json.Marshal(s.state)
	version = s.version
	s.mu.Unlock()
	if err != nil {
		return fmt.Errorf("encoding the sandbox's state: %w", err)
	}
	if err := writeAtomically(s.file.dir, stateFileName, data); err != nil {
		return fmt.Errorf("saving the sandbox's state: %w", err)
	}
	s.file.saved = version
	return nil
}

// writeAtomically replaces a file, readable by its owner only, so that a crash
// leaves the old or the new content.
func writeAtomically(dir, name string, data []byte) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, name+".*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(dir, name))
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
