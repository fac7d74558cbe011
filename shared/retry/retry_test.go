package retry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

func TestAfter(t *testing.T) {
	now := time.Date(2026, 11, 23, 15, 4, 5, 0, time.UTC)
	for s, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "-7": 0, "x": 0, "1.5": 0, "99999999999999999999": 0,
		"Mon, 23 Nov 2026 15:05:05 GMT": time.Minute, "Mon, 23 Nov 2026 15:04:00 GMT": 0,
		"Monday, 23-Nov-26 15:04:08 GMT": 3 * time.Second,
	} {
		if got := After(s, now); got != want {
			t.Errorf("After(%q) = %v, want %v", s, got, want)
		}
	}
}

func TestPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for asked, want := range map[time.Duration]bool{0: true, time.Second: true, Patience: true, Patience + 1: false} {
			began := time.Now()
			if got := Pause(t.Context(), asked); got != want {
				t.Errorf("asked for %v: %v", asked, got)
			}
			took := time.Since(began)
			if want && (took < asked+Jitter/2 || took > asked+Jitter) || !want && took > 0 {
				t.Errorf("asked for %v: paused for %v", asked, took)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), Jitter/4)
		defer cancel()
		if Pause(ctx, 0) {
			t.Error("a context that has ended lets the call be repeated")
		}
	})
}

func TestNeverSentAndLost(t *testing.T) {
	_, dial := (&net.Dialer{Timeout: time.Second}).DialContext(t.Context(), "tcp", "127.0.0.1:1")
	for name, tt := range map[string]struct {
		err         error
		never, lost bool
	}{
		"nobody listens": {fmt.Errorf("post: %w", dial), true, true},
		"reset":          {&net.OpError{Op: "read", Err: errors.New("connection reset")}, false, true},
		"end of file":    {fmt.Errorf("post: %w", io.ErrUnexpectedEOF), false, true},
		"closed":         {io.EOF, false, true},
		"other":          {errors.New("invalid character"), false, false},
	} {
		if NeverSent(tt.err) != tt.never || Lost(tt.err) != tt.lost {
			t.Errorf("%s: never sent %v, lost %v", name, NeverSent(tt.err), Lost(tt.err))
		}
	}
}
