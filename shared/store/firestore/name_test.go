package firestore

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/store"
)

func TestEscape(t *testing.T) {
	for _, tt := range []struct{ id, want string }{
		{"2", "2"},
		{"salon-sol_3", "salon-sol_3"},
		{"Peluquería Ñandú 日本", "Peluquería Ñandú 日本"},
		{"a.b", "a.b"},
		{"...", "..."},
		{"_a_", "_a_"},
		{"a/b", "a%2Fb"},
		{"a%2Fb", "a%252Fb"},
		{".", "%2E"},
		{"..", "%2E."},
		{"__a__", "%5F_a__"},
		{"a\x00\n\x7f", "a%00%0A%7F"},
		{"a\xff\ufffd", "a%FF\ufffd"},
	} {
		if got := escape(tt.id); got != tt.want {
			t.Errorf("escape(%q) = %q, want %q", tt.id, got, tt.want)
		}
	}
}

// FuzzEscape checks what the names of documents rest on: whatever the id,
// Firestore takes it, it comes back, and so no two ids meet.
func FuzzEscape(f *testing.F) {
	for _, s := range []string{"2", "a/b", "%", "%%", "%2F", ".", "..", "...", "__", "__x__", "ñ", "\xff", "\x00", "\ufffd"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, id string) {
		got := escape(id)
		if back, ok := unescape(got); !ok || back != id {
			t.Errorf("%q comes back as %q, %t", id, back, ok)
		}
		if id == "" {
			return // no id is empty
		}
		if !utf8.ValidString(got) || strings.Contains(got, "/") || got == "." || got == ".." || strings.HasPrefix(got, "__") {
			t.Errorf("Firestore does not take %q, made of %q", got, id)
		}
		if len(got) > 3*len(id) {
			t.Errorf("%q is longer than three times %q", got, id)
		}
	})
}

// FuzzUnescape reads what nobody wrote.
func FuzzUnescape(f *testing.F) {
	for _, s := range []string{"", "2", "%", "%2", "%2F", "%zz", "%+1", "a%2fb%"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if id, ok := unescape(s); ok && strings.Count(s, "%") == 0 && id != s {
			t.Errorf("%q is read as %q", s, id)
		}
	})
}

func TestKey(t *testing.T) {
	s := &Store{database: "projects/p/databases/(default)"}
	for _, want := range []store.Key{
		{Company: "2", Booking: "981"}, {Company: "a/b", Booking: "c/d"}, {Company: ".", Booking: "__x__"}, {Company: "%", Booking: "%2F"},
	} {
		got, err := s.bookingKey(s.bookingName(want.Company, want.Booking))
		if err != nil || got != want {
			t.Errorf("key %+v, error %v, want %+v", got, err, want)
		}
	}
	for _, name := range []string{
		"", s.companyName("2"), s.top(oauthStates, "x"), s.root() + "/others/2/bookings/981", s.root() + "/companies/2/bookings/%2",
		s.root() + "/companies/%zz/bookings/981", "projects/q/databases/(default)/documents/companies/2/bookings/981",
	} {
		if key, err := s.bookingKey(name); err == nil {
			t.Errorf("%q is read as %+v", name, key)
		}
	}
	if a, b := s.bookingName("a/bookings/b", "c"), s.bookingName("a", "b/bookings/c"); a == b {
		t.Errorf("two bookings have the name %q", a)
	}
	if got := s.connectionName(booking.CompanyID("2"), "whatsapp"); got != s.root()+"/companies/2/connections/whatsapp" {
		t.Errorf("a connection is called %q", got)
	}
}
