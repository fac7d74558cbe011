package whatsapp

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/citasync/citasync/shared/booking"
)

// callback names what a message is about. It goes with the message and comes
// back with each receipt, so that these find their booking without an index.
type callback struct {
	Installation string
	Company      booking.CompanyID
	Booking      booking.ID
	Kind         booking.Kind
	Revision     int64
}

// callbackForm begins every one, and changes with what follows.
const callbackForm = "c1"

// errForeign: the message was not sent by this installation, or not about a
// booking.
var errForeign = errors.New("not a message of this installation about a booking")

// String is at most 385 characters for ids of 128 bytes, of the 512 that the
// API takes.
func (c callback) String() string {
	return strings.Join([]string{
		callbackForm, mark(c.Installation), encode([]byte(c.Company)), encode([]byte(c.Booking)),
		string(c.Kind), strconv.FormatInt(c.Revision, 10),
	}, ".")
}

// mark is enough of an installation's name to tell two of them apart.
func mark(installation string) string {
	sum := sha256.Sum256([]byte("installation\x00" + installation))
	return encode(sum[:6])
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func decode(s string) (string, error) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	return string(b), err
}

// parseCallback reads what String wrote for the same installation.
func parseCallback(s, installation string) (callback, error) {
	parts := strings.Split(s, ".")
	if len(parts) != 6 || parts[0] != callbackForm || parts[1] != mark(installation) {
		return callback{}, errForeign
	}
	company, err := decode(parts[2])
	if err != nil {
		return callback{}, fmt.Errorf("company: %w", err)
	}
	id, err := decode(parts[3])
	if err != nil {
		return callback{}, fmt.Errorf("booking: %w", err)
	}
	kind, err := booking.ParseKind("booking." + parts[4])
	if err != nil {
		return callback{}, err
	}
	revision, err := strconv.ParseInt(parts[5], 10, 64)
	if err != nil {
		return callback{}, fmt.Errorf("revision: %w", err)
	}
	return callback{installation, booking.CompanyID(company), booking.ID(id), kind, revision}, nil
}
