package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// program is one of those that are measured.
type program struct {
	name string
	path string
	env  map[string]string
	log  string // file that takes what it logs
}

// process is a program that runs.
type process struct {
	program
	cmd   *exec.Cmd
	addr  string
	begun time.Time // just before it was started
}

// start starts the program with a port of its own. It may not serve yet.
func (p program) start(ctx context.Context) (*process, error) {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	addr := ln.Addr().String()
	if err := ln.Close(); err != nil {
		return nil, err
	}
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }() // the process has its own
	_, port, _ := strings.Cut(addr, ":")
	cmd := exec.CommandContext(ctx, p.path) //nolint:gosec // one of ours
	cmd.Env = []string{"PORT=" + port, "LOCAL_ONLY=true", "FUNCTION_TARGET=" + p.name, "PATH=" + os.Getenv("PATH")}
	for _, name := range slices.Sorted(maps.Keys(p.env)) {
		cmd.Env = append(cmd.Env, name+"="+p.env[name])
	}
	cmd.Stdout, cmd.Stderr = log, log
	r := &process{program: p, cmd: cmd, addr: addr, begun: time.Now()}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", p.name, err)
	}
	return r, nil
}

func (p *process) url() string { return "http://" + p.addr + "/" }

// stop ends the process and waits for it.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	t := time.AfterFunc(10*time.Second, func() { _ = p.cmd.Process.Kill() })
	defer t.Stop()
	_ = p.cmd.Wait() // how it ends is of no interest
}

// await returns once somebody listens at the process's port.
func (p *process) await(ctx context.Context) error {
	for time.Since(p.begun) < 30*time.Second {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", p.addr)
		if err == nil {
			return conn.Close()
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		time.Sleep(200 * time.Microsecond)
	}
	return fmt.Errorf("%s does not serve; see %s", p.name, p.log)
}

// ticks is how many of the units in which /proc counts a processor's time make a
// second: USER_HZ, on all of Linux's platforms for Go.
const ticks = 100

// cpu is the processor time that the process has used.
func (p *process) cpu() (time.Duration, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(data), ") ") // after the name, which may have spaces
	f := strings.Fields(rest)
	if len(f) < 13 {
		return 0, errors.New("/proc: a short stat")
	}
	user, err1 := strconv.ParseInt(f[11], 10, 64)
	system, err2 := strconv.ParseInt(f[12], 10, 64)
	return time.Duration(user+system) * time.Second / ticks, errors.Join(err1, err2)
}

// resident reads values in kB of /proc's status of a process: VmRSS, VmHWM …
func resident(pid string, names ...string) (mib []float64, err error) {
	data, err := os.ReadFile(filepath.Join("/proc", pid, "status")) //nolint:gosec // the system's
	if err != nil {
		return nil, err
	}
	mib = make([]float64, len(names))
	for line := range strings.Lines(string(data)) {
		name, value, _ := strings.Cut(line, ":")
		if i := slices.Index(names, name); i >= 0 {
			kb, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 64)
			if err != nil {
				return nil, err
			}
			mib[i] = kb / 1024
		}
	}
	return mib, nil
}

// memory is what of the process is in memory now, and was at most.
func (p *process) memory() (now, peak float64, err error) {
	mib, err := resident(strconv.Itoa(p.cmd.Process.Pid), "VmRSS", "VmHWM")
	if err != nil {
		return 0, 0, err
	}
	return mib[0], mib[1], nil
}

// post sends one push request and demands that it is acknowledged.
func post(ctx context.Context, c *http.Client, url, body string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := c.Do(r)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close() // it was only read
	if err == nil && resp.StatusCode != http.StatusNoContent {
		err = fmt.Errorf("answered %s: %s", resp.Status, text)
	}
	return err
}
