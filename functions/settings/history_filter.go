package settings

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/phone"
	"github.com/citasync/citasync/shared/store"
)

// The fields of the form that narrows the history down.
const (
	fieldFind     = "find"
	fieldState    = "state"
	fieldDelivery = "delivery"
	fieldFrom     = "from"
	fieldUntil    = "until"

	fieldSearch = "search" // all of it, sealed
)

// search is what was asked of the history, as it was typed and chosen.
type search struct {
	Find     string // a booking's id, the customer's phone or the beginning of her name
	State    string
	Delivery string // an integration and a status, with a colon between them
	From     string // the first day, ISO 8601
	Until    string // the last day
}

// maxFind is how many bytes of what is searched for are looked at: more than any
// name has.
const maxFind = 300

// searchOf reads the form.
func searchOf(q url.Values) search {
	find := strings.TrimSpace(q.Get(fieldFind))
	if len(find) > maxFind {
		find = strings.ToValidUTF8(find[:maxFind], "")
	}
	return search{
		Find: find, State: q.Get(fieldState), Delivery: q.Get(fieldDelivery),
		From: q.Get(fieldFrom), Until: q.Get(fieldUntil),
	}
}

// query is the search as an address has it.
func (s search) query() url.Values {
	q := url.Values{}
	for name, value := range map[string]string{
		fieldState: s.State, fieldDelivery: s.Delivery, fieldFrom: s.From, fieldUntil: s.Until,
	} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return q
}

// narrowed reports whether anything but words was asked for.
func (s search) narrowed() bool { return s != search{Find: s.Find} }

// datesError says which of a search's days can't be asked for, and why in words
// of the catalogue.
type datesError struct {
	from, until bool
	key         string
}

// Error names no value.
func (*datesError) Error() string {
	return "a date can't be read, or the last is before the first"
}

// Unwrap says that it can't be understood.
func (*datesError) Unwrap() error { return fault.ErrInvalid }

// filter is the search as the store knows it. What the form can't send is
// fault.ErrInvalid; dates that can't be are a datesError.
func (v *visit) filter(s search) (store.Filter, error) {
	id, status, _ := strings.Cut(s.Delivery, ":")
	q := url.Values{"state": {s.State}, "integration": {id}, "status": {status}, "from": {s.From}, "until": {s.Until}}
	var f store.Filter
	for _, read := range []func(url.Values, *store.Filter) error{stateOf, statusOf} {
		if err := read(q, &f); err != nil {
			return f, err
		}
	}
	if v.spanOf(q, &f) != nil {
		return f, v.wrongDates(s)
	}
	switch {
	case s.Find == "":
	case dialled(s.Find):
		f.Phone = v.phone(s.Find)
	default:
		f.Name = s.Find
	}
	return f, nil
}

// wrongDates says what is wrong with the days of a search that has no span: one
// of them alone, or if each can be, their order.
func (v *visit) wrongDates(s search) *datesError {
	_, from := v.instant(fieldFrom, s.From, 0)
	_, until := v.instant(fieldUntil, s.Until, 1)
	if from == nil && until == nil {
		return &datesError{true, true, "history.dates.invalid"}
	}
	return &datesError{from != nil, until != nil, "history.dates.unknown"}
}

// dialled reports whether a text can be a phone number, and no name.
func dialled(s string) bool {
	digits := 0
	for _, r := range s {
		switch {
		case unicode.IsDigit(r):
			digits++
		case !strings.ContainsRune("+-()./ \u00a0", r):
			return false
		}
	}
	return digits > 0
}

// phone is a number as bookings have it: in E.164, or if it can't be, as it is.
func (v *visit) phone(s string) string {
	if e164, ok := phone.E164(s, v.company.Country); ok {
		return e164
	}
	return s
}

// untold is an error of the store about what was typed, which may be a name or a
// phone: it is of the same class, and says nothing.
type untold struct{ err error }

// Error leaves out the store's words, which name what was asked for.
func (*untold) Error() string { return "look for a booking by the id that was typed" }

// Is reports whether the error is of that class. There is no Unwrap, which would
// let the words out.
func (e *untold) Is(class error) bool { return errors.Is(e.err, class) }

// exactly is the booking whose id was asked for, if there is one. Otherwise what
// was typed is a phone or a name.
func (h *handler) exactly(r *http.Request, v *visit, find string) ([]*store.Booking, error) {
	if find == "" || len(find) > booking.MaxID || !utf8.ValidString(find) {
		return nil, nil
	}
	rec, err := h.lookUp(r, v.company.ID, booking.ID(find))
	switch {
	case errors.Is(err, fault.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, &untold{err}
	}
	return []*store.Booking{rec}, nil
}

// search returns a page of what was asked for. An id is looked for before
// anything else, and what it names is shown whatever else was chosen.
func (h *handler) search(r *http.Request, v *visit, s search, cursor string, limit int) (store.Page[*store.Booking], error) {
	var none store.Page[*store.Booking]
	f, err := v.filter(s)
	if err != nil {
		return none, err
	}
	if cursor == "" {
		if found, err := h.exactly(r, v, s.Find); err != nil || len(found) > 0 {
			return store.Page[*store.Booking]{Items: found}, err
		}
	}
	return h.list(r, v, store.Query{Filter: f, Cursor: cursor, Limit: limit})
}

// list returns a page of the company's bookings, for the panel and the API.
func (h *handler) list(r *http.Request, v *visit, q store.Query) (store.Page[*store.Booking], error) {
	if f := q.Filter; len(f.Phone) > booking.MaxPhone || f.Name != "" && store.NameKey(f.Name) == "" {
		return store.Page[*store.Booking]{}, nil // nobody has such a phone or name
	}
	page, err := h.Store.ListBookings(r.Context(), v.company.ID, q)
	if err != nil {
		return page, fmt.Errorf("history: %w", err)
	}
	return page, nil
}

// searchForm is the form as it is shown.
type searchForm struct {
	search
	Company    booking.CompanyID // whose page it is
	Open       bool              // more than words were asked for
	States     []choice
	Deliveries []choice
	Error      string
	WrongFrom  bool     // it is about the first day
	WrongUntil bool     // it is about the last one
	Days       []choice // that are often asked for, by their addresses
	Clear      link     // to everything; without an address nothing was asked for
	File       link     // the same as a table
}

// dateIn is the date of so many days from today, where the company is.
func (v *visit) dateIn(days int) string {
	y, m, d := v.now.In(v.zone).Date()
	return time.Date(y, m, d+days, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
}

func (h *handler) searchForm(v *visit, s search, entries []entry) searchForm {
	f := searchForm{search: s, Company: v.company.ID, Open: s.narrowed()}
	for _, kind := range []booking.Kind{booking.Reserved, booking.Confirmed, booking.Deleted} {
		id := string(kind)
		f.States = append(f.States, choice{ID: id, Name: v.say.T("state." + id), Current: s.State == id})
	}
	for _, e := range entries {
		for _, status := range []integration.DeliveryStatus{
			integration.Done, integration.Pending, integration.Waiting, integration.Failed, integration.Skipped, store.Gone,
		} {
			if status == store.Gone && !e.events {
				continue // a message can't be taken away
			}
			id := string(e.id) + ":" + string(status)
			name := v.say.T("history.at", e.Name, v.say.T(v.own(e.id, "history.status."+string(status))))
			f.Deliveries = append(f.Deliveries, choice{ID: id, Name: name, Current: s.Delivery == id})
		}
	}
	for _, d := range []struct {
		key         string
		from, until int // days from today
	}{{"history.today", 0, 0}, {"history.tomorrow", 1, 1}, {"history.week", 0, 6}} {
		days := search{From: v.dateIn(d.from), Until: v.dateIn(d.until)}
		f.Days = append(f.Days, choice{ID: h.soughtURL(v, historyPath, sought{Search: days}), Name: v.say.T(d.key), Current: s == days})
	}
	if s != (search{}) {
		f.Clear = link{historyPath, v.say.T("history.clear")}
	}
	f.File = link{h.soughtURL(v, historyFilePath, sought{Search: s}), v.say.T("history.file")}
	return f
}

// addressed is a path with a query, if there is any.
func addressed(path string, q url.Values) string {
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}
