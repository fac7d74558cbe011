package store

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
)

// MaxNameKey is how many bytes of a name count when it is looked for.
const MaxNameKey = 256

// NameKey is the form by which customers' names are found and ordered: in
// lower case, without diacritics and what can't be seen, with one space where
// there was any white space and none around. It is the same for a name that is
// stored and for the beginning of one that is asked for; NameKey of a NameKey
// is itself. It is cut to [MaxNameKey] bytes, and is valid UTF-8.
//
// A letter that is not another one with a mark, as ø or ß, stays what it is.
func NameKey(name string) string {
	words := strings.Fields(folded(name))
	key := strings.Join(words, " ")
	if len(key) <= MaxNameKey {
		return key
	}
	end := MaxNameKey
	for !utf8.RuneStart(key[end]) {
		end--
	}
	return strings.TrimSuffix(key[:end], " ")
}

// folded is NameKey but for the white space.
func folded(s string) string {
	if isASCII(s) {
		return strings.ToLower(s)
	}
	var b strings.Builder
	for _, r := range norm.NFKD.String(strings.Map(valid, s)) {
		// What remains has no combining class, so that nothing is reordered
		// if it is decomposed again.
		if unicode.In(r, unicode.Mn, unicode.Cf) || norm.NFKD.PropertiesString(string(r)).CCC() != 0 {
			continue
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// valid maps each byte that is not UTF-8 to U+FFFD, as encoding/json does.
func valid(r rune) rune { return r }

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// indexed are the integrations by whose deliveries bookings are found.
func indexed() [2]integration.ID {
	return [...]integration.ID{integration.GoogleCalendar, integration.WhatsApp}
}

// Gone is what a filter calls the status of a delivery that is done, though what
// was written was taken away by hand: such a booking is not found as done.
const Gone integration.DeliveryStatus = "gone"

// ParseStatus reads a status as a filter may ask for it.
func ParseStatus(s string) (integration.DeliveryStatus, error) {
	if s == string(Gone) {
		return Gone, nil
	}
	return integration.ParseDeliveryStatus(s)
}

// StatusOf is the status under which a delivery with a detail is found; a
// booking without a delivery counts as [integration.Skipped].
func StatusOf(status integration.DeliveryStatus, detail string) integration.DeliveryStatus {
	switch {
	case status == "":
		return integration.Skipped
	case status == integration.Done && detail == integration.DetailGone:
		return Gone
	}
	return status
}

// Marks lists what a booking's record is found by, so that each combination of
// a state and a delivery's status is one mark, as [Filter.Mark] returns it: one
// for the state and two for each integration. Status is asked for each
// integration that there is; see [StatusOf].
func Marks(state booking.Kind, status func(integration.ID) integration.DeliveryStatus) []string {
	marks := []string{mark(state, "", "")}
	for _, id := range indexed() {
		st := status(id)
		marks = append(marks, mark("", id, st), mark(state, id, st))
	}
	return marks
}

// Mark is what the filter's State and Status come to, of the marks that
// [Marks] lists; empty: neither is set.
func (f Filter) Mark() string { return mark(f.State, f.Integration, f.Status) }

func mark(state booking.Kind, id integration.ID, status integration.DeliveryStatus) string {
	switch {
	case id == "":
		return string(state)
	case state == "":
		return string(id) + ":" + string(status)
	}
	return string(state) + ":" + string(id) + ":" + string(status)
}

// Starts returns From and Until in whole microseconds, as bookings' starts
// are; zero where there is no such limit.
func (f Filter) Starts() (from, until time.Time) { return ceil(f.From), ceil(f.Until) }

func ceil(t time.Time) time.Time {
	if cut := t.Truncate(time.Microsecond); cut.Before(t) {
		return cut.Add(time.Microsecond)
	}
	return t
}

func (f Filter) isZero() bool {
	return f.Mark() == "" && f.Status == "" && f.From.IsZero() && f.Until.IsZero() && f.Phone == "" && f.Name == ""
}

// Tag tells a filter's cursors from those of another one, and from the zero
// filter's, whose tag is empty. It is too short to say what was asked for.
func (f Filter) Tag() string {
	if f.isZero() {
		return ""
	}
	from, until := f.Starts()
	h := sha256.New()
	for _, s := range []string{f.Mark(), micros(from), micros(until), f.Phone, NameKey(f.Name)} {
		_, _ = fmt.Fprintf(h, "%d %s", len(s), s) // a hash takes everything
	}
	return hex.EncodeToString(h.Sum(nil)[:2])
}

func micros(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return strconv.FormatInt(t.UnixMicro(), 10)
}

// Check reports a query that no backend answers.
func (q Query) Check() error {
	n := 0
	for _, set := range []bool{!q.EndsAfter.IsZero(), q.Waiting != "", !q.Filter.isZero()} {
		if set {
			n++
		}
	}
	if n > 1 {
		return errors.New("a query has one of EndsAfter, Waiting and Filter")
	}
	return q.Filter.check()
}

func (f Filter) check() error {
	var errs []error
	if f.State != "" {
		_, err := booking.ParseKind(f.State.EventType())
		errs = append(errs, err)
	}
	if f.Integration != "" || f.Status != "" {
		_, err1 := integration.ParseID(string(f.Integration))
		_, err2 := ParseStatus(string(f.Status))
		errs = append(errs, err1, err2)
	}
	for _, t := range []time.Time{f.From, f.Until} {
		if y := t.UTC().Year(); y < 1 || y > 9999 {
			errs = append(errs, fmt.Errorf("no start is in the year %d", y))
		}
	}
	return errors.Join(append(errs, f.checkCustomer())...)
}

// checkCustomer says nothing of what was asked for.
func (f Filter) checkCustomer() error {
	switch {
	case f.Phone != "" && f.Name != "":
		return errors.New("a filter has one of Phone and Name")
	case len(f.Phone) > booking.MaxPhone:
		return errors.New("no phone is so long")
	case f.Name != "" && NameKey(f.Name) == "":
		return errors.New("nothing is left of the name")
	}
	return nil
}
