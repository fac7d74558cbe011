package sandbox

import (
	"net/http"
	"net/url"
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
	v := companyView{Company: c}
	var n int
	_ = d.sandbox.read(func(st *state) error {
		n = st.Demo.LastID
		v.CalendarURL = orDefault(d.CalendarURL, "/sandbox/calendar?account="+url.QueryEscape(st.accountOf(c)))
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

// accountOf is the account in whose calendars the company's bookings were
// written last; before that, the company's own.
func (st *state) accountOf(c Company) string {
	account, last := c.Email, ""
	for email, a := range st.Accounts {
		for _, cal := range a.Calendars {
			for _, e := range cal.Events {
				p := e.ExtendedProperties
				if p != nil && p.Private["citasync_company"] == c.ID && e.Updated > last {
					account, last = email, e.Updated
				}
			}
		}
	}
	return account
}
