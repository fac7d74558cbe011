package ical

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	emersion "github.com/emersion/go-ical"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

var at = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

func feed() Feed {
	return Feed{Name: "Reservas · Salón Luz", Domain: "citas.example", Company: integration.Company{ID: "2", Locale: "es"}}
}

func record(adapt func(*store.Booking)) *store.Booking {
	madrid, err := time.LoadLocation("Europe/Madrid")
	if err != nil {
		panic(err)
	}
	start := time.Date(2026, 3, 29, 1, 30, 0, 0, madrid) // half an hour before the clocks change
	rec := &store.Booking{
		Company: "2", State: booking.Confirmed, At: at, CreatedAt: at.Add(-time.Hour), Revision: 3,
		Booking: booking.Booking{
			ID: "981", Service: "Corte, color; y \\ peinado", Start: start, End: start.Add(time.Hour), TimeZone: "Europe/Madrid",
			Customer: booking.Customer{Name: "Ana Ruiz", Phone: "+34600111222"}, Location: "Calle 10, 2.º", Notes: "Primera\nvisita",
			URL: "https://reservas.example/981?a=1&b=2",
		},
		History: []store.Step{{At: at, Kind: "confirmed", Outcome: "ok"}},
	}
	if adapt != nil {
		adapt(rec)
	}
	return rec
}

// decode reads what was written with another library than the one that wrote it.
func decode(t *testing.T, data []byte) *emersion.Calendar {
	t.Helper()
	cal, err := emersion.NewDecoder(bytes.NewReader(data)).Decode()
	if err != nil {
		t.Fatalf("%v in\n%s", err, data)
	}
	return cal
}

func prop(t *testing.T, e emersion.Event, name string) string {
	t.Helper()
	s, err := e.Props.Text(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestEncode(t *testing.T) {
	events := decode(t, feed().Encode([]*store.Booking{record(nil)})).Events()
	if len(events) != 1 {
		t.Fatalf("%d events", len(events))
	}
	e := events[0]
	for name, want := range map[string]string{
		"SUMMARY":  "Corte, color; y \\ peinado – Ana Ruiz",
		"LOCATION": "Calle 10, 2.º",
		"STATUS":   "CONFIRMED",
	} {
		if got := prop(t, e, name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	for name, want := range map[string]string{
		"DTSTART": "20260329T003000Z", "DTEND": "20260329T013000Z", "DTSTAMP": "20260301T090000Z", "LAST-MODIFIED": "20260301T090000Z",
		"CREATED": "20260301T080000Z", "SEQUENCE": "2", "URL": "https://reservas.example/981?a=1&b=2",
	} {
		if got := e.Props.Get(name).Value; got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if d := prop(t, e, "DESCRIPTION"); !strings.Contains(d, "+34600111222") || !strings.Contains(d, "Primera\nvisita") {
		t.Errorf("DESCRIPTION is %q", d)
	}
}

// What a validator asks: version and product, CRLF, lines of at most 75 octets
// that are not cut within a character, and one value of what may be there once.
func TestForm(t *testing.T) {
	data := feed().Encode([]*store.Booking{record(func(b *store.Booking) {
		b.Booking.Notes = strings.Repeat("ñandú 🎉 ", 200)
		b.Booking.Customer.Name = "Ana\r\nBEGIN:VEVENT\x07\u0085"
	})})
	for line := range strings.SplitSeq(strings.TrimSuffix(string(data), "\r\n"), "\r\n") {
		if len(line) > 75 || !utf8.ValidString(line) || strings.ContainsAny(line, "\r\n\x07") {
			t.Errorf("a line of %d octets: %q", len(line), line)
		}
	}
	cal := decode(t, data)
	for name, want := range map[string]string{"VERSION": "2.0", "METHOD": "PUBLISH", "CALSCALE": "GREGORIAN", "REFRESH-INTERVAL": "PT15M", "X-PUBLISHED-TTL": "PT15M"} {
		if got := cal.Props.Values(name); len(got) != 1 || got[0].Value != want {
			t.Errorf("%s is %v, want %s", name, got, want)
		}
	}
	if !strings.Contains(string(data), "\r\nREFRESH-INTERVAL;VALUE=DURATION:PT15M\r\n") {
		t.Error("the refresh interval is not said to be a duration, once (RFC 7986, section 5.7)")
	}
	if n := strings.Count(string(data), "\r\nBEGIN:VEVENT"); n != 1 {
		t.Errorf("%d events", n)
	}
	if cal.Events()[0].Props.Get("DTSTAMP") == nil {
		t.Error("no DTSTAMP")
	}
}

// Of a booking that is not confirmed there is a cancelled event, if it ever was,
// and nothing if it never was or no time of it is known.
func TestStates(t *testing.T) {
	steps := func(kinds ...string) []store.Step {
		var all []store.Step
		for _, k := range kinds {
			all = append(all, store.Step{At: at, Kind: k, Outcome: "ok"})
		}
		return all
	}
	for name, tc := range map[string]struct {
		state   booking.Kind
		history []store.Step
		want    string
	}{
		"confirmed":                   {booking.Confirmed, steps("confirmed"), "CONFIRMED"},
		"confirmed, then deleted":     {booking.Deleted, steps("confirmed", "deleted"), "CANCELLED"},
		"confirmed, then reserved":    {booking.Reserved, steps("confirmed", "reserved"), "CANCELLED"},
		"changed, then deleted":       {booking.Deleted, steps("changed", "deleted"), "CANCELLED"},
		"reserved":                    {booking.Reserved, steps("reserved"), ""},
		"reserved, then deleted":      {booking.Deleted, steps("reserved", "deleted"), ""},
		"an integration's own step":   {booking.Deleted, []store.Step{{At: at, Kind: "confirmed", Integration: "whatsapp"}}, ""},
		"the beginning was forgotten": {booking.Deleted, make([]store.Step, store.MaxSteps), "CANCELLED"},
	} {
		t.Run(name, func(t *testing.T) {
			rec := record(func(b *store.Booking) { b.State, b.History = tc.state, tc.history })
			var got string
			for _, e := range decode(t, feed().Encode([]*store.Booking{rec})).Events() {
				got += prop(t, e, "STATUS")
			}
			if got != tc.want {
				t.Errorf("its events are %q, want %q", got, tc.want)
			}
		})
	}
	rec := record(func(b *store.Booking) { b.Booking.Start, b.Booking.End = time.Time{}, time.Time{} })
	if n := len(decode(t, feed().Encode([]*store.Booking{rec})).Events()); n != 0 {
		t.Errorf("%d events without a time", n)
	}
}

// Ids tell bookings and companies apart, say nothing of them, and stay.
func TestUID(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range []booking.CompanyID{"2", "29", "ñ"} {
		for _, id := range []booking.ID{"81", "981", "Ana Ruiz"} {
			rec := record(func(b *store.Booking) { b.Company, b.Booking.ID = c, id })
			uid := feed().uid(rec)
			if seen[uid] || strings.Contains(uid, "Ana") || !strings.HasSuffix(uid, "@citas.example") {
				t.Errorf("company %q, booking %q: %q", c, id, uid)
			}
			seen[uid] = true
			if again := feed().uid(rec); again != uid {
				t.Errorf("%q, then %q", uid, again)
			}
		}
	}
	if got := feed().uid(record(nil)); got != "dou7qquo9agc5lb2qkvdmidgh0er1hql@citas.example" {
		t.Errorf("the id of a booking that apps have is now %q", got)
	}
}

// The same bookings give the same bytes.
func TestStable(t *testing.T) {
	recs := []*store.Booking{record(nil), record(func(b *store.Booking) { b.Booking.ID = "982" })}
	if a, b := feed().Encode(recs), feed().Encode(recs); !bytes.Equal(a, b) {
		t.Errorf("first\n%s\nthen\n%s", a, b)
	}
}

// Anything that a booking may hold makes a calendar that can be read.
func FuzzEncode(f *testing.F) {
	f.Add("Corte", "Ana", "notas", "https://x.example/1")
	f.Add("\\n;,:\"", "\r\n\x00", "BEGIN:VALARM", "javascript:x\r\ny")
	f.Add("\xff", "ñ\u2028", strings.Repeat("á", 100), "http://[::1")
	f.Fuzz(func(t *testing.T, service, name, notes, page string) {
		rec := record(func(b *store.Booking) {
			b.Booking.Service, b.Booking.Customer.Name, b.Booking.Notes, b.Booking.URL = service, name, notes, page
		})
		if n := len(decode(t, feed().Encode([]*store.Booking{rec})).Events()); n != 1 {
			t.Errorf("%d events", n)
		}
	})
}
