package local

import (
	"fmt"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
)

// What the simulation demands of companies that are turned off.

// nothingWaitsForTheOff demands that nothing waits for a company that has been
// disconnected for some minutes, and that it is owed nothing.
func (s *simulation) nothingWaitsForTheOff() {
	for c := range s.account {
		conn := s.connection(c)
		if conn.Status != integration.Disconnected || time.Since(conn.ChangedAt) < 2*time.Minute {
			continue
		}
		for _, b := range s.waiting(c) {
			s.t.Errorf("booking %s waits for a company that is disconnected: %+v", b.Booking.ID, b.Deliveries[calendarID])
		}
		if !conn.BackfillDue.IsZero() {
			s.t.Errorf("company %s is disconnected, passes due since %v", c, conn.BackfillDue)
		}
	}
}

// leave turns every company off at last, some with a dead grant, and with
// deliveries that wait or are under way.
func (s *simulation) leave() {
	for c, account := range s.account {
		if s.chance(2) == 0 {
			_, err := s.google.RevokeGrants(account)
			check(s.t, err)
		}
		for b := range 3 {
			l := &life{lag: s.lag}
			s.wg.Go(func() {
				_ = s.procs[1].Engine.Apply(l.context(), event(booking.Confirmed, c, booking.ID(fmt.Sprintf("%s-%d", c, b)), 100, "service 100"))
			})
		}
	}
	time.Sleep(time.Duration(s.chance(int(10 * time.Second))))
	for c := range s.account {
		s.turnOff(c, s.chance(2) == 0)
	}
	s.maintain(10*time.Minute, 15*time.Second)
	s.wg.Wait()
	s.nothingWaitsForTheOff()
	for c := range s.account {
		if st := s.connection(c).Status; st != integration.Disconnected {
			s.t.Errorf("company %s is %s, ten minutes after it was turned off", c, st)
		}
	}
}
