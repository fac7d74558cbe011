package gcf

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() }) // the server may have, too
	return conn
}

func send(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
}

// readAll reads until the server closes the connection.
func readAll(t *testing.T, conn net.Conn) string {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(conn)
	if err != nil {
		t.Errorf("after %q: %v", b, err)
	}
	return string(b)
}

// TestDribble sends a body a byte at a time, for longer than it may take.
func TestDribble(t *testing.T) {
	t.Parallel()
	f := serve(t)
	conn := dial(t, f.addr)
	send(t, conn, "POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n")
	stop := make(chan struct{})
	go func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Second):
				_, _ = io.WriteString(conn, "x") // until the server no longer listens
			}
		}
	}()
	start := time.Now()
	got := readAll(t, conn)
	close(stop)
	if took := time.Since(start); took < 14*time.Second || took > 20*time.Second || !strings.HasPrefix(got, "HTTP/1.1 400 ") {
		t.Errorf("after %v: %q", took, got)
	}
}

// limited serves a handler with such limits.
func limited(t *testing.T, l limits, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(newProcess(h, slog.New(slog.DiscardHandler), nil, l))
	t.Cleanup(s.Close)
	return s
}

func generous() limits {
	return limits{read: time.Minute, work: time.Minute, write: time.Minute}
}

// TestReadLimitEnds has a handler work for longer than its request may take to
// arrive: its context must not end with that.
func TestReadLimitEnds(t *testing.T) {
	t.Parallel()
	l := generous()
	l.read = 200 * time.Millisecond
	s := limited(t, l, func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		select {
		case <-r.Context().Done():
			fmt.Fprint(w, r.Context().Err())
		case <-time.After(3 * l.read):
			fmt.Fprint(w, string(b), err)
		}
	})
	for _, body := range []io.Reader{http.NoBody, strings.NewReader("whole"), struct{ io.Reader }{strings.NewReader("chunked")}} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL, body)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := s.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close() // it was read
		if err != nil || !strings.HasSuffix(string(b), "<nil>") {
			t.Errorf("answered %q, error %v", b, err)
		}
	}
}

// TestKeepAlive sends two requests on one connection, the second when the
// first one's time is long up.
func TestKeepAlive(t *testing.T) {
	t.Parallel()
	l := limits{read: 200 * time.Millisecond, work: 200 * time.Millisecond, write: 200 * time.Millisecond}
	s := limited(t, l, func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		fmt.Fprint(w, string(b), err)
	})
	conn := dial(t, s.Listener.Addr().String())
	const request = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n"
	send(t, conn, request+"\r\none")
	time.Sleep(3 * l.read)
	send(t, conn, request+"Connection: close\r\n\r\ntwo")
	got := readAll(t, conn)
	if strings.Count(got, "HTTP/1.1 200 OK") != 2 || !strings.Contains(got, "one<nil>") || !strings.Contains(got, "two<nil>") {
		t.Errorf("answered %q", got)
	}
}

func TestWorkLimit(t *testing.T) {
	t.Parallel()
	l := generous()
	l.work = 200 * time.Millisecond
	s := limited(t, l, func(w http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		fmt.Fprint(w, errors.Is(r.Context().Err(), context.DeadlineExceeded))
	})
	resp, err := s.Client().Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }() // it is read
	if b, err := io.ReadAll(resp.Body); err != nil || string(b) != "true" {
		t.Errorf("answered %q, error %v", b, err)
	}
}

// TestWriteLimit has a client that does not read its answer.
func TestWriteLimit(t *testing.T) {
	t.Parallel()
	l := generous()
	l.write = 500 * time.Millisecond
	ended := make(chan error, 1)
	s := limited(t, l, func(w http.ResponseWriter, _ *http.Request) {
		for {
			if _, err := w.Write(make([]byte, 1<<20)); err != nil {
				ended <- err
				return
			}
		}
	})
	send(t, dial(t, s.Listener.Addr().String()), "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Error("the handler is still writing")
	}
}

// TestLimits holds the limits against what surrounds a function.
func TestLimits(t *testing.T) {
	const (
		ackDeadline  = time.Minute
		killedAfter  = 10 * time.Second
		longestSweep = 50 * time.Second // of maintain
	)
	for _, cloudRun := range []bool{true, false} {
		l := cloudRunLimits(cloudRun)
		if l.work <= longestSweep || l.write <= l.work || l.write > ackDeadline || l.read >= l.work {
			t.Errorf("%+v", l)
		}
		if cloudRun && l.stop+flushTime+l.end >= killedAfter {
			t.Errorf("%+v: killed before the end", l)
		}
	}
}
