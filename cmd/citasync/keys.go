package main

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/citasync/citasync/shared/googleauth"
)

// keys are the secrets that a data directory needs and that the environment
// may leave out. They are made once and kept, readable by their owner only.
type keys struct {
	WebhookSecret  string `json:"webhook_secret"`
	SessionSecret  string `json:"session_secret"`
	TokenKeyset    string `json:"token_keyset"`
	InstallationID string `json:"installation_id"`
}

func keysPath(dir string) string { return filepath.Join(dir, "keys.json") }

// readKeys returns the directory's keys; empty ones if it has none yet.
func readKeys(dir string) (keys, error) {
	var k keys
	data, err := os.ReadFile(keysPath(dir))
	if errors.Is(err, os.ErrNotExist) {
		return k, nil
	}
	if err != nil {
		return k, fmt.Errorf("keys: %w", err)
	}
	if err := json.Unmarshal(data, &k); err != nil {
		return k, fmt.Errorf("keys in %s: %w", keysPath(dir), err)
	}
	return k, nil
}

// makeKeys returns the directory's keys, having made and kept those that it
// lacks. The caller holds the directory's stores, so nobody else does the same.
func makeKeys(dir string) (keys, error) {
	k, err := readKeys(dir)
	if err != nil {
		return k, err
	}
	before := k
	if k.WebhookSecret == "" {
		k.WebhookSecret = "whsec_" + base64.StdEncoding.EncodeToString(random(32))
	}
	if k.SessionSecret == "" {
		k.SessionSecret = base64.RawURLEncoding.EncodeToString(random(32))
	}
	if k.InstallationID == "" {
		k.InstallationID = "local-" + base64.RawURLEncoding.EncodeToString(random(12))
	}
	if k.TokenKeyset == "" {
		if k.TokenKeyset, err = googleauth.NewKeyset(); err != nil {
			return k, fmt.Errorf("keys: %w", err)
		}
	}
	if k == before {
		return k, nil
	}
	return k, writeKeys(dir, k)
}

func writeKeys(dir string, k keys) error {
	data, err := json.MarshalIndent(k, "", "  ") //nolint:gosec // a file of secrets, for their owner only
	if err != nil {
		return fmt.Errorf("keys: %w", err)
	}
	f, err := os.CreateTemp(dir, "keys-*") // of mode 0600
	if err != nil {
		return fmt.Errorf("keys: %w", err)
	}
	_, err = f.Write(append(data, '\n'))
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), keysPath(dir))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("keys: %w", err), os.Remove(f.Name()))
	}
	return nil
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // crypto/rand never fails: it would crash the program
	return b
}
