package local

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/sandbox"
	"github.com/citasync/citasync/shared/whatsapp"
)

// TestNoticeSimulation lets one company's bookings, two processes and WhatsApp
// loose on each other for three minutes: events delivered twice, late and out
// of order; processes that die at any step; answers that fail, get lost or come
// late; messages that fail after they were taken; receipts late, repeated and in
// any order. In the end each booking's customer must know the newest state, or the
// company that it may not be known; she must have been told nothing more than
// twice, and nothing older after something newer.
//
// SIM_SEEDS sets how many worlds, SIM_SEED runs one.
func TestNoticeSimulation(t *testing.T) {
	first, n := 1, 40
	if s, err := strconv.Atoi(os.Getenv("SIM_SEEDS")); err == nil {
		n = s
	}
	if s, err := strconv.Atoi(os.Getenv("SIM_SEED")); err == nil {
		first, n = s, 1
	}
	for seed := first; seed < first+n; seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			notified(t, false, sandbox.WhatsAppBehaviour{}, func(w *world) { simulateNotices(w, uint64(seed)) })
		})
	}
}

func simulateNotices(w *world, seed uint64) {
	w.procs = append(w.procs, w.process())
	s := &simulation{world: w, rand: rand.New(rand.NewPCG(seed, 1)), newest: map[booking.ID]booking.Event{}}
	s.receipts()
	s.badLine()
	for b := range 6 {
		s.noticeStory(booking.ID(fmt.Sprint(b)))
	}
	stop := make(chan struct{})
	s.wg.Go(func() { s.sweeps(stop) })
	time.Sleep(stormy)
	close(stop)
	s.wg.Wait()
	w.google.ClearFaults()
	w.maintain(calm, 15*time.Second)
	w.google.Wait()
	s.judgeNotices(seed)
}

// receipts come by one of several habits.
func (s *simulation) receipts() {
	late := func() time.Duration { return time.Duration(s.chance(int(4 * time.Minute))) }
	b := sandbox.WhatsAppBehaviour{PairInterval: -1}
	for _, st := range []sandbox.MessageStatus{sandbox.Sent, sandbox.Delivered, sandbox.Read} {
		b.Statuses = append(b.Statuses, sandbox.PlannedStatus{Status: st, After: time.Duration(s.chance(int(time.Second))), Late: late(), Times: 1 + s.chance(3)})
	}
	check(s.t, s.google.SetWhatsAppBehaviour(b))
}

// badLine spoils calls to WhatsApp.
func (s *simulation) badLine() {
	for _, f := range []sandbox.Fault{
		{Action: sandbox.Garbage, Status: 500},
		{Action: sandbox.Answer, Reason: "131016"},
		{Action: sandbox.Answer, Reason: "130429", RetryAfter: time.Second},
		{Action: sandbox.Answer, Reason: "190"},
		{Action: sandbox.FailStatus, Reason: "130429"},
		{Action: sandbox.DropBefore},
		{Action: sandbox.DropAfter},
		{Action: sandbox.AnswerLate, Late: 12 * time.Second},
		{Action: sandbox.ApplyLate, Late: 12 * time.Second},
		{Action: sandbox.Garbage, Status: 200},
	} {
		f.Operation, f.Until, f.Seed = sandbox.OpWhatsAppSend, time.Now().Add(stormy), uint64(s.chance(1<<30))
		f.Probability = float64(1+s.chance(160)) / 1000
		_, err := s.google.AddFault(f)
		check(s.t, err)
	}
}

// noticeStory delivers a booking's events as story does. Each one that is not
// a deletion has an hour of its own, or that of the one before.
func (s *simulation) noticeStory(id booking.ID) {
	kinds := []booking.Kind{booking.Reserved, booking.Confirmed, booking.Confirmed, booking.Deleted}
	begin := (s.someTime() * 3 / 4).Truncate(time.Microsecond)
	for at := range 1 + s.chance(4) {
		ev := news(kinds[s.chance(len(kinds))], id, "corte")
		ev.At = ev.At.Add(begin + time.Duration(at)*time.Millisecond)
		ev.Booking.Start, ev.Booking.End = ev.Booking.Start.Add(time.Duration(at/2)*time.Hour), ev.Booking.End.Add(time.Duration(at/2)*time.Hour)
		s.newest[id] = ev
		for range 1 + s.chance(3) {
			after := begin + time.Duration(s.chance(int(20*time.Second)))
			s.wg.Go(func() {
				time.Sleep(after)
				s.deliver(ev)
			})
		}
	}
}

func (s *simulation) judgeNotices(seed uint64) {
	messages := map[booking.ID][]sandbox.WhatsAppMessage{}
	for _, m := range s.google.WhatsAppMessages() {
		about := s.about(m)
		messages[about] = append(messages[about], m)
	}
	for id, ev := range s.newest {
		if err := s.judgeNotice(ev, messages[id]); err != nil {
			s.t.Errorf("seed %d, booking %s: %v; %+v", seed, id, err, s.notice(id))
		}
	}
}

// about is the booking that a message is about.
func (s *simulation) about(m sandbox.WhatsAppMessage) booking.ID {
	s.t.Helper()
	for id := range s.newest {
		if strings.Contains(m.CallbackData, "."+base64.RawURLEncoding.EncodeToString([]byte(id))+".") {
			return id
		}
	}
	s.t.Fatalf("a message about no booking: %+v", m)
	return ""
}

func (s *simulation) judgeNotice(newest booking.Event, messages []sandbox.WhatsAppMessage) error {
	d := s.notice(newest.Booking.ID)
	if newest.Kind == booking.Deleted && s.record(acme, newest.Booking.ID).Booking.Start.IsZero() {
		return nil // of a booking that nobody ever heard of
	}
	if d.Status == integration.Failed && d.Detail == whatsapp.Unconfirmed && d.Sent.Sends == 2 && d.Sent.Announced.Kind == newest.Kind {
		return nil // it was tried twice without a word of what became of it: the company is told
	}
	if d.Status != integration.Done {
		return fmt.Errorf("the customer was not told that it is %s", newest.Kind)
	}
	last, counts := int64(0), map[string]int{}
	for _, m := range messages {
		parts := strings.Split(m.CallbackData, ".")
		revision, err := strconv.ParseInt(parts[5], 10, 64)
		if err != nil {
			return err
		}
		if revision < last {
			return fmt.Errorf("revision %d was told after %d", revision, last)
		}
		last = revision
		if !slices.ContainsFunc(m.Statuses, func(st sandbox.WhatsAppStatus) bool { return st.Status == sandbox.Failed }) {
			counts[parts[4]+parts[5]]++
		}
		if counts[parts[4]+parts[5]] > 2 {
			return fmt.Errorf("told %d times that it is %s", counts[parts[4]+parts[5]], parts[4])
		}
	}
	if len(messages) == 0 || messages[len(messages)-1].Template != "booking_"+string(newest.Kind) {
		return fmt.Errorf("the last of %d messages is not that it is %s", len(messages), newest.Kind)
	}
	return nil
}
