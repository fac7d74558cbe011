package secretmanager

import (
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
)

// Call is one call as the log keeps it: never a payload.
type Call struct {
	Time     time.Time  // of its arrival
	Method   string     // without the service's name: AccessSecretVersion
	Resource string     // the name or the parent, as the client gave it; of CreateSecret, the name asked for
	Code     codes.Code // of the answer; OK also while there is none yet
}

// maxCalls is how many calls are kept at least; twice as many at most.
const maxCalls = 50_000

type callLog struct {
	mu    sync.Mutex
	calls []*Call
}

func (l *callLog) begin(c Call) *Call {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.calls) >= 2*maxCalls {
		l.calls = slices.Clone(l.calls[maxCalls:])
	}
	l.calls = append(l.calls, &c)
	return &c
}

func (l *callLog) answered(c *Call, code codes.Code) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c.Code = code
}

// Calls lists the calls in the order of their arrival: all, or the newest some
// ten thousands. Those of methods that the stand-in does not have are not among
// them.
func (s *Server) Calls() []Call {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	out := make([]Call, len(s.log.calls))
	for i, c := range s.log.calls {
		out[i] = *c
	}
	return out
}

// ClearCalls empties the log of calls.
func (s *Server) ClearCalls() {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	s.log.calls = nil
}
