package googleauth

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/citasync/citasync/shared/booking"
)

// Cipher encrypts what is kept in a connection's record, for that company and
// integration alone: moved into another's record it does not decrypt. It may
// be used by several goroutines.
type Cipher struct {
	aead tink.AEAD
}

// NewCipher reads a Tink AEAD keyset in JSON. Its primary key encrypts, every
// enabled one decrypts: to rotate, add a key everywhere, then make it primary.
func NewCipher(keysetJSON string) (*Cipher, error) {
	// The causes are dropped: Tink's words may quote the keyset.
	h, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(strings.NewReader(keysetJSON)))
	if err != nil {
		return nil, errors.New("googleauth: not a Tink keyset in JSON")
	}
	a, err := aead.New(h)
	if err != nil {
		return nil, errors.New("googleauth: not a keyset for AEAD")
	}
	return &Cipher{aead: a}, nil
}

// NewKeyset makes a keyset of one new AES-256-GCM key, in JSON. It holds the
// key in the clear: keep it as a secret.
func NewKeyset() (string, error) {
	h, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return "", fmt.Errorf("googleauth: make a key: %w", err)
	}
	var b bytes.Buffer
	if err := insecurecleartextkeyset.Write(h, keyset.NewJSONWriter(&b)); err != nil {
		return "", fmt.Errorf("googleauth: write the keyset: %w", err)
	}
	return b.String(), nil
}

// seal encrypts a token for the company's connection.
func (c *Cipher) seal(company booking.CompanyID, token string) ([]byte, error) {
	sealed, err := c.aead.Encrypt([]byte(token), associated(company))
	if err != nil {
		return nil, fmt.Errorf("encrypt a token of company %q: %w", company, err)
	}
	return sealed, nil
}

// open decrypts a token. One that does not decrypt is as good as expired:
// while instances run, a keyset may come that they don't have yet.
func (c *Cipher) open(company booking.CompanyID, sealed []byte) (string, bool) {
	if len(sealed) == 0 {
		return "", false
	}
	token, err := c.aead.Decrypt(sealed, associated(company))
	return string(token), err == nil && len(token) > 0
}

// associated is what a ciphertext is bound to, each part with its length, so
// that no two connections have the same.
func associated(company booking.CompanyID) []byte {
	b := []byte("citasync access token")
	for _, s := range []string{string(company), string(calendar)} {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	return b
}
