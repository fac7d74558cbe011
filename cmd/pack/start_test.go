package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience is how long a process may take to come up or to end; it needs a
// small part of it unless the machine is very busy.
const patience = 30 * time.Second

// environment is one that any function can start with. Nothing listens at its
// emulators: no function calls anything at its start.
func environment() []string {
	key := append([]byte{3<<3 | 2, 32}, make([]byte, 32)...) // a message AesGcmKey: field 3, 32 bytes
	return []string{
		"PUBLIC_URL=https://citasync.example.com",
		"GOOGLE_CLOUD_PROJECT=citasync-local",
		"GOOGLE_CLIENT_ID=client",
		"GOOGLE_CLIENT_SECRET=secret",
		"WEBHOOK_SECRETS=whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 32)),
		"SESSION_SECRETS=" + strings.Repeat("s", 32),
		`TOKEN_KEYSET={"primaryKeyId":1,"key":[{"keyId":1,"status":"ENABLED","outputPrefixType":"TINK","keyData":{` +
			`"typeUrl":"type.googleapis.com/google.crypto.tink.AesGcmKey","keyMaterialType":"SYMMETRIC","value":"` +
			base64.StdEncoding.EncodeToString(key) + `"}}]}`,
		"FIRESTORE_EMULATOR_HOST=127.0.0.1:1",
		"PUBSUB_EMULATOR_HOST=127.0.0.1:1",
		"SECRET_MANAGER_EMULATOR_HOST=127.0.0.1:1",
		"GOOGLE_EMULATOR_URL=http://127.0.0.1:1",
	}
}

// process is a function's binary that was started.
type process struct {
	output bytes.Buffer  // to be read after ended
	ended  chan struct{} // closed when it has ended
	cmd    *exec.Cmd
}

// start starts a binary with this environment alone, and ends it with the test.
func start(t *testing.T, binary string, env ...string) *process {
	t.Helper()
	p := &process{ended: make(chan struct{}), cmd: exec.Command(binary)}
	p.cmd.Env = env
	p.cmd.Stdout, p.cmd.Stderr = &p.output, &p.output
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait() // ProcessState has it
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // it may have ended
		<-p.ended
	})
	return p
}

// wait waits until the process has ended, and returns its exit status and
// output.
func (p *process) wait(t *testing.T) (int, string) {
	t.Helper()
	select {
	case <-p.ended:
	case <-time.After(patience):
		_ = p.cmd.Process.Kill() // whatever came of it, it has to end
		<-p.ended
		t.Errorf("it didn't end; it said %s", &p.output)
	}
	return p.cmd.ProcessState.ExitCode(), p.output.String()
}

// checkServes starts a function with a configuration that is good, asks it how
// it does, and stops it as Cloud Run does.
func checkServes(t *testing.T, f function, binary string) {
	t.Helper()
	port := freePort(t)
	p := start(t, binary, append(environment(), "PORT="+port, "FUNCTION_TARGET="+f.name)...)
	if err := health(t, p, "http://127.0.0.1:"+port+"/health"); err != nil {
		_ = p.cmd.Process.Kill()
		_, said := p.wait(t)
		t.Fatalf("%v; it said %s", err, said)
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if status, said := p.wait(t); status != 0 {
		t.Errorf("after SIGTERM it ended with %d; it said %s", status, said)
	}
}

// checkRefuses starts a function without a configuration, and without or with
// another's name.
func checkRefuses(t *testing.T, f function, binary string) {
	t.Helper()
	tests := []struct {
		about string
		env   []string
		want  string
	}{
		{"no configuration", []string{"FUNCTION_TARGET=" + f.name}, "GOOGLE_CLOUD_PROJECT"},
		{"no name", environment(), "FUNCTION_TARGET is not set: set it to " + f.name},
		{"another name", append(environment(), "FUNCTION_TARGET=nobody"), "nobody"},
	}
	for _, test := range tests {
		p := start(t, binary, append(test.env, "PORT="+freePort(t))...)
		status, said := p.wait(t)
		if status <= 0 || !strings.Contains(said, test.want) {
			t.Errorf("%s: ended with %d; it said %s", test.about, status, said)
		}
		if test.about == "no configuration" && strings.Count(said, "is not set") < 2 {
			t.Errorf("%s: it named one problem of several: %s", test.about, said)
		}
	}
}

// health asks until it is answered, the process ends, or too long has passed.
func health(t *testing.T, p *process, url string) error {
	t.Helper()
	var last error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		select {
		case <-p.ended:
			return errors.New("it ended at its start")
		case <-time.After(20 * time.Millisecond):
		}
		resp, err := http.Get(url)
		if err != nil {
			last = err
			continue
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err == nil && (resp.StatusCode != http.StatusOK || strings.TrimSpace(string(body)) != "ok") {
			err = fmt.Errorf("GET /health: %s, %q", resp.Status, body)
		}
		return err
	}
	return last
}

// freePort returns a port that nobody listened on a moment ago.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}
