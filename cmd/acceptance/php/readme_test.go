package php

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/citasync/citasync/cmd/acceptance/internal/consent"
	"github.com/citasync/citasync/shared/emulator/emulatortest"
)

// commands are what a README has to be typed.
var commands = regexp.MustCompile("(?s)```sh\n(.*?)```")

// shell types lines in a folder and returns what they print.
func shell(t *testing.T, dir string, env []string, lines string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-e", "-c", lines)
	cmd.Dir, cmd.Env = dir, env
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s%s", err, &out, &errs)
	}
	return out.String()
}

// begin types what starts the installation, with a make that only prints what
// it would have been started with, and starts it with that.
func begin(t *testing.T, p *platform, dir, lines string) {
	t.Helper()
	bin := t.TempDir()
	stub := "#!/bin/sh\nprintenv WEBHOOK_SECRETS SESSION_SECRETS ALLOWED_RETURN_ORIGINS\n"
	if err := os.WriteFile(filepath.Join(bin, "make"), []byte(stub), 0o700); err != nil {
		t.Fatal(err)
	}
	told := strings.Fields(shell(t, dir, []string{"PATH=" + bin + ":" + os.Getenv("PATH")}, lines))
	if len(told) != 3 {
		t.Fatalf("the installation is told %d things", len(told))
	}
	p.server = citasync.Serve(t, "WEBHOOK_SECRETS="+told[0], "SESSION_SECRETS="+told[1], "ALLOWED_RETURN_ORIGINS="+told[2])
}

// free is an address that nobody listens at.
func free(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// typed types all that a README says, and returns the lines that it prints.
func typed(t *testing.T, p *platform, readme string) []string {
	t.Helper()
	dir := t.TempDir() // for the repository's
	if err := os.Mkdir(filepath.Join(dir, "examples"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(p.dir, filepath.Join(dir, "examples", "php")); err != nil {
		t.Fatal(err)
	}
	blocks := commands.FindAllStringSubmatch(readme, -1)
	if len(blocks) < 2 {
		t.Fatalf("there are %d blocks of commands", len(blocks))
	}
	begin(t, p, dir, unindented(blocks[0][1]))
	var lines strings.Builder
	for _, b := range blocks[1:] {
		lines.WriteString(unindented(b[1]))
	}
	all := strings.ReplaceAll(lines.String(), "127.0.0.1:8090", free(t))
	all = strings.Replace(all, "cd examples/php", "export CITASYNC_URL="+p.server.URL+"; cd examples/php", 1)
	return strings.Split(strings.TrimSpace(shell(t, dir, []string{"PATH=" + os.Getenv("PATH")}, all)), "\n")
}

// unindented is a block without what puts it into a list.
func unindented(block string) string {
	return regexp.MustCompile("(?m)^   ").ReplaceAllString(block, "")
}

// TestReadme types what the README says, in both languages, with other ports.
func TestReadme(t *testing.T) {
	for _, program := range []string{"openssl", "curl"} {
		if _, err := exec.LookPath(program); err != nil {
			emulatortest.Lacking(t, program)
		}
	}
	source, err := os.ReadFile(filepath.Join(examples(t).dir, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	spanish, english, ok := strings.Cut(string(source), "\n# Citasync from PHP\n")
	if !ok {
		t.Fatal("there is no English part")
	}
	for name, tt := range map[string]struct{ readme, page string }{
		"es": {spanish, "Vas a conectar las reservas de Salón Sol."},
		"en": {english, "You are about to connect the bookings of Sol Salon."},
	} {
		t.Run(name, func(t *testing.T) {
			p := examples(t)
			said := typed(t, p, tt.readme)
			if len(said) != 5 || !strings.HasPrefix(said[1], "202: ") || !strings.HasPrefix(said[2], "202: ") || said[4] != "401" {
				t.Fatalf("it says %q", said)
			}
			if _, at := consent.New(t).Enter(said[0]); at != p.server.URL+"/settings" {
				t.Errorf("the link leads to %s", at)
			}
			b := consent.New(t)
			if page, at := b.Enter(said[3]); at != p.server.URL+"/settings/connect" || !strings.Contains(page, tt.page) {
				t.Errorf("the address to connect at leads to %s", at)
			}
			if to := b.Decide(p.server.URL, ana, true); !strings.HasPrefix(to, "http://localhost:3000/") || !strings.Contains(to, "result=connected") {
				t.Errorf("connecting leads to %s", to)
			}
		})
	}
}
