package emulate

import (
	"errors"
	"fmt"
	"strconv"
	"syscall"
)

// port is kept for a process to listen on. A socket is bound to it that does
// not listen: Linux then gives the port to nobody who does not ask for it, also
// while the process is started again, and lets the process have it, since both
// sockets have SO_REUSEADDR (socket(7)), which Go's listeners always do.
type port struct {
	fd     int
	number string
}

func reservePort() (*port, error) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("socket: %w", err)
	}
	p := &port{fd: fd}
	if err := p.bind(); err != nil {
		p.release()
		return nil, err
	}
	return p, nil
}

func (p *port) bind() error {
	if err := syscall.SetsockoptInt(p.fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		return fmt.Errorf("socket option: %w", err)
	}
	if err := syscall.Bind(p.fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return fmt.Errorf("bind: %w", err)
	}
	name, err := syscall.Getsockname(p.fd)
	if err != nil {
		return fmt.Errorf("socket name: %w", err)
	}
	addr, ok := name.(*syscall.SockaddrInet4)
	if !ok {
		return errors.New("socket name: not of IPv4")
	}
	p.number = strconv.Itoa(addr.Port)
	return nil
}

func (p *port) release() { _ = syscall.Close(p.fd) } // nothing was written to it

func (p *port) String() string { return p.number }
