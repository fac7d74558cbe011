package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/citasync/citasync/shared/bus"
	"github.com/citasync/citasync/shared/bus/gcppubsub"
	"github.com/citasync/citasync/shared/bus/gcppubsub/provision"
)

// TestPoison: messages that can't be understood end among the dead letters, and
// hold nothing up.
func TestPoison(t *testing.T) {
	t.Parallel()
	g := newOutside(t)
	p := newProcess(t, emulated{}, "GOOGLE_EMULATOR_URL="+g.url)
	p.connect(g, luna, lunaAccount)
	endpoint := p.wantSubscription("onconfirm", "booking-confirmed")
	project := p.variable("GOOGLE_CLOUD_PROJECT")
	admin, err := provision.Open(t.Context(), project, cloud.pubsub)
	must(t, err)
	defer func() { must(t, admin.Close()) }()
	few := provision.Deployed()
	few.Attempts = 5
	must(t, admin.Provision(t.Context(), []provision.Push{{Subscription: "onconfirm", Topic: bus.Confirmed, Endpoint: endpoint}}, few))
	publisher, err := gcppubsub.Open(t.Context(), project, cloud.pubsub)
	must(t, err)
	defer func() { must(t, publisher.Close()) }()
	for range 3 {
		_, err := publisher.Publish(t.Context(), bus.Confirmed, bus.Message{Data: []byte("not JSON")})
		must(t, err)
	}
	began := time.Now()
	p.tell("confirmed", "2026-12-01T10:00:00")
	p.wantDelivery("981", "done")
	t.Logf("what came after them was done in %v", time.Since(began).Round(time.Millisecond))
	eventually(t, 3*time.Minute, "dead letters", func() error {
		if out := p.citasync("", "dead"); strings.Count(out, "booking-confirmed") != 3 || !strings.Contains(out, "5 attempts") {
			return errors.New(out)
		}
		return nil
	})
	t.Logf("dead letters after %v", time.Since(began).Round(time.Second))
	if out := p.citasync("", "dead", "redrive", "--all"); !strings.Contains(out, "3 sent again") {
		t.Errorf("redrive --all: %s", out)
	}
	if out := p.citasync("", "dead"); !strings.Contains(out, "no dead letters") {
		t.Errorf("after that: %s", out)
	}
}

// wantSubscription demands that messages of a topic are pushed as a deployment
// has it, and returns where to.
func (p *process) wantSubscription(name, topic string) (endpoint string) {
	p.t.Helper()
	project := "projects/" + p.variable("GOOGLE_CLOUD_PROJECT")
	resp, err := http.Get("http://" + cloud.pubsub + "/v1/" + project + "/subscriptions/" + name)
	must(p.t, err)
	defer func() { _ = resp.Body.Close() }()
	var got struct {
		Topic              string
		AckDeadlineSeconds int
		PushConfig         struct{ PushEndpoint string }
		RetryPolicy        struct{ MinimumBackoff, MaximumBackoff string }
		DeadLetterPolicy   struct {
			DeadLetterTopic     string
			MaxDeliveryAttempts int
		}
	}
	must(p.t, json.NewDecoder(resp.Body).Decode(&got))
	endpoint = got.PushConfig.PushEndpoint
	is := fmt.Sprintln(got.Topic, got.AckDeadlineSeconds, got.RetryPolicy, got.DeadLetterPolicy)
	want := fmt.Sprintln(project+"/topics/"+topic, 60, "{10s 600s}", "{"+project+"/topics/booking-dead-letter 20}")
	if is != want || endpoint == "" {
		p.t.Errorf("subscription %s to %q is %s, want %s", name, endpoint, is, want)
	}
	return endpoint
}

func (p *process) variable(name string) string {
	for _, v := range p.env {
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return value
		}
	}
	return ""
}

// TestEmulateEnds: whatever it started ends with it, its own emulators too; and
// if it is killed, no function is left.
func TestEmulateEnds(t *testing.T) { // alone, since two Java machines take their time to start
	cloud.need(t)
	p := &process{t: t, shape: emulated{}, dir: t.TempDir(), addr: "localhost:0", logs: &lines{}}
	began := time.Now()
	p.start()
	t.Logf("ready after %v", time.Since(began).Round(time.Millisecond))
	var emulators []string
	for _, e := range p.logs.entries(t) {
		if e["message"] == "emulator started" {
			emulators = append(emulators, e["address"].(string))
		}
	}
	if len(emulators) != 2 || p.demo == "" {
		t.Errorf("emulators at %v, sandbox at %q", emulators, p.demo)
	}
	began = time.Now()
	must(t, p.cmd.Process.Signal(os.Interrupt))
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("after Ctrl-C it ended with %v\n%s", err, p.logs)
	}
	t.Logf("ended after %v", time.Since(began).Round(time.Millisecond))
	p.wantNoFunctions()
	for _, addr := range append(emulators, p.addr, strings.TrimPrefix(p.demo, "http://")) {
		if conn, err := net.Dial("tcp", addr); err == nil {
			_ = conn.Close()
			t.Errorf("somebody listens at %s still", addr)
		}
		if out, err := exec.Command("pgrep", "-f", addr).Output(); err == nil {
			t.Errorf("a process of %s is left: %s", addr, out)
		}
	}
}

// wantNoFunctions demands that no function that was ever started runs.
func (p *process) wantNoFunctions() {
	p.t.Helper()
	eventually(p.t, 10*time.Second, "the end of the functions", func() error {
		for name, f := range p.functions() {
			if err := syscall.Kill(f.pid, 0); !errors.Is(err, syscall.ESRCH) {
				return fmt.Errorf("%s runs still", name)
			}
		}
		return nil
	})
}

// TestEmulateKilled: functions don't outlive what started them.
func TestEmulateKilled(t *testing.T) {
	t.Parallel()
	p := newProcess(t, emulated{})
	p.kill()
	p.wantNoFunctions()
}

// TestEmulateRefuses: what can't work is refused with words, soon, and leaves
// nothing behind.
func TestEmulateRefuses(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "localhost:0")
	must(t, err)
	t.Cleanup(func() { _ = taken.Close() })
	programs := t.TempDir()
	for _, name := range []string{"webhook", "onreserve", "onconfirm", "ondelete", "oauthstart", "oauthcallback", "settings", "maintain"} {
		must(t, os.WriteFile(filepath.Join(programs, name), []byte("#!/bin/sh\necho no such luck >&2\nexit 1\n"), 0o700))
	}
	some := t.TempDir()
	must(t, os.WriteFile(filepath.Join(some, "webhook"), nil, 0o700))
	served := t.TempDir()
	must(t, os.WriteFile(filepath.Join(served, storeFile), nil, 0o600))
	here := taken.Addr().String() // somebody listens, which is all that is asked of an emulator before functions start
	emulators := []string{"FIRESTORE_EMULATOR_HOST=" + here, "PUBSUB_EMULATOR_HOST=" + here, "SECRET_MANAGER_EMULATOR_HOST=" + here}
	for _, c := range []struct {
		name string
		args []string
		env  []string
		want []string
	}{
		{"taken port", []string{"--addr", here, "--bin", programs}, emulators, []string{"address already in use", here}},
		{"no programs", []string{"--bin", t.TempDir()}, emulators, []string{"webhook, onreserve", "make build"}},
		{"some programs", []string{"--bin", some}, emulators, []string{"no program", "onreserve, onconfirm", "settings, maintain"}},
		{"a directory of serve's", []string{"--bin", programs, "--data", served}, emulators, []string{"serve's", served}},
		{"environment", []string{"--bin", programs}, append(emulators, "PUBLIC_URL=ftp://x", "SESSION_SECRETS=short"), []string{"PUBLIC_URL", "SESSION_SECRETS"}},
		{"nobody at an emulator", []string{"--bin", programs}, append(slices.Clone(emulators[:2]), "SECRET_MANAGER_EMULATOR_HOST=127.0.0.1:1"), []string{"SECRET_MANAGER_EMULATOR_HOST", "nobody listens"}},
		{"a function that refuses to start", []string{"--bin", programs}, emulators, []string{"exit status 1", "no such luck"}},
		{"arguments", []string{"now"}, nil, []string{"flags only"}},
		{"tick", []string{"--tick", "0s"}, nil, []string{"--tick above 0"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			args := append([]string{"emulate", "--addr", "localhost:0", "--data", t.TempDir()}, c.args...)
			out, errs, err := invoke(t, c.env, "", args...)
			if err == nil || out != "" {
				t.Fatalf("it ended with %v and printed %q", err, out)
			}
			for _, want := range c.want {
				if !strings.Contains(errs, want) {
					t.Errorf("%q is not in: %s", want, errs)
				}
			}
		})
	}
}

// TestOneProcessEmulates: a second one in the same directory says why it can't.
func TestOneProcessEmulates(t *testing.T) {
	t.Parallel()
	p := newProcess(t, emulated{})
	_, errs, err := invoke(t, p.env, "", "emulate", "--addr", "localhost:0", "--data", p.dir, "--bin", cloud.bin)
	if err == nil || !strings.Contains(errs, "another process") {
		t.Errorf("%v, %s", err, errs)
	}
}

// TestProjectOperated: without a directory, the commands act on the project of
// the environment.
func TestProjectOperated(t *testing.T) {
	t.Parallel()
	p := newProcess(t, emulated{})
	for _, c := range []struct{ args, want string }{
		{"integrations disable google-calendar", "google-calendar: disabled"},
		{"integrations", "google-calendar  disabled"},
		{"dead", "no dead letters"},
		{"dead redrive --all", "0 sent again"},
	} {
		out, errs, err := invoke(t, p.env, "", strings.Fields(c.args)...)
		if err != nil || !strings.Contains(out, c.want) || !strings.Contains(errs, p.variable("GOOGLE_CLOUD_PROJECT")) {
			t.Errorf("%s: %v, %s%s", c.args, err, out, errs)
		}
	}
	if out := p.citasync("", "integrations"); !strings.Contains(out, "google-calendar  disabled") {
		t.Errorf("through the directory: %s", out)
	}
	_, errs, err := invoke(t, p.env, "", "dead", "redrive", "12345")
	if err == nil || !strings.Contains(errs, "not found") {
		t.Errorf("redrive of none: %v, %s", err, errs)
	}
}
