// Package phone reads phone numbers as people write them. The tables that it
// takes cost a program some milliseconds when it starts.
package phone

import "github.com/nyaruka/phonenumbers"

// E164 returns a number in the form of ITU-T's recommendation E.164, such as
// "+573001112233". One without a country's code is of the country, ISO 3166-1
// alpha-2, which may be empty. It reports whether there is such a number.
func E164(number, country string) (string, bool) {
	n, err := phonenumbers.Parse(number, country)
	if err != nil || !phonenumbers.IsValidNumber(n) {
		return "", false
	}
	return phonenumbers.Format(n, phonenumbers.E164), true
}
