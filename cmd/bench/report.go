package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// report is all that was measured.
type report struct {
	Time       time.Time        `json:"time"`
	Go         string           `json:"go"`
	CPUs       int              `json:"cpus"`
	LoadBefore string           `json:"load_before"`
	LoadAfter  string           `json:"load_after"`
	Events     *eventsReport    `json:"events,omitempty"`
	Company    []maintainReport `json:"company,omitempty"`
	Companies  []maintainReport `json:"companies,omitempty"`
	NotRun     []string         `json:"not_run,omitempty"`
}

// eventsReport is of the function onconfirm and the plain program.
type eventsReport struct {
	Ours   programReport      `json:"onconfirm"`
	Plain  programReport      `json:"plain"`
	Ratios map[string]float64 `json:"ratios"` // ours to plain
}

type programReport struct {
	Name            string             `json:"name"`
	BinaryMiB       float64            `json:"binary_mib"`
	ColdStartMS     float64            `json:"cold_start_ms"` // from exec to the first event's acknowledgement, the median
	ColdStartBestMS float64            `json:"cold_start_best_ms"`
	MemoryFirstMiB  float64            `json:"memory_first_mib"` // resident after the first event
	MemoryMiB       float64            `json:"memory_mib"`       // and after all
	MemoryPeakMiB   float64            `json:"memory_peak_mib"`
	Levels          []levelReport      `json:"levels"`
	Calls           map[string]float64 `json:"calls_per_event"`
}

// levelReport is of so many events in flight.
type levelReport struct {
	InFlight  int     `json:"in_flight"`
	Events    int     `json:"events"`
	PerSecond float64 `json:"per_second"` // the median of the rounds
	P50       float64 `json:"p50_ms"`
	P99       float64 `json:"p99_ms"`
	CPU       float64 `json:"cpu_ms"` // of the program, an event

	rates []float64
	all   sample
	cpu   time.Duration
}

func (l levelReport) summed(inFlight int) levelReport {
	slices.Sort(l.rates)
	l.InFlight, l.Events, l.PerSecond = inFlight, len(l.all), l.rates[len(l.rates)/2]
	l.P50, l.P99 = millis(l.all.at(0.5)), millis(l.all.at(0.99))
	l.CPU = millis(l.cpu) / float64(max(1, len(l.all)))
	return l
}

// ratios are ours to the plain program's.
func ratios(ours, plain programReport) map[string]float64 {
	r := map[string]float64{
		"cold_start": ours.ColdStartMS / plain.ColdStartMS, "memory_peak": ours.MemoryPeakMiB / plain.MemoryPeakMiB, "binary": ours.BinaryMiB / plain.BinaryMiB,
	}
	for i, l := range ours.Levels {
		p := plain.Levels[i]
		r[fmt.Sprintf("per_second_%d", l.InFlight)] = l.PerSecond / p.PerSecond
		r[fmt.Sprintf("p99_%d", l.InFlight)] = l.P99 / p.P99
		r[fmt.Sprintf("cpu_%d", l.InFlight)] = l.CPU / p.CPU
	}
	return r
}

// maintainReport is of maintain on one store.
type maintainReport struct {
	Store     string `json:"store"`
	Bookings  int    `json:"bookings,omitempty"`
	Companies int    `json:"companies,omitempty"`
	Steps     []step `json:"steps"`
}

// store names the store in words.
func (s spec) store() string {
	if s.Path != "" {
		return "embedded store"
	}
	return "Firestore emulator"
}

// tables writes them.
func (r *report) tables(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(cells ...string) { _, _ = io.WriteString(t, strings.Join(cells, "\t")+"\n") } // Flush tells of a failure
	line(fmt.Sprintf("%s, %s, %d processors, load before %s, after %s", r.Time.Format(time.DateTime), r.Go, r.CPUs, r.LoadBefore, r.LoadAfter))
	if r.Events != nil {
		r.Events.table(line)
	}
	for _, m := range slices.Concat(r.Company, r.Companies) {
		m.table(line)
	}
	for _, n := range r.NotRun {
		line("NOT RUN " + n)
	}
	return t.Flush()
}

func (e *eventsReport) table(line func(...string)) {
	line()
	line("", e.Ours.Name, e.Plain.Name, "ratio")
	row := func(what, format string, of func(programReport) float64) {
		ours, plain := of(e.Ours), of(e.Plain)
		line(what, fmt.Sprintf(format, ours), fmt.Sprintf(format, plain), fmt.Sprintf("%.2f", ours/plain))
	}
	row("exec to first event, ms", "%.1f", func(p programReport) float64 { return p.ColdStartMS })
	row("  the best", "%.1f", func(p programReport) float64 { return p.ColdStartBestMS })
	row("binary, MiB", "%.1f", func(p programReport) float64 { return p.BinaryMiB })
	row("resident after first event, MiB", "%.1f", func(p programReport) float64 { return p.MemoryFirstMiB })
	row("resident at most, MiB", "%.1f", func(p programReport) float64 { return p.MemoryPeakMiB })
	for i, l := range e.Ours.Levels {
		in := fmt.Sprintf(", %d in flight", l.InFlight)
		row("events/s"+in, "%.0f", func(p programReport) float64 { return p.Levels[i].PerSecond })
		row("  p50, ms", "%.2f", func(p programReport) float64 { return p.Levels[i].P50 })
		row("  p99, ms", "%.2f", func(p programReport) float64 { return p.Levels[i].P99 })
		row("  CPU an event, ms", "%.3f", func(p programReport) float64 { return p.Levels[i].CPU })
	}
	all := maps.Clone(e.Ours.Calls)
	maps.Copy(all, e.Plain.Calls)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		line(name+", an event", fmt.Sprintf("%.2f", e.Ours.Calls[name]), fmt.Sprintf("%.2f", e.Plain.Calls[name]))
	}
}

func (m maintainReport) table(line func(...string)) {
	line()
	title := fmt.Sprintf("%s, %d companies", m.Store, m.Companies)
	if m.Bookings > 0 {
		title = fmt.Sprintf("%s, a company with %d bookings", m.Store, m.Bookings)
	}
	line(title, "done", "s", "runs", "longest", "reads", "lists", "writes", "Google", "heap MiB", "own MiB", "fresh p50/p99/most ms")
	for _, s := range m.Steps {
		fresh := ""
		if s.Fresh != nil {
			fresh = fmt.Sprintf("%.1f / %.1f / %.1f of %d", s.Fresh.P50, s.Fresh.P99, s.Fresh.Most, s.Fresh.Events)
		}
		var google []string
		for _, name := range slices.Sorted(maps.Keys(s.Google)) {
			google = append(google, fmt.Sprintf("%d %s", s.Google[name], name))
		}
		line("  "+s.What, fmt.Sprintf("%d/%d", s.Done, s.Of), fmt.Sprintf("%.1f", s.Seconds), strconv.Itoa(s.Runs), fmt.Sprintf("%.1f", s.LongestRun),
			strconv.FormatInt(s.Reads, 10), strconv.FormatInt(s.Lists, 10), strconv.FormatInt(s.Writes, 10), strings.Join(google, ", "),
			fmt.Sprintf("%.1f", s.Memory.Heap), fmt.Sprintf("%.1f", s.Memory.Own), fresh)
	}
}
