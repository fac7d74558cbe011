package local

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/citasync/citasync/shared/integration"
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

// TestDeadGrantIsNoErrorOfOurs: whatever finds it, only the company can mend it.
func TestDeadGrantIsNoErrorOfOurs(t *testing.T) {
	for name, before := range map[string]func(*world){
		"daily comparison": func(*world) {},
		"first pass":       func(w *world) { w.chooseCalendar(acme, w.calendar(team)) },
		"last pass": func(w *world) {
			w.chooseCalendar(acme, w.calendar(team))
			w.maintain(10*time.Second, 5*time.Second)
		},
		"removal": func(w *world) { w.turnOff(true) },
	} {
		t.Run(name, func(t *testing.T) {
			connected(t, func(w *world) {
				before(w)
				_, err := w.google.RevokeGrants(ana)
				check(t, err)
				w.maintain(25*time.Hour, time.Minute)
				if c := w.connection(acme); c.Status != integration.NeedsReauth && c.Status != integration.Disconnected || c.Reason != integration.Revoked {
					t.Fatalf("the connection is %s, %s", c.Status, c.Reason)
				}
				if n := w.logged.count(t, func(l line) bool {
					if l.Severity == "ERROR" {
						t.Errorf("logged as an error: %s: %s", l.Message, l.Error)
					}
					return l.Severity == "WARNING" && l.Message == "grant is dead"
				}); n != 1 {
					t.Errorf("logged %d times that the grant is dead", n)
				}
			})
		})
	}
}
