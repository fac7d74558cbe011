// Package bolt keeps a [store.Store] in one bbolt file, which one process at a
// time has open.
//
// # Buckets
//
// Records are JSON under these keys. A text in a key is ended by 00 01, with
// 00 in it written 00 FF, so that no text is the beginning of another and no
// id can reach into another company's keys; times are eight bytes that order
// by microsecond, and "↓" marks those turned around, so that the latest comes
// first.
//
//	bookings      company, booking
//	companies     company
//	connections   company, integration
//	activity      company, ↓number    number: the bucket's sequence
//	catalogue     integration
//	states        hash
//	links         jti
//
// Index entries have an empty value. They are written in the transaction of
// the record that they belong to, and every query reads along one of them:
//
//	by_start      company, ↓start, booking
//	by_mark       company, mark, ↓start, booking          see store.Marks
//	by_phone      company, phone, mark or "", ↓start, booking    customer has a phone
//	by_name       company, mark or "", name, ↓start, booking     see store.NameKey; customer has a name
//	by_end        company, end, booking
//	waiting       company, integration, booking      delivery is waiting
//	due           next attempt, company, booking     next attempt is set
//	owed          integration, company               see OwedConnections
//	connected     integration, reconciled at, company   is Connected
//	looked_at     integration, checked at, company      is Connected
//	notices       integration, notice due, company      notice due is set
//	holders       integration, account, company
//	expiry        expire at, record's bucket, record's key
//
// A cursor is the last item's key without what the query fixes, so that a page
// begins where the one before ended, whatever was added in between; of a query
// by name it has the customer's name. A version is a record's count of writes.
//
// A page reads the keys and records that it returns and one key more, with one
// exception: one by name and dates goes from name to name, and so takes a seek
// more for each name that begins as asked and has no booking on those dates.
//
// # Files of earlier versions
//
// The bucket built says, by name, which of the indexes that are younger than
// the first files are complete, in which version. Open builds the others, and
// those of another version, from the records, some records a transaction,
// before it returns; it goes on where an earlier call was interrupted.
//
// # Durability
//
// A method that writes returns when the write is on the disk; writers that
// come at the same time share the wait (package boltfile). A context that has
// ended stops a method before it begins, not in the middle.
package bolt

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"go.etcd.io/bbolt"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/internal/boltfile"
	"github.com/citasync/citasync/shared/store"
)

// The buckets, which the package comment describes.
const (
	bookings    = "bookings"
	companies   = "companies"
	connections = "connections"
	activity    = "activity"
	catalogue   = "catalogue"
	states      = "states"
	links       = "links"

	built = "built"

	byStart = "by_start"
	byMark  = "by_mark"
	byPhone = "by_phone"
	byName  = "by_name"
	byEnd   = "by_end"
	waiting = "waiting"
	due     = "due"
	owed    = "owed"
	holders = "holders"

	connected = "connected"
	lookedAt  = "looked_at"
	notices   = "notices"
	expiry    = "expiry"
)

// Store is a [store.Store] in a file. It may be used by several goroutines.
type Store struct {
	file *boltfile.File
}

var _ store.Store = (*Store)(nil)

// Option changes how a store is opened.
type Option = boltfile.Option

// NoSync trades durability for speed: what is written outlives the process,
// but not the machine. It is for tests and benchmarks.
func NoSync(o *bbolt.Options) { boltfile.NoSync(o) }

// Open opens the file, and makes it, readable by nobody else, if there is
// none. If another process holds it for longer than a second, that is an
// error. A file of an earlier version is brought up to date, which takes some
// minutes for a million bookings.
func Open(path string, opts ...Option) (*Store, error) {
	f, err := boltfile.Open(path, []string{
		bookings, companies, connections, activity, catalogue, states, links, built,
		byStart, byMark, byPhone, byName, byEnd, waiting, due, owed, connected, lookedAt, notices, holders, expiry,
	}, opts...)
	if err != nil {
		return nil, err
	}
	s := &Store{file: f}
	if err := s.build(buildBatch); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: build indexes: %w", path, err), f.Close())
	}
	return s, nil
}

// Close waits for calls under way and closes the file.
func (s *Store) Close() error { return s.file.Close() }

func (s *Store) view(ctx context.Context, read func(tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.file.View(func(t *bbolt.Tx) error { return read(tx{t}) })
}

// update is boltfile's Update: write may be called several times.
func (s *Store) update(ctx context.Context, write func(tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.file.Update(func(t *bbolt.Tx) error { return write(tx{t}) })
}

// tx is a transaction on the buckets.
type tx struct{ *bbolt.Tx }

func (t tx) bucket(name string) *bbolt.Bucket { return t.Bucket([]byte(name)) }

// read decodes the record under k into doc, and reports whether there is one.
func (t tx) read(bucket string, k key, doc any) (found bool, err error) {
	data := t.bucket(bucket).Get(k)
	if data == nil {
		return false, nil
	}
	if err := json.Unmarshal(data, doc); err != nil {
		return false, fmt.Errorf("record in %s: %w", bucket, err)
	}
	return true, nil
}

func (t tx) put(bucket string, k key, data []byte) error {
	if err := t.bucket(bucket).Put(k, data); err != nil {
		return fmt.Errorf("write to %s: %w", bucket, err)
	}
	return nil
}

func (t tx) delete(bucket string, k key) error {
	if err := t.bucket(bucket).Delete(k); err != nil {
		return fmt.Errorf("delete from %s: %w", bucket, err)
	}
	return nil
}

// entry is one entry of an index.
type entry struct {
	bucket string
	key    key
}

// in reports whether the entry is among some, which are few.
func (e entry) in(es []entry) bool {
	return slices.ContainsFunc(es, func(o entry) bool { return o.bucket == e.bucket && bytes.Equal(o.key, e.key) })
}

// reindex replaces a record's index entries. Those that stay are left alone:
// each would cost a page of the file to be written.
func (t tx) reindex(before, after []entry) error {
	for _, e := range before {
		if e.in(after) {
			continue
		}
		if err := t.delete(e.bucket, e.key); err != nil {
			return err
		}
	}
	for _, e := range after {
		if e.in(before) {
			continue
		}
		if err := t.put(e.bucket, e.key, nil); err != nil {
			return err
		}
	}
	return nil
}

// indexed is a record that has index entries.
type indexed interface {
	version() int64
	index(company booking.CompanyID) []entry
}

// replace writes a record with its index entries, provided that what is stored
// has the version before next. The old record is read into old.
func (t tx) replace(bucket string, k key, old indexed, company booking.CompanyID, next int64, data []byte, index []entry) error {
	found, err := t.read(bucket, k, old)
	if err != nil {
		return err
	}
	if err := unchanged(old.version(), next); err != nil {
		return err
	}
	var before []entry
	if found {
		before = old.index(company)
	}
	if err := t.reindex(before, index); err != nil {
		return err
	}
	return t.put(bucket, k, data)
}

// successor is the version after one that a record was read with.
func successor(version string) (int64, error) {
	if version == "" {
		return 1, nil
	}
	n, err := strconv.ParseInt(version, 10, 64)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("%w: no such version", fault.ErrConflict)
	}
	return n + 1, nil
}

// unchanged is an error unless the stored version, 0 for no record, is the one
// before next.
func unchanged(stored, next int64) error {
	if stored != next-1 {
		return fmt.Errorf("%w: version %d, not %d", fault.ErrConflict, stored, next-1)
	}
	return nil
}

func versionText(n int64) string { return strconv.FormatInt(n, 10) }
