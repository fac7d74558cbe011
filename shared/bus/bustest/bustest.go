// Package bustest tests that a backend is a [bus.Publisher]. A backend's own
// test calls [Run] with a factory, and adds what only it can do.
package bustest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/citasync/citasync/shared/bus"
	"github.com/citasync/citasync/shared/fault"
)

// Backend is a publisher together with what comes out at its other end.
type Backend struct {
	bus.Publisher
	// Next waits for a message of the topic that was not returned before, and
	// returns it with its id. Messages may come in any order, and more than
	// once.
	Next func(ctx context.Context, topic bus.Topic) (id string, m bus.Message, err error)
}

// Run tests what Publish promises. The factory returns a backend with nothing
// in it each time it is called, and clears it away when the test ends. The
// backend has the topics Reserved, Confirmed and Maintenance.
func Run(t *testing.T, open func(*testing.T) Backend) {
	t.Helper()
	for _, tt := range []struct {
		name string
		run  func(*testing.T, Backend)
	}{
		{"Arrives", testArrives},
		{"TopicsApart", testTopicsApart},
		{"Concurrent", testConcurrent},
		{"CallersOwn", testCallersOwn},
		{"ContextEnded", testContextEnded},
		{"Wake", testWake},
	} {
		t.Run(tt.name, func(t *testing.T) { tt.run(t, open(t)) })
	}
}

func publish(t *testing.T, b Backend, topic bus.Topic, m bus.Message) (id string) {
	t.Helper()
	id, err := b.Publish(t.Context(), topic, m)
	if err != nil {
		t.Fatalf("publish to %s: %v", topic, err)
	}
	if id == "" {
		t.Errorf("publish to %s: a message without an id", topic)
	}
	return id
}

func next(t *testing.T, b Backend, topic bus.Topic) (id string, m bus.Message) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	id, m, err := b.Next(ctx, topic)
	if err != nil {
		t.Fatalf("no message of %s: %v", topic, err)
	}
	return id, m
}

// want compares without printing what may be long or not text.
func want(t *testing.T, got, want bus.Message) {
	t.Helper()
	if !bytes.Equal(got.Data, want.Data) {
		t.Errorf("%d bytes of data arrived as %d others", len(want.Data), len(got.Data))
	}
	if !maps.Equal(got.Attributes, want.Attributes) {
		t.Errorf("attributes %q arrived as %q", want.Attributes, got.Attributes)
	}
}

func testArrives(t *testing.T, b Backend) {
	for _, m := range []bus.Message{
		{Data: []byte(`{"service":"Peluquería"}`), Attributes: map[string]string{bus.AttrCompany: "ñ 2", bus.AttrTrace: "00-1-2-01"}},
		{Data: []byte("\x00\xff\n")},
		{Data: []byte("x"), Attributes: map[string]string{bus.AttrBooking: ""}},
		{Data: bytes.Repeat([]byte("x"), 64<<10), Attributes: map[string]string{bus.AttrBooking: strings.Repeat("b", 128)}},
	} {
		id := publish(t, b, bus.Confirmed, m)
		gotID, got := next(t, b, bus.Confirmed)
		want(t, got, m)
		if gotID != id {
			t.Errorf("message %q arrived as %q", id, gotID)
		}
	}
}

func testTopicsApart(t *testing.T, b Backend) {
	reserved, confirmed := bus.Message{Data: []byte("reserved")}, bus.Message{Data: []byte("confirmed")}
	publish(t, b, bus.Reserved, reserved)
	publish(t, b, bus.Confirmed, confirmed)
	_, got := next(t, b, bus.Confirmed)
	want(t, got, confirmed)
	_, got = next(t, b, bus.Reserved)
	want(t, got, reserved)
}

func testConcurrent(t *testing.T, b Backend) {
	const publishers, each = 16, 8
	var mu sync.Mutex
	sent := map[string]string{}
	var wg sync.WaitGroup
	for p := range publishers {
		wg.Go(func() {
			for n := range each {
				data := fmt.Sprintf("%d.%d", p, n)
				id, err := b.Publish(t.Context(), bus.Confirmed, bus.Message{Data: []byte(data)})
				if err != nil {
					t.Errorf("publish: %v", err)
				}
				mu.Lock()
				sent[id] = data
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(sent) != publishers*each {
		t.Fatalf("%d messages have %d ids", publishers*each, len(sent))
	}
	for len(sent) > 0 {
		id, m := next(t, b, bus.Confirmed)
		if data, ok := sent[id]; ok && data != string(m.Data) {
			t.Errorf("message %q has data %q, want %q", id, m.Data, data)
		}
		delete(sent, id)
	}
}

// testCallersOwn changes what was published as soon as it is.
func testCallersOwn(t *testing.T, b Backend) {
	m := bus.Message{Data: []byte("data"), Attributes: map[string]string{bus.AttrCompany: "2"}}
	publish(t, b, bus.Confirmed, m)
	copy(m.Data, "evil")
	m.Attributes[bus.AttrCompany] = "3"
	_, got := next(t, b, bus.Confirmed)
	want(t, got, bus.Message{Data: []byte("data"), Attributes: map[string]string{bus.AttrCompany: "2"}})
}

// testContextEnded wants nothing published, which a message sent afterwards
// shows by arriving first.
func testContextEnded(t *testing.T, b Backend) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	for _, ctx := range []context.Context{cancelled, late} {
		id, err := b.Publish(ctx, bus.Confirmed, bus.Message{Data: []byte("never")})
		if !errors.Is(err, fault.ErrUnavailable) || id != "" {
			t.Errorf("context with %v: id %q, error %v, want %v", ctx.Err(), id, err, fault.ErrUnavailable)
		}
	}
	m := bus.Message{Data: []byte("sent")}
	publish(t, b, bus.Confirmed, m)
	_, got := next(t, b, bus.Confirmed)
	want(t, got, m)
}

func testWake(t *testing.T, b Backend) {
	const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	if err := bus.Wake(t.Context(), b, "backfill", "2", trace); err != nil {
		t.Fatal(err)
	}
	_, got := next(t, b, bus.Maintenance)
	want(t, got, bus.Message{
		Data:       []byte(`{"task":"backfill","company":"2"}`),
		Attributes: map[string]string{bus.AttrTrace: trace, bus.AttrCompany: "2"},
	})
}
