package sandbox

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"math/big"
	"slices"
)

// Account is a Google account.
type Account struct {
	Email    string `json:"email"`
	Name     string `json:"name"`
	Subject  string `json:"subject"`   // Google's stable id: 21 digits; empty: derived from the e-mail
	TimeZone string `json:"time_zone"` // IANA
}

// Calendar is one of an account's calendars.
type Calendar struct {
	ID         string `json:"id"` // empty: derived from account and summary
	Summary    string `json:"summary"`
	TimeZone   string `json:"time_zone"`   // empty: the account's
	AccessRole string `json:"access_role"` // owner, writer, reader, freeBusyReader; empty: owner
	Primary    bool   `json:"primary"`     // known by its account's e-mail, and as "primary"
}

// roles are the access roles, each with the rights of those before it.
func roles() []string { return []string{"freeBusyReader", "reader", "writer", "owner"} }

func (c Calendar) writable() bool { return c.AccessRole == "owner" || c.AccessRole == "writer" }

// addDefaultAccounts gives a new sandbox accounts to choose from.
func (s *Sandbox) addDefaultAccounts() error {
	if len(s.state.Accounts) > 0 {
		return nil
	}
	for _, a := range []Account{
		{Email: "ana@example.com", Name: "Ana Ruiz", TimeZone: "Europe/Madrid"},
		{Email: "luis@example.com", Name: "Luis Gómez", TimeZone: "America/Bogota"},
		{Email: "salon@example.com", Name: "Peluquería Sol", TimeZone: "Europe/Madrid"},
	} {
		if err := s.AddAccount(a); err != nil {
			return err
		}
	}
	return nil
}

// AddAccount adds an account with its primary calendar, one called "Equipo",
// and one that it may only read. Their ids have odd characters, as Google's
// do.
func (s *Sandbox) AddAccount(a Account) error {
	if _, err := s.zones.load(a.TimeZone); err != nil {
		return fmt.Errorf("adding an account: %w", err)
	}
	if a.Subject == "" {
		a.Subject = subjectOf(a.Email)
	}
	return s.change(func(st *state) error {
		if st.Accounts[a.Email] != nil {
			return fmt.Errorf("account %s exists", a.Subject)
		}
		acc := &account{Account: a}
		acc.add(Calendar{ID: a.Email, Summary: a.Name, Primary: true})
		acc.add(Calendar{Summary: "Equipo"})
		acc.add(Calendar{ID: "es.spain#holiday@group.v.calendar.google.com", Summary: "Festivos en España", AccessRole: "reader"})
		st.Accounts[a.Email] = acc
		return nil
	})
}

// add fills in what the calendar leaves open and adds it.
func (a *account) add(c Calendar) {
	if c.ID == "" {
		sum := sha256.Sum256([]byte(a.Email + "\x00" + c.Summary))
		c.ID = "c_" + hex.EncodeToString(sum[:16]) + "@group.calendar.google.com"
	}
	c.TimeZone = orDefault(c.TimeZone, a.TimeZone)
	c.AccessRole = orDefault(c.AccessRole, "owner")
	a.Calendars = append(a.Calendars, &calendar{Calendar: c, Events: make(map[string]*storedEvent)})
}

// subjectOf derives an account's stable id: 21 digits, as Google's have.
func subjectOf(email string) string {
	sum := sha256.Sum256([]byte(email))
	limit := new(big.Int).Exp(big.NewInt(10), big.NewInt(20), nil)
	return fmt.Sprintf("1%020d", new(big.Int).Mod(new(big.Int).SetBytes(sum[:]), limit))
}

// Accounts lists the accounts by e-mail.
func (s *Sandbox) Accounts() []Account {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Account, 0, len(s.state.Accounts))
	for _, email := range slices.Sorted(maps.Keys(s.state.Accounts)) {
		out = append(out, s.state.Accounts[email].Account)
	}
	return out
}

// Calendars lists an account's calendars, the primary one first; nil if there
// is no such account.
func (s *Sandbox) Calendars(email string) []Calendar {
	s.mu.Lock()
	defer s.mu.Unlock()
	acc := s.state.Accounts[email]
	if acc == nil {
		return nil
	}
	out := make([]Calendar, 0, len(acc.Calendars))
	for _, c := range acc.Calendars {
		out = append(out, c.Calendar)
	}
	return out
}

// AddCalendar adds a calendar to an account and returns it with what the
// sandbox filled in.
func (s *Sandbox) AddCalendar(email string, c Calendar) (Calendar, error) {
	err := s.change(func(st *state) error {
		acc := st.Accounts[email]
		if acc == nil {
			return errNoAccount
		}
		acc.add(c)
		c = acc.Calendars[len(acc.Calendars)-1].Calendar
		return nil
	})
	return c, err
}

// DeleteCalendar deletes a calendar with its events, as its owner would at
// Google. From then on everything about it answers 404.
func (s *Sandbox) DeleteCalendar(email, id string) error {
	return s.change(func(st *state) error {
		cal, err := st.calendar(email, id)
		if err != nil {
			return err
		}
		acc := st.Accounts[email]
		acc.Calendars = slices.DeleteFunc(acc.Calendars, func(c *calendar) bool { return c == cal })
		return nil
	})
}

// SetAccessRole changes what the account may do in a calendar.
func (s *Sandbox) SetAccessRole(email, id, role string) error {
	if !slices.Contains(roles(), role) {
		return fmt.Errorf("unknown access role %q", role)
	}
	return s.change(func(st *state) error {
		cal, err := st.calendar(email, id)
		if err == nil {
			cal.AccessRole = role
		}
		return err
	})
}
