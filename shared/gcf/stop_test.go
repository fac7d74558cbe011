package gcf

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	small = 100     // bytes, which net/http keeps until the handler has returned
	large = 300_001 // bytes, more than it keeps
)

// inHand begins a request that takes so long and is answered with so many
// bytes, and returns when its handler has it.
func (f *function) inHand(d time.Duration, size int) <-chan reply {
	f.t.Helper()
	before := len(f.logged("begun"))
	c := make(chan reply, 1)
	go func() { c <- f.get(fmt.Sprintf("/slow/%v/%d", d, size)) }()
	f.await(before+1, "begun")
	return c
}

func wantWhole(t *testing.T, got reply, size int) {
	t.Helper()
	if got.status != 200 || len(got.body) != size || got.err != nil {
		t.Errorf("the request in hand was answered %d with %d bytes, want %d, error %v", got.status, len(got.body), size, got.err)
	}
}

func TestStop(t *testing.T) {
	t.Parallel()
	f := serve(t)
	slow := f.inHand(1500*time.Millisecond, large)
	f.signal(syscall.SIGTERM)
	f.await(1, "stopping")
	got := f.get("/health")
	if got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" || got.header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("a new request was answered %+v", got)
	}
	wantWhole(t, <-slow, large)
	if status := f.wait(5 * time.Second); status != 0 {
		t.Errorf("ended with status %d", status)
	}
	if _, err := net.Dial("tcp", f.addr); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("afterwards: %v", err)
	}
	var messages []string
	for _, l := range f.lines() {
		name, _ := l["name"].(string)
		messages = append(messages, strings.TrimSpace(l["message"].(string)+" "+name))
	}
	if diff := cmp.Diff([]string{"serving", "begun", "stopping", "closed second", "closed first", "stopped"}, messages); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}

// TestStopSmall stops with answers in hand that net/http sends only when the
// handler has returned.
func TestStopSmall(t *testing.T) {
	t.Parallel()
	f := serve(t)
	var slow []<-chan reply
	for range 10 {
		slow = append(slow, f.inHand(2*time.Second, small))
	}
	f.signal(syscall.SIGINT)
	for _, c := range slow {
		wantWhole(t, <-c, small)
	}
	if status := f.wait(5 * time.Second); status != 0 {
		t.Errorf("ended with status %d", status)
	}
}

// TestRefusal has the connection of a request that was refused closed.
func TestRefusal(t *testing.T) {
	t.Parallel()
	f := serve(t)
	conn, err := net.Dial("tcp", f.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }() // the server has
	slow := f.inHand(time.Second, small)
	f.signal(syscall.SIGTERM)
	f.await(1, "stopping")
	if _, err := conn.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	got := readAll(t, conn)
	if !strings.HasPrefix(got, "HTTP/1.1 503 ") || !strings.Contains(got, "Connection: close") {
		t.Errorf("answered %s", got)
	}
	<-slow
}

func TestSecondSignal(t *testing.T) {
	t.Parallel()
	f := serve(t)
	slow := f.inHand(20*time.Second, small)
	f.signal(syscall.SIGTERM)
	f.await(1, "stopping")
	f.signal(syscall.SIGTERM)
	if status := f.wait(2 * time.Second); status == 0 {
		t.Errorf("ended with status %d", status)
	}
	if got := <-slow; got.err == nil {
		t.Errorf("answered %+v", got)
	}
}

// TestCutOff has a request that takes longer than Cloud Run's patience.
func TestCutOff(t *testing.T) {
	t.Parallel()
	f := serve(t, "K_SERVICE=probe")
	f.inHand(20*time.Second, small)
	f.signal(syscall.SIGTERM)
	start := time.Now()
	if status := f.wait(10 * time.Second); status != 1 || time.Since(start) < 7*time.Second {
		t.Errorf("ended with status %d after %v", status, time.Since(start))
	}
	if lines := f.logged("requests are cut off"); len(lines) != 1 || lines[0]["in_hand"] != 1.0 || len(f.logged("closed")) != 2 {
		t.Errorf("logged %s", f.out)
	}
}

func TestUnclosable(t *testing.T) {
	t.Parallel()
	f := serve(t, "OPEN=unclosable")
	f.signal(syscall.SIGTERM)
	if status := f.wait(5 * time.Second); status != 1 {
		t.Errorf("ended with status %d", status)
	}
	if lines := f.logged("not everything was closed"); len(lines) != 1 || lines[0]["error"] != "it will not close" || len(f.logged("closed")) != 2 {
		t.Errorf("logged %s", f.out)
	}
}
