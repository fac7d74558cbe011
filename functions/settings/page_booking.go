package settings

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

// bookingBody is the body of the page of one booking.
type bookingBody struct {
	Notice     *notice
	State      string
	Tone       tone
	Facts      []fact
	Deliveries []delivery
	Steps      []step
	Note       string // that older steps are not kept
	Back       string
}

// step is something that happened to a booking.
type step struct {
	At     moment
	Words  string
	Detail string
}

func (h *handler) booking(w http.ResponseWriter, r *http.Request, v *visit, id booking.ID) error {
	rec, err := h.lookUp(r, v.company.ID, id)
	if err != nil {
		return err
	}
	entries, err := h.entries(r, v)
	if err != nil {
		return err
	}
	body := bookingBody{
		State: v.say.T("state." + string(rec.State)), Tone: stateTone(rec.State), Facts: v.bookingFacts(rec), Back: historyPath,
	}
	if list, err := h.sought(v, r.URL.Query()); err == nil {
		body.Back = h.soughtURL(v, historyPath, list)
	}
	for _, e := range entries {
		d := v.delivery(rec, e)
		d.Button = v.buttonOf(rec, e)
		body.Deliveries = append(body.Deliveries, d)
		if e.events && body.Notice == nil {
			body.Notice = v.asked(r.URL.Query(), rec, e)
		}
	}
	for i, s := range rec.History {
		out := v.step(rec, s, entries)
		if key := again(rec.History[:i], s); key != "" {
			out.Words = v.say.T(key)
		}
		body.Steps = append(body.Steps, out)
	}
	if len(body.Steps) >= store.MaxSteps {
		body.Note = v.say.T("booking.steps.note", store.MaxSteps)
	}
	p := v.page("booking", "history", v.title(rec))
	p.Zone, p.Said, p.Body, p.Banners = v.say.T("footer.zone.booking"), body.Notice, body, v.banners(entries)
	h.render(w, r, p)
	return nil
}

// lookUp finds a booking of the company, and of no other.
func (h *handler) lookUp(r *http.Request, company booking.CompanyID, id booking.ID) (*store.Booking, error) {
	snap, err := h.read(r.Context(), store.Key{Company: company, Booking: id})
	return snap.Booking, err
}

// read reads a booking that there is, with the connections to some integrations.
func (h *handler) read(ctx context.Context, key store.Key, of ...integration.ID) (store.Snapshot, error) {
	snap, err := h.Store.ReadBooking(ctx, key.Company, key.Booking, of...)
	switch {
	case err != nil:
		return store.Snapshot{}, fmt.Errorf("read booking: %w", err)
	case snap.Booking == nil:
		return store.Snapshot{}, fmt.Errorf("%w: no such booking", fault.ErrNotFound)
	}
	return snap, nil
}

// bookingFacts is what the platform said, as far as it said anything.
func (v *visit) bookingFacts(rec *store.Booking) []fact {
	b := rec.Booking
	var when string
	if !b.Start.IsZero() {
		when = v.when(rec)
	}
	var facts []fact
	for _, f := range []struct{ key, value string }{
		{"booking.when", when},
		{"booking.zone", b.TimeZone},
		{"booking.customer", b.Customer.Name},
		{"booking.phone", b.Customer.Phone},
		{"booking.email", b.Customer.Email},
		{"booking.staff", b.Staff},
		{"booking.location", b.Location},
		{"booking.notes", b.Notes},
		{"booking.id", string(b.ID)},
	} {
		if f.value != "" {
			facts = append(facts, fact{Name: v.say.T(f.key), Values: []string{f.value}})
		}
	}
	if b.URL != "" && len(facts) > 0 {
		facts[len(facts)-1].Links = []link{{b.URL, v.say.T("booking.url")}}
	}
	return facts
}

func (v *visit) step(rec *store.Booking, s store.Step, entries []entry) step {
	out := step{At: v.at(rec, s.At), Detail: v.inWords(s.Integration, s.Detail, "why.")}
	switch kind := s.Kind; {
	case s.Integration == "":
		out.Words = v.say.T(v.say.Or("step."+kind, "step.other"))
	case kind == store.StepDelivery:
		out.Words = v.say.T(v.own(s.Integration, "step.at."+s.Outcome, "step.at.other"), name(entries, s.Integration))
	default:
		out.Words = v.say.T(v.own(s.Integration, "step.at."+kind, "step.at.other"), name(entries, s.Integration))
	}
	return out
}

// again is the key of the words for a reservation of what was told before, which
// is not made a second time; empty for any other step.
func again(before []store.Step, s store.Step) string {
	if s.Integration != "" || s.Kind != string(booking.Reserved) {
		return ""
	}
	for _, b := range slices.Backward(before) {
		switch {
		case b.Integration != "":
			continue
		case b.Kind == string(booking.Reserved):
			return "step.changed"
		case b.Kind != string(booking.Deleted):
			return "step.withdrawn"
		}
		break
	}
	return ""
}

// inWords puts what a record has as a detail into words: by what the
// integration itself said, which may follow a colon, or by the first of the
// stems that makes a key of what is before it. What has no words stays as it is.
func (v *visit) inWords(id integration.ID, detail string, stems ...string) string {
	what, code, _ := strings.Cut(detail, ": ")
	keys := []string{"code." + code}
	for _, stem := range stems {
		keys = append(keys, stem+what)
	}
	key := v.own(id, append(keys, "")...)
	switch {
	case key == "":
		return detail
	case !isCode(code):
		return v.say.T(key)
	}
	return v.say.T(key) + " (" + code + ")"
}
