package settings

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/fault"
)

// seals close what was searched for, newest secret first: names and phone
// numbers have no place in addresses, which end up in histories and logs.
type seals []cipher.AEAD

func newSeals(secrets [][]byte) (seals, error) {
	keys, err := derive(secrets, "citasync history search")
	if err != nil {
		return nil, err
	}
	all := make(seals, 0, len(keys))
	for _, key := range keys {
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, fmt.Errorf("searches' key: %w", err)
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, fmt.Errorf("searches' key: %w", err)
		}
		all = append(all, aead)
	}
	return all, nil
}

// sought is a place in what was searched for.
type sought struct {
	Search search
	Cursor string
}

// seal closes it for the company.
func (a seals) seal(company booking.CompanyID, s sought) string {
	data, _ := json.Marshal(s) // nothing but texts: there is none that it can't write

	return base64.RawURLEncoding.EncodeToString(a[0].Seal(nil, nil, data, []byte(company))) //nolint:gosec // the nonce is random, and part of what comes out
}

// open is what was sealed for the company.
func (a seals) open(company booking.CompanyID, sealed string) (sought, error) {
	var s sought
	data, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil {
		return s, fmt.Errorf("%w: search is not sealed", fault.ErrInvalid)
	}
	for _, aead := range a {
		plain, err := aead.Open(nil, nil, data, []byte(company))
		if err == nil && json.Unmarshal(plain, &s) == nil {
			return s, nil
		}
	}
	return s, fmt.Errorf("%w: search was not sealed here, or with a secret that is gone", fault.ErrInvalid)
}

// sought reads an address of the history.
func (h *handler) sought(v *visit, q url.Values) (sought, error) {
	if q.Has(fieldSearch) {
		return h.seals.open(v.company.ID, q.Get(fieldSearch))
	}
	s := searchOf(q)
	s.Find = "" // it comes sealed, or not at all
	return sought{s, q.Get("cursor")}, nil
}

// soughtURL is the address at a path: what can be read by anybody is written as
// it is, and what names a customer sealed.
func (h *handler) soughtURL(v *visit, path string, s sought) string {
	q := s.Search.query()
	switch {
	case s.Search.Find != "":
		q = url.Values{fieldSearch: {h.seals.seal(v.company.ID, s)}}
	case s.Cursor != "":
		q.Set("cursor", s.Cursor)
	}
	return addressed(path, q)
}
