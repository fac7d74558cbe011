package main

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/emulator/emulatortest"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store/firestore"
)

func TestSample(t *testing.T) {
	var s sample
	if s.at(0.99) != 0 {
		t.Error("an empty sample has a duration")
	}
	for i := range 100 {
		s = append(s, time.Duration(100-i)*time.Millisecond)
	}
	for share, want := range map[float64]float64{0: 1, 0.5: 51, 0.99: 100, 1: 100} {
		if got := millis(s.at(share)); got != want {
			t.Errorf("at %v: %v", share, got)
		}
	}
}

// TestPush: what is sent is what the functions take.
func TestPush(t *testing.T) {
	s, seen := newSender(3), map[booking.CompanyID]bool{}
	for range 3 {
		body, err := s.push()
		if err != nil {
			t.Fatal(err)
		}
		var push struct{ Message struct{ Data []byte } }
		if err := json.Unmarshal([]byte(body), &push); err != nil {
			t.Fatal(err)
		}
		ev, err := booking.Decode(push.Message.Data, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		seen[ev.Company] = true
	}
	if len(seen) != 3 {
		t.Errorf("events of %v", seen)
	}
}

func TestInOrder(t *testing.T) {
	var n atomic.Int64
	count := func(context.Context, int) error { n.Add(1); return nil }
	if done, err := inOrder(t.Context(), 1000, time.Minute, count); done != 1000 || n.Load() != 1000 || err != nil {
		t.Errorf("%d reported, %d done, %v", done, n.Load(), err)
	}
	if done, err := inOrder(t.Context(), 1000, 0, count); done != 0 || err != nil {
		t.Errorf("%d done in no time, %v", done, err)
	}
	no := errors.New("no")
	if _, err := inOrder(t.Context(), 1000, time.Minute, func(context.Context, int) error { return no }); !errors.Is(err, no) {
		t.Errorf("error %v", err)
	}
}

// TestProxy: calls go through unchanged, those with an error too, and are counted.
func TestProxy(t *testing.T) {
	p, err := startProxy(t.Context(), emulatortest.Firestore(t))
	if err != nil {
		t.Fatal(err)
	}
	defer p.stop()
	s, err := firestore.Open(t.Context(), "proxy", "", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c := integration.Connection{ID: integration.GoogleCalendar, Status: integration.Connected}
	company := booking.CompanyID(time.Now().String())
	if err := s.PutConnection(t.Context(), company, &c); err != nil {
		t.Fatal(err)
	}
	got, err := s.Connection(t.Context(), company, integration.GoogleCalendar)
	if err != nil || got.Status != integration.Connected {
		t.Errorf("read %q, %v", got.Status, err)
	}
	c.Version = ""
	if err := s.PutConnection(t.Context(), company, &c); err == nil {
		t.Error("a conflict was not passed on")
	}
	if calls := p.take(); calls["Commit"] != 2 || calls["BatchGetDocuments"] != 1 || len(calls) != 2 {
		t.Errorf("calls %v", calls)
	}
}

// TestCompanies measures few companies, a run for each step, so that the
// program is known to work before it is needed.
func TestCompanies(t *testing.T) {
	o, err := startOutside(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer o.stop()
	r := &report{}
	b := &bench{options: options{companies: 150, limit: time.Minute}, dir: t.TempDir(), report: r, outside: o}
	at, err := b.fill(t.Context(), "companies", true, b.connectMany)
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Dir(at.Path) != b.dir {
		t.Errorf("the store is at %s", at.Path)
	}
	at.Companies, at.Limit = 150, time.Nanosecond
	m, err := newMeter(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	defer m.close()
	if err := m.companies(t.Context()); err != nil {
		t.Fatal(err)
	}
	steps := map[string]step{}
	for _, s := range m.steps {
		steps[s.What] = s
	}
	if s := steps["100 daily checks due"]; s.Done != 100 || s.Of != 100 || s.Google["list"] != 100 || s.Memory.Heap == 0 {
		t.Errorf("%+v", s)
	}
	if s := steps["nothing due"]; s.Reads > 5 || s.Lists > 10 || s.Writes > 0 || len(s.Google) > 0 {
		t.Errorf("%+v", s)
	}
	if s := steps["all checks due, after a long stop"]; s.Google["list"] != 100 {
		t.Errorf("%+v", s)
	}
	if s := steps["switched on again"]; s.Writes != 300 || s.Of != 150 { // owed, and a first pass
		t.Errorf("%+v", s)
	}
	r.Companies = []maintainReport{{Store: at.store(), Companies: 150, Steps: m.steps}}
	var out strings.Builder
	if err := r.tables(&out); err != nil || !strings.Contains(out.String(), "nothing due") {
		t.Errorf("printed %s, %v", &out, err)
	}
}
