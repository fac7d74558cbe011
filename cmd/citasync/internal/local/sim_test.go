package local

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/googleauth"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/sandbox"
	"github.com/citasync/citasync/shared/store"
)

// TestSimulation lets three companies, their bookings, two processes and
// Google loose on each other for three minutes: events delivered twice, late
// and out of order; processes that die at any step; answers that fail, get
// lost or come late; events deleted by hand; connections turned off, kept or
// removed, and on again, revoked at Google, moved to another calendar; events
// asked for again; the integration switched off for everyone. Then the faults
// stop, everybody is connected, and the sweeps run until nothing is due. Each
// confirmed booking must then have one event, with the newest content, in the
// chosen calendar, unless it was deleted by hand; each other none; and while a
// company was turned off nothing may have been written for it. Once asked for,
// those that were deleted by hand are there too. In the end everybody leaves.
// Nothing may be stored as waiting for a company that is disconnected.
//
// SIM_SEEDS sets how many worlds, SIM_SEED runs one.
func TestSimulation(t *testing.T) {
	first, n := 1, 60
	if s, err := strconv.Atoi(os.Getenv("SIM_SEEDS")); err == nil {
		n = s
	}
	if s, err := strconv.Atoi(os.Getenv("SIM_SEED")); err == nil {
		first, n = s, 1
	}
	for seed := first; seed < first+n; seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { simulate(t, uint64(seed)) })
		})
	}
}

const (
	stormy = 3 * time.Minute
	calm   = 4 * time.Hour // the longest back-off is an hour
)

type simulation struct {
	*world
	mu      sync.Mutex
	rand    *rand.Rand
	newest  map[booking.ID]booking.Event
	byHand  map[booking.ID]bool
	account map[booking.CompanyID]string
	off     []window
	wg      sync.WaitGroup
}

// window is a time in which nothing may be written for an account.
type window struct {
	account  string
	from, to time.Time
}

func simulate(t *testing.T, seed uint64) {
	s := newSimulation(t, seed)
	s.run()
	s.judge(seed)
	for id, ev := range s.newest {
		s.ask(ev.Company, id)
	}
	clear(s.byHand)
	s.maintain(10*time.Minute, 15*time.Second)
	s.judge(seed)
	s.leave()
}

// newSimulation begins a world's stories.
func newSimulation(t *testing.T, seed uint64) *simulation {
	r := rand.New(rand.NewPCG(seed, 0))
	variants := []sandbox.CancelledUpdate{sandbox.Forbidden, sandbox.Gone, sandbox.Restored}
	s := &simulation{
		world: newWorld(t, 2, sandbox.Options{Behaviour: sandbox.Behaviour{
			UpdateOfCancelled: variants[r.IntN(3)], RotateRefreshTokens: r.IntN(2) == 0,
		}}),
		rand: r, newest: map[booking.ID]booking.Event{}, byHand: map[booking.ID]bool{},
		account: map[booking.CompanyID]string{"acme": ana, "beta": "luis@example.com", "gamma": "salon@example.com"},
	}
	for _, c := range []booking.CompanyID{"acme", "beta", "gamma"} {
		if s.chance(4) > 0 {
			s.mustConnect(c, s.account[c])
		}
		for b := range 3 {
			s.story(c, booking.ID(fmt.Sprintf("%s-%d", c, b)))
		}
		s.wg.Go(func() { s.company(c) })
	}
	return s
}

// run lets them end.
func (s *simulation) run() {
	s.badWeather()
	stop := make(chan struct{})
	s.wg.Go(func() { s.sweeps(stop) })
	time.Sleep(stormy)
	close(stop)
	s.wg.Wait()
	s.google.ClearFaults()
	s.switchAll(true)
	s.maintain(5*time.Minute, 15*time.Second)
	s.nothingWaitsForTheOff()
	s.settle()
}

// chance is a number below n, the same in each run with the seed as far as the
// order of goroutines is.
func (s *simulation) chance(n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rand.IntN(n)
}

func (s *simulation) someTime() time.Duration { return time.Duration(s.chance(int(stormy))) }

// story delivers a booking's events, each one to three times, within some
// seconds of each other and in any order.
func (s *simulation) story(c booking.CompanyID, id booking.ID) {
	kinds := []booking.Kind{booking.Confirmed, booking.Confirmed, booking.Deleted, booking.Deleted, booking.Reserved}
	begin, within := s.someTime()*3/4, 1+s.chance(int(30*time.Second))
	for at := range 2 + s.chance(4) {
		ev := event(kinds[s.chance(len(kinds))], c, id, at+1, fmt.Sprintf("service %d", at+1))
		s.newest[id] = ev
		for range 1 + s.chance(3) {
			after := begin + time.Duration(s.chance(within))
			s.wg.Go(func() {
				time.Sleep(after)
				s.deliver(ev)
			})
		}
	}
}

// lag makes most steps quick and some slow.
func (s *simulation) lag() time.Duration {
	if s.chance(4) > 0 {
		return time.Duration(s.chance(int(20 * time.Millisecond)))
	}
	return time.Duration(s.chance(int(4 * time.Second)))
}

// deliver delivers the event until a process lives to acknowledge it.
func (s *simulation) deliver(ev booking.Event) {
	for {
		l := &life{lag: s.lag}
		if s.chance(3) == 0 {
			l.at, l.after = 1+s.chance(8), s.chance(2) == 0
		}
		err := s.procs[s.chance(len(s.procs))].Engine.Apply(l.context(), ev)
		if err == nil && !l.dead {
			return
		}
		time.Sleep(time.Duration(10+s.chance(20)) * time.Second)
	}
}

// badWeather spoils calls to Google.
func (s *simulation) badWeather() {
	until := time.Now().Add(stormy)
	for i, f := range []sandbox.Fault{
		{Status: 500},
		{Status: 503, Applied: true},
		{Status: 429, Reason: "rateLimitExceeded", RetryAfter: time.Second},
		{Status: 403, Reason: "userRateLimitExceeded"},
		{Action: sandbox.DropBefore},
		{Action: sandbox.DropAfter},
		{Action: sandbox.AnswerLate, Late: 12 * time.Second},
		{Action: sandbox.ApplyLate, Late: 12 * time.Second},
		{Action: sandbox.ApplyLate, Late: 17 * time.Second},
		{Action: sandbox.Garbage, Status: 200},
	} {
		f.Operation, f.Until, f.Seed = "events.*", until, uint64(s.chance(1<<30))
		f.Probability = float64(1+s.chance(80)) / 1000
		_, err := s.google.AddFault(f)
		check(s.t, err)
		if i == 0 || i == 4 {
			f.Operation, f.Probability = "token", 0.2
			_, err := s.google.AddFault(f)
			check(s.t, err)
		}
	}
}

func (s *simulation) sweeps(stop chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case <-time.After(time.Duration(1+s.chance(10)) * time.Second):
			l := &life{lag: s.lag}
			if s.chance(10) == 0 {
				l.at, l.after = 1+s.chance(30), s.chance(2) == 0
			}
			_, _ = s.procs[0].Maintainer.Run(l.context()) // what it could not do is due the next time
		}
	}
}

// company does what an owner may do, three times at most.
func (s *simulation) company(c booking.CompanyID) {
	for range s.chance(4) {
		time.Sleep(s.someTime() / 2)
		account := s.account[c]
		switch s.chance(10) {
		case 0, 1:
			s.turnOff(c, s.chance(2) == 0)
		case 2, 3:
			s.turnOn(c)
		case 4:
			_, err := s.google.RevokeGrants(account)
			check(s.t, err)
		case 5:
			s.deleteByHand(account)
		case 6:
			s.move(c)
		case 7:
			s.compare(c)
		case 8:
			s.switchAll(false)
			time.Sleep(time.Duration(s.chance(40)) * time.Second)
			s.switchAll(true)
		case 9:
			for b := range 3 {
				s.ask(c, booking.ID(fmt.Sprintf("%s-%d", c, b)))
			}
		}
	}
}

func (s *simulation) turnOff(c booking.CompanyID, remove bool) {
	conn, err := s.procs[0].Google.Grants.Disconnect(context.Background(), c, remove, "company")
	if err != nil || conn.Status != integration.Disconnected {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.off = append(s.off, window{account: s.account[c], from: time.Now().Add(20 * time.Second)})
}

func (s *simulation) turnOn(c booking.CompanyID) {
	s.mu.Lock()
	for i := range s.off { // from here on it may be written again
		if w := &s.off[i]; w.account == s.account[c] && w.to.IsZero() {
			w.to = time.Now()
		}
	}
	s.mu.Unlock()
	_, _ = s.connect(c, s.account[c]) // refused, or spoilt by the weather: it is tried again in the end
}

func (s *simulation) deleteByHand(account string) {
	events, err := s.google.Events(account, "primary")
	check(s.t, err)
	for _, e := range events {
		if e.Status == "cancelled" || s.chance(2) == 0 {
			continue
		}
		s.mu.Lock()
		s.byHand[booking.ID(e.ExtendedProperties.Private["citasync_booking"])] = true
		s.mu.Unlock()
		_ = s.google.DeleteEvent(account, "primary", e.ID) // deleted meanwhile
	}
}

// move chooses another calendar, if the company is connected.
func (s *simulation) move(c booking.CompanyID) {
	conn, err := s.store.Connection(context.Background(), c, calendarID)
	check(s.t, err)
	if conn.Status != integration.Connected {
		return
	}
	to := "primary"
	for _, cal := range s.google.Calendars(s.account[c]) {
		if cal.Summary == team && conn.Data.CalendarID == "primary" {
			to = cal.ID
		}
	}
	choice := googleauth.Choice{Calendar: to, Name: "chosen", Subject: conn.Data.AccountSubject}
	_, _ = s.procs[0].Google.Grants.Choose(context.Background(), c, choice, store.ActorCompany) // turned off meanwhile: not moved
}

// compare has Google compared with the records soon, as the daily check does.
func (s *simulation) compare(c booking.CompanyID) {
	conn, err := s.store.Connection(context.Background(), c, calendarID)
	check(s.t, err)
	conn.CheckedAt = time.Time{}
	_ = s.store.PutConnection(context.Background(), c, &conn) // changed meanwhile: not compared
}

// switchAll turns the catalogue's switch, for every company.
func (s *simulation) switchAll(on bool) {
	ctx := context.Background()
	e, err := s.store.Entry(ctx, calendarID)
	check(s.t, err)
	if e.Enabled == on {
		return
	}
	e.Enabled, e.ChangedAt = on, time.Now()
	if err := s.store.PutEntry(ctx, &e); err != nil {
		return // turned by another company's goroutine
	}
}

// settle connects whoever is not, and sweeps until nothing is due. The daily
// check, which finds those whose grant was revoked, must leave what is right.
func (s *simulation) settle() {
	for _, long := range []time.Duration{calm / 3, calm / 3, calm / 3, 25 * time.Hour, calm / 3} {
		for c := range s.account {
			if st := s.connection(c).Status; st == integration.Disconnected || st == integration.NeedsReauth {
				s.turnOn(c)
			}
		}
		s.maintain(long, max(15*time.Second, long/320))
	}
}

func (s *simulation) judge(seed uint64) {
	for id, ev := range s.newest {
		if err := s.want(ev, s.account[ev.Company], s.byHand[id]); err != nil {
			s.t.Errorf("seed %d, booking %s: %v", seed, id, err)
		}
		for _, e := range s.mine(s.account[ev.Company], ev.Company, id) {
			if b := s.record(ev.Company, id); b.Deliveries[calendarID].ExternalID != e.ID {
				s.t.Errorf("seed %d: event %s of booking %s is not in the store", seed, e.ID, id)
			}
		}
	}
	for c := range s.account {
		if conn := s.connection(c); conn.Status != integration.Connected || !conn.BackfillDue.IsZero() {
			s.t.Errorf("seed %d: company %s is %s, passes due since %v", seed, c, conn.Status, conn.BackfillDue)
		}
	}
	for _, w := range s.off {
		if w.to.IsZero() {
			w.to = time.Now()
		}
		for _, r := range s.writes(w.account, w.from, w.to) {
			s.t.Errorf("seed %d: %s at %s, though the company was turned off at %s", seed, r.Operation, r.Time, w.from)
		}
	}
}
