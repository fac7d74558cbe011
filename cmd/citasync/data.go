package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/citasync/citasync/shared/bus/boltqueue"
	"github.com/citasync/citasync/shared/config"
	"github.com/citasync/citasync/shared/googleauth"
	"github.com/citasync/citasync/shared/sandbox"
	"github.com/citasync/citasync/shared/secret"
	"github.com/citasync/citasync/shared/secret/file"
	"github.com/citasync/citasync/shared/store"
	"github.com/citasync/citasync/shared/store/bolt"
	"github.com/citasync/citasync/shared/wire"
)

// defaultData is where everything is kept unless --data says otherwise.
const defaultData = ".citasync"

// What a data directory holds, among other things.
const (
	storeFile  = "store.db"
	sandboxDir = "sandbox"
)

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
func (d *data) operator(i info, v func(context.Context) (*vault, error), log *slog.Logger) *direct {
	return &direct{
		catalogue: catalogue{store: d.store, now: time.Now, log: log},
		companies: companies{store: d.store, vault: v, now: time.Now, log: log},
		info:      i, queue: d.queue,
	}
}

// servedVault gives grants back as the process that serves does.
func (d *data) servedVault(g *googleauth.Grants) func(context.Context) (*vault, error) {
	return func(context.Context) (*vault, error) { return &vault{d.secrets, g, func() {}}, nil }
}

// unservedVault gives grants back while nobody serves: to whom the environment
// names; if it names nobody, to the sandbox if one stood for Google, and
// otherwise to Google.
func (d *data) unservedVault(getenv func(string) string, log *slog.Logger) func(context.Context) (*vault, error) {
	return func(context.Context) (*vault, error) {
		c, err := config.Load(getenv)
		if err != nil {
			return nil, err
		}
		client, base, end := wire.HTTPClient(), googleBase(c), func() {}
		dir := filepath.Join(d.dir, sandboxDir)
		if _, err := os.Stat(dir); err == nil && builtIn(getenv) {
			s, err := sandbox.New(sandbox.Options{Dir: dir}) //nolint:contextcheck // it ends with the vault
			if err != nil {
				return nil, fmt.Errorf("sandbox: %w", err)
			}
			client, base, end = &http.Client{Transport: s.Transport()}, "http://"+sandboxDir, s.Close
		}
		return &vault{d.secrets, revoker(d.store, d.secrets, client, base, log), end}, nil
	}
}

// googleBase is what stands for Google; empty: Google.
func googleBase(c config.Config) string {
	if c.Google.Emulator == nil {
		return ""
	}
	return c.Google.Emulator.String()
}

// revoker is fit for turning off alone: giving a grant back asks for no client
// and decrypts nothing.
func revoker(records store.Store, secrets secret.Store, client *http.Client, base string, log *slog.Logger) *googleauth.Grants {
	google := googleauth.NewClient(googleauth.ClientOptions{BaseURL: base, HTTP: client, Now: time.Now})
	return googleauth.NewGrants(googleauth.Deps{Client: google, Connections: records, Secrets: secrets, Now: time.Now, Log: log})
}

// Close closes what is open.
func (d *data) Close() error {
	var errs []error
	if d.queue != nil {
		errs = append(errs, d.queue.Close())
	}
	return errors.Join(append(errs, d.store.Close())...)
}
