package phone

import "testing"

func TestE164(t *testing.T) {
	for _, tc := range []struct{ number, country, want string }{
		{"+57 300 111 2233", "", "+573001112233"},
		{"300 111 2233", "CO", "+573001112233"},
		{"(300) 111-2233", "CO", "+573001112233"},
		{"+34 612 34 56 78", "CO", "+34612345678"},
		{"612345678", "ES", "+34612345678"},
		{"011 15-2345-6789", "AR", "+5491123456789"},
		{"300 111 2233", "", ""},
		{"300 111 2233", "ES", ""},
		{"12", "CO", ""},
		{"Ana", "CO", ""},
		{"", "CO", ""},
		{"300 111 2233", "no country", ""},
	} {
		got, ok := E164(tc.number, tc.country)
		if got != tc.want || ok != (tc.want != "") {
			t.Errorf("%q of %q: %q, %t; want %q", tc.number, tc.country, got, ok, tc.want)
		}
	}
}
