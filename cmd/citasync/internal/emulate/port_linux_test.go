package emulate

import (
	"errors"
	"net"
	"strconv"
	"syscall"
	"testing"
)

// TestReservedPort: the port is given to nobody but who asks for it to listen
// on, and that as often as it likes.
func TestReservedPort(t *testing.T) {
	p, err := reservePort()
	check(t, err)
	if err := bindTo(t, p.number); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("somebody else binds to the port: %v", err)
	}
	for range 3 {
		ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", ":"+p.number) // as the functions framework does
		check(t, err)
		check(t, ln.Close())
	}
	p.release()
	check(t, bindTo(t, p.number))
}

// bindTo binds a socket as one that connects, without SO_REUSEADDR.
func bindTo(t *testing.T, number string) error {
	t.Helper()
	n, err := strconv.Atoi(number)
	check(t, err)
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	check(t, err)
	defer func() { check(t, syscall.Close(fd)) }()
	return syscall.Bind(fd, &syscall.SockaddrInet4{Port: n, Addr: [4]byte{127, 0, 0, 1}})
}
