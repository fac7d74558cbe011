package settings

import (
	"bufio"
	"log/slog"
	"mime"
	"net/http"
	"regexp"
	"strings"

	"github.com/citasync/citasync/shared/store"
)

// How much is written at a time, and at most: longer files would not be through
// before a function's answer has to end.
const (
	filePage = 500
	fileMost = 10_000
)

// fileTime is a time as every spreadsheet reads it.
const fileTime = "2006-01-02 15:04"

// historyFile answers with the bookings that are asked for as a table: CSV (RFC
// 4180) with a header, in UTF-8 with the mark by which spreadsheets know it,
// and with the separator that they expect in the language. Dates and hours are
// where the appointment is. A file that is not whole says so in its last line.
func (h *handler) historyFile(w http.ResponseWriter, r *http.Request, v *visit) error {
	entries, err := h.entries(r, v)
	if err != nil {
		return err
	}
	at, err := h.sought(v, r.URL.Query())
	if err != nil {
		return err
	}
	s := at.Search
	page, err := h.search(r, v, s, "", filePage) // before anything is sent: it may have to be refused
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8; header=present")
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": v.say.T("history.file.name") + ".csv"}))
	t := v.newTable(w, entries)
	written := 0
	for {
		t.rows(page.Items)
		written += len(page.Items)
		if page.Next == "" || written >= fileMost {
			break
		}
		if page, err = h.search(r, v, s, page.Next, filePage); err != nil {
			h.Log.ErrorContext(r.Context(), "history file not complete", slog.String("error", err.Error()))
			t.line(v.say.T("history.file.broken"))
			break
		}
	}
	if err == nil && page.Next != "" {
		t.line(v.say.T("history.file.more", written))
	}
	_ = t.Flush() // the browser has gone if this fails: nobody is left to tell
	return nil
}

// table writes bookings as lines.
type table struct {
	*bufio.Writer
	v         *visit
	entries   []entry
	separator string
}

func (v *visit) newTable(w http.ResponseWriter, entries []entry) table {
	lasting := *v
	lasting.lasting = true
	t := table{bufio.NewWriter(w), &lasting, entries, v.say.T("history.file.separator")}
	_, _ = t.WriteString("\ufeff") // as of every write here: see historyFile
	head := make([]string, 0, 12+len(entries))
	for _, key := range []string{
		"booking.id", "history.file.state", "history.file.service", "booking.customer", "booking.phone", "booking.email",
		"booking.staff", "booking.location", "history.file.start", "history.file.end", "booking.zone",
	} {
		head = append(head, v.say.T(key))
	}
	for _, e := range entries {
		head = append(head, e.Name)
	}
	t.line(head...)
	return t
}

func (t table) rows(recs []*store.Booking) {
	for _, rec := range recs {
		t.row(rec)
	}
}

func (t table) row(rec *store.Booking) {
	b, v := rec.Booking, t.v
	var start, end string
	if !b.Start.IsZero() {
		start, end = b.Start.Format(fileTime), b.End.Format(fileTime)
	}
	line := []string{
		string(b.ID), v.say.T("state." + string(rec.State)), b.Service, b.Customer.Name, b.Customer.Phone, b.Customer.Email,
		b.Staff, b.Location, start, end, b.TimeZone,
	}
	for _, e := range t.entries {
		line = append(line, t.delivery(rec, e))
	}
	t.line(line...)
}

// delivery is what became of the booking, in one cell.
func (t table) delivery(rec *store.Booking, e entry) string {
	if e.quiet(rec.Deliveries[e.id]) {
		return ""
	}
	d := t.v.delivery(rec, e)
	said := d.Fact
	if d.At != nil {
		said = t.v.say.T("history.file.at", said, d.At.Words)
	}
	return sentences(said, d.Detail)
}

// line writes a line of cells, each in quotes.
func (t table) line(cells ...string) {
	for i, c := range cells {
		cells[i] = `"` + strings.ReplaceAll(harmless(c), `"`, `""`) + `"`
	}
	_, _ = t.WriteString(strings.Join(cells, t.separator) + "\n")
}

// formula finds where a spreadsheet would begin one: in front of a cell, or
// behind what a reader that takes another separator for this file's, or loses
// count of the quotes, ends a cell at.
var formula = regexp.MustCompile(`(^|[,;|\t\r\n])([\s\p{Z}\p{Cc}\p{Cf}"]*)([=+\-@＝＋－＠])`)

// harmless is a cell that no spreadsheet runs (OWASP, CSV Injection): names and
// services are typed by anybody. An apostrophe is before each formula.
func harmless(cell string) string {
	return formula.ReplaceAllString(strings.TrimSpace(cell), "$1$2'$3")
}
