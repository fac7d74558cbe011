package bolt

import (
	"slices"

	"go.etcd.io/bbolt"

	"github.com/citasync/citasync/shared/booking"
)

// buildBatch is how many records are indexed in one transaction.
const buildBatch = 1000

// What the bucket built has of an index: that it is complete, or that it is up
// to a record; then indexVersion, then that record's key.
const (
	buildDone  = 'd'
	buildAfter = 'a'
)

// indexVersion is of what young indexes have of a booking, by [store.Marks],
// [store.NameKey] and the form of keys: when that changes it becomes another,
// and all files are indexed anew. It is below any byte that a key begins with.
const indexVersion = 2

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
	if err := t.clear(missing); err != nil {
		return false, err
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
	state := []byte{buildDone, indexVersion}
	if k != nil {
		state = append([]byte{buildAfter, indexVersion}, last...)
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
		state := t.buildState(name)
		switch {
		case len(state) > 0 && state[0] == buildDone:
			continue
		case len(state) > 0 && (len(names) == 0 || slices.Compare(state[2:], last) < 0):
			last = append(key(nil), state[2:]...)
		case len(state) == 0:
			last = nil
		}
		names = append(names, name)
	}
	return names, last
}

// buildState is what is known of an index in its present version.
func (t tx) buildState(name string) []byte {
	state := t.bucket(built).Get([]byte(name))
	if len(state) < 2 || state[1] != indexVersion {
		return nil
	}
	return state
}

// clear empties those of the indexes that are not begun in their present
// version: they may have entries of another.
func (t tx) clear(names []string) error {
	for _, name := range names {
		if t.buildState(name) != nil {
			continue
		}
		if err := t.DeleteBucket([]byte(name)); err != nil {
			return err
		}
		if _, err := t.CreateBucket([]byte(name)); err != nil {
			return err
		}
	}
	return nil
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
