package booking

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
)

// hours returns the example with these times.
func hours(t testing.TB, start, end, zone string) []byte {
	t.Helper()
	booking := map[string]any{"id": "981", "service": "Corte", "start": start, "end": end}
	if zone != "" {
		booking["time_zone"] = zone
	}
	data, err := json.Marshal(booking)
	if err != nil {
		t.Fatal(err)
	}
	return edit(t, "data.booking", json.RawMessage(data))
}

func TestTimes(t *testing.T) {
	tests := []struct {
		name, start, end, zone string
		wantZone               string
		wantStart, wantEnd     string // RFC 3339, as they are shown
	}{
		{
			"wall times", "2026-12-01T10:00:00", "2026-12-01T10:45:00", "America/Bogota",
			"America/Bogota", "2026-12-01T10:00:00-05:00", "2026-12-01T10:45:00-05:00",
		},
		{
			"no seconds, a fraction", "2026-12-01T10:00", "2026-12-01T10:45:00.123456789", "America/Bogota",
			"America/Bogota", "2026-12-01T10:00:00-05:00", "2026-12-01T10:45:00.123456-05:00",
		},
		{
			"offsets, shown in a zone", "2026-07-01T10:00:00Z", "2026-07-01T10:45Z", "Europe/Madrid",
			"Europe/Madrid", "2026-07-01T12:00:00+02:00", "2026-07-01T12:45:00+02:00",
		},
		{
			"offsets alone", "2026-12-01T10:00:00-05:00", "2026-12-01T16:00:00Z", "",
			"-05:00", "2026-12-01T10:00:00-05:00", "2026-12-01T11:00:00-05:00",
		},
		{"UTC", "2026-12-01T10:00:00z", "2026-12-01T11:00:00z", "", "UTC", "2026-12-01T10:00:00Z", "2026-12-01T11:00:00Z"},
		{
			"an offset for a zone", "2026-12-01T10:00:00", "2026-12-01T11:00:00", "+05:30",
			"+05:30", "2026-12-01T10:00:00+05:30", "2026-12-01T11:00:00+05:30",
		},
		{"no offset for a zone", "2026-12-01T10:00", "2026-12-01T11:00", "-00:00", "UTC", "2026-12-01T10:00:00Z", "2026-12-01T11:00:00Z"},
		{
			"one of each", "2026-12-01T10:00:00", "2026-12-01T16:00:00Z", "America/Bogota",
			"America/Bogota", "2026-12-01T10:00:00-05:00", "2026-12-01T11:00:00-05:00",
		},
		{
			"before clocks go forward", "2026-03-29T01:59:00", "2026-03-29T03:00:00", "Europe/Madrid",
			"Europe/Madrid", "2026-03-29T01:59:00+01:00", "2026-03-29T03:00:00+02:00",
		},
		{
			"twice: the earlier", "2026-10-25T02:30:00", "2026-10-25T03:00:00", "Europe/Madrid",
			"Europe/Madrid", "2026-10-25T02:30:00+02:00", "2026-10-25T03:00:00+01:00",
		},
		{
			"the later, by its offset", "2026-10-25T02:30:00+01:00", "2026-10-25T02:45:00+01:00", "Europe/Madrid",
			"Europe/Madrid", "2026-10-25T02:30:00+01:00", "2026-10-25T02:45:00+01:00",
		},
		{
			"half an hour back", "2026-04-05T01:45:00", "2026-04-05T02:00:00", "Australia/Lord_Howe",
			"Australia/Lord_Howe", "2026-04-05T01:45:00+11:00", "2026-04-05T02:00:00+10:30",
		},
		{
			"southern midnight", "2026-04-04T23:30:00", "2026-04-05T00:30:00", "America/Santiago",
			"America/Santiago", "2026-04-04T23:30:00-03:00", "2026-04-05T00:30:00-04:00",
		},
	}
	for _, test := range tests {
		e, err := Decode(hours(t, test.start, test.end, test.zone), now)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		b := e.Booking
		start, end := b.Start.Format(time.RFC3339Nano), b.End.Format(time.RFC3339Nano)
		if b.TimeZone != test.wantZone || start != test.wantStart || end != test.wantEnd {
			t.Errorf("%s: got %s to %s in %s", test.name, start, end, b.TimeZone)
		}
		checkRoundTrip(t, e)
	}
}

func TestTimesRefused(t *testing.T) {
	const gap = "does not exist that day"
	tests := []struct{ name, start, end, zone, field, message string }{
		{"forward in Madrid", "2026-03-29T02:00:00", "2026-03-29T03:30:00", "Europe/Madrid", "start", gap},
		{"forward in New York", "2026-03-08T01:30:00", "2026-03-08T02:59:59", "America/New_York", "end", gap},
		{"forward at midnight", "2026-09-06T00:00:00", "2026-09-06T01:00:00", "America/Santiago", "start", gap},
		{"half an hour forward", "2026-10-04T02:15:00", "2026-10-04T02:30:00", "Australia/Lord_Howe", "start", gap},
		{"a day that was left out", "2011-12-30T10:00:00", "2011-12-31T10:00:00", "Pacific/Apia", "start", gap},
		{"one local, no zone", "2026-12-01T10:00:00Z", "2026-12-01T11:00:00", "", "time_zone", "is required"},
		{"end in the earlier hour", "2026-10-25T02:45:00+01:00", "2026-10-25T02:50:00", "Europe/Madrid", "end", "must be after"},
		{"beyond 9999 in UTC", "9999-12-31T22:00:00-05:00", "9999-12-31T22:30:00-05:00", "", "start", "must lie in the years"},
	}
	for _, test := range tests {
		_, err := Decode(hours(t, test.start, test.end, test.zone), now)
		var invalid *InvalidError
		if !errors.As(err, &invalid) {
			t.Errorf("%s: error %v", test.name, err)
			continue
		}
		if f := invalid.Fields[0]; f.Field != "data.booking."+test.field || !strings.HasPrefix(f.Message, test.message) {
			t.Errorf("%s: got %+v", test.name, invalid.Fields)
		}
	}
}

// TestAtWallClock compares with a search of every quarter of an hour around
// each change of the clocks.
func TestAtWallClock(t *testing.T) {
	for _, name := range []string{
		"America/Bogota", "America/New_York", "America/Santiago", "America/Sao_Paulo", "America/Caracas", "Europe/Madrid",
		"Europe/Dublin", "Africa/Casablanca", "Asia/Kathmandu", "Asia/Pyongyang", "Australia/Lord_Howe", "Pacific/Apia",
		"Pacific/Kwajalein", "Antarctica/Troll",
	} {
		loc := zone(t, name)
		_, before := time.Unix(0, 0).In(loc).Zone()
		for at := time.Unix(0, 0).In(loc); at.Year() < 2045; at = at.Add(12 * time.Hour) {
			_, offset := at.Zone()
			if offset != before {
				compareAround(t, at)
			}
			before = offset
		}
		compareAround(t, time.Date(2028, 12, 31, 12, 0, 0, 0, loc)) // where ZoneBounds is wrong
	}
}

func compareAround(t *testing.T, middle time.Time) {
	t.Helper()
	const step = 15 * time.Minute
	first := map[time.Time]time.Time{} // what clocks show to the first instant at which they do
	for at := middle.Add(-50 * time.Hour); at.Before(middle.Add(50 * time.Hour)); at = at.Add(step) {
		if shown := shows(at); first[shown].IsZero() {
			first[shown] = at
		}
	}
	for wall := shows(middle).Add(-20 * time.Hour); wall.Before(shows(middle).Add(20 * time.Hour)); wall = wall.Add(step) {
		got, ok := atWallClock(wall, middle.Location())
		want, exists := first[wall]
		if ok != exists || !got.Equal(want) {
			t.Fatalf("%s shown in %s: got %v, %t, want %v, %t", wall, middle.Location(), got, ok, want, exists)
		}
	}
}

// TestStartOfDay compares with a search of every minute.
func TestStartOfDay(t *testing.T) {
	for _, test := range []struct{ zone, day string }{
		{"America/Bogota", "2026-12-01"},
		{"America/Santiago", "2026-09-05"},
		{"America/Santiago", "2026-09-06"}, // forward at midnight
		{"America/Santiago", "2026-09-07"},
		{"America/Santiago", "2026-04-04"},
		{"America/Santiago", "2026-04-05"}, // back at midnight
		{"America/Havana", "2026-03-08"},   // forward at midnight
		{"America/Havana", "2026-11-01"},   // back at one, so that there are two midnights
		{"America/Havana", "2026-11-02"},
		{"Africa/Cairo", "2026-04-24"},
		{"Africa/Cairo", "2026-10-30"},
		{"Asia/Beirut", "2026-03-29"},
		{"Asia/Beirut", "2026-10-25"},
		{"Europe/Madrid", "2026-03-29"},
		{"Europe/Madrid", "2028-12-31"},
		{"Pacific/Apia", "2011-12-30"}, // was left out
		{"Pacific/Apia", "2011-12-31"},
		{"+05:30", "2026-12-01"},
	} {
		day, err := time.Parse(time.DateOnly, test.day)
		if err != nil {
			t.Fatal(err)
		}
		loc := zone(t, test.zone)
		want := day.Add(-50 * time.Hour).In(loc)
		for shows(want).Before(day) {
			want = want.Add(time.Minute)
		}
		if got := StartOfDay(day, loc); !got.Equal(want) {
			t.Errorf("%s in %s: got %s, want %s", test.day, test.zone, got, want)
		}
	}
}

// shows is what clocks in the time's location show, in UTC.
func shows(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

func TestLoadZone(t *testing.T) {
	for name, want := range map[string]int{"America/Bogota": -18000, "UTC": 0, "-05:00": -18000, "+05:30": 19800, "+00:00": 0, "-00:30": -1800} {
		loc, err := LoadZone(name)
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		again, _ := LoadZone(name)
		if _, offset := now.In(loc).Zone(); offset != want || loc != again || loc.String() != name {
			t.Errorf("%q: %s at %d, again the same: %t", name, loc, offset, loc == again)
		}
	}
	for _, name := range []string{
		"", "Local", "localtime", "posixrules", "Factory", "posix/America/Bogota", "right/America/Bogota", "america/bogotá",
		"../../etc/passwd", "/etc/localtime", "America", "zone.tab", "-5:00", "+24:00", "+05:60", "+0530", "−05:00", "a\x00b",
	} {
		if loc, err := LoadZone(name); !errors.Is(err, errZone) {
			t.Errorf("%q: got %v, %v", name, loc, err)
		}
	}
}
