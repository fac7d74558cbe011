package firestore

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

// spans are all there are, by kind.
func spans(t testing.TB) map[string]span {
	t.Helper()
	s := &Store{database: "projects/p/databases/(default)"}
	all := map[string]span{}
	for _, q := range []store.Query{
		{}, {EndsAfter: now}, {Waiting: integration.WhatsApp}, {Filter: store.Filter{Name: "ana"}}, {Filter: store.Filter{From: now}},
	} {
		r, err := s.bookingSpan("2", q)
		if err != nil {
			t.Fatal(err)
		}
		all[r.kind] = r
	}
	for _, r := range []span{
		s.owedSpan(integration.WhatsApp), s.connectedSpan("stale", integration.WhatsApp, fieldReconciledAt, now), s.noticeSpan(integration.WhatsApp, now), s.activitySpan("2"),
	} {
		all[r.kind] = r
	}
	return all
}

// FuzzCursor passes cursors that nobody made: they are refused or used, and
// what is used lies in the span.
func FuzzCursor(f *testing.F) {
	all := spans(f)
	for _, p := range []string{
		`{"kind":"by_start","time":1,"id":"981"}`, `{"kind":"ends_after","time":1,"id":"981"}`, `{"kind":"waiting","id":"a/b"}`,
		`{"kind":"owed","id":"2"}`, `{"kind":"stale","id":"2"}`, `{"kind":"activity","id":"ff"}`, `null`, `{`, `[]`,
	} {
		f.Add(base64.RawURLEncoding.EncodeToString([]byte(p)))
	}
	for kind := range all {
		for _, p := range []string{`"time":1,`, `"text":"ana","time":1,`, `"text":"ana",`} {
			f.Add(base64.RawURLEncoding.EncodeToString([]byte(`{"kind":"` + kind + `",` + p + `"id":"981"}`)))
		}
	}
	f.Fuzz(func(t *testing.T, cursor string) {
		for kind, r := range all {
			place, err := r.after(cursor)
			if err != nil {
				if fault.Status(err) != 400 {
					t.Errorf("%s: error %v, want an invalid one", kind, err)
				}
				continue
			}
			values := place.GetValues()
			name := values[len(values)-1].GetReferenceValue()
			if _, err := r.id(name); err != nil || !strings.HasPrefix(name, r.parent+"/") {
				t.Errorf("%s: cursor %q leads to %q, out of the span; %v", kind, cursor, name, err)
			}
			if want := len(r.query.GetOrderBy()); len(values) != want {
				t.Errorf("%s: a place of %d values in an order by %d", kind, len(values), want)
			}
		}
	})
}

// TestCursorRefused passes cursors that are well encoded but not of the span.
func TestCursorRefused(t *testing.T) {
	all := spans(t)
	named, dated := "by_start"+store.Filter{Name: "ana"}.Tag(), "by_start"+store.Filter{From: now}.Tag()
	for _, tt := range []struct{ kind, what, position string }{
		{named, "no name", `{"kind":"` + named + `","time":1,"id":"981"}`},
		{named, "a name too long", `{"kind":"` + named + `","text":"` + strings.Repeat("x", store.MaxNameKey+1) + `","time":1,"id":"981"}`},
		{named, "another query", `{"kind":"by_start","text":"ana","time":1,"id":"981"}`},
		{dated, "no time", `{"kind":"` + dated + `","id":"981"}`},
		{"by_start", "a name", `{"kind":"by_start","text":"ana","time":1,"id":"981"}`},
		{"by_start", "another query", `{"kind":"ends_after","time":1,"id":"981"}`},
		{"by_start", "no id", `{"kind":"by_start","time":1}`},
		{"by_start", "an id too long", `{"kind":"by_start","time":1,"id":"` + strings.Repeat("x", longest+1) + `"}`},
		{"by_start", "a time out of all calendars", `{"kind":"by_start","time":9223372036854775807,"id":"981"}`},
		{"by_start", "a time that is a text", `{"kind":"by_start","time":"1","id":"981"}`},
		{"by_start", "more than a position", `{"kind":"by_start","time":1,"id":"981"} {}`},
		{"ends_after", "no time", `{"kind":"ends_after","id":"981"}`},
		{"waiting", "a time", `{"kind":"waiting","time":1,"id":"981"}`},
		{"owed", "a time", `{"kind":"owed","time":1,"id":"2"}`},
		{"activity", "a time", `{"kind":"activity","time":1,"id":"ff"}`},
	} {
		_, err := all[tt.kind].after(base64.RawURLEncoding.EncodeToString([]byte(tt.position)))
		if fault.Status(err) != 400 {
			t.Errorf("%s, %s: error %v, want an invalid one", tt.kind, tt.what, err)
		}
	}
	for p, kind := range map[string]string{
		`{"kind":"by_start","time":1,"id":"981"}`: "by_start", `{"kind":"by_start","id":"981"}`: "by_start",
		`{"kind":"` + named + `","text":"ana","time":1,"id":"981"}`: named, `{"kind":"` + named + `","text":"ana","id":"981"}`: named,
	} {
		if _, err := all[kind].after(base64.RawURLEncoding.EncodeToString([]byte(p))); err != nil {
			t.Errorf("%s: %v", p, err)
		}
	}
}

// TestActivityIDs: later ids sort after earlier ones, also if the clock stands
// still or is put back, and their documents the other way round.
func TestActivityIDs(t *testing.T) {
	at := now
	ids := activityIDs{now: func() time.Time { return at }}
	last := ids.next()
	for _, step := range []time.Duration{0, 0, -time.Hour, time.Microsecond, time.Hour, 0, -time.Minute, 24 * time.Hour} {
		at = at.Add(step)
		id := ids.next()
		if id.String() <= last.String() || id.document() >= last.document() {
			t.Errorf("after %v: %s follows %s, document %s follows %s", step, id, last, id.document(), last.document())
		}
		if back, err := parseActivityID(id.document()); err != nil || back != id {
			t.Errorf("%s comes back as %s, error %v", id, back, err)
		}
		last = id
	}
	for _, document := range []string{"", "zz", strings.Repeat("0", 31), strings.Repeat("0", 34)} {
		if id, err := parseActivityID(document); err == nil {
			t.Errorf("%q is read as %s", document, id)
		}
	}
}
