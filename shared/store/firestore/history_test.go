package firestore

import (
	"os"
	"strconv"
	"testing"
	"unicode/utf8"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"

	"github.com/citasync/citasync/shared/store"
	"github.com/citasync/citasync/shared/store/storetest"
)

// historySize is how many bookings TestPageCost has: less than what the pages
// are made for, since an emulator, which has no indexes, looks at every one for
// each query. HISTORY_BOOKINGS=50000 says otherwise.
func historySize(t *testing.T) int {
	t.Helper()
	s := os.Getenv("HISTORY_BOOKINGS")
	if s == "" {
		return 3000
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// load stores new bookings, as many in a call as one takes.
func load(t *testing.T, s *Store, n int) {
	t.Helper()
	var batch []*pb.Write
	flush := func() {
		if _, err := s.commit(t.Context(), batch...); err != nil {
			t.Fatal(err)
		}
		batch = batch[:0]
	}
	for b := range storetest.ManyBookings(n) {
		batch = append(batch, put(s.bookingName(b.Company, b.Booking.ID), bookingFields(b)))
		if len(batch) == 500 {
			flush()
		}
	}
	if len(batch) > 0 {
		flush()
	}
}

// TestPageCost counts, on the wire, what the first page costs among many
// bookings, whatever is asked for: one query, which is answered with what the
// page has and one document more. That each query has its index, and so looks
// at nothing else, is tested by TestStore.
func TestPageCost(t *testing.T) {
	const limit = 20
	s, w := watched(t, address(t))
	n := historySize(t)
	load(t, s, n)
	w.take()
	docs := map[int]int{} // how many pages took how many
	for what, f := range storetest.ManyFilters() {
		p, err := s.ListBookings(t.Context(), "2", store.Query{Filter: f, Limit: limit})
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		w.want(t, what, callQuery)
		want := len(p.Items)
		if p.Next != "" {
			want++
		}
		found := w.takeFound()
		if docs[found]++; found != want || found > limit+1 {
			t.Errorf("%s: %d documents for a page of %d", what, found, len(p.Items))
		}
	}
	t.Logf("among %d bookings: one query a page; documents: pages %v", n, docs)
}

// TestPast: past is the next text of all that do not begin so, and sorts right
// after them.
func TestPast(t *testing.T) {
	for _, tt := range []struct{ s, want string }{
		{"a", "b"},
		{"ana", "anb"},
		{"\u007f", "\u0080"},
		{"a\uffff", "a\U00010000"},
		{"\ud7ff", "\ue000"},
		{"\U0010ffff", ""},
		{"a\U0010ffff\U0010ffff", "b"},
		{"", ""},
		{"a\x00", "a\x01"},
	} {
		got := past(tt.s)
		if got != tt.want {
			t.Errorf("past %+q: %+q, want %+q", tt.s, got, tt.want)
		}
		if got != "" && (got <= tt.s+string(utf8.MaxRune) || !utf8.ValidString(got)) {
			t.Errorf("past %+q: %+q", tt.s, got)
		}
	}
}
