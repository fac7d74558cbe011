package file

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/secret"
	"github.com/citasync/citasync/shared/secret/secrettest"
)

func open(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func add(t *testing.T, s *Store, company booking.CompanyID, value string) string {
	t.Helper()
	version, err := s.Add(t.Context(), company, []byte(value))
	if err != nil {
		t.Fatal(err)
	}
	return version
}

func TestStore(t *testing.T) {
	secrettest.Run(t, func(t *testing.T) secret.Store { return open(t, t.TempDir()) })
}

func TestReopen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data", "secrets")
	s := open(t, dir)
	kept, destroyed := add(t, s, "2", "kept"), add(t, s, "2", "destroyed")
	if err := s.Keep(t.Context(), "2", kept); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	if got, err := s.Access(t.Context(), "2", kept); err != nil || string(got) != "kept" {
		t.Errorf("%q, error %v", got, err)
	}
	if _, err := s.Access(t.Context(), "2", destroyed); !errors.Is(err, fault.ErrNotFound) {
		t.Errorf("error %v, want %v", err, fault.ErrNotFound)
	}
}

// TestModes makes secrets in a directory that was open to all.
func TestModes(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	add(t, open(t, dir), "2", "token")
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestNames checks that ids give names that any file system keeps apart.
func TestNames(t *testing.T) {
	s := &Store{}
	seen := map[string]booking.CompanyID{}
	for _, id := range []booking.CompanyID{
		"a", "A", "ñ", "Ñ", "a/b", "..", ".", "con", "b\x7f", "a:b",
		booking.CompanyID(strings.Repeat("\xf4", 128)), booking.CompanyID(strings.Repeat("\xf4", 127)),
	} {
		name := s.companyDir(id)
		if strings.Trim(name, "abcdefghijklmnopqrstuvwxyz234567-") != "" {
			t.Errorf("id %q gives %q", id, name)
		}
		if len(name) > 255 {
			t.Errorf("an id of %d bytes gives a name of %d", len(id), len(name))
		}
		if other, ok := seen[name]; ok {
			t.Errorf("ids %q and %q give the same name", id, other)
		}
		seen[name] = id
	}
}

// TestHalfWritten finds what a crash left in the middle of Add.
func TestHalfWritten(t *testing.T) {
	s := open(t, t.TempDir())
	whole := add(t, s, "2", "whole")
	half := strings.Repeat("a", 26)
	path := filepath.Join(s.companyDir("2"), half+pending)
	if err := os.WriteFile(path, []byte("ha"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, version := range []string{half, half + pending} {
		if _, err := s.Access(t.Context(), "2", version); !errors.Is(err, fault.ErrNotFound) {
			t.Errorf("access to %q: error %v, want %v", version, err, fault.ErrNotFound)
		}
	}
	if err := s.Keep(t.Context(), "2", whole); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the half-written file is still there: %v", err)
	}
}

// TestAddWhileDeleting adds while somebody deletes all that there is, again and
// again: what Add is in the middle of must not be taken from under it.
func TestAddWhileDeleting(t *testing.T) {
	s := open(t, t.TempDir())
	var wg sync.WaitGroup
	added := make(chan struct{})
	wg.Go(func() {
		for {
			select {
			case <-added:
				return
			default:
			}
			if err := s.Delete(t.Context(), "2"); err != nil {
				t.Error(err)
			}
		}
	})
	for range 20 {
		if _, err := s.Add(t.Context(), "2", []byte("token")); err != nil {
			t.Error(err)
		}
	}
	close(added)
	wg.Wait()
}

// TestNothingLeft looks at the directory after everything was deleted.
func TestNothingLeft(t *testing.T) {
	s := open(t, t.TempDir())
	first, _ := add(t, s, "2", "first"), add(t, s, "3", "second")
	if err := s.Destroy(t.Context(), "2", first); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), "3"); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(s.dir)
	if err != nil || len(entries) > 0 {
		t.Errorf("left: %v, error %v", entries, err)
	}
}

// TestWriteFails has the directory refuse: no error may carry the value.
func TestWriteFails(t *testing.T) {
	s := open(t, t.TempDir())
	if err := os.WriteFile(s.companyDir("2"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := s.Add(t.Context(), "2", []byte("1//token"))
	if err == nil || strings.Contains(err.Error(), "1//token") {
		t.Errorf("error %v", err)
	}
}
