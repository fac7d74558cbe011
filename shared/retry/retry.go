// Package retry is what every caller of somebody's HTTP API does about a call
// that failed: find out whether it was sent at all, and repeat it once, at
// once, if that is likely to help.
package retry

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"time"
)

const (
	// Patience is how long a server may ask to wait before a call is repeated
	// at once, instead of later.
	Patience = 2 * time.Second

	// Jitter is the pause before a call is repeated at once: half of it to
	// all of it.
	Jitter = 400 * time.Millisecond
)

// Pause waits before a call is repeated at once: as long as the server asked
// for, and a little by chance. It reports whether to repeat: the server has
// not asked for more patience, and the context has not ended.
func Pause(ctx context.Context, asked time.Duration) bool {
	if asked > Patience {
		return false
	}
	t := time.NewTimer(asked + Jitter/2 + rand.N(Jitter/2)) //nolint:gosec // the jitter is no secret
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// After reads the header Retry-After (RFC 9110, section 10.2.3): seconds or a
// date. It is zero if there is none that makes sense.
func After(s string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseInt(s, 10, 32); err == nil {
		return max(0, time.Duration(seconds)*time.Second)
	}
	if at, err := http.ParseTime(s); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}

// NeverSent reports whether a call failed because there was not even a
// connection.
func NeverSent(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}

// Lost reports whether the connection ended before the answer was there.
func Lost(err error) bool {
	_, ok := errors.AsType[net.Error](err)
	return ok || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}
