package booking

import (
	"testing"
	"time"
)

func TestNewer(t *testing.T) {
	at := now
	corte, tinte := Booking{ID: "1", Service: "Corte"}, Booking{ID: "1", Service: "Tinte"}
	tests := []struct {
		name     string
		e        Event
		at       time.Time
		kind     Kind
		recorded Booking
		want     bool
	}{
		{"nothing recorded", Event{Kind: Reserved, At: at}, time.Time{}, "", Booking{}, true},
		{"later", Event{Kind: Reserved, At: at.Add(time.Microsecond), Booking: corte}, at, Deleted, tinte, true},
		{"earlier", Event{Kind: Deleted, At: at.Add(-time.Microsecond), Booking: tinte}, at, Reserved, corte, false},
		{"deleted over confirmed", Event{Kind: Deleted, At: at, Booking: corte}, at, Confirmed, tinte, true},
		{"confirmed under deleted", Event{Kind: Confirmed, At: at, Booking: tinte}, at, Deleted, corte, false},
		{"confirmed over reserved", Event{Kind: Confirmed, At: at, Booking: corte}, at, Reserved, tinte, true},
		{"reserved under confirmed", Event{Kind: Reserved, At: at, Booking: tinte}, at, Confirmed, corte, false},
		{"greater content", Event{Kind: Confirmed, At: at, Booking: tinte}, at, Confirmed, corte, true},
		{"lesser content", Event{Kind: Confirmed, At: at, Booking: corte}, at, Confirmed, tinte, false},
		{"the same", Event{Kind: Confirmed, At: at, Booking: corte}, at, Confirmed, corte, false},
		{"deletions are equal", Event{Kind: Deleted, At: at, Booking: tinte}, at, Deleted, corte, false},
		{"the same elsewhere", Event{Kind: Deleted, At: at}, at.In(time.FixedZone("", 3600)), Deleted, Booking{}, false},
	}
	for _, test := range tests {
		if got := test.e.Newer(test.at, test.kind, test.recorded); got != test.want {
			t.Errorf("%s: got %t", test.name, got)
		}
	}
}

func TestKind(t *testing.T) {
	for _, k := range []Kind{Reserved, Confirmed, Deleted} {
		if got, err := ParseKind(k.EventType()); got != k || err != nil {
			t.Errorf("%s: got %q, %v", k, got, err)
		}
	}
	if k, err := ParseKind("booking.moved"); err == nil {
		t.Errorf("booking.moved: got %q", k)
	}
}
