package webhook

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/citasync/citasync/shared/fault"
)

// sub replaces a part of the example once.
func sub(old, replacement string) string {
	if !strings.Contains(example, old) {
		panic("the example lacks " + old)
	}
	return strings.Replace(example, old, replacement, 1)
}

// TestRefused sends malformed webhooks. The field is the JSON path of the one
// entry in the problem document's errors; where the fault is in no field, the
// detail names the header or the rule.
func TestRefused(t *testing.T) {
	keep := func(http.Header) {}
	del := func(name string) func(http.Header) { return func(h http.Header) { h.Del(name) } }
	put := func(name, value string) func(http.Header) { return func(h http.Header) { h.Set(name, value) } }
	long := strings.Repeat
	tests := []struct {
		name   string
		body   string
		edit   func(http.Header)
		status int
		field  string
		detail string
	}{
		{"too long", example + long(" ", MaxBody), keep, 413, "", "65536 bytes"},
		{"too long and not signed", long("x", MaxBody+1), del("webhook-signature"), 413, "", "65536 bytes"},

		{"no id", example, del("webhook-id"), 401, "", "webhook-id is missing"},
		{"no timestamp", example, del("webhook-timestamp"), 401, "", "webhook-timestamp is missing"},
		{"no signature", example, del("webhook-signature"), 401, "", "webhook-signature is missing"},
		{"timestamp of words", example, put("webhook-timestamp", "now"), 401, "", "webhook-timestamp must be in seconds"},
		{"timestamp with a fraction", example, put("webhook-timestamp", "1795446245.5"), 401, "", "webhook-timestamp must be in seconds"},
		{"timestamp beyond 64 bits", example, put("webhook-timestamp", "99999999999999999999"), 401, "", "webhook-timestamp must be in seconds"},
		{"another timestamp", example, put("webhook-timestamp", "1795446246"), 401, "", "webhook-signature"},
		{"another id", example, put("webhook-id", "msg_2"), 401, "", "webhook-signature"},
		{"signature not of base64", example, put("webhook-signature", "v1,%%%"), 401, "", "webhook-signature"},
		{"signature without version", example, put("webhook-signature", "abc"), 401, "", "webhook-signature"},
		{"not signed, and not JSON either", "x", put("webhook-signature", "v1,abc"), 401, "", "webhook-signature"},
		{"not signed, no content type", example, func(h http.Header) { h.Del("Content-Type"); h.Del("webhook-id") }, 401, "", "webhook-id"},

		{"no content type", example, del("Content-Type"), 415, "", "application/json"},
		{"form", example, put("Content-Type", "application/x-www-form-urlencoded"), 415, "", "application/json"},
		{"text", example, put("Content-Type", "text/plain"), 415, "", "application/json"},
		{"problem document", example, put("Content-Type", "application/problem+json"), 415, "", "application/json"},
		{"Latin-1", example, put("Content-Type", "application/json; charset=iso-8859-1"), 415, "", "UTF-8"},
		{"broken content type", example, put("Content-Type", "application/json; charset"), 415, "", "application/json"},
		{"form, and not JSON either", "a=1", put("Content-Type", "application/x-www-form-urlencoded"), 415, "", "application/json"},

		{"empty", "", keep, 400, "", "one JSON object"},
		{"not JSON", "booking=981", keep, 400, "", "byte 1"},
		{"cut off", example[:200], keep, 400, "", "byte 200"},
		{"two objects", example + example, keep, 400, "", "one JSON object"},
		{"trailing comma", `{"type": "booking.deleted",}`, keep, 400, "", "byte 28"},
		{"comment", "{} // thanks", keep, 400, "", "one JSON object"},
		{"array", "[" + example + "]", keep, 400, "", "not an array"},
		{"null", "null", keep, 400, "", "not null"},
		{"string", `"booking"`, keep, 400, "", "not a string"},
		{"number", "981", keep, 400, "", "not a number"},
		{"boolean", "true", keep, 400, "", "not a boolean"},
		{"not UTF-8", sub("Ana Ruiz", "Ana Mu\xf1oz"), keep, 400, "", "UTF-8"},
		{"UTF-16", "\xff\xfe{\x00}\x00", keep, 400, "", "UTF-8"},
		{"byte order mark", "\xef\xbb\xbf" + example, keep, 400, "", "byte 1"},

		{"no type", sub(`"type": "booking.confirmed",`, ""), keep, 422, "type", ""},
		{"unknown type", sub("booking.confirmed", "booking.cancelled"), keep, 422, "type", ""},
		{"type of a number", sub(`"booking.confirmed"`, "1"), keep, 422, "type", ""},
		{"no timestamp in the event", sub(`"timestamp": "2026-11-23T15:04:05.123Z",`, ""), keep, 422, "timestamp", ""},
		{"timestamp without offset", sub("05.123Z", "05.123"), keep, 422, "timestamp", ""},
		{"timestamp in seconds", sub(`"2026-11-23T15:04:05.123Z"`, "1795446245"), keep, 422, "timestamp", ""},
		{"timestamp in the future", sub("15:04:05.123Z", "15:10:00.001Z"), keep, 422, "timestamp", ""},
		{"no data", `{"type": "booking.deleted", "timestamp": "2026-11-23T15:04:05Z"}`, keep, 422, "data", ""},
		{"data of a string", `{"type": "booking.deleted", "timestamp": "2026-11-23T15:04:05Z", "data": "981"}`, keep, 422, "data", ""},
		{"no company", sub(`"company_id": 2,`, ""), keep, 422, "data.company_id", ""},
		{"company of a float", sub(`"company_id": 2`, `"company_id": 2.0`), keep, 422, "data.company_id", ""},
		{"company with a line break", sub(`"company_id": 2`, `"company_id": "2\n"`), keep, 422, "data.company_id", ""},
		{"no booking", sub(`"booking": {`, `"bookings": {`), keep, 422, "data.booking", ""},
		{"no booking id", sub(`"id": "981",`, ""), keep, 422, "data.booking.id", ""},
		{"booking id null", sub(`"981"`, "null"), keep, 422, "data.booking.id", ""},
		{"booking id too long", sub(`"981"`, `"`+long("9", 129)+`"`), keep, 422, "data.booking.id", ""},
		{"deletion without id", strings.Replace(sub("confirmed", "deleted"), `"id": "981",`, "", 1), keep, 422, "data.booking.id", ""},
		{"no service", sub(`"service": "Corte de pelo",`, ""), keep, 422, "data.booking.service", ""},
		{"blank service", sub("Corte de pelo", " "), keep, 422, "data.booking.service", ""},
		{"service too long", sub("Corte de pelo", long("x", 501)), keep, 422, "data.booking.service", ""},
		{"no start", sub(`"start": "2026-12-01T10:00:00",`, ""), keep, 422, "data.booking.start", ""},
		{"start of MySQL", sub("2026-12-01T10:00:00", "2026-12-01 10:00:00"), keep, 422, "data.booking.start", ""},
		{"start on no day", sub("2026-12-01T10:00:00", "2026-11-31T10:00:00"), keep, 422, "data.booking.start", ""},
		{"end before start", sub("10:45", "09:45"), keep, 422, "data.booking.end", ""},
		{"end at start", sub("10:45", "10:00"), keep, 422, "data.booking.end", ""},
		{"no zone", sub(`"time_zone": "America/Bogota",`, ""), keep, 422, "data.booking.time_zone", ""},
		{"unknown zone", sub("America/Bogota", "America/Medellin"), keep, 422, "data.booking.time_zone", ""},
		{"the machine's zone", sub("America/Bogota", "Local"), keep, 422, "data.booking.time_zone", ""},
		{
			"an hour that does not exist",
			strings.NewReplacer("America/Bogota", "Europe/Madrid", "2026-12-01T10:00", "2027-03-28T02:30", "2026-12-01T10:45", "2027-03-28T03:30").Replace(example),
			keep, 422, "data.booking.start", "",
		},
		{"customer of a string", sub(`{"name": "Ana Ruiz", "phone": "300 111 2233", "email": "ana@example.com"}`, `"Ana"`), keep, 422, "data.booking.customer", ""},
		{"phone of a number", sub(`"300 111 2233"`, "3001112233"), keep, 422, "data.booking.customer.phone", ""},
		{"phone too long", sub("300 111 2233", long("3", 51)), keep, 422, "data.booking.customer.phone", ""},
		{"email too long", sub("ana@", long("a", 250)+"@"), keep, 422, "data.booking.customer.email", ""},
		{"name of a list", sub(`"Ana Ruiz"`, `["Ana", "Ruiz"]`), keep, 422, "data.booking.customer.name", ""},
		{"notes too long", sub("Primera visita", long("x", 8001)), keep, 422, "data.booking.notes", ""},
		{"location too long", sub("Calle 10 #4-21", long("x", 1001)), keep, 422, "data.booking.location", ""},
		{"url of a script", sub("https://example.com/bookings/981", "javascript:alert(1)"), keep, 422, "data.booking.url", ""},
		{"url of a path", sub("https://example.com", ""), keep, 422, "data.booking.url", ""},
	}
	for _, test := range tests {
		w := newWorld(t)
		r := signed(t, test.body)
		test.edit(r.Header)
		rec := w.send(r)
		var p fault.Problem
		if err := json.Unmarshal(rec.Body.Bytes(), &p); err != nil {
			t.Errorf("%s: got %d %s", test.name, rec.Code, rec.Body)
			continue
		}
		if rec.Code != test.status || p.Status != test.status || p.Title == "" || rec.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: got %d %v %+v, want %d", test.name, rec.Code, rec.Header(), p, test.status)
		}
		if test.field == "" && p.Errors != nil {
			t.Errorf("%s: what is in no field stands in errors: %+v", test.name, p.Errors)
		}
		if test.field != "" && (len(p.Errors) != 1 || p.Errors[0].Field != test.field || p.Errors[0].Message == "") {
			t.Errorf("%s: errors %+v, want %s", test.name, p.Errors, test.field)
		}
		if !strings.Contains(p.Detail, test.detail+test.field) {
			t.Errorf("%s: detail %q lacks %q", test.name, p.Detail, test.detail+test.field)
		}
		if len(w.queue.messages) != 0 {
			t.Errorf("%s: it was published", test.name)
		}
		checkRefusalLog(t, test.name, w, test.status, test.field)
	}
}

// checkRefusalLog wants one line that names status and field, and no value.
func checkRefusalLog(t *testing.T, name string, w *world, status int, field string) {
	t.Helper()
	var line struct {
		Severity, Message, Error, Trace string
		Status                          int
	}
	if err := json.Unmarshal(w.log.Bytes(), &line); err != nil {
		t.Errorf("%s: log %s: %v", name, w.log, err)
		return
	}
	if line.Severity != "INFO" || line.Status != status || !strings.Contains(line.Error, field) || line.Trace == "" {
		t.Errorf("%s: log %s", name, w.log)
	}
	for _, value := range []string{"Ana", "Corte", "300", "3333", "981", "xxx"} {
		if strings.Contains(line.Error, value) {
			t.Errorf("%s: the log tells %q: %s", name, value, line.Error)
		}
	}
}

func TestRefusalListsEveryField(t *testing.T) {
	w := newWorld(t)
	rec := w.send(signed(t, `{"type": "x", "timestamp": "x", "data": {"company_id": [], "booking": {"id": "", "start": 1, "url": "x"}}}`))
	var p fault.Problem
	if err := json.Unmarshal(rec.Body.Bytes(), &p); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range p.Errors {
		got = append(got, f.Field)
	}
	const want = "type timestamp data.company_id data.booking.id data.booking.service data.booking.start data.booking.end data.booking.url"
	if strings.Join(got, " ") != want {
		t.Errorf("got %v", got)
	}
}
