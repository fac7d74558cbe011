package secretmanager

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/citasync/citasync/shared/booking"
)

const (
	// prefix begins the id of every secret. Access is granted by it.
	prefix = "google-refresh-token-"

	maxSecretID = 255 // characters, by Secret Manager's reference
)

// secretID is the id of the company's secret.
func secretID(company booking.CompanyID) string {
	var b strings.Builder
	b.WriteString(prefix)
	for _, c := range []byte(company) {
		if 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "_%02x", c)
		}
	}
	if b.Len() <= maxSecretID {
		return b.String()
	}
	sum := sha256.Sum256([]byte(company))
	return prefix + "__" + hex.EncodeToString(sum[:])
}

// labelValue is what a label may say, in letters that everything takes that
// shows labels.
var labelValue = regexp.MustCompile(`^[a-z0-9_-]{1,63}$`)

// labels are those of the company's secret. An id that can't be a label is
// left out: operators find its secret by the name.
func labels(company booking.CompanyID) map[string]string {
	l := map[string]string{"app": "citasync"}
	if labelValue.MatchString(string(company)) {
		l["company"] = string(company)
	}
	return l
}

// version is the name of a version: its number, and the beginning of a hash of
// its value, by which it differs from the version that has its number in a
// secret of the same name that was created later.
type version struct {
	number int64
	sum    string
}

func newVersion(number int64, value []byte) version {
	sum := sha256.Sum256(value)
	return version{number, hex.EncodeToString(sum[:5])}
}

func (v version) String() string { return strconv.FormatInt(v.number, 10) + "-" + v.sum }

// of reports whether the value is the version's.
func (v version) of(value []byte) bool { return newVersion(v.number, value) == v }

// parseVersion reads a version's name. What is none is the zero version.
func parseVersion(s string) version {
	n, sum, _ := strings.Cut(s, "-")
	v := version{number(n), sum}
	if v.number == 0 || !versionSum.MatchString(sum) {
		return version{}
	}
	return v
}

var versionSum = regexp.MustCompile(`^[0-9a-f]{10}$`)

// number reads a version's number as Secret Manager writes it, and returns 0
// for what is none.
func number(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 1 || strconv.FormatInt(n, 10) != s {
		return 0
	}
	return n
}
