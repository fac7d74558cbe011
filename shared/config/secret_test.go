package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestSecretIsNeverSeen(t *testing.T) {
	const hidden = "hidden-value"
	s := NewSecret(hidden)
	c, err := Load(getenv(environment()))
	if err != nil {
		t.Fatal(err)
	}
	type unexported struct {
		s    Secret
		list []Secret
	}
	var out bytes.Buffer
	for _, v := range []any{s, &s, []Secret{s}, map[string]Secret{"a": s}, c, &c, unexported{s, []Secret{s}}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%T"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		if err := json.NewEncoder(&out).Encode(v); err != nil {
			t.Fatal(err)
		}
		slog.New(slog.NewJSONHandler(&out, nil)).Info("config", "value", v)
		slog.New(slog.NewTextHandler(&out, nil)).Info("config", "value", v)
	}
	fmt.Fprint(&out, fmt.Errorf("cannot use %w and %v", &Error{}, s), s)
	for _, value := range []string{hidden, fmt.Sprintf("%x", hidden), "hidden", sessionSecret, webhookSecret, "primaryKeyId"} {
		if i := strings.Index(out.String(), value); i >= 0 {
			t.Errorf("%q is seen in %q", value, out.String()[max(0, i-60):i+len(value)])
		}
	}
	if s.Reveal() != hidden || s.IsZero() {
		t.Errorf("reveals %q", s.Reveal())
	}
	if zero := NewSecret(""); !zero.IsZero() || zero.Reveal() != "" {
		t.Errorf("an empty secret reveals %q", zero.Reveal())
	}
}
