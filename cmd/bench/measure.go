package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"time"

	"golang.org/x/time/rate"

	"github.com/citasync/citasync/functions/maintain"
	"github.com/citasync/citasync/shared/converge"
	"github.com/citasync/citasync/shared/store"
	"github.com/citasync/citasync/shared/store/bolt"
	"github.com/citasync/citasync/shared/store/firestore"
	"github.com/citasync/citasync/shared/wire"
)

// spec is what a process of its own is to measure, so that its memory is that
// of maintain and of nothing else.
type spec struct {
	What      string            `json:"what"`
	Path      string            `json:"path"` // of an embedded store; empty: Firestore
	Env       map[string]string `json:"env"`
	Companies int               `json:"companies"`
	Bookings  int               `json:"bookings"`
	Limit     time.Duration     `json:"limit"`
}

// step is one thing that was measured.
type step struct {
	What       string         `json:"what"`
	Seconds    float64        `json:"seconds"`
	Runs       int            `json:"runs"`
	LongestRun float64        `json:"longest_run_seconds"`
	Reads      int64          `json:"store_reads"`
	Lists      int64          `json:"store_lists"`
	Writes     int64          `json:"store_writes"`
	Google     map[string]int `json:"google_calls"`
	Memory     memory         `json:"memory"`
	Done       int            `json:"done"` // of what the step is about
	Of         int            `json:"of"`
	Fresh      *fresh         `json:"fresh,omitempty"` // events told meanwhile
}

// measureApart has a process of its own measure something.
func (b *bench) measureApart(ctx context.Context, s spec) ([]step, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	in, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, "measure") //nolint:gosec // this very program
	var out bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(in), &out, os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("measure %s: %w", s.What, err)
	}
	var steps []step
	return steps, json.Unmarshal(out.Bytes(), &steps)
}

// measure is that process.
func measure(ctx context.Context, in io.Reader, out io.Writer) error {
	var s spec
	if err := json.NewDecoder(in).Decode(&s); err != nil {
		return err
	}
	m, err := newMeter(ctx, s)
	if err != nil {
		return err
	}
	defer m.close()
	switch s.What {
	case "company":
		err = m.company(ctx)
	case "companies":
		err = m.companies(ctx)
	default:
		err = fmt.Errorf("nothing called %q is measured", s.What)
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(m.steps)
}

// meter measures runs of maintain. Its maintainer is wired as the function is,
// but for a pacer that keeps nobody waiting, so that what takes hours at
// Google's limits takes minutes.
type meter struct {
	spec
	own        store.Store // uncounted
	maintainer *maintain.Maintainer
	tally      *tally
	calls      *calls
	engine     *converge.Engine // of fresh events, on a store of its own if that is Firestore
	closers    []func() error
	steps      []step
}

func newMeter(ctx context.Context, s spec) (m *meter, err error) {
	m = &meter{spec: s, calls: &calls{RoundTripper: wire.HTTPClient().Transport, by: map[string]int{}}}
	if m.own, err = m.open(ctx); err != nil {
		return nil, err
	}
	m.tally = &tally{Store: m.own}
	if m.maintainer, err = m.maintain(ctx, 0); err != nil {
		return nil, err
	}
	other := m.own
	if s.Path == "" {
		if other, err = m.open(ctx); err != nil {
			return nil, err
		}
	}
	i, err := install(ctx, s.Env, other, nil)
	if err != nil {
		return nil, err
	}
	m.engine, err = i.engine(i.google.Calendar)
	return m, err
}

func (m *meter) open(ctx context.Context) (s store.Store, err error) {
	if m.Path != "" {
		b, err := bolt.Open(m.Path)
		if err != nil {
			return nil, err
		}
		m.closers = append(m.closers, b.Close)
		return b, nil
	}
	f, err := firestore.Open(ctx, m.Env["GOOGLE_CLOUD_PROJECT"], "", m.Env["FIRESTORE_EMULATOR_HOST"])
	if err != nil {
		return nil, err
	}
	m.closers = append(m.closers, f.Close)
	return f, nil
}

func (m *meter) close() {
	for _, c := range m.closers {
		_ = c() // everything is measured
	}
}

// unpaced is as good as no limit.
const unpaced = rate.Limit(1_000_000)

// maintain returns a maintainer whose clock is so far ahead.
func (m *meter) maintain(ctx context.Context, ahead time.Duration) (*maintain.Maintainer, error) {
	i, err := install(ctx, m.Env, m.tally, func(p *wire.Parts) {
		p.HTTP = &http.Client{Transport: m.calls}
		p.Now = func() time.Time { return time.Now().Add(ahead) }
	})
	if err != nil {
		return nil, err
	}
	notifier, err := wire.Notifier(i.Parts)
	if err != nil {
		return nil, err
	}
	pacer := maintain.PacerAt(unpaced, unpaced)
	engine, err := i.engine(pacer.Pace(i.google.Calendar))
	if err != nil {
		return nil, err
	}
	return maintain.New(maintain.Deps{
		Bookings: i.Store, Connections: i.Store, Engine: engine, Calendar: i.google.Calendar, Pacer: pacer, Grants: i.google.Grants,
		Notifier: notifier, Switches: i.google.Switches, Publisher: i.Publisher, Now: i.Now, Log: i.Log,
	}), nil
}

// until runs maintain until done, or for as long as it may take, and keeps what
// that cost. As in a deployment, a run follows the one before at once if that
// left something, and otherwise at the next minute. Events are told meanwhile.
func (m *meter) until(ctx context.Context, what string, with *maintain.Maintainer, done progress) error {
	s := step{What: what}
	if _, _, err := done(); err != nil { // how much there is
		return err
	}
	m.zero()
	stop, told := watch(), m.tell(ctx)
	begun := time.Now()
	for {
		more, err := m.run(ctx, with, &s)
		if err != nil {
			return err
		}
		if s.Done, s.Of, err = done(); err != nil {
			return err
		}
		m.zero() // what asking for it cost
		if s.Done >= s.Of || time.Since(begun) > m.Limit || ctx.Err() != nil {
			break
		}
		if !more {
			time.Sleep(time.Minute - time.Since(begun)%time.Minute)
		}
	}
	s.Seconds, s.Memory = time.Since(begun).Seconds(), stop()
	return m.add(s, told)
}

// progress is how much of a step is done.
type progress func() (done, of int, err error)

// ran is the progress of a step that is a single run.
func ran() (done, of int, err error) { return 1, 1, nil }

func (m *meter) run(ctx context.Context, with *maintain.Maintainer, s *step) (more bool, err error) {
	begun := time.Now()
	more, err = with.Run(ctx)
	s.Runs++
	s.LongestRun = max(s.LongestRun, time.Since(begun).Seconds())
	m.keep(s)
	return more, err
}

// add ends a step.
func (m *meter) add(s step, told func() (*fresh, error)) (err error) {
	s.Fresh, err = told()
	m.steps = append(m.steps, s)
	fmt.Fprintf(os.Stderr, "bench: %s: %d of %d in %.1f s\n", s.What, s.Done, s.Of, s.Seconds)
	return err
}

// idle tells events while nothing else happens, to compare with.
func (m *meter) idle(ctx context.Context) error {
	stop, told := watch(), m.tell(ctx)
	d := min(10*time.Second, m.Limit)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
	}
	return m.add(step{What: "no run, to compare with", Seconds: d.Seconds(), Memory: stop()}, told)
}

func (m *meter) zero() {
	m.tally.reads.Store(0)
	m.tally.lists.Store(0)
	m.tally.writes.Store(0)
	m.calls.take()
}

func (m *meter) keep(s *step) {
	s.Reads += m.tally.reads.Load()
	s.Lists += m.tally.lists.Load()
	s.Writes += m.tally.writes.Load()
	if s.Google == nil {
		s.Google = map[string]int{}
	}
	for name, n := range m.calls.take() {
		s.Google[name] += n
	}
}
