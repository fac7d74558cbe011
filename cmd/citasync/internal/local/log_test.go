package local

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"
	"sync"
	"testing"
)

// lines keeps what is logged as a warning or an error.
type lines struct {
	also io.Writer

	mu   sync.Mutex
	kept [][]byte
}

func (l *lines) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(`"severity":"WARNING"`)) || bytes.Contains(p, []byte(`"severity":"ERROR"`)) {
		l.mu.Lock()
		l.kept = append(l.kept, bytes.Clone(p))
		l.mu.Unlock()
	}
	return l.also.Write(p)
}

// line is a line of the log, as far as the tests look at it.
type line struct{ Severity, Message, Company, Booking, Reason, Error string }

// count is how many of the lines is reports true for.
func (l *lines) count(t testing.TB, is func(line) bool) (n int) {
	t.Helper()
	l.mu.Lock()
	kept := slices.Clone(l.kept)
	l.mu.Unlock()
	for _, p := range kept {
		var one line
		check(t, json.Unmarshal(p, &one))
		if is(one) {
			n++
		}
	}
	return n
}
