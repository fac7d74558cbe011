package settings

import (
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	emersion "github.com/emersion/go-ical"
	"github.com/google/go-cmp/cmp"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/session"
	"github.com/citasync/citasync/shared/store"
	"github.com/citasync/citasync/shared/store/bolt"
)

var feedField = regexp.MustCompile(`id="address" value="https://citas\.example(/feeds/[^"]+\.ics)"`)

// feedOf presses the button for the action, and returns the path of the address
// that the page then shows; empty if there is none.
func (b *browser) feedOf(action string) string {
	b.s.Helper()
	current := ""
	if m := regexp.MustCompile(`name="current" value="([^"]*)"`).FindStringSubmatch(body(b.s.T, b.get(feedPath))); m != nil {
		current = m[1]
	}
	res := b.post(feedPath, url.Values{"company": {string(salon)}, "current": {current}, "action": {action}})
	res.Body.Close()
	if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != feedPath+"?result="+action {
		b.s.Fatalf("%s is answered with %d, %q", action, res.StatusCode, res.Header.Get("Location"))
	}
	return b.shownFeed()
}

func (b *browser) shownFeed() string {
	if m := feedField.FindStringSubmatch(body(b.s.T, b.get(feedPath))); m != nil {
		return m[1]
	}
	return ""
}

// read asks for a feed as an app does, which has no session.
func (s *site) read(path string, etag string) *http.Response {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	if etag != "" {
		r.Header.Set("If-None-Match", etag)
	}
	return s.do(r)
}

func (s *site) wantGone(what, path string) {
	s.Helper()
	res := s.read(path, "")
	defer res.Body.Close()
	if res.StatusCode != http.StatusNotFound {
		s.Errorf("%s is answered with %d", what, res.StatusCode)
	}
}

// An address is made, changed and taken back; each works until then and not
// after, and none is anybody else's.
func TestFeedAddress(t *testing.T) {
	s := newSite(t)
	s.book(salon, "1", 24*hour, nil)
	b := s.enter(s.claims(salon))
	if got := b.shownFeed(); got != "" {
		t.Fatalf("there is an address before it was made: %s", got)
	}
	first := b.feedOf(feedCreate)
	res := s.read(first, "")
	if res.StatusCode != http.StatusOK {
		t.Fatalf("the feed is answered with %d", res.StatusCode)
	}
	for name, want := range map[string]string{
		"Content-Type": "text/calendar; charset=utf-8", "Cache-Control": "private, no-cache", "X-Robots-Tag": "noindex",
	} {
		if got := res.Header.Get(name); got != want {
			t.Errorf("%s of the feed is %q", name, got)
		}
	}
	second := b.feedOf(feedReplace)
	if first == second || second == "" {
		t.Fatalf("the address %q was changed to %q", first, second)
	}
	s.wantGone("the address before", first)
	if res := s.read(second, ""); res.StatusCode != http.StatusOK {
		t.Errorf("the new address is answered with %d", res.StatusCode)
	}
	// What a second press of a button sends was done before.
	stale := url.Values{"company": {string(salon)}, "current": {""}, "action": {feedCreate}}
	b.post(feedPath, stale).Body.Close()
	if got := b.shownFeed(); got != second {
		t.Errorf("a stale form changed the address to %q", got)
	}
	if got := b.feedOf(feedRemove); got != "" {
		t.Errorf("after it was taken back the address is %q", got)
	}
	s.wantGone("the address that was taken back", second)
	if strings.Contains(s.log.String(), strings.TrimSuffix(strings.TrimPrefix(second, "/feeds/"), ".ics")) {
		t.Error("the log names an address")
	}
}

// noNotes is a store that notes nothing by itself.
type noNotes struct{ *bolt.Store }

func (noNotes) AddActivity(context.Context, booking.CompanyID, store.Activity) error {
	return fault.ErrUnavailable
}

// What is done with the address is noted together with it, and what changes
// nothing is not.
func TestFeedNoted(t *testing.T) {
	s := newSite(t, func(d *Deps) { d.Store = noNotes{d.Store.(*bolt.Store)} })
	b := s.enter(s.claims(salon))
	b.feedOf(feedRemove)
	b.feedOf(feedCreate)
	b.feedOf(feedReplace)
	b.feedOf(feedRemove)
	b.feedOf(feedRemove)
	page, err := s.store.ListActivity(t.Context(), salon, "", 10)
	s.must(err)
	var got []string
	for _, a := range page.Items {
		got = append(got, a.Kind+" by "+a.Actor+" "+a.Outcome)
	}
	want := []string{"feed_remove by company ok", "feed_replace by company ok", "feed_create by company ok"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("noted -want +got:\n%s", diff)
	}
}

func TestFeedRefused(t *testing.T) {
	s := newSite(t)
	other := s.enter(s.claims(clinic))
	path := other.feedOfClinic()
	good := strings.TrimSuffix(path, ".ics")
	dot := strings.LastIndex(good, ".")
	for name, bad := range map[string]string{
		"no ending":       good,
		"another ending":  good + ".txt",
		"nothing":         "/feeds/.ics",
		"a path below":    "/feeds/a/b.ics",
		"altered proof":   good[:len(good)-1] + flip(good[len(good)-1]) + ".ics",
		"another company": "/feeds/" + base64.RawURLEncoding.EncodeToString([]byte(salon)) + good[dot:] + ".ics",
		"a long company":  "/feeds/" + base64.RawURLEncoding.EncodeToString(make([]byte, 129)) + good[dot:] + ".ics",
		"no proof":        good[:dot] + ".ics",
		"not base64":      "/feeds/!" + good[dot:] + ".ics",
	} {
		t.Run(name, func(t *testing.T) {
			s.T = t
			s.wantGone(name, bad)
		})
	}
	res := s.do(httptest.NewRequest(http.MethodPost, path, nil))
	if res.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST is answered with %d", res.StatusCode)
	}
}

// feedOfClinic makes an address for the clinic, whose id has to be encoded.
func (b *browser) feedOfClinic() string {
	b.s.Helper()
	b.post(feedPath, url.Values{"company": {string(clinic)}, "current": {""}, "action": {feedCreate}}).Body.Close()
	path := b.shownFeed()
	if res := b.s.read(path, ""); res.StatusCode != http.StatusOK {
		b.s.Fatalf("the clinic's feed %q is answered with %d", path, res.StatusCode)
	}
	return path
}

// flip is a letter of base64url that is another one.
func flip(c byte) string {
	if c == 'A' {
		return "Q"
	}
	return "A"
}

// rotated is the same site with these secrets, newest first.
func (s *site) rotated(secrets ...string) *site {
	next := *s
	next.deps.Secrets = nil
	for _, secret := range secrets {
		next.deps.Secrets = append(next.deps.Secrets, []byte(secret))
	}
	var err error
	next.handler, err = New(next.deps)
	s.must(err)
	return &next
}

// An address outlives the secret that it was made with, and can't be shown then.
func TestFeedRotation(t *testing.T) {
	s := newSite(t)
	path := s.enter(s.claims(salon)).feedOf(feedCreate)
	both := s.rotated("a new secret that is long enough too", "an old secret that is long enough")
	if got := both.enter(s.claims(salon)).shownFeed(); got != path {
		t.Errorf("with both secrets the address is shown as %q", got)
	}
	newest := s.rotated("a new secret that is long enough too")
	b := newest.enter(s.claims(salon))
	if res := newest.read(path, ""); res.StatusCode != http.StatusOK {
		t.Errorf("without the old secret the feed is answered with %d", res.StatusCode)
	}
	if page := body(t, b.get(feedPath)); feedField.MatchString(page) || !strings.Contains(page, "ya no se puede volver a mostrar") {
		t.Error("without the old secret the page does not say that the address can't be shown")
	}
	if got := b.feedOf(feedReplace); got == "" || got == path {
		t.Errorf("the address was changed to %q", got)
	}
}

// parsed reads a feed by another library than the one that wrote it.
func (s *site) parsed(path string) map[string]emersion.Event {
	s.Helper()
	res := s.read(path, "")
	defer res.Body.Close()
	cal, err := emersion.NewDecoder(res.Body).Decode()
	if err != nil {
		s.Fatal(err)
	}
	events := map[string]emersion.Event{}
	for _, e := range cal.Events() {
		uid, err := e.Props.Text(emersion.PropUID)
		s.must(err)
		events[uid] = e
	}
	if len(events) != len(cal.Events()) {
		s.Error("two events have one UID")
	}
	return events
}

func only(t *testing.T, events map[string]emersion.Event) (string, emersion.Event) {
	t.Helper()
	if len(events) != 1 {
		t.Fatalf("%d events", len(events))
	}
	for uid, e := range events {
		return uid, e
	}
	return "", emersion.Event{}
}

// A booking's event keeps its id, changes with it, and is cancelled with it.
func TestFeedCarriesChanges(t *testing.T) {
	s := newSite(t)
	path := s.enter(s.claims(salon)).feedOf(feedCreate)
	told := func(kind booking.Kind, revision int64, adapt func(*store.Booking)) (uid, status, sequence string, start time.Time) {
		s.book(salon, "981", 24*hour, func(b *store.Booking) {
			old, err := s.store.ReadBooking(t.Context(), salon, "981")
			s.must(err)
			if old.Booking != nil {
				b.Version = old.Booking.Version
			}
			b.State, b.Revision = kind, revision
			b.History = []store.Step{{At: b.At, Kind: "confirmed", Outcome: "ok"}}
			if adapt != nil {
				adapt(b)
			}
		})
		uid, e := only(t, s.parsed(path))
		status, _ = e.Props.Text(emersion.PropStatus)
		start, err := e.DateTimeStart(time.UTC)
		s.must(err)
		return uid, status, e.Props.Get(emersion.PropSequence).Value, start
	}
	uid, status, sequence, start := told(booking.Confirmed, 1, nil)
	if status != "CONFIRMED" || sequence != "0" || !start.After(s.now) {
		t.Errorf("confirmed: %s, sequence %s, %v", status, sequence, start)
	}
	id, status, sequence, moved := told(booking.Confirmed, 2, func(b *store.Booking) { b.Booking.Start = b.Booking.Start.Add(-hour) })
	if id != uid || status != "CONFIRMED" || sequence != "1" || !moved.Equal(start.Add(-hour)) {
		t.Errorf("changed: %t, %s, sequence %s, from %v to %v", id == uid, status, sequence, start, moved)
	}
	id, status, sequence, _ = told(booking.Deleted, 3, nil)
	if id != uid || status != "CANCELLED" || sequence != "2" {
		t.Errorf("deleted: %t, %s, sequence %s", id == uid, status, sequence)
	}
}

// What is not changed is not sent again; a change is.
func TestFeedETag(t *testing.T) {
	s := newSite(t)
	s.book(salon, "1", 24*hour, nil)
	path := s.enter(s.claims(salon)).feedOf(feedCreate)
	res := s.read(path, "")
	etag := res.Header.Get("ETag")
	s.now = s.now.Add(5 * hour)
	again := s.read(path, etag)
	if data, err := io.ReadAll(again.Body); etag == "" || again.StatusCode != http.StatusNotModified || len(data) > 0 || err != nil {
		t.Errorf("with the ETag %q: %d and %d bytes, %v", etag, again.StatusCode, len(data), err)
	}
	s.book(salon, "2", 48*hour, nil)
	if changed := s.read(path, etag); changed.StatusCode != http.StatusOK || changed.Header.Get("ETag") == etag {
		t.Errorf("after a change: %d, %q", changed.StatusCode, changed.Header.Get("ETag"))
	}
}

// A feed holds what began a month ago or later, page after page, and what
// was never confirmed is not in it.
func TestFeedHolds(t *testing.T) {
	s := newSite(t)
	confirmed := func(b *store.Booking) { b.History = []store.Step{{At: b.At, Kind: "confirmed", Outcome: "ok"}} }
	s.book(salon, "old", -32*24*hour, confirmed)
	s.book(salon, "past", -29*24*hour, confirmed)
	s.book(salon, "reserved", hour, func(b *store.Booking) {
		b.State, b.History = booking.Reserved, []store.Step{{At: b.At, Kind: "reserved", Outcome: "ok"}}
	})
	s.book(salon, "gone", 0, tombstone)
	s.book(clinic, "other", hour, confirmed)
	for i := range scanPage + 3 {
		s.book(salon, booking.ID("next"+strings.Repeat("i", i%100)+string(rune('a'+i/100))), time.Duration(i)*hour, confirmed)
	}
	if events := s.parsed(s.enter(s.claims(salon)).feedOf(feedCreate)); len(events) != scanPage+4 {
		t.Errorf("%d events", len(events))
	}
}

// A feed that has no room for all of them leaves out the oldest, and says so in
// the log.
func TestFeedFull(t *testing.T) {
	bookings := []struct {
		id  booking.ID
		in  time.Duration
		how func(*store.Booking)
	}{
		{"next year", 9000 * hour, nil},
		{"tomorrow", 24 * hour, nil},
		{"under way", -72 * hour, func(b *store.Booking) { b.Booking.End = b.Booking.Start.Add(96 * hour) }},
		{"yesterday", -24 * hour, nil},
		{"last week", -7 * 24 * hour, nil},
		{"deleted", -8 * 24 * hour, tombstone}, // of which no time is known
		{"four weeks ago", -28 * 24 * hour, nil},
		{"two months ago", -60 * 24 * hour, nil},
	}
	all := []booking.ID{"under way", "tomorrow", "next year", "yesterday", "last week", "four weeks ago"}
	for _, tc := range []struct {
		most int
		want []booking.ID
	}{
		{2, all[:2]},
		{3, all[:3]},
		{4, all[:4]},
		{6, all[:5]}, // what is under way was met once more
		{7, all},
		{100, all},
	} {
		t.Run(strconv.Itoa(tc.most), func(t *testing.T) {
			s := newSite(t)
			for _, b := range bookings {
				s.book(salon, b.id, b.in, b.how)
			}
			recs, err := (&handler{Deps: s.deps}).feedBookings(t.Context(), salon, tc.most)
			s.must(err)
			var got []booking.ID
			for _, rec := range recs {
				got = append(got, rec.Booking.ID)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if full := strings.Contains(s.log.String(), "feed is full"); full != (len(got) < len(all)) {
				t.Errorf("the log says that it is full: %t", full)
			}
		})
	}
}

// The company's own words: the calendar's name in its language.
func TestFeedName(t *testing.T) {
	s := newSite(t)
	path := s.enter(session.Claims{Company: salon, Name: "Luz, Corte & Co; «Ñ»", Locale: "en"}).feedOf(feedCreate)
	res := s.read(path, "")
	cal, err := emersion.NewDecoder(res.Body).Decode()
	s.must(err)
	if name, err := cal.Props.Text("X-WR-CALNAME"); name != "Bookings · Luz, Corte & Co; «Ñ»" || err != nil {
		t.Errorf("the calendar is called %q, %v", name, err)
	}
}
