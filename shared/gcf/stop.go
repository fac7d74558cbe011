package gcf

import (
	"errors"
	"slices"
	"time"
)

// flushTime is for net/http to send the last bytes of an answer, up to 4 KB of
// which it sends only after the handler has returned, with no word when it has.
const flushTime = 100 * time.Millisecond

// stop refuses new requests, waits for those in hand and calls what OnEnd was
// given. It returns the status to exit with.
func (p *process) stop(reason string) (status int) {
	p.refuse()
	p.log.Info("stopping", "signal", reason)
	select {
	case <-p.idle:
		time.Sleep(flushTime)
	case <-time.After(p.limits.stop):
		p.mu.Lock()
		p.log.Error("requests are cut off", "in_hand", p.inHand)
		p.mu.Unlock()
		status = 1
	}
	if err := p.end(); err != nil {
		p.log.Error("not everything was closed", "error", err.Error())
		status = 1
	}
	p.log.Info("stopped")
	return status
}

func (p *process) refuse() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopping = true
	if p.inHand == 0 {
		close(p.idle)
	}
}

// end calls what OnEnd was given, the latest first.
func (p *process) end() error {
	done := make(chan error, 1)
	go func() {
		var errs []error
		for _, f := range slices.Backward(*p.ends) {
			errs = append(errs, f())
		}
		done <- errors.Join(errs...)
	}()
	select {
	case err := <-done:
		return err
	case <-time.After(p.limits.end):
		return errors.New("it takes too long")
	}
}
