package booking

import (
	"bytes"
	"cmp"
	"time"
)

// Newer reports whether the event says something newer of its booking than
// what is recorded: the time, kind and content of the newest event so far.
//
// The later platform time wins. At the same time, a deletion wins over a
// confirmation and that over a reservation; then the greater canonical JSON
// does, so that all readers settle on the same content, whatever the order of
// arrival. Deletions at the same time are equal. What is equal is not newer.
func (e Event) Newer(at time.Time, kind Kind, recorded Booking) bool {
	order := cmp.Or(e.At.Compare(at), cmp.Compare(e.Kind.rank(), kind.rank()))
	if order == 0 && kind != Deleted {
		order = bytes.Compare(Canonical(e.Booking), Canonical(recorded))
	}
	return order > 0
}
