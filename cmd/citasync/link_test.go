package main

import (
	"errors"
	"os/exec"
	"strings"
	"testing"
)

const longSecret = "SESSION_SECRETS=a-secret-that-is-long-enough-for-links"

// TestLinkReturns: an address that the installation does not lead back to is
// refused where the command can know that, and taken where it can't.
func TestLinkReturns(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	allow := "ALLOWED_RETURN_ORIGINS=https://reservas.example http://localhost:9000"
	for _, tc := range []struct{ name, env, to, says string }{
		{"allowed", allow, "https://reservas.example/back?tab=2", ""},
		{"allowed, in capitals", allow, "https://RESERVAS.example:443/", ""},
		{"not allowed", allow, "https://evil.example/", "--return-url must be on one of ALLOWED_RETURN_ORIGINS (https://reservas.example http://localhost:9000)"},
		{"not known", "", "https://evil.example/", ""},
		{"no address", allow, "reservas.example", "--return-url must be an http or https address"},
	} {
		out, errs, err := invoke(t, []string{longSecret, tc.env}, "", "link", "--company", "2", "--return-url", tc.to, "--data", dir)
		if tc.says == "" && (err != nil || !strings.Contains(out, "/settings?session=")) {
			t.Errorf("%s: %v, %s%s", tc.name, err, out, errs)
		}
		if tc.says == "" {
			continue
		}
		if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 2 || !strings.Contains(errs, tc.says) || out != "" {
			t.Errorf("%s: %v, %s%s", tc.name, err, out, errs)
		}
	}
}

// TestLinkReturnsServed: whoever serves says where its links may lead back to.
func TestLinkReturnsServed(t *testing.T) {
	t.Parallel()
	p := newProcess(t, served{})
	if out := p.citasync("", "link", "--company", "2", "--return-url", p.demo+"/demo/companies/2"); !strings.Contains(out, "/settings?session=") {
		t.Error(out)
	}
	_, errs, err := invoke(t, nil, "", "link", "--company", "2", "--return-url", "https://evil.example/", "--data", p.dir)
	if err == nil || !strings.Contains(errs, "ALLOWED_RETURN_ORIGINS ("+p.demo+")") {
		t.Errorf("%v, %s", err, errs)
	}
}
