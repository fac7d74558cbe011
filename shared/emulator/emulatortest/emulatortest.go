// Package emulatortest gives tests an emulator to run against.
package emulatortest

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/citasync/citasync/shared/emulator"
)

// Firestore returns the host:port of a Firestore emulator: that of
// FIRESTORE_EMULATOR_HOST, or one that is started for the test. Tests share
// it, so each should use a project id of its own.
func Firestore(t testing.TB) string {
	t.Helper()
	return start(t, emulator.Firestore, "FIRESTORE_EMULATOR_HOST")
}

// PubSub is [Firestore] for Pub/Sub and PUBSUB_EMULATOR_HOST.
func PubSub(t testing.TB) string {
	t.Helper()
	return start(t, emulator.PubSub, "PUBSUB_EMULATOR_HOST")
}

func start(t testing.TB, kind emulator.Kind, variable string) string {
	t.Helper()
	if addr := os.Getenv(variable); addr != "" {
		return addr
	}
	p, err := emulator.Start(context.WithoutCancel(t.Context()), kind)
	if errors.Is(err, emulator.ErrMissing) {
		Lacking(t, err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	return p.Addr
}

// Lacking skips a test for want of something that this machine may lack; with
// REQUIRE_ALL=1 it fails. The test and what it wanted are written to the file
// of NOT_RUN, so that whoever runs all tests can say at the end what was not
// run.
func Lacking(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("REQUIRE_ALL") == "1" {
		t.Fatalf("REQUIRE_ALL=1, but %s", what)
	}
	if name := os.Getenv("NOT_RUN"); name != "" {
		f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600) //nolint:gosec // the runner of the tests names it
		if err == nil {
			_, err = f.WriteString(t.Name() + ": " + what + "\n")
			err = errors.Join(err, f.Close())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Skip(what)
}
