package booking

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var now = time.Date(2026, 11, 23, 15, 5, 0, 0, time.UTC)

const example = `{
  "type": "booking.confirmed",
  "timestamp": "2026-11-23T15:04:05.123Z",
  "data": {
    "company_id": "2",
    "booking": {
      "id": "981",
      "service": "Corte de pelo",
      "start": "2026-12-01T10:00:00",
      "end": "2026-12-01T10:45:00",
      "time_zone": "America/Bogota",
      "customer": { "name": "Ana Ruiz", "phone": "+573001112233", "email": "ana@example.com" },
      "staff": "Luis", "location": "Calle 10 #4-21", "notes": "Primera visita", "url": "https://example.com/bookings/981"
    }
  }
}`

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := LoadZone(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// edit returns the example with one member set to a value, or removed by nil.
// The path is that of the errors: "data.booking.start".
func edit(t testing.TB, path string, value any) []byte {
	t.Helper()
	var root map[string]any
	if err := json.Unmarshal([]byte(example), &root); err != nil {
		t.Fatal(err)
	}
	set(root, path, value)
	data, err := json.Marshal(root)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func set(object map[string]any, path string, value any) {
	name, rest, deeper := strings.Cut(path, ".")
	switch {
	case deeper:
		set(object[name].(map[string]any), rest, value)
	case value == nil:
		delete(object, name)
	default:
		object[name] = value
	}
}

func TestDecodeExample(t *testing.T) {
	got, err := Decode([]byte(example), now)
	if err != nil {
		t.Fatal(err)
	}
	bogota := zone(t, "America/Bogota")
	want := Event{
		Kind:    Confirmed,
		At:      time.Date(2026, 11, 23, 15, 4, 5, 123e6, time.UTC),
		Company: "2",
		Booking: Booking{
			ID:       "981",
			Service:  "Corte de pelo",
			Start:    time.Date(2026, 12, 1, 10, 0, 0, 0, bogota),
			End:      time.Date(2026, 12, 1, 10, 45, 0, 0, bogota),
			TimeZone: "America/Bogota",
			Customer: Customer{Name: "Ana Ruiz", Phone: "+573001112233", Email: "ana@example.com"},
			Staff:    "Luis", Location: "Calle 10 #4-21", Notes: "Primera visita", URL: "https://example.com/bookings/981",
		},
	}
	if got != want { // the location's pointer too
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

func TestDecodeInvalidField(t *testing.T) {
	long := strings.Repeat
	tests := []struct {
		path    string
		value   any
		message string
	}{
		{"type", nil, "is required"},
		{"type", "", "is required"},
		{"type", "booking.cancelled", "must be booking.reserved, booking.confirmed or booking.deleted"},
		{"type", "confirmed", "must be booking."},
		{"type", 7, "must be a string, not a number"},
		{"timestamp", nil, "is required"},
		{"timestamp", 1795446245, "must be a string, not a number"},
		{"timestamp", "2026-11-23T15:04:05", "must be an RFC 3339 time with its offset"},
		{"timestamp", "2026-11-23 15:04:05Z", "must be an RFC 3339 time"},
		{"timestamp", "2026-02-30T15:04:05Z", "must be an RFC 3339 time"},
		{"timestamp", "2026-11-23T15:10:00.000001Z", "must not be more than five minutes in the future"},
		{"timestamp", "1969-12-31T23:59:59Z", "must lie in the years 1970 to 9999"},
		{"data", nil, "is required"},
		{"data", "x", "must be an object, not a string"},
		{"data", []any{}, "must be an object, not an array"},
		{"data.company_id", nil, "is required"},
		{"data.company_id", "", "is required"},
		{"data.company_id", 2.5, "must be a string or an integer, not a number"},
		{"data.company_id", json.RawMessage("2e3"), "must be a string or an integer"},
		{"data.company_id", true, "must be a string or an integer, not a boolean"},
		{"data.company_id", long("x", 129), "must not be longer than 128 bytes"},
		{"data.company_id", long("ñ", 65), "must not be longer than 128 bytes"},
		{"data.company_id", json.RawMessage(long("7", 129)), "must not be longer than 128 bytes"},
		{"data.company_id", "2\n3", "must not contain control characters"},
		{"data.company_id", "2\u0085", "must not contain control characters"},
		{"data.company_id", json.RawMessage(`"\ud800"`), "must not contain replacement characters"},
		{"data.booking", nil, "is required"},
		{"data.booking", 981, "must be an object, not a number"},
		{"data.booking.id", nil, "is required"},
		{"data.booking.id", map[string]any{}, "must be a string or an integer, not an object"},
		{"data.booking.service", nil, "is required"},
		{"data.booking.service", " \n ", "is required"},
		{"data.booking.service", []string{"Corte"}, "must be a string, not an array"},
		{"data.booking.service", long("x", 501), "must not be longer than 500 bytes"},
		{"data.booking.start", nil, "is required"},
		{"data.booking.start", "2026-12-01", "must be a local time such as"},
		{"data.booking.start", "2026-12-01 10:00:00", "must be a local time"},
		{"data.booking.start", "2026-12-01T9:00:00", "must be a local time"},
		{"data.booking.start", "2026-12-01T9:00:00.5", "must be a local time"},
		{"data.booking.start", "2026-12-01T09:00:00,5", "must be a local time"},
		{"data.booking.start", "2026-12-01T09:00:00.", "must be a local time"},
		{"data.booking.start", "2026-12-01T24:00:00", "must be a local time"},
		{"data.booking.start", "2026-12-01T10:00:00+5:00", "must be a local time"},
		{"data.booking.start", "2026-12-01T10:00:00+24:00", "must be a local time"},
		{"data.booking.start", "2026-12-01T09:00:00." + long("0", 50) + "1", "must be a local time"},
		{"data.booking.start", "1969-12-31T10:00:00", "must lie in the years 1970 to 9999"},
		{"data.booking.start", 1795446245, "must be a string, not a number"},
		{"data.booking.end", nil, "is required"},
		{"data.booking.end", "tomorrow", "must be a local time"},
		{"data.booking.end", "2026-12-01T10:00:00", "must be after start"},
		{"data.booking.end", "2026-12-01T15:00:00Z", "must be after start"},
		{"data.booking.end", "2026-12-01T10:00:00.0000009", "must be after start"}, // once cut to microseconds
		{"data.booking.end", "9999-12-31T23:00:00", "must lie in the years 1970 to 9999"},
		{"data.booking.time_zone", nil, "is required, unless start and end have an offset"},
		{"data.booking.time_zone", "", "must be the name of a time zone"},
		{"data.booking.time_zone", "Local", "must be the name of a time zone"},
		{"data.booking.time_zone", "America/Medellin", "must be the name of a time zone"},
		{"data.booking.time_zone", "../Bogota", "must be the name of a time zone"},
		{"data.booking.time_zone", -5, "must be a string, not a number"},
		{"data.booking.customer", "Ana", "must be an object, not a string"},
		{"data.booking.customer.name", 3, "must be a string, not a number"},
		{"data.booking.customer.name", long("x", 201), "must not be longer than 200 bytes"},
		{"data.booking.customer.phone", 573001112233, "must be a string, not a number"},
		{"data.booking.customer.phone", long("3", 51), "must not be longer than 50 bytes"},
		{"data.booking.customer.email", long("x", 255), "must not be longer than 254 bytes"},
		{"data.booking.staff", false, "must be a string, not a boolean"},
		{"data.booking.staff", long("x", 201), "must not be longer than 200 bytes"},
		{"data.booking.location", long("x", 1001), "must not be longer than 1000 bytes"},
		{"data.booking.notes", long("x", 8001), "must not be longer than 8000 bytes"},
		{"data.booking.url", "/bookings/981", "must be an absolute http or https URL"},
		{"data.booking.url", "javascript:alert(1)", "must be an absolute http or https URL"},
		{"data.booking.url", "https:///bookings", "must be an absolute http or https URL"},
		{"data.booking.url", "https://example.com/\x7f", "must be an absolute http or https URL"},
		{"data.booking.url", "https://example.com/" + long("x", 2048), "must not be longer than 2048 bytes"},
	}
	for _, test := range tests {
		data := edit(t, test.path, test.value)
		_, err := Decode(data, now)
		var invalid *InvalidError
		if !errors.As(err, &invalid) {
			t.Errorf("%s %v: error %v", test.path, test.value, err)
			continue
		}
		if invalid.Malformed || len(invalid.Fields) != 1 || invalid.Fields[0].Field != test.path ||
			!strings.HasPrefix(invalid.Fields[0].Message, test.message) {
			t.Errorf("%s %v: got %+v, want that field alone, %q", test.path, test.value, invalid, test.message)
		}
	}
}

func TestDecodeTellsEverythingAtOnce(t *testing.T) {
	data := `{"type": "booking.gone", "timestamp": "soon", "data": {"company_id": 1.0, "booking": {
		"id": [], "start": "2026-12-01", "time_zone": "Mars/Olympus",
		"customer": {"name": 1, "phone": [], "email": {}}, "staff": 7, "url": "ftp://example.com"}}}`
	_, err := Decode([]byte(data), now)
	var invalid *InvalidError
	if !errors.As(err, &invalid) {
		t.Fatalf("error %v", err)
	}
	var got []string
	for _, f := range invalid.Fields {
		got = append(got, f.Field)
	}
	want := []string{
		"type", "timestamp", "data.company_id", "data.booking.id", "data.booking.service", "data.booking.start",
		"data.booking.end", "data.booking.time_zone", "data.booking.customer.name", "data.booking.customer.phone",
		"data.booking.customer.email", "data.booking.staff", "data.booking.url",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
	if s := err.Error(); !strings.HasPrefix(s, "invalid event: type must be booking.") || strings.Contains(s, "Mars") {
		t.Errorf("error %q", s)
	}
}

func TestDecodeMalformed(t *testing.T) {
	tests := []struct{ data, message string }{
		{"", "the event must be one JSON object: the JSON breaks at byte 0"},
		{"hello", "the event must be one JSON object: the JSON breaks at byte 1"},
		{example[:100], "the event must be one JSON object: the JSON breaks at byte 100"},
		{"{} {}", "the event must be one JSON object: the JSON breaks at byte 4"},
		{`{"type": "booking.deleted",}`, "the event must be one JSON object: the JSON breaks at byte 28"},
		{`{'type': 1}`, "the event must be one JSON object: the JSON breaks at byte 2"},
		{"\ufeff{}", "the event must be one JSON object: the JSON breaks at byte 1"},
		{strings.Repeat("[", 20000), "the event must be one JSON object: the JSON breaks at byte 10001"},
		{"null", "the event must be a JSON object, not null"},
		{"[]", "the event must be a JSON object, not an array"},
		{`"{}"`, "the event must be a JSON object, not a string"},
		{"-5", "the event must be a JSON object, not a number"},
		{"false", "the event must be a JSON object, not a boolean"},
		{"{\"type\": \"\xff\"}", "the event must be UTF-8"},
	}
	for _, test := range tests {
		_, err := Decode([]byte(test.data), now)
		want := &InvalidError{Malformed: true, Fields: []FieldError{{Message: test.message}}}
		if diff := cmp.Diff(error(want), err, cmp.Comparer(func(a, b error) bool { return a.Error() == b.Error() })); diff != "" {
			t.Errorf("%.40q (-want +got):\n%s", test.data, diff)
		}
		var invalid *InvalidError
		if !errors.As(err, &invalid) || !invalid.Malformed {
			t.Errorf("%.40q: %#v is not malformed", test.data, err)
		}
	}
}

func TestDecodeTolerates(t *testing.T) {
	tests := []struct {
		name string
		data []byte
		got  func(Event) any
		want any
	}{
		{"integer ids", edit(t, "data.booking.id", 981), func(e Event) any { return e.Booking.ID }, ID("981")},
		{
			"integers beyond float64", edit(t, "data.booking.id", json.RawMessage("90071992547409931")),
			func(e Event) any { return e.Booking.ID },
			ID("90071992547409931"),
		},
		{"negative integers", edit(t, "data.company_id", -2), func(e Event) any { return e.Company }, CompanyID("-2")},
		{"odd ids", edit(t, "data.company_id", " ñ/../🙂"), func(e Event) any { return e.Company }, CompanyID(" ñ/../🙂")},
		{
			"the longest id", edit(t, "data.company_id", strings.Repeat("x", 128)),
			func(e Event) any { return len(e.Company) },
			128,
		},
		{"unknown fields", edit(t, "data.booking.colour", "red"), func(e Event) any { return e.Booking.Staff }, "Luis"},
		{"names are exact", edit(t, "data.booking.ID", "7"), func(e Event) any { return e.Booking.ID }, ID("981")},
		{"no customer", edit(t, "data.booking.customer", nil), func(e Event) any { return e.Booking.Customer }, Customer{}},
		{
			"null is absent", edit(t, "data.booking.customer", json.RawMessage("null")),
			func(e Event) any { return e.Booking.Customer },
			Customer{},
		},
		{
			"null text is absent", edit(t, "data.booking.notes", json.RawMessage("null")),
			func(e Event) any { return e.Booking.Notes },
			"",
		},
		{
			"the last of two", []byte(strings.Replace(example, `"staff"`, `"staff": "Eva", "staff"`, 1)),
			func(e Event) any { return e.Booking.Staff },
			"Luis",
		},
		{
			"escapes", edit(t, "data.booking.staff", json.RawMessage(`"Lu\u00eds \"el \\ \/ rápido\" \ud83d\ude42"`)),
			func(e Event) any { return e.Booking.Staff },
			`Luís "el \ / rápido" 🙂`,
		},
		{
			"stray control characters", edit(t, "data.booking.staff", "Luis\x00\t\r\nRojas\u0085"),
			func(e Event) any { return e.Booking.Staff },
			"Luis    Rojas ",
		},
		{
			"line breaks in notes", edit(t, "data.booking.notes", "uno\r\ndos\n\ttres\x07\rcuatro"),
			func(e Event) any { return e.Booking.Notes },
			"uno\ndos\n\ttres  cuatro",
		},
		{
			"the longest notes", edit(t, "data.booking.notes", strings.Repeat("<", 8000)),
			func(e Event) any { return len(e.Booking.Notes) },
			8000,
		},
		{
			"a timestamp five minutes ahead", edit(t, "timestamp", "2026-11-23T10:10:00-05:00"),
			func(e Event) any { return e.At },
			time.Date(2026, 11, 23, 15, 10, 0, 0, time.UTC),
		},
		{
			"more than microseconds", edit(t, "timestamp", "2026-11-23t15:04:05.123456789z"),
			func(e Event) any { return e.At },
			time.Date(2026, 11, 23, 15, 4, 5, 123456000, time.UTC),
		},
	}
	for _, test := range tests {
		e, err := Decode(test.data, now)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if diff := cmp.Diff(test.want, test.got(e)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestDecodeDeletionNeedsOnlyIDs(t *testing.T) {
	want := Event{Kind: Deleted, At: time.Date(2026, 11, 23, 15, 4, 5, 0, time.UTC), Company: "2", Booking: Booking{ID: "981"}}
	for _, booking := range []string{
		`{"id": 981}`,
		`{"id": "981", "service": 7, "start": "never", "end": [], "time_zone": "", "customer": "Ana", "url": "x"}`,
		`{"id": "981", "service": "Corte", "start": "2026-12-01T10:00:00", "end": "2026-12-01T09:00:00"}`,
	} {
		data := `{"type": "booking.deleted", "timestamp": "2026-11-23T15:04:05Z", "data": {"company_id": 2, "booking": ` + booking + `}}`
		got, err := Decode([]byte(data), now)
		if err != nil || got != want {
			t.Errorf("%s: got %+v, %v", booking, got, err)
		}
	}
	_, err := Decode([]byte(`{"type": "booking.deleted", "timestamp": "2026-11-23T15:04:05Z", "data": {"booking": {}}}`), now)
	var invalid *InvalidError
	want2 := []FieldError{{"data.company_id", "is required"}, {"data.booking.id", "is required"}}
	if !errors.As(err, &invalid) || cmp.Diff(want2, invalid.Fields) != "" {
		t.Errorf("without ids: %v", err)
	}
}
