package booking

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func checkRoundTrip(t testing.TB, e Event) {
	t.Helper()
	data, err := Encode(e)
	if err != nil {
		t.Fatalf("encode %+v: %v", e, err)
	}
	got, err := Decode(data, e.At)
	if err != nil {
		t.Fatalf("decode %s: %v", data, err)
	}
	if got != e {
		t.Errorf("round trip of %+v\ngave %+v\nby %s", e, got, data)
	}
}

func TestEncode(t *testing.T) {
	e, err := Decode([]byte(example), now)
	if err != nil {
		t.Fatal(err)
	}
	data, err := Encode(e)
	if err != nil {
		t.Fatal(err)
	}
	var got, want any
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(example), &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestEncodeTimes(t *testing.T) {
	tests := []struct{ start, end, zone, want string }{
		{"2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "Europe/Madrid", `"start":"2026-10-25T02:30:00","end":"2026-10-25T02:30:00+01:00","time_zone":"Europe/Madrid"`},
		{"2026-12-01T10:00:00-05:00", "2026-12-01T11:00:00.5-05:00", "", `"start":"2026-12-01T10:00:00-05:00","end":"2026-12-01T11:00:00.5-05:00"}`},
		{"2026-12-01T10:00:00Z", "2026-12-01T11:00:00Z", "", `"start":"2026-12-01T10:00:00","end":"2026-12-01T11:00:00","time_zone":"UTC"`},
	}
	for _, test := range tests {
		e, err := Decode(hours(t, test.start, test.end, test.zone), now)
		if err != nil {
			t.Fatal(err)
		}
		data, err := Encode(e)
		if err != nil || !strings.Contains(string(data), test.want) {
			t.Errorf("got %s, %v\nwant %s", data, err, test.want)
		}
	}
}

func TestEncodeFails(t *testing.T) {
	for _, e := range []Event{
		{Kind: "cancelled", Booking: Booking{TimeZone: "UTC"}},
		{Kind: Confirmed, Booking: Booking{ID: "981"}},
		{Kind: Confirmed, Booking: Booking{ID: "981", TimeZone: "Mars/Olympus"}},
	} {
		if data, err := Encode(e); err == nil {
			t.Errorf("%+v: got %s", e, data)
		}
	}
}

func TestCanonicalDependsOnContentOnly(t *testing.T) {
	e, err := Decode([]byte(example), now)
	if err != nil {
		t.Fatal(err)
	}
	stored := e.Booking
	stored.Start, stored.End = stored.Start.UTC(), stored.End.UTC()
	if a, b := string(Canonical(e.Booking)), string(Canonical(stored)); a != b {
		t.Errorf("in its zone %s\nin UTC %s", a, b)
	}
	moved := e.Booking
	moved.End = moved.End.Add(time.Microsecond)
	if string(Canonical(e.Booking)) == string(Canonical(moved)) {
		t.Error("another end has the same canonical form")
	}
}
