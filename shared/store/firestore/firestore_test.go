package firestore

import (
	"context"
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"google.golang.org/api/option"

	"github.com/citasync/citasync/shared/emulator"
	"github.com/citasync/citasync/shared/emulator/emulatortest"
	"github.com/citasync/citasync/shared/store"
	"github.com/citasync/citasync/shared/store/storetest"
)

// own is an emulator of this package's tests alone.
var own struct {
	once    sync.Once
	process *emulator.Process // nil: there is one for everybody, or none
}

// TestMain ends the emulator that the tests have started.
func TestMain(m *testing.M) {
	m.Run()
	if own.process != nil {
		own.process.Stop()
	}
}

// address is the emulator's. Starting one takes seconds, so the tests share
// it, if they are not given one.
func address(t testing.TB) string {
	t.Helper()
	own.once.Do(func() {
		if os.Getenv("FIRESTORE_EMULATOR_HOST") == "" {
			own.process, _ = emulator.Start(context.Background(), emulator.Firestore) // what is wrong comes out below
		}
	})
	if own.process != nil {
		return own.process.Addr
	}
	return emulatortest.Firestore(t)
}

// open opens a store that is empty: it is in a project of its own.
func open(t testing.TB, addr string, opts ...option.ClientOption) *Store {
	t.Helper()
	s, err := Open(t.Context(), "test-"+strings.ToLower(rand.Text()), "", addr, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestOpenRefused(t *testing.T) {
	if _, err := Open(t.Context(), "", "", nowhere); err == nil {
		t.Error("a store without a project was opened")
	}
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", t.TempDir()+"/none.json")
	if _, err := Open(t.Context(), "project", "", ""); err == nil {
		t.Error("a store was opened with credentials that don't exist")
	}
}

// TestSilent has the environment ask the library to log what it does.
func TestSilent(t *testing.T) {
	t.Setenv("GOOGLE_SDK_GO_LOGGING_LEVEL", "debug")
	said, err := os.Create(filepath.Join(t.TempDir(), "said"))
	if err != nil {
		t.Fatal(err)
	}
	out, errOut := os.Stdout, os.Stderr
	os.Stdout, os.Stderr = said, said
	s := open(t, address(t))
	err = s.CommitBooking(t.Context(), fullBooking())
	os.Stdout, os.Stderr = out, errOut
	if err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(said.Name()); err != nil || len(data) > 0 {
		t.Errorf("it says %s, error %v", data, err)
	}
}

// watched is an open store whose calls are seen.
func watched(t testing.TB, addr string) (*Store, *wireTap) {
	t.Helper()
	w := &wireTap{}
	return open(t, addr, w.options()...), w
}

// TestStore runs the conformance tests, and compares all that they made the
// store write and ask with what is declared to be indexed. An emulator, which
// needs no indexes, would not notice.
func TestStore(t *testing.T) {
	addr, w := address(t), &wireTap{}
	storetest.Run(t, func(t *testing.T) store.Store { return open(t, addr, w.options()...) })
	t.Run("Indexes", func(t *testing.T) { checkIndexes(t, w) })
}

func TestStoreConcurrent(t *testing.T) {
	addr := address(t)
	storetest.RunConcurrent(t, func(t *testing.T) store.Store { return open(t, addr) })
}
