package secretmanager

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/citasync/citasync/shared/booking"
)

func TestSecretID(t *testing.T) {
	for company, want := range map[booking.CompanyID]string{
		"2":                                    "2",
		"acme-7":                               "acme-7",
		"2f1d7c9e-0b1a-4c3d-8e5f-6a7b8c9d0e1f": "2f1d7c9e-0b1a-4c3d-8e5f-6a7b8c9d0e1f",
		"ACME":                                 "_41_43_4d_45",
		"a_b":                                  "a_5fb",
		"_5f":                                  "_5f5f",
		"__":                                   "_5f_5f",
		"ñ/../b":                               "_c3_b1_2f_2e_2e_2fb",
		booking.CompanyID(strings.Repeat("x", 128)):            strings.Repeat("x", 128),
		booking.CompanyID(strings.Repeat("X", 78)):             strings.Repeat("_58", 78),
		booking.CompanyID(strings.Repeat("X", 78) + "y"):       "__" + sum(strings.Repeat("X", 78)+"y"),
		booking.CompanyID(strings.Repeat("\U0001f98a", 128/4)): "__" + sum(strings.Repeat("\U0001f98a", 128/4)),
	} {
		if got := secretID(company); got != "google-refresh-token-"+want {
			t.Errorf("%q: %s, want …%s", company, got, want)
		}
	}
}

func sum(id string) string {
	s := sha256.Sum256([]byte(id))
	return hex.EncodeToString(s[:])
}

// decode reads back the id that a secret's id was made from; of the hashed
// ones ok is false.
func decode(t *testing.T, secretID string) (company string, ok bool) {
	t.Helper()
	rest, ok := strings.CutPrefix(secretID, prefix)
	if !ok {
		t.Fatalf("%s does not begin with %s", secretID, prefix)
	}
	if strings.HasPrefix(rest, "__") {
		return "", false
	}
	var b strings.Builder
	for rest != "" {
		if rest[0] != '_' {
			b.WriteByte(rest[0])
			rest = rest[1:]
			continue
		}
		if len(rest) < 3 {
			t.Fatalf("%s breaks off in the middle", secretID)
		}
		c, err := strconv.ParseUint(rest[1:3], 16, 8)
		if err != nil {
			t.Fatalf("%s: %v", secretID, err)
		}
		b.WriteByte(byte(c))
		rest = rest[3:]
	}
	return b.String(), true
}

// FuzzSecretID checks that any id gives a valid name, from which the id can be
// read back unless it is hashed, and that two ids never share one, even where
// case makes no difference.
func FuzzSecretID(f *testing.F) {
	for _, s := range []string{"", "2", "a_b", "_", "__", "_5f", "ñ", "a/b", "../a", "\x00", "\xff", strings.Repeat("x", 234), strings.Repeat("x", 235)} {
		f.Add(s, strings.ToUpper(s))
		f.Add(s, secretID(booking.CompanyID(s)))
	}
	long := strings.Repeat("_", 128)
	f.Add(long, "__"+sum(long))
	valid := regexp.MustCompile(`^google-refresh-token-[a-z0-9_-]{0,234}$`)
	f.Fuzz(func(t *testing.T, a, b string) {
		idA, idB := secretID(booking.CompanyID(a)), secretID(booking.CompanyID(b))
		for company, id := range map[string]string{a: idA, b: idB} {
			if !valid.MatchString(id) {
				t.Errorf("%q gives %q", company, id)
			}
			if got, ok := decode(t, id); ok && got != company {
				t.Errorf("%q gives %q, which is that of %q", company, id, got)
			} else if !ok && len(company) <= 78 {
				t.Errorf("%q is hashed", company)
			}
		}
		if (a == b) != strings.EqualFold(idA, idB) {
			t.Errorf("%q gives %q, and %q gives %q", a, idA, b, idB)
		}
	})
}

func TestLabels(t *testing.T) {
	for company, want := range map[booking.CompanyID]map[string]string{
		"2":       {"app": "citasync", "company": "2"},
		"acme_-7": {"app": "citasync", "company": "acme_-7"},
		"ACME":    {"app": "citasync"},
		"a.b":     {"app": "citasync"},
		"ñ":       {"app": "citasync"},
		"2\n":     {"app": "citasync"},
		booking.CompanyID(strings.Repeat("x", 63)): {"app": "citasync", "company": strings.Repeat("x", 63)},
		booking.CompanyID(strings.Repeat("x", 64)): {"app": "citasync"},
	} {
		if diff := cmp.Diff(want, labels(company)); diff != "" {
			t.Errorf("%q, -want +got:\n%s", company, diff)
		}
	}
}

// FuzzNumber checks that a version's name is taken as a number only if it is
// the number's one way of being written.
func FuzzNumber(f *testing.F) {
	for _, s := range []string{"1", "0", "-1", "+1", "01", "1 ", "", "latest", "1_0", "9223372036854775807", "9223372036854775808", "1/versions/2"} {
		f.Add(s)
	}
	canonical := regexp.MustCompile(`^[1-9][0-9]{0,18}$`)
	f.Fuzz(func(t *testing.T, version string) {
		n := number(version)
		if n != 0 && !canonical.MatchString(version) {
			t.Errorf("%q was taken for %d", version, n)
		}
		if n == 0 && canonical.MatchString(version) && len(version) < 19 {
			t.Errorf("%q was not taken", version)
		}
	})
}
