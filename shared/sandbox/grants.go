package sandbox

import (
	"slices"
	"time"
)

// Grant is what an account's owner gave to the client and has not taken back.
type Grant struct {
	ID      string
	Account string // e-mail
	Scopes  []string
	Offline bool // it has a refresh token
	Created time.Time
}

// Grants lists an account's grants, oldest first.
func (s *Sandbox) Grants(email string) []Grant {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Grant
	for _, g := range s.state.Grants {
		if g.Account == email {
			out = append(out, Grant{g.ID, g.Account, slices.Clone(g.Scopes), g.Offline, g.Created})
		}
	}
	slices.SortFunc(out, func(a, b Grant) int { return a.Created.Compare(b.Created) })
	return out
}

// RevokeGrants ends an account's grants as its owner does in the account's
// settings at Google, and returns how many there were.
func (s *Sandbox) RevokeGrants(email string) (ended int, err error) {
	err = s.change(func(st *state) error {
		ended = st.endAccount(email)
		return nil
	})
	return ended, err
}

// ExpireAccessTokens makes an account's access tokens expire at once; of all
// accounts if the e-mail is empty. Refresh tokens go on.
func (s *Sandbox) ExpireAccessTokens(email string) error {
	return s.change(func(st *state) error {
		for _, t := range st.AccessTokens {
			if g := st.Grants[t.Grant]; email == "" || g != nil && g.Account == email {
				t.Expires = s.now()
			}
		}
		return nil
	})
}

// Accepts reports whether the token endpoint would take a refresh token now.
func (s *Sandbox) Accepts(refreshToken string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.Grants[s.state.RefreshTokens[refreshToken]] != nil
}
