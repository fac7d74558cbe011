package bolt

import (
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

// historySpan is what a filter lets through of a company's bookings. C is the
// beginning of the company's keys.
func historySpan(c key, f store.Filter) span {
	r := span{tag: f.Tag(), shape: "nt"}
	switch mark := f.Mark(); {
	case f.Name != "":
		r.bucket, r.prefix, r.shape = byName, c.text(mark), "tnt"
		r.from = r.prefix.beginning(store.NameKey(f.Name))
		r.until = r.from.past()
		r.starts = startsOf(f)
		return r
	case f.Phone != "":
		r.bucket, r.prefix = byPhone, c.text(phoneKey(f.Phone)).text(mark)
	case mark != "":
		r.bucket, r.prefix = byMark, c.text(mark)
	default:
		r.bucket, r.prefix = byStart, c
	}
	if s := startsOf(f); s != nil {
		r.from, r.until = r.prefix.number(s.first), r.prefix.number(s.past)
	}
	return r
}

// starts are those between two times, as keys have them: turned around, from
// first on and before past.
type starts struct{ first, past uint64 }

// startsOf is nil if the filter lets all through. A booking without a start is
// between no times.
func startsOf(f store.Filter) *starts {
	from, until := f.Starts()
	if from.IsZero() && until.IsZero() {
		return nil
	}
	s := &starts{past: turned(time.Time{})}
	if !from.IsZero() {
		s.past = turned(from) + 1
	}
	if !until.IsZero() {
		s.first = turned(until) + 1
	}
	return s
}

// beyond returns where, after a key of a name and a start, the next one is that
// may be of those starts; nil: it is itself.
func (s *starts) beyond(prefix key, k []byte) key {
	_, rest, _ := cutText(k[len(prefix):])
	name := key(k[:len(k)-len(rest)])
	switch n, _, _ := cutNumber(rest); {
	case n < s.first:
		return name.number(s.first)
	case n >= s.past:
		return name.past()
	}
	return nil
}

// historyIndex lists the index entries by which filters find the booking.
func (d *bookingDoc) historyIndex(c key) []entry {
	marks := store.Marks(d.State, func(id integration.ID) integration.DeliveryStatus {
		return store.StatusOf(d.Deliveries[id].Status, d.Deliveries[id].Detail)
	})
	name, phone := store.NameKey(d.Customer.Name), phoneKey(d.Customer.Phone)
	place := func(k key) key { return k.descending(d.Start).text(string(d.ID)) }
	es := make([]entry, 0, 3*len(marks)+2)
	for _, m := range marks {
		es = append(es, entry{byMark, place(c.text(m))})
	}
	for _, m := range append(marks, "") {
		if phone != "" && len(phone) <= booking.MaxPhone {
			es = append(es, entry{byPhone, place(c.text(phone).text(m))})
		}
		if name != "" {
			es = append(es, entry{byName, place(c.text(m).text(name))})
		}
	}
	return es
}

// phoneKey is a phone as its record has it: JSON has no bytes but UTF-8.
func phoneKey(phone string) string { return string([]rune(phone)) }
