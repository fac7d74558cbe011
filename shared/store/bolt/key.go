package bolt

import (
	"encoding/binary"
	"slices"
	"strings"
	"time"
)

// key is a key under construction, component by component. Components are
// encoded so that none is the beginning of another, and so that keys order as
// their components do. Each method returns a key of its own, so that several
// may be built from one beginning.
type key []byte

// A text ends with end. A NUL in it becomes nul, which sorts after end, so
// that "a" stays before "a\x00".
const (
	end = "\x00\x01"
	nul = "\x00\xff"
)

// sign is the bit that has to be turned for negative numbers to sort first.
const sign = 1 << 63

func (k key) text(s string) key {
	return append(k.beginning(s), end...)
}

func (k key) number(n uint64) key { return binary.BigEndian.AppendUint64(slices.Clip(k), n) }

// ascending appends a time, cut to microseconds; earlier ones sort first.
func (k key) ascending(t time.Time) key { return k.number(uint64(t.UnixMicro()) ^ sign) }

// descending appends a time so that later ones sort first.
func (k key) descending(t time.Time) key { return k.number(turned(t)) }

// turned is a time as descending appends it.
func turned(t time.Time) uint64 { return ^(uint64(t.UnixMicro()) ^ sign) }

// beginning appends what the keys of all texts begin with that begin so.
func (k key) beginning(s string) key {
	return append(slices.Clip(k), strings.ReplaceAll(s, "\x00", nul)...)
}

// past is the first key after all that begin with k; nil: there is none.
func (k key) past() key {
	for i := len(k) - 1; i >= 0; i-- {
		if k[i] < 0xff {
			return append(slices.Clone(k[:i]), k[i]+1)
		}
	}
	return nil
}

// cutNumber takes a number, or a time, from the front of a key.
func cutNumber(k []byte) (n uint64, rest []byte, ok bool) {
	if len(k) < 8 {
		return 0, nil, false
	}
	return binary.BigEndian.Uint64(k), k[8:], true
}

// cutText takes a text from the front of a key.
func cutText(k []byte) (s string, rest []byte, ok bool) {
	var b strings.Builder
	for i := 0; i < len(k); i++ {
		if k[i] != 0 {
			b.WriteByte(k[i])
			continue
		}
		if i++; i == len(k) {
			break
		}
		switch string(k[i-1 : i+1]) {
		case end:
			return b.String(), k[i+1:], true
		case nul:
			b.WriteByte(0)
		default:
			return "", nil, false
		}
	}
	return "", nil, false
}
