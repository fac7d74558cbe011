package emulate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// startTimeout is how long all functions together may take until they serve.
const startTimeout = time.Minute

// Options say how functions are started.
type Options struct {
	Bin    string              // directory that has a binary of each function's name
	Getenv func(string) string // the whole installation's environment
	Log    *slog.Logger        // tells of starts and ends
	Output io.Writer           // takes the functions' log, a line of JSON at each Write
}

// Check looks for the functions' binaries, and names all that are missing.
func Check(bin string) error {
	var missing []string
	for _, f := range functions() {
		info, err := os.Stat(filepath.Join(bin, f.name))
		if err != nil || info.IsDir() || info.Mode()&0o111 == 0 {
			missing = append(missing, f.name)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("no program in %q for %s: make build makes them", bin, strings.Join(missing, ", "))
	}
	return nil
}

// Functions are the running functions.
type Functions struct {
	log     *slog.Logger
	procs   map[string]*process
	term    context.CancelFunc // asks them to end
	kill    context.CancelFunc
	ended   sync.WaitGroup
	fatal   chan error // of those that ended before they served
	ingress *ingress
}

// StartFunctions starts every function and returns once all of them serve. From
// then on one that ends is started again, until Stop. One that ends at its
// start ends the others too: it refuses its configuration, and what it says
// about that is in the error.
func StartFunctions(ctx context.Context, o Options) (*Functions, error) {
	f := &Functions{log: o.Log, procs: map[string]*process{}, fatal: make(chan error, len(functions()))}
	for _, fn := range functions() {
		p, err := newProcess(fn, o)
		if err != nil {
			f.release()
			return nil, err
		}
		f.procs[fn.name] = p
	}
	var err error
	if f.ingress, err = f.listen(ctx); err != nil {
		f.release()
		return nil, err
	}
	var life, death context.Context
	death, f.kill = context.WithCancel(context.WithoutCancel(ctx))
	life, f.term = context.WithCancel(death)
	for _, p := range f.procs {
		f.ended.Go(func() {
			if err := p.supervise(life, death); err != nil {
				f.fatal <- err
			}
		})
	}
	if err := f.await(ctx); err != nil {
		f.kill()
		f.Stop(ctx)
		return nil, err
	}
	return f, nil
}

// await returns when every function serves, or with what one said that does
// not.
func (f *Functions) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	all := make(chan error, 1)
	go func() {
		var g errgroup.Group
		for _, p := range f.procs {
			g.Go(func() error { return p.awaitHealth(ctx) })
		}
		all <- g.Wait()
	}()
	select {
	case err := <-f.fatal:
		return err
	case err := <-all:
		return err
	}
}

// Stop asks the functions to end once their work in hand is done, and kills
// those that still run when patience ends. None is left when it returns.
func (f *Functions) Stop(patience context.Context) {
	defer f.release()
	defer context.AfterFunc(patience, f.kill)()
	f.term()
	f.ended.Wait()
	f.kill()
}

func (f *Functions) release() {
	if f.ingress != nil {
		f.ingress.close()
	}
	for _, p := range f.procs {
		p.port.release()
	}
}

// awaitHealth asks the function how it does until it answers.
func (p *process) awaitHealth(ctx context.Context) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("function %s does not serve: %w", p.name, ctx.Err())
		case <-tick.C:
			if p.healthy(ctx) {
				p.served.Store(true)
				return nil
			}
		}
	}
}

func (p *process) healthy(ctx context.Context) bool {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.addr()+"/health", http.NoBody)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return false
	}
	_ = resp.Body.Close() // the status says it
	return resp.StatusCode == http.StatusOK
}

var errEnded = errors.New("ended before it served")

func (p *process) addr() string { return net.JoinHostPort("127.0.0.1", p.port.String()) }
