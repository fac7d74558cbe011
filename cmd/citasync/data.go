package main

import (
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/citasync/citasync/shared/bus/boltqueue"
	"github.com/citasync/citasync/shared/secret/file"
	"github.com/citasync/citasync/shared/store/bolt"
)

// defaultData is where everything is kept unless --data says otherwise.
const defaultData = ".citasync"

const storeFile = "store.db"

func dataFlag(fs *flag.FlagSet) *string {
	return fs.String("data", defaultData, "directory in which everything is kept")
}

// data is an open data directory.
type data struct {
	dir     string
	store   *bolt.Store
	queue   *boltqueue.Queue
	secrets *file.Store
}

// openData opens the directory's stores, and makes them if there are none. One
// process at a time can.
func openData(dir string, log *slog.Logger) (*data, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	d := &data{dir: dir}
	var err error
	if d.store, err = bolt.Open(filepath.Join(dir, storeFile)); err != nil {
		return nil, err
	}
	if d.queue, err = boltqueue.Open(filepath.Join(dir, "queue.db"), boltqueue.Options{Log: log}); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	if d.secrets, err = file.Open(filepath.Join(dir, "secrets")); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// operator operates on the open stores.
func (d *data) operator(i info, log *slog.Logger) *direct {
	return &direct{catalogue: catalogue{store: d.store, now: time.Now, log: log}, info: i, queue: d.queue}
}

// Close closes what is open.
func (d *data) Close() error {
	var errs []error
	if d.queue != nil {
		errs = append(errs, d.queue.Close())
	}
	return errors.Join(append(errs, d.store.Close())...)
}
