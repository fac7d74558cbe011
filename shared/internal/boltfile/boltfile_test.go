package boltfile

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.etcd.io/bbolt"
)

const bucket = "things"

func open(t *testing.T) *File {
	t.Helper()
	f, err := Open(filepath.Join(t.TempDir(), "file.db"), []string{bucket}, NoSync)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func put(k string) func(*bbolt.Tx) error {
	return func(tx *bbolt.Tx) error { return tx.Bucket([]byte(bucket)).Put([]byte(k), []byte(k)) }
}

func stored(t *testing.T, f *File) (keys []string) {
	t.Helper()
	err := f.View(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte(bucket)).ForEach(func(k, _ []byte) error {
			keys = append(keys, string(k))
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func TestLocked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file.db")
	first, err := Open(path, []string{bucket})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = Open(path, []string{bucket}); err == nil {
		t.Fatal("a file was opened twice")
	}
	if !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "another process holds it") {
		t.Errorf("error %q names neither the file nor the reason", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second, err := Open(path, []string{bucket})
	if err != nil {
		t.Fatalf("open after close: %v", err)
	}
	_ = second.Close()
}

func TestOpenFails(t *testing.T) {
	if _, err := Open(filepath.Join(t.TempDir(), "missing", "file.db"), nil); err == nil {
		t.Error("a file was made in a directory that does not exist")
	}
}

// TestGroup holds a first commit up until others have come. They must be
// committed together, each with its own outcome.
func TestGroup(t *testing.T) {
	f := open(t)
	const writers = 16
	refused := errors.New("refused")
	entered, release := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		_ = f.Update(func(tx *bbolt.Tx) error {
			close(entered)
			<-release
			return put("first")(tx)
		})
	})
	<-entered
	txs := make([]int, writers) // the transaction that each was written in
	for i := range writers {
		wg.Go(func() {
			err := f.Update(func(tx *bbolt.Tx) error {
				txs[i] = tx.ID()
				if err := put(fmt.Sprintf("%02d", i))(tx); err != nil {
					return err
				}
				switch i {
				case 3:
					return refused
				case 5:
					panic("broken")
				}
				return nil
			})
			checkOutcome(t, i, err, refused)
		})
	}
	for joined := 0; joined < writers; {
		f.mu.Lock()
		joined = len(f.waiting)
		f.mu.Unlock()
	}
	close(release)
	wg.Wait()
	if got := len(stored(t, f)); got != writers-2+1 {
		t.Errorf("%d keys are stored, want %d: %q", got, writers-1, stored(t, f))
	}
	for i, id := range txs {
		if i != 3 && i != 5 && id != txs[0] {
			t.Errorf("writer %d was committed in transaction %d, writer 0 in %d", i, id, txs[0])
		}
	}
}

func checkOutcome(t *testing.T, i int, err, refused error) {
	t.Helper()
	switch i {
	case 3:
		if !errors.Is(err, refused) {
			t.Errorf("the refused one: %v", err)
		}
	case 5:
		if err == nil || !strings.Contains(err.Error(), "broken") {
			t.Errorf("the one that panicked: %v", err)
		}
	default:
		if err != nil {
			t.Errorf("writer %d: %v", i, err)
		}
	}
}

// TestMany has writers come and go: each must be told once, after its write
// can be read.
func TestMany(t *testing.T) {
	f := open(t)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for n := range 50 {
				k := fmt.Sprintf("%d-%d", i, n)
				if err := f.Update(put(k)); err != nil {
					t.Error(err)
				}
				_ = f.View(func(tx *bbolt.Tx) error {
					if tx.Bucket([]byte(bucket)).Get([]byte(k)) == nil {
						t.Errorf("%s is not there after its Update", k)
					}
					return nil
				})
			}
		})
	}
	wg.Wait()
	if f.committing || len(f.waiting) > 0 {
		t.Errorf("left behind: committing %v, %d waiting", f.committing, len(f.waiting))
	}
}

func TestClosed(t *testing.T) {
	f := open(t)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the first must not leave the second waiting for a leader
		if err := f.Update(put("late")); err == nil {
			t.Error("a closed file took a write")
		}
	}
}
