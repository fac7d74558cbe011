package sandbox

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

// sendings sends so many messages, each to the phone that to names, and returns
// what became of them: "." accepted, "t" too many in all, "p" too many to one.
func (w *world) sendings(n int, to func(int) string) string {
	w.t.Helper()
	var out []byte
	for i := range n {
		_, err := w.send(w.t.Context(), message(map[string]any{"to": to(i)}))
		var e *sendError
		switch {
		case err == nil:
			out = append(out, '.')
		case errors.As(err, &e) && e.Code == 130429:
			out = append(out, 't')
		case errors.As(err, &e) && e.Code == 131056:
			out = append(out, 'p')
		default:
			w.t.Fatal(err)
		}
	}
	return string(out)
}

func everyone(i int) string { return fmt.Sprintf("+5730011%05d", i) }

func onlyAna(int) string { return anasPhone }

func count(s string, want byte) int {
	n := 0
	for i := range len(s) {
		if s[i] == want {
			n++
		}
	}
	return n
}

func TestThroughput(t *testing.T) {
	c := newClock()
	w := local(t, Options{Now: c.now})
	if got := w.sendings(82, everyone); count(got, '.') != 80 || got[80:] != "tt" {
		t.Errorf("got %s", got)
	}
	c.at = c.at.Add(999 * time.Millisecond)
	if got := w.sendings(1, func(int) string { return otherPhone }); got != "t" {
		t.Errorf("in the same second: %s", got)
	}
	c.at = c.at.Add(time.Millisecond)
	if got := w.sendings(1, func(int) string { return otherPhone }); got != "." {
		t.Errorf("in the next second: %s", got)
	}
}

// TestPairLimit: one message in six seconds; what is sent beyond is borrowed.
func TestPairLimit(t *testing.T) {
	c := newClock()
	w := local(t, Options{Now: c.now})
	for _, step := range []struct {
		wait time.Duration
		n    int
		want string
	}{
		{0, 1, "."},
		{6 * time.Second, 20, "...................."},
		{6 * time.Second, 1, "p"},
		{113 * time.Second, 1, "p"},
		{time.Second, 1, "."}, // twenty times six seconds after the burst began
		{5 * time.Second, 1, "."},
		{6 * time.Second, 1, "p"},
		{time.Second, 1, "."},
	} {
		c.at = c.at.Add(step.wait)
		if got := w.sendings(step.n, onlyAna); got != step.want {
			t.Errorf("after %v: got %s, want %s", step.wait, got, step.want)
		}
	}
	if got := w.sendings(1, everyone); got != "." {
		t.Error("another phone is limited too")
	}
	c.at = c.at.Add(time.Hour)
	if got := w.sendings(46, onlyAna); count(got, '.') != 45 || got[45] != 'p' {
		t.Errorf("a burst: got %s", got)
	}
}

func TestLimitsChosen(t *testing.T) {
	c := newClock()
	w := local(t, Options{Now: c.now})
	for name, tt := range map[string]struct {
		behaviour WhatsAppBehaviour
		to        func(int) string
		want      string
	}{
		"none":       {WhatsAppBehaviour{PerSecond: -1, PairInterval: -1}, onlyAna, "....."},
		"throughput": {WhatsAppBehaviour{PerSecond: 2}, everyone, "..ttt"},
		"pair":       {WhatsAppBehaviour{PairBurst: 3}, onlyAna, "...pp"},
	} {
		t.Run(name, func(t *testing.T) {
			c.at = c.at.Add(time.Hour)
			if err := w.s.SetWhatsAppBehaviour(tt.behaviour); err != nil {
				t.Fatal(err)
			}
			if got := w.sendings(5, tt.to); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
	if err := w.s.SetWhatsAppBehaviour(WhatsAppBehaviour{PairInterval: time.Minute, PairBurst: 1}); err != nil {
		t.Fatal(err)
	}
	c.at = c.at.Add(time.Hour)
	first := w.sendings(1, onlyAna)
	c.at = c.at.Add(59 * time.Second)
	second := w.sendings(1, onlyAna)
	c.at = c.at.Add(time.Second)
	if got := first + second + w.sendings(1, onlyAna); got != ".p." {
		t.Errorf("once a minute: got %s", got)
	}
}
