package emulate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	firstPause = 100 * time.Millisecond
	maxPause   = 5 * time.Second
	steady     = 2 * time.Second // who lives this long was not ended by its start

	// pipeDelay is how long the output of a process that has ended is read: it
	// may have left the pipe to others.
	pipeDelay = time.Second
)

// process is a function's process, which is started anew whenever it ends.
type process struct {
	function
	path   string
	port   *port
	env    []string
	out    *lines
	log    *slog.Logger
	served atomic.Bool // it has answered once
}

func newProcess(fn function, o Options) (*process, error) {
	path, err := filepath.Abs(filepath.Join(o.Bin, fn.name))
	if err != nil {
		return nil, fmt.Errorf("function %s: %w", fn.name, err)
	}
	port, err := reservePort()
	if err != nil {
		return nil, fmt.Errorf("a port for function %s: %w", fn.name, err)
	}
	return &process{
		function: fn, path: path, port: port, env: fn.environ(o.Getenv, port.String()),
		out: &lines{function: fn.name, out: o.Output}, log: o.Log.With(slog.String("function", fn.name)),
	}, nil
}

// supervise runs the process until life ends, and then until it has ended by
// itself or death comes. It returns an error if the process ends before it has
// ever served.
func (p *process) supervise(life, death context.Context) error {
	runtime.LockOSThread() // of which children are killed when it ends; see processAttributes
	defer runtime.UnlockOSThread()
	pause := firstPause
	for {
		began := time.Now()
		err := p.run(life, death)
		if life.Err() != nil {
			return nil
		}
		if !p.served.Load() {
			return fmt.Errorf("function %s %w (%w): %s", p.name, errEnded, err, p.out.last())
		}
		if time.Since(began) > steady {
			pause = firstPause
		}
		p.log.LogAttrs(life, slog.LevelError, "function ended, and is started again", slog.String("error", err.Error()), slog.Int64("pause_ms", pause.Milliseconds()))
		select {
		case <-life.Done():
			return nil
		case <-time.After(pause):
		}
		pause = min(2*pause, maxPause)
	}
}

var errExited = errors.New("exit status 0")

// run runs the process once. It is asked to end when life does.
func (p *process) run(life, death context.Context) error {
	cmd := exec.Command(p.path) //nolint:gosec,noctx // one of ours; the contexts are heeded below
	cmd.Env, cmd.Stdout, cmd.Stderr = p.env, p.out, p.out
	cmd.SysProcAttr, cmd.WaitDelay = processAttributes(), pipeDelay
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start: %w", err)
	}
	p.log.LogAttrs(life, slog.LevelInfo, "function started", slog.Int("pid", cmd.Process.Pid), slog.String("address", p.addr()))
	signal := func(s os.Signal) func() {
		return func() { _ = cmd.Process.Signal(s) } // it may have ended
	}
	defer context.AfterFunc(life, signal(syscall.SIGTERM))()
	defer context.AfterFunc(death, signal(syscall.SIGKILL))()
	err := cmd.Wait()
	p.out.flush()
	if err == nil {
		return errExited
	}
	return err
}
