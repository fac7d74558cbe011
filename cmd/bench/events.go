package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/citasync/citasync/shared/googleauth"
	"github.com/citasync/citasync/shared/store/firestore"
)

// senders is how many companies the events are of.
const senders = 20

// inFlights are the numbers of events that are sent at a time.
func inFlights() []int { return []int{1, 16, 64} }

// onEvents measures onconfirm and, in turns with it, the plain program.
func (b *bench) onEvents(ctx context.Context) error {
	if err := b.outside.firestore(ctx); err != nil {
		return err
	}
	ours := program{name: "onconfirm", path: filepath.Join(b.bin, "onconfirm"), env: b.outside.env, log: filepath.Join(b.dir, "onconfirm.log")}
	plain := program{name: "plain", path: b.plain, env: b.outside.env, log: filepath.Join(b.dir, "plain.log")}
	if err := b.seed(ctx, plain); err != nil {
		return err
	}
	e := &events{sender: newSender(senders), bench: b, results: [2]programReport{{Name: ours.name}, {Name: plain.name}}, programs: [2]program{ours, plain}}
	for _, measure := range []func(context.Context) error{e.sizes, e.coldStarts, e.rounds, e.count} {
		if err := measure(ctx); err != nil {
			return err
		}
	}
	b.report.Events = &eventsReport{Ours: e.results[0], Plain: e.results[1], Ratios: ratios(e.results[0], e.results[1])}
	return nil
}

// seed connects the companies, for either program in its own way.
func (b *bench) seed(ctx context.Context, plain program) error {
	s, err := firestore.Open(ctx, project, "", b.outside.env["FIRESTORE_EMULATOR_HOST"])
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }() // everything is written
	on, err := install(ctx, b.outside.env, s, nil)
	if err != nil {
		return err
	}
	grants, err := b.outside.grants(ctx, on.google.Client, senders)
	if err != nil {
		return err
	}
	type connection struct {
		Company      string    `json:"company"`
		CalendarID   string    `json:"calendar_id"`
		AccessToken  string    `json:"access_token"`
		RefreshToken string    `json:"refresh_token"`
		Expiry       time.Time `json:"expiry"`
	}
	var all []connection
	for i, grant := range grants {
		if err := connect(ctx, on.google.Grants, i, grant); err != nil {
			return err
		}
		all = append(all, connection{string(companyID(i)), "primary", grant.AccessToken, grant.RefreshToken, grant.Expiry})
	}
	data, err := json.Marshal(all) //nolint:gosec // a sandbox's token, for the plain program
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, plain.path, "seed") //nolint:gosec // one of ours
	cmd.Env = append(os.Environ(), "GOOGLE_CLOUD_PROJECT="+project, "FIRESTORE_EMULATOR_HOST="+b.outside.env["FIRESTORE_EMULATOR_HOST"])
	cmd.Stdin = bytes.NewReader(data)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("plain seed: %w: %s", err, out)
	}
	return nil
}

func connect(ctx context.Context, g *googleauth.Grants, company int, grant googleauth.Grant) error {
	result, err := g.Connect(ctx, companyID(company), grant)
	if err == nil && !result.Connected() {
		err = fmt.Errorf("%w: %s", errRefused, result)
	}
	return err
}

// events is the measure of the two programs, ours first.
type events struct {
	*bench
	*sender
	programs [2]program
	results  [2]programReport
}

func (e *events) sizes(context.Context) error {
	for i, p := range e.programs {
		info, err := os.Stat(p.path)
		if err != nil {
			return fmt.Errorf("%w: make bench builds it", err)
		}
		e.results[i].BinaryMiB = float64(info.Size()) / (1 << 20)
	}
	return nil
}

// coldStarts measures how long it takes from the start of a process to its first
// event's acknowledgement, of each program in turn.
func (e *events) coldStarts(ctx context.Context) error {
	var all [2]sample
	for range e.starts {
		for i, p := range e.programs {
			took, err := e.coldStart(ctx, p, &e.results[i])
			if err != nil {
				return err
			}
			all[i] = append(all[i], took)
		}
	}
	for i := range all {
		e.results[i].ColdStartMS = millis(all[i].at(0.5))
		e.results[i].ColdStartBestMS = millis(all[i].at(0))
	}
	return nil
}

func (e *events) coldStart(ctx context.Context, p program, r *programReport) (time.Duration, error) {
	proc, err := p.start(ctx)
	if err != nil {
		return 0, err
	}
	defer proc.stop()
	if err := proc.await(ctx); err != nil {
		return 0, err
	}
	if err := e.one(ctx, proc.url()); err != nil {
		return 0, fmt.Errorf("%s: %w", p.name, err)
	}
	took := time.Since(proc.begun)
	now, _, err := proc.memory()
	r.MemoryFirstMiB = max(r.MemoryFirstMiB, now)
	return took, err
}

// rounds sends events to both programs, in turns, with ever more in flight.
func (e *events) rounds(ctx context.Context) error {
	var procs [2]*process
	for i, p := range e.programs {
		var err error
		if procs[i], err = p.start(ctx); err != nil {
			return err
		}
		defer procs[i].stop()
		if err := procs[i].await(ctx); err != nil {
			return err
		}
	}
	for i := range procs { // until all connections are made and all code was run
		if _, _, err := e.send(ctx, procs[i].url(), e.events/4, 16); err != nil {
			return fmt.Errorf("%s: %w", procs[i].name, err)
		}
	}
	for _, n := range inFlights() {
		if err := e.level(ctx, procs, n); err != nil {
			return err
		}
	}
	for i, p := range procs {
		var err error
		if e.results[i].MemoryMiB, e.results[i].MemoryPeakMiB, err = p.memory(); err != nil {
			return err
		}
	}
	return nil
}

// level sends events, so many in flight, to each program in turn.
func (e *events) level(ctx context.Context, procs [2]*process, inFlight int) error {
	var all [2]levelReport
	for round := range e.options.rounds {
		for turn := range procs {
			i := (round + turn) % len(procs)
			if err := e.round(ctx, procs[i], inFlight, &all[i]); err != nil {
				return fmt.Errorf("%s: %w", procs[i].name, err)
			}
		}
	}
	for i := range all {
		e.results[i].Levels = append(e.results[i].Levels, all[i].summed(inFlight))
		e.say("%s, %d in flight: %.0f events/s", procs[i].name, inFlight, e.results[i].Levels[len(e.results[i].Levels)-1].PerSecond)
	}
	return nil
}

func (e *events) round(ctx context.Context, p *process, inFlight int, r *levelReport) error {
	before, err := p.cpu()
	if err != nil {
		return err
	}
	n := e.events
	if inFlight == 1 {
		n /= 4
	}
	all, took, err := e.send(ctx, p.url(), n, inFlight)
	if err != nil {
		return err
	}
	after, err := p.cpu()
	r.rates = append(r.rates, float64(len(all))/took.Seconds())
	r.all = append(r.all, all...)
	r.cpu += after - before
	return err
}

// counted is how many events are sent through the proxy that counts calls.
const counted = 100

// count has each program make its calls through a proxy that counts them.
func (e *events) count(ctx context.Context) error {
	for i, p := range e.programs {
		if err := e.countOf(ctx, p, &e.results[i]); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return nil
}

func (e *events) countOf(ctx context.Context, p program, r *programReport) error {
	proxy, err := startProxy(ctx, e.outside.env["FIRESTORE_EMULATOR_HOST"])
	if err != nil {
		return err
	}
	defer proxy.stop()
	p.env = with(p.env, "FIRESTORE_EMULATOR_HOST", proxy.addr)
	proc, err := p.start(ctx)
	if err != nil {
		return err
	}
	defer proc.stop()
	if err := proc.await(ctx); err != nil {
		return err
	}
	if _, _, err := e.send(ctx, proc.url(), senders, 1); err != nil { // whatever is asked for the first time
		return err
	}
	proxy.take()
	e.outside.google.ClearRequests()
	e.outside.secrets.ClearCalls()
	if _, _, err := e.send(ctx, proc.url(), counted, 1); err != nil {
		return err
	}
	r.Calls = perEvent(proxy.take(), "firestore ")
	google := map[string]int{}
	for _, q := range e.outside.google.Requests() {
		google[q.Operation]++
	}
	for _, c := range e.outside.secrets.Calls() {
		google["secret manager "+c.Method]++
	}
	for name, n := range perEvent(google, "google ") {
		r.Calls[name] = n
	}
	return nil
}

func perEvent(calls map[string]int, prefix string) map[string]float64 {
	per := map[string]float64{}
	for name, n := range calls {
		per[prefix+name] = float64(n) / counted
	}
	return per
}
