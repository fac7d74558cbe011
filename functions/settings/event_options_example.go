package settings

import (
	"context"
	"fmt"
	"strings"

	"github.com/citasync/citasync/functions/settings/words"
	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/gcal"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

const (
	// nextLooks is among how many bookings to come one is looked for that has
	// an event.
	nextLooks = 20

	// maxSample is how much of a value is shown beside its placeholder, in
	// characters.
	maxSample = 60
)

// example is how an event would look.
type example struct {
	Of           string   // which booking's it is
	Faults       []string // of the texts that can't be shown
	Unsaved      string   // that they are not saved yet; may be empty
	Title        string
	Description  string
	Lang         string // of a booking that is made up, if it is not the page's
	WordsLang    string // of what is ours of the description, likewise
	Placeholders []placeholder
}

// placeholder is a word in braces with what it stands for, and its value.
type placeholder struct {
	Name  string
	Means string
	Value string
	Lang  string // of the value, if it is not the page's
}

// example makes an event of the next confirmed booking, or where there is none
// of one that is made up.
func (h *handler) example(ctx context.Context, v *visit, o integration.Options) (example, error) {
	rec, err := h.next(ctx, v)
	if err != nil {
		return example{}, err
	}
	t := integration.Task{Company: v.company.Company, Connection: integration.Connection{Options: o}}
	own, other := h.words.Speaker(languageIn(t.Company, o)), ""
	if own.Lang() != v.say.Lang() {
		other = own.Lang()
	}
	var out example
	if rec != nil {
		t.Booking = rec.Booking
		out.Of = v.say.T("options.example.next", v.brief(rec))
	} else {
		t.Booking = sample(own)
		out.Of, out.Lang = v.say.T("options.example.sample"), other
	}
	if rec == nil || o.Description == "" { // otherwise all of it is the company's
		out.WordsLang = other
	}
	out.Title, out.Description = gcal.Texts(t)
	for _, name := range gcal.Placeholders() {
		p := placeholder{Name: "{" + name + "}", Means: v.say.T("placeholder." + name), Value: v.say.T("options.example.empty")}
		t.Connection.Options.Description = p.Name
		if _, value := gcal.Texts(t); value != "" {
			p.Value = shortened(value)
			if name != "company" { // which is not made up
				p.Lang = out.Lang
			}
		}
		out.Placeholders = append(out.Placeholders, p)
	}
	return out, nil
}

// next is the company's next booking that has an event; nil if there is none
// among the nearest.
func (h *handler) next(ctx context.Context, v *visit) (*store.Booking, error) {
	page, err := h.Store.ListBookings(ctx, v.company.ID, store.Query{EndsAfter: v.now, Limit: nextLooks})
	if err != nil {
		return nil, fmt.Errorf("next booking: %w", err)
	}
	for _, rec := range page.Items {
		if rec.State == booking.Confirmed && rec.Booking.Start.After(v.now) {
			return rec, nil
		}
	}
	return nil, nil //nolint:nilnil // no booking is no error
}

// sample is a booking that is made up, in a language.
func sample(say *words.Speaker) booking.Booking {
	text := func(name string) string { return say.T("sample." + name) }
	return booking.Booking{
		ID: "981", Service: text("service"), Staff: text("staff"), Location: text("location"), Notes: text("notes"), URL: text("url"),
		Customer: booking.Customer{Name: text("customer"), Phone: text("phone"), Email: text("email")},
	}
}

// shortened is the beginning of a value, on one line.
func shortened(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > maxSample {
		return string(r[:maxSample-1]) + "…"
	}
	return s
}
