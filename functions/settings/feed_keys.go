package settings

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/store"
)

// feedKeys make the addresses of calendar feeds, newest first. An address is
// made of a secret and of what the company's record holds, and the record keeps
// only a hash of it: whoever reads the database alone can make none. One that
// was made with a secret that is gone by now still opens its feed, but can't be
// shown any more.
type feedKeys [][]byte

func newFeedKeys(secrets [][]byte) (feedKeys, error) {
	return derive(secrets, "citasync feed address")
}

// derive makes of each secret a key for one purpose (HKDF, RFC 5869).
func derive(secrets [][]byte, purpose string) ([][]byte, error) {
	keys := make([][]byte, 0, len(secrets))
	for _, s := range secrets {
		key, err := hkdf.Key(sha256.New, s, nil, purpose, sha256.Size)
		if err != nil {
			return nil, fmt.Errorf("derive a key for %s: %w", purpose, err)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// feedToken is the secret part of an address: the company's id, for whose record it
// leads to, and what proves it.
func feedToken(key []byte, company booking.CompanyID, seed string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(seed + "\x00" + string(company)))
	return base64.RawURLEncoding.EncodeToString([]byte(company)) + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:24])
}

// give makes a new address for the company, in place of any before.
func (k feedKeys) give(c *store.Company) {
	c.FeedSeed = rand.Text()
	c.FeedTokenHash = hashOf(feedToken(k[0], c.ID, c.FeedSeed))
}

// shown is the company's token; empty if it has none, or none that can be
// shown any more.
func (k feedKeys) shown(c *store.Company) string {
	for _, key := range k {
		if t := feedToken(key, c.ID, c.FeedSeed); opens(t, c) {
			return t
		}
	}
	return ""
}

// opens reports whether the token is the company's.
func opens(token string, c *store.Company) bool {
	return c.FeedTokenHash != "" && subtle.ConstantTimeCompare([]byte(hashOf(token)), []byte(c.FeedTokenHash)) == 1
}

func hashOf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// companyOf is the company to whose feed a token may belong.
func companyOf(token string) (booking.CompanyID, bool) {
	id, proof, ok := strings.Cut(token, ".")
	company, err := base64.RawURLEncoding.Strict().DecodeString(id)
	if !ok || err != nil || len(company) == 0 || len(company) > booking.MaxID || len(proof) != base64.RawURLEncoding.EncodedLen(24) {
		return "", false
	}
	return booking.CompanyID(company), true
}
