package bolt

import (
	"slices"

	"go.etcd.io/bbolt"

	"github.com/citasync/citasync/shared/booking"
)

// buildBatch is how many records are indexed in one transaction.
const buildBatch = 1000

// What the bucket built has of an index: that it is complete, or the key of
// the last record that is in it.
const (
	buildDone  = 'd'
	buildAfter = 'a'
)

// youngIndexes are those that files of earlier versions lack.
func youngIndexes() []string { return []string{byMark, byPhone, byName} }

// build completes the young indexes of bookings, so many records a
// transaction. Interrupted, it goes on where it was.
func (s *Store) build(batch int) error {
	for more := true; more; {
		err := s.file.Update(func(t *bbolt.Tx) (err error) {
			more, err = tx{t}.build(batch)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// build does a part of it and reports whether there is more to do.
func (t tx) build(batch int) (more bool, err error) {
	missing, last := t.unbuilt()
	if len(missing) == 0 {
		return false, nil
	}
	c := t.bucket(bookings).Cursor()
	k, _ := c.Seek(append(last, 0)) // nothing sorts between a key and it with a zero byte
	if last == nil {
		k, _ = c.First()
	}
	for ; k != nil && batch > 0; k, _ = c.Next() {
		if err := t.indexIn(missing, k); err != nil {
			return false, err
		}
		last = append(key(nil), k...)
		batch--
	}
	state := []byte{buildDone}
	if k != nil {
		state = append([]byte{buildAfter}, last...)
	}
	for _, name := range missing {
		if err := t.put(built, key(name), state); err != nil {
			return false, err
		}
	}
	return k != nil, nil
}

// unbuilt lists the young indexes that are not complete, and the last record
// that is in all of them; nil: none is.
func (t tx) unbuilt() (names []string, last key) {
	for _, name := range youngIndexes() {
		state := t.bucket(built).Get([]byte(name))
		switch {
		case len(state) > 0 && state[0] == buildDone:
			continue
		case len(state) > 0 && (len(names) == 0 || slices.Compare(state[1:], last) < 0):
			last = append(key(nil), state[1:]...)
		case len(state) == 0:
			last = nil
		}
		names = append(names, name)
	}
	return names, last
}

// indexIn puts a booking into some indexes. One that can't be read is left
// out, as it is out of reach already: a file does not become useless for it.
func (t tx) indexIn(names []string, k key) error {
	var d bookingDoc
	if _, err := t.read(bookings, k, &d); err != nil {
		return nil //nolint:nilerr // see above; who asks for the booking is told
	}
	company, _, _ := cutText(k)
	for _, e := range d.index(booking.CompanyID(company)) {
		if !slices.Contains(names, e.bucket) {
			continue
		}
		if err := t.put(e.bucket, e.key, nil); err != nil {
			return err
		}
	}
	return nil
}
