package sandbox

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// demoState is what the platform keeps.
type demoState struct {
	LastID   int            `json:"last_id"`
	Bookings []*demoBooking `json:"bookings"` // oldest first
	Messages []*demoMessage `json:"messages"` // oldest first
}

// demoBooking is a booking as the platform knows it.
type demoBooking struct {
	ID       string       `json:"id"`
	Company  string       `json:"company"`
	State    string       `json:"state"` // reserved, confirmed, deleted
	Service  string       `json:"service"`
	Start    string       `json:"start"` // wall clock in TimeZone: wallClock
	Minutes  int          `json:"minutes"`
	TimeZone string       `json:"time_zone"`
	Customer demoCustomer `json:"customer"`
	Staff    string       `json:"staff"`
	Location string       `json:"location"`
	Notes    string       `json:"notes"`
	At       time.Time    `json:"at"` // of the last thing that happened to it
}

type demoCustomer struct {
	Name  string `json:"name"`
	Phone string `json:"phone,omitempty"`
	Email string `json:"email,omitempty"`
}

const (
	wallClock = "2006-01-02T15:04:05"
	wallInput = "2006-01-02T15:04" // of an input of type datetime-local
)

var (
	errNoBooking = errors.New("esa reserva no existe")
	errNoStart   = errors.New("la hora de inicio no es válida")
)

func (b *demoBooking) end() (string, error) {
	start, err := time.Parse(wallClock, b.Start)
	if err != nil {
		return "", errNoStart
	}
	return start.Add(time.Duration(b.Minutes) * time.Minute).Format(wallClock), nil
}

// When is the booking's start for people.
func (b *demoBooking) When() string {
	start, err := time.Parse(wallClock, b.Start)
	if err != nil {
		return b.Start
	}
	return fmt.Sprintf("%s, %s (%s)", dayTitle(start), start.Format("15:04"), b.TimeZone)
}

// StartInput is the booking's start for an input of type datetime-local.
func (b *demoBooking) StartInput() string {
	return b.Start[:min(len(b.Start), len(wallInput))]
}

// readStart reads an input of type datetime-local, which leaves out seconds
// that are zero.
func readStart(r *http.Request) (string, error) {
	v := r.PostFormValue("start")
	for _, layout := range []string{wallInput, wallClock} {
		if t, err := time.Parse(layout, v); err == nil {
			return t.Format(wallClock), nil
		}
	}
	return "", errNoStart
}

func (d *demo) reserve(r *http.Request, c Company) error {
	start, err := readStart(r)
	if err != nil {
		return err
	}
	minutes, err := strconv.Atoi(r.PostFormValue("minutes"))
	if err != nil || minutes < 1 || minutes > 24*60 {
		return errors.New("la duración no es válida")
	}
	b := &demoBooking{
		Company: c.ID, State: "reserved", Service: r.PostFormValue("service"), Start: start, Minutes: minutes, TimeZone: c.TimeZone,
		Customer: demoCustomer{r.PostFormValue("name"), r.PostFormValue("phone"), r.PostFormValue("email")},
		Staff:    r.PostFormValue("staff"), Location: r.PostFormValue("location"), Notes: r.PostFormValue("notes"),
	}
	message, err := d.record(r, func(st *demoState) (*demoBooking, error) {
		st.LastID++
		b.ID = strconv.Itoa(1000 + st.LastID)
		st.Bookings = append(st.Bookings, b)
		return b, nil
	})
	if err != nil {
		return err
	}
	if err := d.send(r.Context(), message); err != nil || r.PostFormValue("then") != "confirm" {
		return err
	}
	return d.change(r, c, b.ID, func(b *demoBooking) { b.State = "confirmed" })
}

func (d *demo) confirm(r *http.Request, c Company) error {
	return d.change(r, c, r.PathValue("booking"), func(b *demoBooking) { b.State = "confirmed" })
}

func (d *demo) move(r *http.Request, c Company) error {
	start, err := readStart(r)
	if err != nil {
		return err
	}
	return d.change(r, c, r.PathValue("booking"), func(b *demoBooking) { b.Start = start })
}

func (d *demo) delete(r *http.Request, c Company) error {
	return d.change(r, c, r.PathValue("booking"), func(b *demoBooking) { b.State = "deleted" })
}

// change changes a booking and tells of it.
func (d *demo) change(r *http.Request, c Company, id string, f func(*demoBooking)) error {
	message, err := d.record(r, func(st *demoState) (*demoBooking, error) {
		i := slices.IndexFunc(st.Bookings, func(b *demoBooking) bool { return b.ID == id && b.Company == c.ID })
		if i < 0 {
			return nil, errNoBooking
		}
		f(st.Bookings[i])
		return st.Bookings[i], nil
	})
	if err != nil {
		return err
	}
	return d.send(r.Context(), message)
}

// record makes a change of a booking and, in the same breath, the message that
// tells of it, so that neither is kept without the other.
func (d *demo) record(r *http.Request, f func(*demoState) (*demoBooking, error)) (id string, err error) {
	err = d.sandbox.change(func(st *state) error {
		b, err := f(&st.Demo)
		if err != nil {
			return err
		}
		// Later than whatever happened to it before, also within a microsecond.
		at := d.sandbox.now().UTC().Truncate(time.Microsecond)
		if !at.After(b.At) {
			at = b.At.Add(time.Microsecond)
		}
		b.At = at
		m, err := newMessage(b, d.sandbox.address(r))
		if err != nil {
			return err
		}
		st.Demo.add(m)
		id = m.ID
		return nil
	})
	return id, err
}

// preset is a booking as it might be made, to fill in the form with.
func (c Company) preset(n int, now time.Time) demoBooking {
	presets := []demoBooking{
		{Service: "Corte de pelo", Minutes: 45, Customer: demoCustomer{"Ana Ruiz", "", "ana.ruiz@example.com"}, Staff: "Luis", Notes: "Primera visita"},
		{Service: "Color y mechas", Minutes: 120, Customer: demoCustomer{"María José Núñez", "", "mj@example.com"}, Staff: "Carmen", Notes: "Alergia al amoniaco"},
		{Service: "Manicura", Minutes: 30, Customer: demoCustomer{"Lucía O’Connor", "", ""}, Staff: "Paula"},
		{Service: "Masaje «relax» & aromas", Minutes: 60, Customer: demoCustomer{"Íñigo Peña", "", "inigo@example.com"}, Staff: "Luis", Notes: "Paga con bono"},
	}
	phones := map[string][]string{
		"ES": {"+34600000011", "600 000 012", "+34 600 000 013", "+34600000014"},
		"CO": {"+573001112233", "300 111 2234", "+57 300 111 2235", "+573001112236"},
	}
	b := presets[n%len(presets)]
	if p := phones[c.Country]; p != nil {
		b.Customer.Phone = p[n%len(p)]
	}
	b.Location = c.Location
	tomorrow := now.AddDate(0, 0, 1)
	b.Start = time.Date(tomorrow.Year(), tomorrow.Month(), tomorrow.Day(), 10+n%8, 0, 0, 0, time.UTC).Format(wallInput)
	return b
}
