// Package secrettest tests that a backend is a [secret.Store]. A backend's own
// test calls [Run] with a factory, and adds what only it can do.
package secrettest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/secret"
)

// Run tests what each method promises. The factory returns an empty store each
// time it is called, and clears it away when the test ends.
func Run(t *testing.T, open func(*testing.T) secret.Store) {
	t.Helper()
	for _, tt := range []struct {
		name string
		run  func(*testing.T, secret.Store)
	}{
		{"Values", testValues},
		{"Missing", testMissing},
		{"Versions", testVersions},
		{"Keep", testKeep},
		{"KeepMissing", testKeepMissing},
		{"Destroy", testDestroy},
		{"Delete", testDelete},
		{"NeverReused", testNeverReused},
		{"Isolation", testIsolation},
		{"Concurrent", testConcurrent},
		{"ConcurrentKeep", testConcurrentKeep},
		{"ContextEnded", testContextEnded},
	} {
		t.Run(tt.name, func(t *testing.T) { tt.run(t, open(t)) })
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func add(t *testing.T, s secret.Store, company booking.CompanyID, value string) (version string) {
	t.Helper()
	version, err := s.Add(t.Context(), company, []byte(value))
	must(t, err)
	if version == "" {
		t.Fatal("a version without a name")
	}
	return version
}

func want(t *testing.T, s secret.Store, company booking.CompanyID, version, value string) {
	t.Helper()
	got, err := s.Access(t.Context(), company, version)
	if err != nil {
		t.Errorf("access to %q of company %q: %v", version, company, err)
	} else if string(got) != value {
		t.Errorf("version %q of company %q has %d bytes that were not stored under it", version, company, len(got))
	}
}

// wantGone is of company 2.
func wantGone(t *testing.T, s secret.Store, version string) {
	t.Helper()
	if _, err := s.Access(t.Context(), "2", version); !errors.Is(err, fault.ErrNotFound) {
		t.Errorf("access to %q: error %v, want %v", version, err, fault.ErrNotFound)
	}
}

func testValues(t *testing.T, s secret.Store) {
	for _, value := range []string{"1//token", "\x00\xff\n", strings.Repeat("x", 64<<10), "ñ"} {
		want(t, s, "2", add(t, s, "2", value), value)
	}
	value := []byte("token")
	version, err := s.Add(t.Context(), "2", value)
	must(t, err)
	copy(value, "spoil")
	want(t, s, "2", version, "token")
	got, err := s.Access(t.Context(), "2", version)
	must(t, err)
	copy(got, "spoil")
	want(t, s, "2", version, "token")
}

func testMissing(t *testing.T, s secret.Store) {
	wantGone(t, s, "1")
	add(t, s, "2", "token")
	for _, version := range []string{"", ".", "..", "/", "../2", "no version", "latest", "\x00", strings.Repeat("1", 300)} {
		wantGone(t, s, version)
		must(t, s.Destroy(t.Context(), "2", version))
	}
}

func testVersions(t *testing.T, s secret.Store) {
	first, second := add(t, s, "2", "first"), add(t, s, "2", "second")
	same := add(t, s, "2", "second")
	if first == second || second == same {
		t.Fatalf("versions %q, %q, %q are not three", first, second, same)
	}
	want(t, s, "2", first, "first")
	want(t, s, "2", second, "second")
}

func testKeep(t *testing.T, s secret.Store) {
	first, second, third := add(t, s, "2", "first"), add(t, s, "2", "second"), add(t, s, "2", "third")
	for range 2 {
		must(t, s.Keep(t.Context(), "2", second))
		wantGone(t, s, first)
		wantGone(t, s, third)
		want(t, s, "2", second, "second")
	}
}

func testKeepMissing(t *testing.T, s secret.Store) {
	must(t, s.Keep(t.Context(), "2", "no version"))
	first, second := add(t, s, "2", "first"), add(t, s, "2", "second")
	must(t, s.Destroy(t.Context(), "2", second))
	must(t, s.Keep(t.Context(), "2", second))
	wantGone(t, s, first)
	wantGone(t, s, second)
	want(t, s, "2", add(t, s, "2", "third"), "third")
}

func testDestroy(t *testing.T, s secret.Store) {
	must(t, s.Destroy(t.Context(), "2", "no version"))
	first, second := add(t, s, "2", "first"), add(t, s, "2", "second")
	for range 2 {
		must(t, s.Destroy(t.Context(), "2", first))
		wantGone(t, s, first)
		want(t, s, "2", second, "second")
	}
}

func testDelete(t *testing.T, s secret.Store) {
	must(t, s.Delete(t.Context(), "2"))
	first, second := add(t, s, "2", "first"), add(t, s, "2", "second")
	for range 2 {
		must(t, s.Delete(t.Context(), "2"))
		wantGone(t, s, first)
		wantGone(t, s, second)
	}
	want(t, s, "2", add(t, s, "2", "third"), "third")
	wantGone(t, s, first)
}

func testNeverReused(t *testing.T, s secret.Store) {
	seen := map[string]bool{}
	value := func() string { return fmt.Sprint("token ", len(seen)) }
	for range 3 {
		for range 3 {
			v := add(t, s, "2", value())
			if seen[v] {
				t.Errorf("version %q came twice", v)
			}
			seen[v] = true
		}
		must(t, s.Keep(t.Context(), "2", ""))
		v := add(t, s, "2", value())
		seen[v] = true
		must(t, s.Destroy(t.Context(), "2", v))
		must(t, s.Delete(t.Context(), "2"))
	}
	for v := range seen {
		wantGone(t, s, v)
	}
}

// odd are ids that a careless encoding would let meet.
func odd() []booking.CompanyID {
	return []booking.CompanyID{
		"a", "A", "a/b", "a%2Fb", "a%2fb", "ab", "a-b", "a_b", ".", "..", "../a", "/", "%", "con", "nul", " ", "a ", "a.",
		"ñ", "Ñ", "n\u0303", "日本語", "🦊", "-", "--", "a\\b", "1", "01",
		booking.CompanyID(strings.Repeat("x", 127)), booking.CompanyID(strings.Repeat("x", 128)),
		booking.CompanyID(strings.Repeat("X", 128)), booking.CompanyID(strings.Repeat("🦊", 32)),
	}
}

func testIsolation(t *testing.T, s secret.Store) {
	versions := map[booking.CompanyID]string{}
	for _, company := range odd() {
		versions[company] = add(t, s, company, "of "+string(company))
	}
	for company, version := range versions {
		want(t, s, company, version, "of "+string(company))
	}
	victim := booking.CompanyID("a/b")
	for _, company := range odd() {
		if company == victim {
			continue
		}
		// A version's name is only good together with its company. Names may
		// be the same at several companies; then each has its own value.
		if got, err := s.Access(t.Context(), company, versions[victim]); err == nil && string(got) != "of "+string(company) {
			t.Errorf("company %q reads the secret of %q", company, victim)
		}
		must(t, s.Keep(t.Context(), company, "none"))
		must(t, s.Delete(t.Context(), company))
	}
	want(t, s, victim, versions[victim], "of a/b")
}

func testConcurrent(t *testing.T, s secret.Store) {
	const adders = 8
	versions := make([]string, adders)
	var wg sync.WaitGroup
	for i := range adders {
		wg.Go(func() {
			value := fmt.Appendf(nil, "value %d", i)
			version, err := s.Add(t.Context(), "2", value)
			if err != nil {
				t.Error(err)
				return
			}
			versions[i] = version
			if got, err := s.Access(t.Context(), "2", version); err != nil || !bytes.Equal(got, value) {
				t.Errorf("adder %d does not find its value: %v", i, err)
			}
		})
	}
	wg.Wait()
	for i, version := range versions {
		want(t, s, "2", version, fmt.Sprintf("value %d", i))
	}
}

// testConcurrentKeep does what every reconnection does, for several companies
// at once: add, then keep what was added.
func testConcurrentKeep(t *testing.T, s secret.Store) {
	var wg sync.WaitGroup
	for i := range 4 {
		company := booking.CompanyID(strconv.Itoa(i))
		wg.Go(func() {
			for n := range 5 {
				value := fmt.Sprintf("%d of %s", n, company)
				version, err := s.Add(t.Context(), company, []byte(value))
				if err == nil {
					err = s.Keep(t.Context(), company, version)
				}
				if err != nil {
					t.Error(err)
					return
				}
				want(t, s, company, version, value)
				if n == 2 {
					if err := s.Delete(t.Context(), company); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
}

func testContextEnded(t *testing.T, s secret.Store) {
	version := add(t, s, "2", "token")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Add(ctx, "2", []byte("late")); err == nil {
		t.Error("Add took a context that has ended")
	}
	if err := s.Delete(ctx, "2"); err == nil {
		t.Error("Delete took a context that has ended")
	}
	want(t, s, "2", version, "token")
}
