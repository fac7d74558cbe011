// Package boltfile opens a bbolt file so that writers that come at the same
// time share the waits for the disk.
//
// bbolt has [bbolt.DB.Batch] for that, which holds a lone writer back by a
// timer. Here a writer never waits for company: whoever finds no commit under
// way commits at once, and those that come while it waits for the disk are
// committed together, by one of them, when it is done. No goroutine and no
// timer is left behind, so a file may be used inside a testing/synctest bubble
// without moving its clock.
package boltfile

import (
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// lockTimeout is how long Open waits for another process to let go of the
// file.
const lockTimeout = time.Second

// Option changes how a file is opened.
type Option func(*bbolt.Options)

// NoSync leaves it to the operating system when writes reach the disk. They
// outlive the process then, but not the machine: for tests and benchmarks.
func NoSync(o *bbolt.Options) { o.NoSync = true }

// File is an open bbolt file. It may be used by several goroutines.
type File struct {
	db *bbolt.DB

	mu         sync.Mutex
	waiting    []*call // to be committed by the next group's leader
	committing bool    // a leader is at work
}

// call is one writer's part of a commit.
type call struct {
	change func(*bbolt.Tx) error
	err    error
	leads  chan bool // receives whether it is to lead the next group; otherwise err stands
}

// Open opens the file, readable by nobody else, and makes it and the named
// buckets if they are missing.
func Open(path string, buckets []string, opts ...Option) (*File, error) {
	o := *bbolt.DefaultOptions
	o.Timeout = lockTimeout
	for _, opt := range opts {
		opt(&o)
	}
	db, err := bbolt.Open(path, 0o600, &o)
	if errors.Is(err, berrors.ErrTimeout) {
		return nil, fmt.Errorf("open %s: another process holds it: %w", path, err)
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	f := &File{db: db}
	if err := f.create(buckets); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), db.Close())
	}
	return f, nil
}

func (f *File) create(buckets []string) error {
	return f.db.Update(func(tx *bbolt.Tx) error {
		for _, name := range buckets {
			if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
				return fmt.Errorf("create bucket %s: %w", name, err)
			}
		}
		return nil
	})
}

// Close waits for transactions under way and closes the file.
func (f *File) Close() error {
	if err := f.db.Close(); err != nil {
		return fmt.Errorf("close %s: %w", f.db.Path(), err)
	}
	return nil
}

// View calls read with one state of the file. Writers do not wait for it.
func (f *File) View(read func(*bbolt.Tx) error) error { return f.db.View(read) }

// Update calls change in a transaction that other calls may be part of, and
// returns when it is on the disk. The change may be called several times, so
// it must set whatever it sets anew each time. Its error undoes all that it
// wrote, is returned to its caller alone, and leaves the others untouched.
func (f *File) Update(change func(*bbolt.Tx) error) error {
	c := &call{change: change, leads: make(chan bool, 1)}
	if f.join(c) {
		f.lead()
	} else if <-c.leads {
		f.lead()
	}
	return c.err
}

// join queues the call, and reports whether it is to lead because nobody does.
func (f *File) join(c *call) (leads bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waiting = append(f.waiting, c)
	leads = !f.committing
	f.committing = true
	return leads
}

// lead commits everything that is waiting, which includes its own call, and
// hands over to one of those that came meanwhile.
func (f *File) lead() {
	f.mu.Lock()
	group := f.waiting
	f.waiting = nil
	f.mu.Unlock()

	f.commit(slices.Clone(group))

	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.waiting) > 0 {
		f.waiting[0].leads <- true
	} else {
		f.committing = false
	}
	for _, c := range group {
		c.leads <- false // buffered, and read by nobody if it is the leader's own
	}
}

// commit brings the group to the disk. A call that fails is left out, and the
// others begin anew: undoing is cheap, it is the disk that takes time.
func (f *File) commit(group []*call) {
	for len(group) > 0 {
		failed := -1
		err := f.db.Update(func(tx *bbolt.Tx) error {
			for i, c := range group {
				if c.err = c.run(tx); c.err != nil {
					failed = i
					return c.err
				}
			}
			return nil
		})
		if failed < 0 {
			for _, c := range group {
				c.err = err
			}
			return
		}
		group = slices.Delete(group, failed, failed+1)
	}
}

// run turns a panic into an error, since it would strike another's goroutine
// and leave every later writer without a leader.
func (c *call) run(tx *bbolt.Tx) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in a transaction: %v\n%s", p, debug.Stack())
		}
	}()
	return c.change(tx)
}
