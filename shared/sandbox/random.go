package sandbox

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"strings"
)

// randomToken returns an unguessable string for URLs and headers.
func randomToken() string { return base64.RawURLEncoding.EncodeToString(randomBytes(32)) }

// randomEventID returns an event id as Google makes them for clients that
// choose none: base32hex in lower case.
func randomEventID() string {
	return strings.ToLower(base32.HexEncoding.EncodeToString(randomBytes(15)))
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: it would crash the program
	return b
}
