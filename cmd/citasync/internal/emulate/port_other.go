//go:build !linux

package emulate

import (
	"context"
	"fmt"
	"net"
)

// port is one on which nobody listened a moment ago.
type port struct{ number string }

func reservePort() (*port, error) {
	ln, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("find a port: %w", err)
	}
	_, number, err := net.SplitHostPort(ln.Addr().String())
	if err != nil {
		return nil, fmt.Errorf("find a port: %w", err)
	}
	return &port{number}, ln.Close()
}

func (p *port) release() {}

func (p *port) String() string { return p.number }
