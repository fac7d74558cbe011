package sandbox

import (
	"net/http"
	"slices"
)

type companyView struct {
	Company     Company
	CalendarURL string
	New         demoBooking
	Bookings    []demoBooking // newest first
	Outbox      []demoMessage // oldest first
	Delivered   []demoMessage // newest first
}

func (d *demo) showCompany(w http.ResponseWriter, r *http.Request) {
	c, ok := d.company(r.PathValue("company"))
	if !ok {
		render(w, http.StatusNotFound, "refused", "Esa empresa no existe.")
		return
	}
	render(w, http.StatusOK, "company", d.view(c))
}

func (d *demo) view(c Company) companyView {
	v := companyView{Company: c, CalendarURL: orDefault(d.CalendarURL, "/sandbox/calendar?account="+c.Email)}
	var n int
	_ = d.sandbox.read(func(st *state) error {
		n = st.Demo.LastID
		for _, b := range st.Demo.Bookings {
			if b.Company == c.ID {
				v.Bookings = append(v.Bookings, *b)
			}
		}
		for _, m := range st.Demo.Messages {
			switch {
			case m.Company != c.ID:
			case m.Delivered:
				v.Delivered = append(v.Delivered, *m)
			default:
				v.Outbox = append(v.Outbox, *m)
			}
		}
		return nil
	})
	slices.Reverse(v.Bookings)
	slices.Reverse(v.Delivered)
	v.Delivered = v.Delivered[:min(len(v.Delivered), 20)]
	now := d.sandbox.now()
	if zone, err := d.sandbox.zones.load(c.TimeZone); err == nil { // it was loaded when the demo was made
		now = now.In(zone)
	}
	v.New = c.preset(n, now)
	return v
}
