package firestore

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

// root is the parent of the collections at the top.
func (s *Store) root() string { return s.database + "/documents" }

// top is the resource name of a document in a collection at the top.
func (s *Store) top(collection, id string) string {
	return s.root() + "/" + collection + "/" + escape(id)
}

func (s *Store) companyName(company booking.CompanyID) string {
	return s.top(companies, string(company))
}

func (s *Store) bookingName(company booking.CompanyID, id booking.ID) string {
	return below(s.companyName(company), bookings, string(id))
}

func (s *Store) connectionName(company booking.CompanyID, id integration.ID) string {
	return below(s.companyName(company), connections, string(id))
}

// below is the resource name of a document in a collection of another's.
func below(parent, collection, id string) string {
	return parent + "/" + collection + "/" + escape(id)
}

// key reads a booking's or connection's ids from its resource name.
func (s *Store) key(name string) (company booking.CompanyID, id string, err error) {
	path, ok := strings.CutPrefix(name, s.root()+"/")
	parts := strings.Split(path, "/")
	if !ok || len(parts) != 4 || parts[0] != companies {
		return "", "", fmt.Errorf("document %q is not a company's", name)
	}
	c, ok1 := unescape(parts[1])
	id, ok2 := unescape(parts[3])
	if !ok1 || !ok2 {
		return "", "", fmt.Errorf("document %q: malformed id", name)
	}
	return booking.CompanyID(c), id, nil
}

func (s *Store) bookingKey(name string) (store.Key, error) {
	company, id, err := s.key(name)
	return store.Key{Company: company, Booking: booking.ID(id)}, err
}

// escape makes a document's id of any text of up to 500 bytes. Firestore takes
// UTF-8 without a slash, but for ".", ".." and what begins and ends with two
// underscores (its page "Quotas and limits").
func escape(id string) string {
	if id == "." || id == ".." || strings.HasPrefix(id, "__") {
		return escapeByte(id[0]) + escapeRunes(id[1:])
	}
	return escapeRunes(id)
}

func escapeRunes(s string) string {
	if utf8.ValidString(s) && !strings.ContainsFunc(s, reserved) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if reserved(r) || r == utf8.RuneError && size == 1 {
			b.WriteString(escapeByte(s[i]))
		} else {
			b.WriteString(s[i : i+size])
		}
		i += size
	}
	return b.String()
}

func reserved(r rune) bool { return r == '/' || r == '%' || r < ' ' || r == '\x7f' }

func escapeByte(c byte) string { return fmt.Sprintf("%%%02X", c) }

// unescape reverses escape.
func unescape(s string) (id string, ok bool) {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, "%")
		b.WriteString(before)
		if !found {
			return b.String(), true
		}
		if len(after) < 2 {
			return "", false
		}
		c, err := strconv.ParseUint(after[:2], 16, 8)
		if err != nil {
			return "", false
		}
		b.WriteByte(byte(c))
		s = after[2:]
	}
}
