package booking

import (
	"encoding/json"
	"errors"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func seeds(f *testing.F) [][]byte {
	f.Helper()
	return [][]byte{
		[]byte(example),
		edit(f, "type", "booking.deleted"),
		edit(f, "data.booking.time_zone", nil),
		hours(f, "2026-10-25T02:30:00+01:00", "2026-10-25T02:45:00+01:00", "Europe/Madrid"),
		hours(f, "2026-12-01T10:00", "2026-12-01T16:00:00.123Z", "-05:00"),
		[]byte(`{"data":{"booking":{"customer":null,"id":-1}}} `),
		[]byte("{\"\\u0061\" : [1 , {\"b\\\\\\\"\":2}]\n,\"c\":tru}"),
	}
}

// FuzzDecode checks that a refusal names its fields, and that what is accepted
// keeps its promises and survives being encoded.
func FuzzDecode(f *testing.F) {
	for _, seed := range seeds(f) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := Decode(data, now)
		if err != nil {
			var invalid *InvalidError
			if !errors.As(err, &invalid) || len(invalid.Fields) == 0 || e != (Event{}) {
				t.Fatalf("got %+v, %v", e, err)
			}
			return
		}
		if b := e.Booking; e.Kind != Deleted && !b.End.After(b.Start) || invalidID(string(e.Company)) != "" || invalidID(string(b.ID)) != "" {
			t.Fatalf("accepted %+v", e)
		}
		checkRoundTrip(t, e)
	})
}

// FuzzSplit compares with encoding/json.
func FuzzSplit(f *testing.F) {
	for _, seed := range seeds(f) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var raw json.RawMessage
		var want map[string]json.RawMessage
		if !utf8.Valid(data) || json.Unmarshal(data, &raw) != nil || raw[0] != '{' {
			return
		}
		if err := json.Unmarshal(raw, &want); err != nil {
			t.Fatal(err)
		}
		got := map[string]json.RawMessage{}
		for _, m := range split(raw) {
			got[m.name] = m.value
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// FuzzNewer checks that any two events of a booking are ordered one way, or
// say the same.
func FuzzNewer(f *testing.F) {
	f.Add(int64(0), uint8(0), "Corte", int64(0), uint8(0), "Tinte", "notes")
	f.Add(int64(1), uint8(2), "", int64(1), uint8(2), "x", "")
	f.Fuzz(func(t *testing.T, at1 int64, kind1 uint8, service1 string, at2 int64, kind2 uint8, service2, notes string) {
		kinds := []Kind{Reserved, Confirmed, Deleted}
		event := func(at int64, kind uint8, service string) Event {
			b := Booking{ID: "1", Service: service, Notes: notes, Start: now, End: now.Add(time.Duration(at))}
			return Event{Kind: kinds[int(kind)%3], At: time.UnixMicro(at % 4).UTC(), Booking: b}
		}
		a, b := event(at1, kind1, service1), event(at2, kind2, service2)
		ab, ba := a.Newer(b.At, b.Kind, b.Booking), b.Newer(a.At, a.Kind, a.Booking)
		same := a.At.Equal(b.At) && a.Kind == b.Kind && (a.Kind == Deleted || string(Canonical(a.Booking)) == string(Canonical(b.Booking)))
		if ab && ba || ab == ba && !same || ab && same {
			t.Errorf("%+v newer %t, %+v newer %t, the same %t", a, ab, b, ba, same)
		}
	})
}
