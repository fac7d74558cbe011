package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestRestart: connections, events and their burnt ids outlive the sandbox.
func TestRestart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	w := local(t, Options{Dir: dir})
	tok := w.connect(ana)
	svc := w.api(tok)
	w.mustInsert(svc, haircut("event1"))
	w.mustInsert(svc, haircut("event2"))
	if err := svc.Events.Delete("primary", "event2").Do(); err != nil {
		t.Fatal(err)
	}
	if err := w.s.AddAccount(Account{Email: "eva@example.com", TimeZone: "Atlantic/Canary"}); err != nil {
		t.Fatal(err)
	}
	code := w.code(w.oauth().AuthCodeURL("s"), Consent{Account: luis})

	again := local(t, Options{Dir: dir})
	if diff := cmp.Diff(w.s.Accounts(), again.s.Accounts()); diff != "" {
		t.Error(diff)
	}
	before, errBefore := w.s.Events(ana, "primary")
	after, errAfter := again.s.Events(ana, "primary")
	if diff := cmp.Diff(before, after); diff != "" || errBefore != nil || errAfter != nil {
		t.Error(diff, errBefore, errAfter)
	}
	svc = again.api(tok) // the access token
	_, err := svc.Events.Insert("primary", haircut("event2")).Do()
	wantAPIError(t, err, http.StatusConflict, "duplicate")
	if ids, _, err := again.list(svc, func(c eventsList) eventsList { return c.TimeMin("2026-12-01T15:30:00Z") }); err != nil || len(ids) != 1 {
		t.Errorf("got %v, %v", ids, err)
	}
	if _, err := again.refresh(tok.RefreshToken); err != nil {
		t.Error(err)
	}
	if _, err := again.oauth().Exchange(again.ctx(), code); err != nil {
		t.Error(err)
	}
}

func TestStateFile(t *testing.T) {
	dir := t.TempDir()
	w := local(t, Options{Dir: dir})
	w.connect(ana)
	info, err := os.Stat(filepath.Join(dir, stateFileName))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 {
		t.Errorf("%d files are left, %v", len(files), err)
	}
	if err := os.WriteFile(filepath.Join(dir, stateFileName), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Options{Dir: dir}); err == nil {
		t.Error("a spoilt file was taken for none")
	}
}

// TestFailedSave: what could not be kept is not answered as if it were.
func TestFailedSave(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	w := local(t, Options{Dir: dir})
	svc := w.api(w.connect(ana))
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir, nil, 0o600); err != nil { // a file where the directory should be
		t.Fatal(err)
	}
	_, err := svc.Events.Insert("primary", haircut("event1")).Do()
	wantAPIError(t, err, http.StatusInternalServerError, "backendError")
	if _, err := w.s.RevokeGrants(ana); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// TestEveryAnsweredWriteIsKept also when many come at once.
func TestEveryAnsweredWriteIsKept(t *testing.T) {
	dir := t.TempDir()
	w := local(t, Options{Dir: dir})
	svc := w.api(w.connect(ana))
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			id := fmt.Sprintf("event%d", i)
			if _, err := svc.Events.Insert("primary", haircut(id)).Do(); err != nil {
				t.Error(err)
			}
			st, err := loadState(dir)
			if err != nil {
				t.Error(err)
			} else if cal, err := st.calendar(ana, "primary"); err != nil || cal.Events[id] == nil {
				t.Errorf("%s was answered and is not on disk, %v", id, err)
			}
		})
	}
	wg.Wait()
}

// BenchmarkInsert is in memory, through the client.
func BenchmarkInsert(b *testing.B) {
	s, err := New(Options{Behaviour: Behaviour{Quota: Quota{PerUser: -1, PerProject: -1}}})
	if err != nil {
		b.Fatal(err)
	}
	start := time.Date(2026, 12, 1, 10, 0, 0, 0, time.UTC)
	e := Event{
		Start: &EventTime{DateTime: start.Format(time.RFC3339)}, End: &EventTime{DateTime: start.Add(time.Hour).Format(time.RFC3339)},
	}
	for b.Loop() {
		if _, err := s.AddEvent(ana, "primary", e); err != nil {
			b.Fatal(err)
		}
	}
}
