package settings

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/store"
)

var rowLink = regexp.MustCompile(`<h3><a href="/settings/history\?booking=([^"&]+)`)

// found are the bookings that the history shows for a query, page after page.
func (b *browser) found(q url.Values) []string {
	b.s.Helper()
	var ids []string
	for path := b.searched(q); path != ""; {
		page := body(b.s.T, b.get(path))
		for _, m := range rowLink.FindAllStringSubmatch(page, -1) {
			ids = append(ids, m[1])
		}
		path = ""
		if m := regexp.MustCompile(`href="([^"]+)" rel="next"`).FindStringSubmatch(page); m != nil {
			path = strings.ReplaceAll(m[1], "&amp;", "&")
		}
	}
	return ids
}

// searched is where the form leads that asks for it.
func (b *browser) searched(q url.Values) string {
	b.s.Helper()
	q.Set("company", string(salon))
	res := b.post(historyPath, q)
	res.Body.Close()
	if res.StatusCode != http.StatusSeeOther {
		b.s.Fatalf("a search is answered with %d", res.StatusCode)
	}
	return res.Header.Get("Location")
}

// clientele books for several people, and nothing for the clinic's company.
func (s *site) clientele() {
	c, err := s.store.Company(s.Context(), salon)
	s.must(err)
	c.Country = "CO"
	s.must(s.store.PutCompany(s.Context(), &c))
	for i, who := range []struct {
		id, name, phone string
		state           booking.Kind
		adapt           func(*store.Booking)
	}{
		{"1", "Ana Ruiz", "+573001112233", booking.Confirmed, nil},
		{"2", "ÁNGEL Gómez", "+573004445566", booking.Reserved, never},
		{"3", "Anabel", "+573001112233", booking.Confirmed, refused},
		{"4", "Luis Ana", "12", booking.Deleted, nil},
		{"ana", "Zoe", "", booking.Confirmed, nil},
	} {
		s.book(salon, booking.ID(who.id), time.Duration(i+1)*24*hour, func(b *store.Booking) {
			if who.adapt != nil {
				who.adapt(b)
			}
			b.State, b.Booking.Customer.Name, b.Booking.Customer.Phone = who.state, who.name, who.phone
		})
	}
	s.book(clinic, "99", hour, nil)
}

// What was deleted by hand is found as that, and not as what is in order.
func TestHistoryGone(t *testing.T) {
	s := newSite(t)
	s.connect(salon, nil)
	s.book(salon, "1", 24*hour, nil)
	s.book(salon, "2", 24*hour, gone)
	b := s.enter(s.claims(salon))
	for delivery, want := range map[string]string{"google-calendar:gone": "2", "google-calendar:done": "1"} {
		if got := b.found(url.Values{"delivery": {delivery}}); len(got) != 1 || got[0] != want {
			t.Errorf("%s: found %v, want %s", delivery, got, want)
		}
	}
}

func TestHistorySearch(t *testing.T) {
	s := newSite(t)
	s.connect(salon, nil)
	s.clientele()
	b := s.enter(s.claims(salon))
	for _, tc := range []struct {
		name, query string
		want        []string
	}{
		{"everything, latest first", "", []string{"ana", "4", "3", "2", "1"}},
		{"an id", "find=3", []string{"3"}},
		{"an id before a name", "find=ana", []string{"ana"}},
		{"an id whatever else is chosen", "find=3&state=deleted", []string{"3"}},
		{"the beginning of a name, in the order of names", "find=an", []string{"1", "3", "2"}},
		{"a name with accent and case", "find=Angel", []string{"2"}},
		{"a name with a state", "find=an&state=confirmed", []string{"1", "3"}},
		{"a phone", "find=%2B573001112233", []string{"3", "1"}},
		{"a phone as people write it", "find=(300)+111-2233", []string{"3", "1"}},
		{"a phone with a delivery", "find=3001112233&delivery=google-calendar:failed", []string{"3"}},
		{"what is no number, as it is", "find=12", []string{"4"}},
		{"a state", "state=confirmed", []string{"ana", "3", "1"}},
		{"a delivery", "delivery=google-calendar:done", []string{"ana", "4", "1"}},
		{"both", "state=deleted&delivery=google-calendar:done", []string{"4"}},
		{"days, the last one included", "from=2026-12-03&until=2026-12-04", []string{"3", "2"}},
		{"one day", "from=2026-12-03&until=2026-12-03", []string{"2"}},
		{"days with a state", "from=2026-12-03&state=confirmed", []string{"ana", "3"}},
		{"another company's", "find=99", nil},
		{"nobody", "find=Zoilo", nil},
		{"an accent alone", "find=%C2%B4", nil},
		{"a number too long for a phone", "find=" + strings.Repeat("7", 60), nil},
		{"white space", "find=++&state=", []string{"ana", "4", "3", "2", "1"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			q, err := url.ParseQuery(tc.query)
			s.must(err)
			if got := b.found(q); !slices.Equal(got, tc.want) {
				t.Errorf("found %v, want %v", got, tc.want)
			}
		})
	}
}

// What names a customer is in no address, and an address is one company's.
func TestHistorySealed(t *testing.T) {
	s := newSite(t)
	s.clientele()
	b := s.enter(s.claims(salon))
	to := b.searched(url.Values{"find": {"Ana Ruiz"}, "state": {"confirmed"}})
	sealed, ok := strings.CutPrefix(to, historyPath+"?search=")
	if !ok || strings.Contains(strings.ToLower(to), "ana") {
		t.Fatalf("the search leads to %s", to)
	}
	page := body(t, b.get(to))
	if got := rowLink.FindAllStringSubmatch(page, -1); len(got) != 1 || !strings.Contains(page, `value="Ana Ruiz"`) {
		t.Errorf("it finds %v, or does not say what was searched for", got)
	}
	if file := body(t, b.get(historyFilePath+"?search="+sealed)); strings.Count(file, "Ana Ruiz") != 1 {
		t.Errorf("as a file it is %q", file)
	}
	other := s.enter(s.claims(clinic))
	for name, res := range map[string]*http.Response{
		"another company's": other.get(to), "altered": b.get(to[:len(to)-1] + flip(to[len(to)-1])), "not base64": b.get(historyPath + "?search=!"), "empty": b.get(historyPath + "?search="),
	} {
		res.Body.Close()
		if res.StatusCode != http.StatusBadRequest {
			t.Errorf("%s is answered with %d", name, res.StatusCode)
		}
	}
	both := s.rotated("a new secret that is long enough too", "an old secret that is long enough")
	if res := both.enter(s.claims(salon)).get(to); res.StatusCode != http.StatusOK {
		t.Errorf("with a newer secret beside the old one it is answered with %d", res.StatusCode)
	}
	if plain := body(t, b.get(historyPath+"?find=Ana")); strings.Contains(plain, `value="Ana"`) {
		t.Error("a name in an address is taken up")
	}
	if got := b.searched(url.Values{"state": {"confirmed"}, "from": {"2026-12-01"}}); got != historyPath+"?from=2026-12-01&state=confirmed" {
		t.Errorf("what names nobody leads to %s", got)
	}
	if strings.Contains(s.log.String(), "Ana") {
		t.Error("the log has a name")
	}
}

// Pages keep what was asked for.
func TestHistorySearchPages(t *testing.T) {
	s := newSite(t)
	for i := range 2*pageSize + 3 {
		s.book(salon, booking.ID(fmt.Sprintf("b%03d", i)), time.Duration(i)*hour, func(b *store.Booking) {
			if i%2 == 0 {
				b.State = booking.Reserved
			}
		})
	}
	b := s.enter(s.claims(salon))
	reserved := url.Values{"state": {"reserved"}}
	if got := b.found(reserved); len(got) != pageSize+2 {
		t.Errorf("%d bookings found on the pages", len(got))
	}
	first := body(t, b.get(b.searched(reserved)))
	if !strings.Contains(first, "25 reservas en esta página.") {
		t.Error("the first page of two counts its bookings as if they were all")
	}
	older := regexp.MustCompile(`href="([^"]+)" rel="next"`).FindStringSubmatch(first)
	if last := body(t, b.get(strings.ReplaceAll(older[1], "&amp;", "&"))); !strings.Contains(last, "2 reservas en esta página.") {
		t.Error("so does the last one")
	}
	day := url.Values{"from": {"2026-12-01"}, "until": {"2026-12-01"}} // 9:00 to 23:00
	if all := body(t, b.get(b.searched(day))); !strings.Contains(all, "15 reservas encontradas.") {
		t.Error("a page that has them all does not say how many were found")
	}
}

// Anything may be typed, and only the beginning of it counts.
func TestHistoryFindAnything(t *testing.T) {
	s := newSite(t)
	s.clientele()
	b := s.enter(s.claims(salon))
	for name, tc := range map[string]struct{ find, shown string }{
		"bytes that are no text":      {"\xff\xfeAna", "\ufffd\ufffdAna"},
		"a control character":         {"Ana\x00", "Ana\ufffd"},
		"as long as it may be":        {strings.Repeat("x", 300), strings.Repeat("x", 300)},
		"longer":                      {strings.Repeat("x", 301), strings.Repeat("x", 300)},
		"longer, cut within a letter": {"x" + strings.Repeat("ñ", 200), "x" + strings.Repeat("ñ", 149)},
	} {
		res := b.get(b.searched(url.Values{"find": {tc.find}}))
		page := body(t, res)
		if res.StatusCode != http.StatusOK || !strings.Contains(page, `value="`+tc.shown+`"`) || !strings.Contains(page, "No hay ninguna reserva así.") {
			t.Errorf("%s: answered with %d, the form has %q", name, res.StatusCode, regexp.MustCompile(`id="find" value="[^"]*"`).FindString(page))
		}
	}
}

func TestHistoryRefused(t *testing.T) {
	s := newSite(t)
	b := s.enter(s.claims(salon))
	for _, query := range []string{
		"state=lost", "delivery=google-calendar", "delivery=google-calendar:lost", "delivery=fax:done", "cursor=%00",
	} {
		for _, path := range []string{historyPath, historyFilePath} {
			res := b.get(path + "?" + query)
			res.Body.Close()
			if ignored := path == historyFilePath && query == "cursor=%00"; res.StatusCode != http.StatusBadRequest && !ignored { // a file has no pages
				t.Errorf("%s?%s is answered with %d", path, query, res.StatusCode)
			}
		}
	}
}

// The file has what was asked for, all of it, and nothing that a spreadsheet
// would run.
func TestHistoryFile(t *testing.T) {
	s := newSite(t)
	s.connect(salon, nil)
	s.clientele()
	s.book(salon, "=1+1", 10*24*hour, func(b *store.Booking) {
		b.Booking.Customer.Name, b.Booking.Service = "@SUM(A1)", "\t-2; \"corte\"\nlargo"
	})
	b := s.enter(s.claims(salon))
	res := b.get(historyFilePath + "?state=confirmed")
	if got := res.Header.Get("Content-Disposition"); got != "attachment; filename=reservas.csv" {
		t.Errorf("it is sent as %q", got)
	}
	text, ok := strings.CutPrefix(body(t, res), "\ufeff")
	if !ok || res.Header.Get("Content-Type") != "text/csv; charset=utf-8; header=present" {
		t.Errorf("it begins with %.20q and is %q", text, res.Header.Get("Content-Type"))
	}
	r := csv.NewReader(bytes.NewReader([]byte(text)))
	r.Comma = ';'
	lines, err := r.ReadAll()
	s.must(err)
	want := [][]string{
		{"'=1+1", "Confirmada", "'-2; \"corte\"\nlargo", "'@SUM(A1)"},
		{"ana", "Confirmada", "Corte de pelo", "Zoe"},
		{"3", "Confirmada", "Corte de pelo", "Anabel"},
		{"1", "Confirmada", "Corte de pelo", "Ana Ruiz"},
	}
	var got [][]string
	for _, line := range lines[1:] {
		got = append(got, line[:4])
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	last := lines[len(lines)-1]
	if last[4] != "'+573001112233" || last[8] != "2026-12-02 09:00" || last[10] != "America/Bogota" || last[11] != "En Google Calendar (escrito 2026-12-01 08:30)." {
		t.Errorf("the last line is %q", last)
	}
}

// A file that is not whole says so in its last line.
func TestHistoryFileNotWhole(t *testing.T) {
	for _, tc := range []struct {
		name  string
		after int // pages that can be read
		lines int
		last  string
	}{
		{"it broke off", 2, 2 * filePage, "no está completo"},
		{"there are too many", fileMost, fileMost, "Hay más"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newSite(t)
			s.deps.Store = &endless{Store: s.deps.Store, after: tc.after}
			var err error
			s.handler, err = New(s.deps)
			s.must(err)
			lines := strings.Split(strings.TrimSpace(body(t, s.enter(s.claims(salon)).get(historyFilePath))), "\n")
			if last := lines[len(lines)-1]; len(lines) != 1+tc.lines+1 || !strings.Contains(last, tc.last) {
				t.Errorf("%d lines, the last is %q", len(lines), last)
			}
		})
	}
}

// endless is a store of bookings without end, that can't be read after some
// pages.
type endless struct {
	Store
	after int
}

func (e *endless) ListBookings(_ context.Context, company booking.CompanyID, q store.Query) (store.Page[*store.Booking], error) {
	if e.after--; e.after < 0 {
		return store.Page[*store.Booking]{}, http.ErrHandlerTimeout
	}
	rec := &store.Booking{Company: company, Booking: booking.Booking{ID: "1"}, State: booking.Confirmed}
	return store.Page[*store.Booking]{Items: slices.Repeat([]*store.Booking{rec}, q.Limit), Next: "more"}, nil
}
