package emulator_test

import (
	"errors"
	"net"
	"os/exec"
	"testing"

	"github.com/citasync/citasync/shared/emulator"
	"github.com/citasync/citasync/shared/emulator/emulatortest"
)

// TestStartAndStop: an emulator serves when Start returns, and nothing of it is
// left when Stop does.
func TestStartAndStop(t *testing.T) {
	for _, kind := range []emulator.Kind{emulator.Firestore, emulator.PubSub} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			p, err := emulator.Start(t.Context(), kind)
			if errors.Is(err, emulator.ErrMissing) {
				emulatortest.Lacking(t, err.Error())
			}
			if err != nil {
				t.Fatal(err)
			}
			if !listens(t, p.Addr) {
				t.Errorf("nobody listens at %s", p.Addr)
			}
			p.Stop()
			if listens(t, p.Addr) {
				t.Errorf("somebody listens at %s still", p.Addr)
			}
			if out, err := exec.CommandContext(t.Context(), "pgrep", "-f", p.Addr).Output(); err == nil {
				t.Errorf("a process of it is left: %s", out)
			}
		})
	}
}

func listens(t *testing.T, addr string) bool {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		return false
	}
	return conn.Close() == nil
}

func TestMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := emulator.Start(t.Context(), emulator.Firestore); !errors.Is(err, emulator.ErrMissing) {
		t.Errorf("error %v", err)
	}
}
