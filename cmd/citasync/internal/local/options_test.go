package local

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/gcal"
	"github.com/citasync/citasync/shared/googleauth"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/sandbox"
	"github.com/citasync/citasync/shared/store"
)

// TestWalkOptions: another title, chosen in the panel, reaches every upcoming
// event by one call, and no other event; the next run, and the platform that
// repeats itself, call nobody. An event that was deleted by hand, noticed or
// not, comes back when its booking changes and not before.
func TestWalkOptions(t *testing.T) {
	for _, way := range []sandbox.CancelledUpdate{sandbox.Forbidden, sandbox.Gone, sandbox.Restored} {
		t.Run(string(way), func(t *testing.T) {
			walk(t, func(v *visitor) {
				check(t, v.google.SetBehaviour(sandbox.Behaviour{UpdateOfCancelled: way}))
				v.walkOptions()
			})
		})
	}
}

func (v *visitor) walkOptions() {
	v.t.Helper()
	evs := bookings(6)
	upcoming, noticed, unnoticed, reserved, past := evs[:2], evs[2], evs[3], &evs[4], &evs[5]
	reserved.Kind = booking.Reserved
	past.Booking.Start = time.Now().Add(time.Hour)
	past.Booking.End = past.Booking.Start.Add(time.Hour)
	v.apply(evs...)
	v.deleteEvent(noticed)
	v.maintain(25*time.Hour, 10*time.Minute)
	v.deleteEvent(unnoticed)

	v.enter()
	v.click("Calendario y opciones")
	v.google.ClearRequests()
	v.press("Guardar", func(f *form) { f.values.Set("title", "{customer}: {service}") })
	v.says("Guardado. Los eventos de tus próximas reservas quedan así en unos minutos.")
	v.maintain(5*time.Minute, 5*time.Second)
	v.wantTitles(map[booking.ID]string{
		upcoming[0].Booking.ID: "Ana Ruiz: corte 0.", upcoming[1].Booking.ID: "Ana Ruiz: corte 1.", past.Booking.ID: "corte 5. – Ana Ruiz",
	}, evs)
	if n := v.calls()["events.patch"]; n != 3 {
		v.t.Errorf("%d events written, want two and a try at the one that was deleted unnoticed", n)
	}
	for _, r := range v.google.Requests() {
		if r.SendUpdates != "" && r.SendUpdates != "none" {
			v.t.Errorf("%s writes to guests: %s", r.Operation, r.SendUpdates)
		}
	}
	if d := v.record(acme, unnoticed.Booking.ID).Deliveries[calendarID]; d.Detail != gcal.DetailGone {
		v.t.Errorf("the event that is missing is not noted: %+v", d)
	}

	v.google.ClearRequests()
	v.apply(evs...)
	v.maintain(5*time.Minute, 5*time.Second)
	v.noCalls("about what is as it should be")

	back := changed(unnoticed)
	v.apply(back)
	v.wantTitles(map[booking.ID]string{
		upcoming[0].Booking.ID: "Ana Ruiz: corte 0.", upcoming[1].Booking.ID: "Ana Ruiz: corte 1.", past.Booking.ID: "corte 5. – Ana Ruiz",
		back.Booking.ID: "Ana Ruiz: nuevo corte 3.",
	}, evs)
}

// TestOptionsThroughTrouble: Google fails while the title is changed twice, the
// second time before the events have the first one. In the end each has the last.
func TestOptionsThroughTrouble(t *testing.T) {
	walk(t, func(v *visitor) {
		evs := bookings(5)
		v.apply(evs...)
		_, err := v.google.AddFault(sandbox.Fault{Operation: "events.patch", Status: 503, Applied: true, Times: 7})
		check(t, err)
		for _, title := range []string{"uno {service}", "dos {service}"} {
			v.enter()
			v.click("Calendario y opciones")
			v.press("Guardar", func(f *form) { f.values.Set("title", title) })
			v.maintain(20*time.Second, 5*time.Second)
		}
		v.apply(changed(evs[4]))
		v.maintain(15*time.Minute, 5*time.Second)
		want := map[booking.ID]string{evs[4].Booking.ID: "dos nuevo corte 4."}
		for i := range 4 {
			want[evs[i].Booking.ID] = fmt.Sprintf("dos corte %d.", i)
		}
		v.wantTitles(want, evs)
		v.google.ClearRequests()
		v.maintain(5*time.Minute, 5*time.Second)
		v.noCalls("about what is as it should be")
	})
}

// TestSimulationOptions is the simulation with companies that change how their
// events are all the while. In the end every event must be as its company chose
// last.
func TestSimulationOptions(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSimulation(t, seed)
				for c := range s.account {
					s.wg.Go(func() { s.undecided(c) })
				}
				s.run()
				s.judge(seed)
				s.judgeTitles(seed)
			})
		})
	}
}

// undecided changes the title and the colour of a company's events now and then.
func (s *simulation) undecided(c booking.CompanyID) {
	for n := range 2 + s.chance(4) {
		time.Sleep(s.someTime() / 3)
		choice := googleauth.Choice{Options: func(o *integration.Options) string {
			o.Summary, o.Color = fmt.Sprintf("{service} nº %d", n), fmt.Sprint(1+n)
			return "title, color"
		}}
		_, _ = s.procs[0].Google.Grants.Choose(context.Background(), c, choice, store.ActorCompany) // not connected just now: not changed
	}
}

// judgeTitles demands that each event is in the form that its company chose.
func (s *simulation) judgeTitles(seed uint64) {
	for id, ev := range s.newest {
		c := s.connection(ev.Company)
		title, _ := gcal.Texts(integration.Task{Connection: c, Booking: ev.Booking})
		for _, e := range s.mine(s.account[ev.Company], ev.Company, id) {
			if e.Summary != title || e.ColorID != c.Options.Color {
				s.t.Errorf("seed %d: the event of booking %s says %q in colour %q, not %q in %q", seed, id, e.Summary, e.ColorID, title, c.Options.Color)
			}
		}
	}
}

// deleteEvent deletes a booking's event as its owner would.
func (v *visitor) deleteEvent(ev booking.Event) {
	v.t.Helper()
	check(v.t, v.google.DeleteEvent(ana, "primary", v.record(acme, ev.Booking.ID).Deliveries[calendarID].ExternalID))
}

// wantTitles demands that the bookings have these events, and no others.
func (v *visitor) wantTitles(want map[booking.ID]string, evs []booking.Event) {
	v.t.Helper()
	got := map[booking.ID]string{}
	for _, ev := range evs {
		var titles []string
		for _, e := range v.mine(ana, acme, ev.Booking.ID) {
			titles = append(titles, e.Summary)
		}
		if len(titles) > 0 {
			got[ev.Booking.ID] = strings.Join(titles, " and ")
		}
	}
	if !maps.Equal(got, want) {
		v.t.Errorf("events %q, want %q", got, want)
	}
}
