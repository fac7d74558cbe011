package secretmanager

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	pb "cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
)

// Fault spoils calls of a method. Of several that match the first added is
// taken; only its counters move.
type Fault struct {
	Method string // such as AddSecretVersion; "*" for all

	// When: after so many matching calls have passed unharmed, for so many
	// calls (0: all).
	After int
	Times int

	// What. The latency comes first, and a client that goes away meanwhile
	// leaves the call unperformed. Code is answered instead of success; with
	// OK there is nothing but latency.
	Latency time.Duration
	Code    codes.Code
	Message string
	Applied bool // the call is performed, and then answered with Code
}

type faultSet struct {
	mu     sync.Mutex
	active []*activeFault
}

type activeFault struct {
	Fault
	seen int
}

// AddFault makes a fault active.
func (s *Server) AddFault(f Fault) error {
	methods := pb.SecretManagerService_ServiceDesc.Methods
	known := slices.ContainsFunc(methods, func(m grpc.MethodDesc) bool { return m.MethodName == f.Method })
	switch {
	case f.Method != "*" && !known:
		return fmt.Errorf("a fault of an unknown method %q", f.Method)
	case f.After < 0, f.Times < 0, f.Latency < 0:
		return errors.New("a fault with a number below zero")
	}
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.active = append(s.faults.active, &activeFault{Fault: f})
	return nil
}

// ClearFaults removes all faults.
func (s *Server) ClearFaults() {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.active = nil
}

// pick returns the fault that is due for a call of the method; nil if none is.
func (fs *faultSet) pick(method string) *Fault {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for _, a := range fs.active {
		if a.Method != "*" && a.Method != method || a.Times > 0 && a.seen >= a.After+a.Times {
			continue
		}
		if a.seen++; a.seen > a.After {
			return &a.Fault
		}
	}
	return nil
}
