package bolt

import (
	"bytes"
	"cmp"
	"slices"
	"testing"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/store"
)

// FuzzText checks what the keys rest on: two texts order as their keys do, no
// key is the beginning of another, and each comes back.
func FuzzText(f *testing.F) {
	for _, s := range []string{"", "a", "a/b", "ab", "a\x00", "\x00", "\x00\x01", "\x00\xff", "\xff", "a\x00b", "ñ"} {
		f.Add(s, "a", "rest")
		f.Add("a", s, "\x00\x01")
	}
	f.Fuzz(func(t *testing.T, a, b, rest string) {
		ka, kb := key(nil).text(a), key(nil).text(b)
		if got, want := bytes.Compare(ka, kb), cmp.Compare(a, b); got != want {
			t.Errorf("keys of %q and %q compare as %d, want %d", a, b, got, want)
		}
		if a != b && bytes.HasPrefix(ka, kb) {
			t.Errorf("the key of %q begins with that of %q", a, b)
		}
		if ab, ba := ka.text(b), kb.text(a); a != b && bytes.Equal(ab, ba) {
			t.Errorf("%q, %q and %q, %q have one key", a, b, b, a)
		}
		s, left, ok := cutText(append(ka, rest...))
		if !ok || s != a || string(left) != rest {
			t.Errorf("cut from %q: %q, %q, %v", a, s, left, ok)
		}
	})
}

// FuzzCursor passes cursors that nobody made: they are refused or used, and
// what is used lies in the span.
func FuzzCursor(f *testing.F) {
	all := []span{{bucket: byStart, prefix: key(nil).text("2"), shape: "nt"}}
	for _, filter := range []store.Filter{{Name: "ana"}, {Name: "ana", From: now}, {State: booking.Confirmed}, {Phone: "+573001112233", Until: now}} {
		all = append(all, historySpan(key(nil).text("2"), filter))
	}
	for _, r := range all {
		rest := key(nil).descending(now).text("981")
		if r.shape == "tnt" {
			rest = append(key(nil).text("anabel"), rest...)
		}
		good := r.cursor(rest)
		for _, s := range []string{"", good, good + "A", good[:len(good)-1], "%", "AAAA"} {
			f.Add(s)
		}
	}
	f.Fuzz(func(t *testing.T, cursor string) {
		for _, r := range all {
			start, err := r.start(cursor)
			if err != nil {
				if fault.Status(err) != 400 {
					t.Errorf("error %v, want an invalid one", err)
				}
				continue
			}
			if !bytes.HasPrefix(start, r.prefix) || bytes.Compare(start, r.from) < 0 {
				t.Errorf("cursor %q leads to %q, out of the span", cursor, start)
			}
		}
	})
}

// TestCursorRefused passes cursors that are well encoded but not of the span.
func TestCursorRefused(t *testing.T) {
	r := span{bucket: byStart, prefix: key(nil).text("2"), shape: "nt"}
	rest := key(nil).descending(now).text("981")
	other := span{bucket: byEnd}
	for name, cursor := range map[string]string{
		"another index":     other.cursor(rest),
		"nothing":           r.cursor(nil),
		"a time cut short":  r.cursor(rest[:7]),
		"a time alone":      r.cursor(rest[:8]),
		"an id cut short":   r.cursor(rest[:len(rest)-1]),
		"more than a key":   r.cursor(append(slices.Clip(rest), 'x')),
		"an escape unknown": r.cursor(append(slices.Clip(rest[:8]), 0, 7)),
	} {
		if start, err := r.start(cursor); fault.Status(err) != 400 {
			t.Errorf("%s: start %q, error %v, want an invalid one", name, start, err)
		}
	}
	start, err := r.start(r.cursor(rest))
	if want := slices.Concat(r.prefix, rest, []byte{0}); err != nil || !bytes.Equal(start, want) {
		t.Errorf("start %q, error %v, want %q", start, err, want)
	}
}

func TestTimeOrder(t *testing.T) {
	times := []time.Time{
		{},
		time.Date(1969, 12, 31, 23, 59, 59, 999999000, time.UTC), time.Unix(0, 0), now, now.Add(time.Microsecond),
		time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
	}
	for i, a := range times {
		for j, b := range times {
			if got := bytes.Compare(key(nil).ascending(a), key(nil).ascending(b)); got != cmp.Compare(i, j) {
				t.Errorf("ascending %v, %v: %d", a, b, got)
			}
			if got := bytes.Compare(key(nil).descending(a), key(nil).descending(b)); got != cmp.Compare(j, i) {
				t.Errorf("descending %v, %v: %d", a, b, got)
			}
		}
	}
}

// TestKeysShareNothing builds two keys from one beginning.
func TestKeysShareNothing(t *testing.T) {
	beginning := append(make(key, 0, 100), "company"...)
	a, b := beginning.text("a"), beginning.text("b")
	if string(a) != "companya\x00\x01" || string(b) != "companyb\x00\x01" {
		t.Errorf("keys %q and %q", a, b)
	}
}
