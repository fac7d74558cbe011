package googleauth

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/citasync/citasync/shared/booking"
)

func newCipher(t testing.TB) (*Cipher, string) {
	t.Helper()
	keyset, err := NewKeyset()
	if err != nil {
		t.Fatal(err)
	}
	c, err := NewCipher(keyset)
	if err != nil {
		t.Fatal(err)
	}
	return c, keyset
}

func TestCipherBinds(t *testing.T) {
	c, _ := newCipher(t)
	sealed, err := c.seal("sol", "ya29.token")
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := c.open("sol", sealed); !ok || got != "ya29.token" {
		t.Errorf("open: %q, %t", got, ok)
	}
	if strings.Contains(string(sealed), "token") {
		t.Error("not encrypted")
	}
	for _, other := range []booking.CompanyID{"luna", "so", "sol\x0fgoogle-calendar", ""} {
		if _, ok := c.open(other, sealed); ok {
			t.Errorf("opens for %q", other)
		}
	}
	sealed[len(sealed)-1] ^= 1
	for _, bad := range [][]byte{nil, {}, []byte("x"), sealed} {
		if _, ok := c.open("sol", bad); ok {
			t.Errorf("opens %x", bad)
		}
	}
}

// merged is a keyset with the keys of both, the first one's primary.
func merged(t *testing.T, first, second string) string {
	t.Helper()
	type keyset struct {
		PrimaryKeyID json.Number       `json:"primaryKeyId"`
		Key          []json.RawMessage `json:"key"`
	}
	var a, b keyset
	if err := json.Unmarshal([]byte(first), &a); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(second), &b); err != nil {
		t.Fatal(err)
	}
	a.Key = append(a.Key, b.Key...)
	out, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestCipherRotates(t *testing.T) {
	oldCipher, oldKeys := newCipher(t)
	newOne, newKeys := newCipher(t)
	both, err := NewCipher(merged(t, newKeys, oldKeys))
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := oldCipher.seal("sol", "token")
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := both.open("sol", sealed); !ok {
		t.Error("what the older key sealed does not open")
	}
	if _, ok := newOne.open("sol", sealed); ok {
		t.Error("opens without the key")
	}
	again, err := both.seal("sol", "token")
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := newOne.open("sol", again); !ok {
		t.Error("the primary key does not seal")
	}
}

func TestNewCipherRefuses(t *testing.T) {
	_, keyset := newCipher(t)
	const key = "AAAAsecret"
	for _, s := range []string{
		"", "{}", "secret", `{"primaryKeyId":1}`, strings.Replace(keyset, "AesGcmKey", "HmacKey", 1),
		`{"primaryKeyId":1,"key":[{"keyData":{"typeUrl":"type.googleapis.com/google.crypto.tink.AesGcmKey","value":"` + key + `!"}}]}`,
	} {
		if _, err := NewCipher(s); err == nil {
			t.Errorf("NewCipher(%q) is content", s)
		} else if strings.Contains(err.Error(), key) {
			t.Errorf("error %q holds the key", err)
		}
	}
}

func FuzzCipherOpen(f *testing.F) {
	c, _ := newCipher(f)
	sealed, err := c.seal("sol", "token")
	if err != nil {
		f.Fatal(err)
	}
	f.Add("sol", sealed)
	f.Add("", []byte{})
	f.Fuzz(func(t *testing.T, company string, data []byte) {
		if got, ok := c.open(booking.CompanyID(company), data); ok && (company != "sol" || got != "token") {
			t.Fatalf("opens %x for %q as %q", data, company, got)
		}
	})
}

func TestTokenOfAnotherKeyset(t *testing.T) {
	r := newRig(t)
	c := r.connect(t, sol, ana)
	keyset, err := NewKeyset()
	if err != nil {
		t.Fatal(err)
	}
	d := r.deps
	if d.Cipher, err = NewCipher(keyset); err != nil {
		t.Fatal(err)
	}
	token, err := NewSource(d).Token(t.Context(), sol, c)
	if err != nil || !r.works(t, token) || r.calls("token") != 1 {
		t.Errorf("%v, %d token calls", err, r.calls("token"))
	}
	// Put into another company's record, it is nobody's token.
	stolen := r.connect(t, luna, luis)
	stolen.Data.AccessToken = c.Data.AccessToken
	if got, ok := r.source.stored(luna, &stolen); ok {
		t.Errorf("a token moved between records decrypts: %q", got)
	}
}
