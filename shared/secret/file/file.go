// Package file keeps a [secret.Store] in a directory, for one process.
//
// Each company has a directory of its own, "company-" and its id in base32
// (RFC 4648 without padding, in lower case, so that ids stay apart on file
// systems that take upper and lower case for the same; 128 bytes of id make
// 213 of the 255 that a name may have). In it each version is a file. Nobody
// but the owner may read any of it; the values are as they were given.
//
// A version's name is drawn at random, 26 letters and digits with 130 bits, so
// that no name comes again even when all that knew of it is gone.
package file

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/secret"
)

// pending is how the name of a file ends that is not wholly written.
const pending = ".tmp"

var versionName = regexp.MustCompile(`^[a-z2-7]{26}$`)

// Store is a [secret.Store] in a directory. It may be used by several
// goroutines.
type Store struct {
	dir string
	mu  sync.RWMutex // writers would take the company's directory from under each other
}

var _ secret.Store = (*Store)(nil)

// Open opens the directory, and makes it if there is none. It is closed to
// everybody but the owner, whatever it was before.
func Open(dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open secrets: %w", err)
	}
	if err := os.Chmod(dir, 0o700); err != nil { //nolint:gosec // a directory needs x to be entered
		return nil, fmt.Errorf("open secrets: %w", err)
	}
	if err := syncDir(filepath.Dir(dir)); err != nil {
		return nil, fmt.Errorf("open secrets: %w", err)
	}
	return &Store{dir: dir}, nil
}

func (s *Store) companyDir(company booking.CompanyID) string {
	name := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString([]byte(company))
	return filepath.Join(s.dir, "company-"+strings.ToLower(name))
}

// Add implements [secret.Store]. The version is on the disk when it returns.
func (s *Store) Add(ctx context.Context, company booking.CompanyID, value []byte) (version string, err error) {
	if err := ctx.Err(); err != nil {
		return "", fmt.Errorf("add secret of company %q: %w", company, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	version = strings.ToLower(rand.Text())
	dir := s.companyDir(company)
	err = s.makeDir(dir)
	if err == nil {
		err = write(dir, version, value)
	}
	if err != nil {
		return "", fmt.Errorf("add secret of company %q: %w", company, err)
	}
	return version, nil
}

func (s *Store) makeDir(dir string) error {
	err := os.Mkdir(dir, 0o700)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return syncDir(s.dir)
}

// write makes the file appear whole or not at all.
func write(dir, name string, value []byte) error {
	path := filepath.Join(dir, name)
	if err := writeSynced(path+pending, value); err != nil {
		return errors.Join(err, remove(path+pending))
	}
	if err := os.Rename(path+pending, path); err != nil {
		return errors.Join(err, remove(path+pending))
	}
	return syncDir(dir)
}

func writeSynced(path string, value []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the path's parts are encoded
	if err != nil {
		return err
	}
	_, err = f.Write(value)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// syncDir brings a directory's entries to the disk.
func syncDir(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // the path's parts are encoded
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Access implements [secret.Store].
func (s *Store) Access(ctx context.Context, company booking.CompanyID, version string) ([]byte, error) {
	value, err := s.access(ctx, company, version)
	if errors.Is(err, fs.ErrNotExist) {
		err = fault.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("access secret of company %q: %w", company, err)
	}
	return value, nil
}

func (s *Store) access(ctx context.Context, company booking.CompanyID, version string) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if !versionName.MatchString(version) {
		return nil, fault.ErrNotFound
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return os.ReadFile(filepath.Join(s.companyDir(company), version)) //nolint:gosec // the path's parts are encoded
}

// Keep implements [secret.Store].
func (s *Store) Keep(ctx context.Context, company booking.CompanyID, version string) error {
	err := s.removeIf(ctx, company, func(name string) bool { return name != version })
	if err != nil {
		return fmt.Errorf("keep one secret of company %q: %w", company, err)
	}
	return nil
}

// Destroy implements [secret.Store].
func (s *Store) Destroy(ctx context.Context, company booking.CompanyID, version string) error {
	err := s.removeIf(ctx, company, func(name string) bool { return name == version })
	if err != nil {
		return fmt.Errorf("destroy secret of company %q: %w", company, err)
	}
	return nil
}

// Delete implements [secret.Store].
func (s *Store) Delete(ctx context.Context, company booking.CompanyID) error {
	err := s.removeIf(ctx, company, func(string) bool { return true })
	if err != nil {
		return fmt.Errorf("delete secret of company %q: %w", company, err)
	}
	return nil
}

// removeIf removes those of the company's files whose name is to go, and the
// directory once it is empty. A file that a crash left half written goes as
// others do.
func (s *Store) removeIf(ctx context.Context, company booking.CompanyID, goes func(name string) bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	dir := s.companyDir(company)
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	left := len(entries)
	for _, e := range entries {
		if goes(e.Name()) {
			if err := remove(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
			left--
		}
	}
	if left > 0 {
		return syncDir(dir)
	}
	if err := remove(dir); err != nil {
		return err
	}
	return syncDir(s.dir)
}

// remove removes a file, or an empty directory, that may be gone already.
func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
