package boltqueue

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/citasync/citasync/shared/bus"
)

// fileVariable names the queue's file to the test binary when it runs as the
// process that is to be killed.
const fileVariable = "BOLTQUEUE_TEST_FILE"

// TestKill kills a process that publishes and delivers, several times over the
// same file. Whatever it was told is accepted must be delivered, by it or by
// the next one.
func TestKill(t *testing.T) {
	path := temp(t)
	var accepted, ids, handled []string
	for range 3 {
		out := killed(t, path, 150)
		accepted = append(accepted, out["accepted"]...)
		ids = append(ids, out["id"]...)
		handled = append(handled, out["handled"]...)
	}
	if len(accepted) < 3*150 {
		t.Fatalf("only %d messages were accepted", len(accepted))
	}
	seen := map[string]bool{}
	for _, id := range ids {
		if seen[id] {
			t.Errorf("id %s came twice", id)
		}
		seen[id] = true
	}
	done := map[string]bool{}
	for _, d := range append(handled, drained(t, path)...) {
		done[d] = true
	}
	for _, d := range accepted {
		if !done[d] {
			t.Errorf("%s was accepted and is lost", d)
		}
	}
}

// killed runs a child until it has accepted some messages, kills it, and
// returns what it said, by the first word of each line.
func killed(t *testing.T, path string, enough int) map[string][]string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestChild$")
	cmd.Env = append(os.Environ(), fileVariable+"="+path)
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		word, rest, _ := strings.Cut(lines.Text(), " ")
		out[word] = append(out[word], rest)
		if len(out["accepted"]) == enough {
			_ = cmd.Process.Kill() // SIGKILL; what is in the pipe is read to its end
		}
	}
	if err := cmd.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Fatalf("the child ended by itself: %v", err)
	}
	return out
}

// drained delivers everything that is due at once in the file.
func drained(t *testing.T, path string) (data []string) {
	t.Helper()
	q := openAt(t, path, Options{NoSync: true})
	left, err := q.Depth(t.Context(), bus.Confirmed)
	if err != nil || left == 0 {
		t.Fatalf("%d messages are left, error %v; the test needs some", left, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var mu sync.Mutex
	q.Subscribe(bus.Confirmed, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if data = append(data, pushedData(r)); len(data) == left {
			cancel()
		}
	}))
	if err := q.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if n, err := q.Depth(t.Context(), bus.Confirmed); err != nil || n != 0 {
		t.Errorf("%d messages are left, error %v, want none", n, err)
	}
	return data
}

// TestChild is the process that is killed: it publishes, and acknowledges one
// message in ten, until then.
func TestChild(t *testing.T) {
	path := os.Getenv(fileVariable)
	if path == "" {
		t.Skip("runs as a process of TestKill")
	}
	q, err := Open(path, Options{MinBackoff: time.Millisecond, MaxBackoff: 2 * time.Millisecond, MaxAttempts: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	q.Subscribe(bus.Confirmed, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d := pushedData(r)
		if !strings.HasSuffix(d, "0") {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		say("handled", d)
	}))
	for i := range 4 {
		go func() {
			for n := 0; ; n++ {
				d := strconv.Itoa(os.Getpid()) + "-" + strconv.Itoa(i) + "-" + strconv.Itoa(n)
				id, err := q.Publish(context.Background(), bus.Confirmed, bus.Message{Data: []byte(d)})
				if err != nil {
					panic(err)
				}
				say("id", id)
				say("accepted", d)
			}
		}()
	}
	_ = q.Run(t.Context())
}

// say writes a line in one piece, so that a kill leaves no half of one.
func say(word, rest string) {
	_, _ = fmt.Fprintf(os.Stdout, "%s %s\n", word, rest)
}
