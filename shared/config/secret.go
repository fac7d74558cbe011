package config

import (
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[redacted]"

// Secret is a value that must not be seen. However it is printed, logged or
// marshalled, alone or inside something else, it says "[redacted]"; only
// [Secret.Reveal] returns it.
type Secret struct {
	// A pointer, because fmt prints the unexported fields of a struct around
	// it without asking Format, and of a pointer in there only the address.
	value *string
}

// NewSecret returns a secret; an empty value gives the zero Secret.
func NewSecret(value string) Secret {
	if value == "" {
		return Secret{}
	}
	return Secret{value: &value}
}

// Reveal returns the value; empty if there is none.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// IsZero reports whether there is no value.
func (s Secret) IsZero() bool { return s.value == nil }

// String hides the value.
func (s Secret) String() string { return redacted }

// Format hides the value from every verb of fmt.
func (s Secret) Format(w fmt.State, _ rune) { _, _ = io.WriteString(w, redacted) }

// LogValue hides the value from slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText hides the value from encoders, JSON's among them.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// RevealAll returns the values of secrets.
func RevealAll(secrets []Secret) []string {
	values := make([]string, 0, len(secrets))
	for _, s := range secrets {
		values = append(values, s.Reveal())
	}
	return values
}
