package store

import (
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
)

func TestNameKey(t *testing.T) {
	for _, tt := range []struct{ name, want string }{
		{"", ""},
		{"Ana", "ana"},
		{" \tAna\n  RUIZ ", "ana ruiz"},
		{"Ana\u00a0Ruiz\u2003Gómez", "ana ruiz gomez"},
		{"Núñez", "nunez"},
		{"Nu\u0301n\u0303ez", "nunez"},
		{"ÁÉÍÓÚÜÑ", "aeiouun"},
		{"Łukasz Øre", "łukasz øre"},
		{"İstanbul", "istanbul"},
		{"Straße", "straße"},
		{"ﬁlia Ｆull", "filia full"},
		{"Ἀλέξανδρος", "αλεξανδρος"},
		{"日本　太郎", "日本 太郎"},
		{"Ana\u200b\u200e\u00ad", "ana"},
		{"🦊 Zorro", "🦊 zorro"},
		{"\u0301", ""},
		{" \u00b4 ", ""},
		{"a\xff\xfeb", "a\ufffd\ufffdb"},
		{"a\x00b", "a\x00b"},
		{strings.Repeat("a", MaxNameKey), strings.Repeat("a", MaxNameKey)},
		{strings.Repeat("a", MaxNameKey-1) + " b", strings.Repeat("a", MaxNameKey-1)},
		{strings.Repeat("a", MaxNameKey-1) + "日", strings.Repeat("a", MaxNameKey-1)},
		{strings.Repeat("ﷺ", MaxNameKey), NameKey(strings.Repeat("ﷺ", 9))},
	} {
		if got := NameKey(tt.name); got != tt.want {
			t.Errorf("NameKey(%+q) = %+q, want %+q", tt.name, got, tt.want)
		}
	}
}

// TestNameKeyOfEveryRune: whatever a name is made of, its key is in its own
// form.
func TestNameKeyOfEveryRune(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !utf8.ValidRune(r) {
			continue
		}
		key := NameKey("a" + string(r) + "b")
		if again := NameKey(key); again != key {
			t.Errorf("%U: key %+q has key %+q", r, key, again)
		}
	}
}

func FuzzNameKey(f *testing.F) {
	for _, s := range []string{"", "Ana  Ruíz", "a\xff", "\u0301", strings.Repeat("ñ ", 200), "ǅ", "각", "\u1e9e\u0345", "\U0001d165\u0300"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		key := NameKey(name)
		if again := NameKey(key); again != key {
			t.Errorf("key %+q of %+q has key %+q", key, name, again)
		}
		if !utf8.ValidString(key) || len(key) > MaxNameKey {
			t.Errorf("key %+q of %+q is %d bytes, valid UTF-8: %t", key, name, len(key), utf8.ValidString(key))
		}
		if padded := NameKey("  " + name + "\n"); padded != key {
			t.Errorf("%+q with white space around has key %+q, not %+q", name, padded, key)
		}
	})
}

// TestMarks: what a filter asks for is among a booking's marks if, and only if,
// it lets the booking through.
func TestMarks(t *testing.T) {
	statuses := map[integration.ID]integration.DeliveryStatus{integration.GoogleCalendar: integration.Done}
	got := Marks(booking.Confirmed, func(id integration.ID) integration.DeliveryStatus { return StatusOf(statuses[id], "") })
	want := []string{
		Filter{State: booking.Confirmed}.Mark(),
		Filter{Integration: integration.GoogleCalendar, Status: integration.Done}.Mark(),
		Filter{State: booking.Confirmed, Integration: integration.GoogleCalendar, Status: integration.Done}.Mark(),
		Filter{Integration: integration.WhatsApp, Status: integration.Skipped}.Mark(),
		Filter{State: booking.Confirmed, Integration: integration.WhatsApp, Status: integration.Skipped}.Mark(),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("marks (-want +got):\n%s", diff)
	}
	if m := (Filter{Phone: "1", From: time.Unix(0, 0)}).Mark(); m != "" {
		t.Errorf("a filter without state and status has mark %q", m)
	}
}

func TestTag(t *testing.T) {
	at := time.Date(2026, time.November, 23, 15, 4, 5, 0, time.UTC)
	fs := []Filter{
		{},
		{State: booking.Confirmed},
		{State: booking.Deleted},
		{Integration: integration.WhatsApp, Status: integration.Done},
		{From: at},
		{Until: at},
		{From: at.Add(time.Microsecond)},
		{Phone: "ana"},
		{Name: "ana"},
		{Name: "anabel"},
		{Name: "ana", State: booking.Confirmed},
	}
	seen := map[string]Filter{}
	for _, f := range fs {
		tag := f.Tag()
		if other, ok := seen[tag]; ok {
			t.Errorf("%+v and %+v have one tag", f, other)
		}
		if seen[tag] = f; (tag == "") != f.isZero() {
			t.Errorf("%+v has tag %q", f, tag)
		}
	}
	same := []Filter{
		{Name: "Ána ", From: at}, {Name: "ana", From: at.In(time.FixedZone("", 3600))}, {Name: "ana", From: at.Add(-time.Nanosecond)},
	}
	for _, f := range same {
		if f.Tag() != same[0].Tag() {
			t.Errorf("%+v has another tag than %+v", f, same[0])
		}
	}
}

func BenchmarkNameKey(b *testing.B) {
	for name, s := range map[string]string{"ascii": "Ana Ruiz Gomez", "marks": "Ana Ruíz Gómez"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				NameKey(s)
			}
		})
	}
}
