package local

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/sandbox"
)

// TestTokenSimulation lets the token endpoint fail in every way, tokens expire,
// refresh tokens be replaced, processes die and start again, the owner revoke
// and reconnect, while two processes handle bookings. At no time may a
// connection be called dead whose stored refresh token Google would take; and
// when the faults have stopped and a day has passed, it is called dead exactly
// if Google would not take it.
func TestTokenSimulation(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := rand.New(rand.NewPCG(seed, 7))
				s := &tokenSim{
					world: newWorld(t, 2, sandbox.Options{Behaviour: sandbox.Behaviour{RotateRefreshTokens: r.IntN(2) == 0, OmitExpiresIn: r.IntN(5) == 0}}),
					rand:  r, peaceful: seed%3 == 0,
				}
				s.mustConnect(acme, ana)
				s.run()
			})
		})
	}
}

type tokenSim struct {
	*world
	rand     *rand.Rand
	peaceful bool // nobody dies and nobody revokes: the grant works all the time
}

func (s *tokenSim) run() {
	s.spoil()
	for i := range 150 {
		s.act(i)
		time.Sleep(time.Duration(s.rand.IntN(int(40 * time.Second))))
		s.judge("on the way")
	}
	s.google.ClearFaults()
	s.maintain(26*time.Hour, 10*time.Minute)
	s.judge("in the end")
	dead := s.connection(acme).Status == integration.NeedsReauth
	if good := s.accepted(); good == dead {
		s.t.Errorf("in the end the connection is %s, and its refresh token is good: %t", s.connection(acme).Status, good)
	}
}

// spoil has the token endpoint fail now and then, in every way.
func (s *tokenSim) spoil() {
	faults := []sandbox.Fault{
		{Status: 500},
		{Status: 503, RetryAfter: time.Second},
		{Status: 429},
		{Status: 400, Reason: "invalid_request"},
		{Status: 401, Reason: "invalid_client"},
		{Action: sandbox.Garbage, Status: 200},
		{Action: sandbox.DropBefore},
		{Latency: 9 * time.Second},
		{Latency: time.Minute},
	}
	if s.google.Behaviour().RotateRefreshTokens && !s.peaceful { // an answer that is lost takes the new refresh token with it
		faults = append(faults, sandbox.Fault{Action: sandbox.DropAfter}, sandbox.Fault{Action: sandbox.AnswerLate, Late: 15 * time.Second})
	}
	for _, f := range faults {
		f.Operation, f.GrantType, f.Probability, f.Seed = "token", "refresh_token", 0.06, s.rand.Uint64()
		_, err := s.google.AddFault(f)
		check(s.t, err)
	}
}

func (s *tokenSim) act(i int) {
	switch n := s.rand.IntN(12); {
	case n < 6:
		s.events(i)
	case n < 8:
		check(s.t, s.google.ExpireAccessTokens(ana))
	case n < 9:
		time.Sleep(time.Hour)
	case n < 10 && !s.peaceful:
		_, err := s.google.RevokeGrants(ana)
		check(s.t, err)
	case n < 11:
		_, _ = s.connect(acme, ana) // spoilt perhaps
	default:
		s.procs[s.rand.IntN(2)] = s.process()
	}
}

// events has both processes handle bookings at once.
func (s *tokenSim) events(i int) {
	for p := range s.procs {
		l := &life{}
		if !s.peaceful && s.rand.IntN(4) == 0 {
			l.at, l.after = 1+s.rand.IntN(12), s.rand.IntN(2) == 0
		}
		for b := range 3 {
			ev := event(booking.Confirmed, acme, booking.ID(fmt.Sprintf("%d-%d-%d", i, p, b)), 1+24*30, "corte")
			go func() { _ = s.procs[p].Engine.Apply(l.context(), ev) }()
		}
	}
}

// accepted reports whether Google would take the refresh token that the
// connection names.
func (s *tokenSim) accepted() bool {
	token, err := s.secrets.Access(context.Background(), acme, s.connection(acme).Data.SecretVersion)
	return err == nil && s.google.Accepts(string(token))
}

func (s *tokenSim) judge(when string) {
	s.t.Helper()
	c := s.connection(acme)
	if c.Status != integration.NeedsReauth {
		return
	}
	if s.accepted() {
		s.t.Errorf("%s a grant that works is called dead", when)
	}
	if s.peaceful {
		s.t.Fatalf("%s the connection is %s, %s, though nobody ended the grant", when, c.Status, c.Reason)
	}
}
