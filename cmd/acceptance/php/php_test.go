package php

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/citasync/citasync/cmd/acceptance/internal/served"
	"github.com/citasync/citasync/shared/emulator/emulatortest"
)

var citasync served.Command

func TestMain(m *testing.M) { os.Exit(citasync.Main(m)) }

const (
	company       = "2"
	sessionSecret = "the-platforms-session-secret-is-long-enough"
	ana           = "ana@example.com"
)

var webhookSecret = "whsec_" + base64.StdEncoding.EncodeToString([]byte("the platform's webhook secret"))

// platform is the platform's side: the examples, and what they are told by the
// environment.
type platform struct {
	testing.TB
	server *served.Server // nil: there is none
	dir    string         // of the examples
	env    []string
}

// examples are those of the repository; without PHP the test ends.
func examples(t testing.TB, env ...string) *platform {
	t.Helper()
	if _, err := exec.LookPath("php"); err != nil {
		emulatortest.Lacking(t, "PHP")
	}
	root, err := served.Root()
	if err != nil {
		t.Fatal(err)
	}
	env = append(env, "PATH="+os.Getenv("PATH"), "CITASYNC_WEBHOOK_SECRET="+webhookSecret, "CITASYNC_SESSION_SECRET="+sessionSecret)
	return &platform{t, nil, filepath.Join(root, "examples", "php"), env}
}

// newPlatform is the examples with an installation that knows the platform's
// secrets.
func newPlatform(t testing.TB) *platform {
	t.Helper()
	p := examples(t)
	p.server = citasync.Serve(t, "WEBHOOK_SECRETS="+webhookSecret, "SESSION_SECRETS="+sessionSecret)
	p.env = append(p.env, "CITASYNC_URL="+p.server.URL)
	return p
}

// php runs PHP and returns what it printed and its exit status.
func (p *platform) php(stdin string, args ...string) (string, int) {
	p.Helper()
	cmd := exec.CommandContext(p.Context(), "php", append([]string{"-d", "display_errors=stderr", "-d", "error_reporting=-1"}, args...)...)
	cmd.Dir, cmd.Env, cmd.Stdin = p.dir, p.env, strings.NewReader(stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		p.Fatal(err)
	} else if ok {
		return out.String() + errs.String(), exit.ExitCode()
	}
	p.secret(out.String() + errs.String())
	if strings.Contains(errs.String(), "PHP ") {
		p.Errorf("PHP complains: %s", &errs)
	}
	return out.String() + errs.String(), 0
}

// secret fails the test if a text has a secret in it.
func (p *platform) secret(text string) {
	p.Helper()
	for _, s := range []string{sessionSecret, webhookSecret, strings.TrimPrefix(webhookSecret, "whsec_")} {
		if strings.Contains(text, s) {
			p.Errorf("a secret is printed: %s", text)
		}
	}
}

// run runs code that uses the examples' classes.
func (p *platform) run(code string) string {
	p.Helper()
	out, status := p.php("", "-r", "declare(strict_types=1); namespace Citasync; require 'autoload.php'; "+code)
	if status != 0 {
		p.Fatalf("exit status %d: %s", status, out)
	}
	return out
}

// bearer is a token that the example makes.
func (p *platform) bearer() string {
	p.Helper()
	return strings.TrimSpace(p.run("echo (new Token(\\setting('CITASYNC_SESSION_SECRET')))->sign(" + company + ", ['name' => 'Salón Luz', 'locale' => 'es']);"))
}

// api asks the JSON API.
func (p *platform) api(path string, into any) int {
	p.Helper()
	r, err := http.NewRequestWithContext(p.Context(), http.MethodGet, p.server.URL+path, nil)
	if err != nil {
		p.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+p.bearer())
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		p.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode == http.StatusOK {
		err = json.Unmarshal(body, into)
	}
	if err != nil {
		p.Fatal(err)
	}
	return res.StatusCode
}

// booked is a booking as the API tells it.
type booked struct {
	State, Service, Start string
	Revision              int
	Deliveries            map[string]struct{ Status string }
}

// until waits for a booking to be as wanted.
func (p *platform) until(id, what string, ok func(booked) bool) {
	p.Helper()
	var b booked
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		b = booked{}
		if p.api("/v1/bookings/"+url.PathEscape(id), &b) == http.StatusOK && ok(b) {
			return
		}
	}
	p.Fatalf("booking %s is not %s but %+v", id, what, b)
}

// events counts those in an account's main calendar at the sandbox.
func (p *platform) events(account string) int {
	p.Helper()
	r, err := http.NewRequestWithContext(p.Context(), http.MethodGet, p.server.Demo+"/sandbox/calendar?account="+url.QueryEscape(account), nil)
	if err != nil {
		p.Fatal(err)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		p.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		p.Fatal(err)
	}
	return strings.Count(string(body), `aria-label="Borrar a mano `)
}

// appointment is the JSON of a booking that starts so many days from now.
func appointment(id string, days int) string {
	day := time.Now().AddDate(0, 0, days).Format(time.DateOnly)
	return fmt.Sprintf(`{"id":%q,"service":"Corte de pelo","start":"%[2]sT10:00:00","end":"%[2]sT10:45:00","time_zone":"America/Bogota",`+
		`"customer":{"name":"Ana Ruiz","phone":"+573001112233"}}`, id, day)
}

// TestSyntax: PHP reads every file.
func TestSyntax(t *testing.T) {
	p := examples(t)
	files, err := filepath.Glob(filepath.Join(p.dir, "*.php"))
	if err != nil {
		t.Fatal(err)
	}
	classes, err := filepath.Glob(filepath.Join(p.dir, "src", "*.php"))
	if err != nil || len(files) < 5 || len(classes) < 5 {
		t.Fatalf("%d files and %d classes, %v", len(files), len(classes), err)
	}
	for _, f := range append(files, classes...) {
		if out, status := p.php("", "-l", f); status != 0 {
			t.Errorf("%s: %s", f, out)
		}
		if source, err := os.ReadFile(f); err != nil || !bytes.Contains(source, []byte("declare(strict_types=1);")) {
			t.Errorf("%s: its types are not strict, %v", f, err)
		}
	}
}
