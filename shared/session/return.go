package session

import (
	"net/url"
	"slices"
	"strings"
)

// AllowedReturn is the address as a session has it, if it is one that a link
// may lead back to: on an allowed origin, of at most 1000 bytes.
func (m *Manager) AllowedReturn(address string) (string, bool) {
	return returnURL(strings.TrimSpace(address), m.returnsTo)
}

// returnsTo reports whether links may lead back to the origin.
func (m *Manager) returnsTo(origin string) bool { return m.origins[origin] }

// Outcome is the address at the platform that is told how connecting the
// integration ended: the session's return_url, whose query says the integration
// and the result. It is empty unless the session was begun to connect that
// integration and has a return_url.
//
// Nothing of the address changes but these two: what else the query and the
// fragment say stays as it is written. Whatever the query said under the two
// names before, of an earlier turn, goes.
func (s Session) Outcome(integration, result string) string {
	if s.Connect == "" || s.Connect != integration || s.ReturnURL == "" {
		return ""
	}
	u, err := url.Parse(s.ReturnURL)
	if err != nil {
		return ""
	}
	query := pairsBut(u.RawQuery, "integration", "result")
	u.RawQuery = strings.Join(append(query, "integration="+url.QueryEscape(integration), "result="+url.QueryEscape(result)), "&")
	return u.String()
}

// pairsBut are the pairs of a query, as they are written, but for those of the
// names.
func pairsBut(query string, names ...string) []string {
	var kept []string
	for pair := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(pair, "=")
		if plain, err := url.QueryUnescape(name); err == nil {
			name = plain
		}
		if pair != "" && !slices.Contains(names, name) {
			kept = append(kept, pair)
		}
	}
	return kept
}
