package firestore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

// nowhere is where nobody serves: every call is answered by the test.
const nowhere = "127.0.0.1:1"

// TestCodes has the service answer with every code: the class of the error
// that follows, and how often the call was made. Whatever it is, it ends.
func TestCodes(t *testing.T) {
	commit := func(ctx context.Context, s *Store) error { return s.CommitBooking(ctx, fullBooking()) }
	read := func(ctx context.Context, s *Store) error {
		_, err := s.ReadBooking(ctx, "2", "981", integration.GoogleCalendar)
		return err
	}
	list := func(ctx context.Context, s *Store) error {
		_, err := s.DueBookings(ctx, now, 1)
		return err
	}
	type want struct {
		class error // nil: ours to mend
		calls int
	}
	ours := want{nil, 1}
	unavailable := func(calls int) want { return want{fault.ErrUnavailable, calls} }
	conflict := want{fault.ErrConflict, 1}
	for code, wants := range map[codes.Code]struct{ commit, read want }{
		codes.Canceled:           {ours, ours},
		codes.Unknown:            {ours, ours},
		codes.InvalidArgument:    {want{fault.ErrInvalid, 1}, ours},
		codes.DeadlineExceeded:   {unavailable(1), unavailable(3)},
		codes.NotFound:           {conflict, ours},
		codes.AlreadyExists:      {conflict, ours},
		codes.PermissionDenied:   {ours, ours},
		codes.ResourceExhausted:  {unavailable(3), unavailable(1)},
		codes.FailedPrecondition: {conflict, ours}, // of a query: its index is missing
		codes.Aborted:            {conflict, unavailable(1)},
		codes.OutOfRange:         {ours, ours},
		codes.Unimplemented:      {ours, ours},
		codes.Internal:           {ours, want{nil, 3}},
		codes.Unavailable:        {unavailable(3), unavailable(3)},
		codes.DataLoss:           {ours, ours},
		codes.Unauthenticated:    {ours, ours},
	} {
		for _, op := range []struct {
			name string
			do   func(context.Context, *Store) error
			want
		}{{callCommit, commit, wants.commit}, {callBatchGet, read, wants.read}, {callQuery, list, wants.read}} {
			t.Run(fmt.Sprintf("%s %s", op.name, code), func(t *testing.T) {
				t.Parallel()
				s, tap := broken(t, status.Error(code, "as the test wants"))
				wantClass(t, op.do(t.Context(), s), op.class)
				if n := len(tap.take()); n != op.calls {
					t.Errorf("%d calls, want %d", n, op.calls)
				}
			})
		}
	}
}

// wantClass looks for a class of errors; with none, for an error that is ours
// to mend and may pass.
func wantClass(t *testing.T, err, class error) {
	t.Helper()
	switch {
	case class != nil && !errors.Is(err, class):
		t.Errorf("error %v, want %v", err, class)
	case class == nil && (err == nil || fault.Status(err) != 500):
		t.Errorf("error %v, of status %d, want one that is ours to mend", err, fault.Status(err))
	}
}

// broken is a store whose calls all fail.
func broken(t *testing.T, err error) (*Store, *wireTap) {
	t.Helper()
	tap := &wireTap{spoil: func(context.Context, string) (bool, error) { return false, err }}
	return open(t, nowhere, tap.options()...), tap
}

// TestNoAnswer has the service say nothing of what it was asked for.
func TestNoAnswer(t *testing.T) {
	s, _ := broken(t, io.EOF)
	if snap, err := s.ReadBooking(t.Context(), "2", "981"); err == nil {
		t.Errorf("that was read as %+v", snap)
	}
}

// TestContext: a call has a deadline, its caller's if there is one, and the
// caller's end is told as such.
func TestContext(t *testing.T) {
	var deadline time.Time
	var bounded bool
	tap := &wireTap{spoil: func(ctx context.Context, _ string) (bool, error) {
		deadline, bounded = ctx.Deadline()
		<-ctx.Done()
		return false, status.FromContextError(ctx.Err()).Err()
	}}
	s := open(t, nowhere, tap.options()...)
	for name, begin := range map[string]func() (context.Context, context.CancelFunc){
		"deadline": func() (context.Context, context.CancelFunc) {
			return context.WithTimeout(t.Context(), 20*time.Millisecond)
		},
		"cancelled": func() (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(20*time.Millisecond, cancel)
			return ctx, cancel
		},
	} {
		ctx, cancel := begin()
		err := s.CommitBooking(ctx, fullBooking())
		if !errors.Is(err, ctx.Err()) {
			t.Errorf("%s: error %v, want %v", name, err, ctx.Err())
		}
		if want, ok := ctx.Deadline(); ok && !deadline.Equal(want) {
			t.Errorf("%s: the call ends at %v, want %v", name, deadline, want)
		}
		if !bounded || time.Until(deadline) > patience {
			t.Errorf("%s: the call may last until %v", name, deadline)
		}
		cancel()
		if n := len(tap.take()); n != 1 {
			t.Errorf("%s: %d calls, want 1", name, n)
		}
	}
}

var errLost = status.Error(codes.Unavailable, "the connection was lost")

// TestLost loses, once each, the answer to a commit that was applied, and a
// commit that was not. What the caller is told is the truth, or that it has to
// look.
func TestLost(t *testing.T) {
	ctx := t.Context()
	for _, tt := range []struct {
		name string
		do   func(*Store) error
		told error // if it was applied; otherwise it succeeds
		seen func(*Store) (bool, error)
	}{
		{
			"booking", func(s *Store) error { return s.CommitBooking(ctx, fullBooking()) }, fault.ErrConflict,
			func(s *Store) (bool, error) {
				snap, err := s.ReadBooking(ctx, "2", "981")
				return snap.Booking != nil, err
			},
		},
		{
			"connection", func(s *Store) error {
				return s.PutConnection(ctx, "2", fullConnection(), store.Activity{Kind: store.ActConnected})
			}, fault.ErrConflict,
			func(s *Store) (bool, error) {
				c, err := s.Connection(ctx, "2", integration.GoogleCalendar)
				return c.Version != "" && activities(t, s) == 1, err
			},
		},
		{
			"activity", func(s *Store) error { return s.AddActivity(ctx, "2", store.Activity{Kind: store.ActConnected}) }, nil,
			func(s *Store) (bool, error) { return activities(t, s) == 1, nil },
		},
		{
			"state", func(s *Store) error { return s.PutState(ctx, "hash", store.OAuthState{Company: "2"}) }, nil,
			func(s *Store) (bool, error) {
				o, err := s.TakeState(ctx, "hash", now)
				return o.Company == "2", err
			},
		},
		{
			"link", func(s *Store) error { return s.UseLink(ctx, "jti", now, now.Add(time.Hour)) }, fault.ErrConflict,
			func(s *Store) (bool, error) { return s.LinkUsed(ctx, "jti", now) },
		},
	} {
		for _, applied := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, applied %t", tt.name, applied), func(t *testing.T) {
				s, tap := watched(t, address(t))
				tap.nth(1, callCommit, applied, errLost)
				err, told := tt.do(s), tt.told
				if !applied {
					told = nil
				}
				if !errors.Is(err, told) {
					t.Errorf("error %v, want %v", err, told)
				}
				if seen, err := tt.seen(s); !seen || err != nil {
					t.Errorf("it is stored: %t, error %v", seen, err)
				}
			})
		}
	}
}

func activities(t *testing.T, s *Store) int {
	t.Helper()
	p, err := s.ListActivity(t.Context(), "2", "", 10)
	if err != nil {
		t.Fatal(err)
	}
	return len(p.Items)
}

// TestLostTake loses the answer to the deletion of a state: nobody gets it any
// more.
func TestLostTake(t *testing.T) {
	s, tap := watched(t, address(t))
	if err := s.PutState(t.Context(), "hash", store.OAuthState{Company: "2"}); err != nil {
		t.Fatal(err)
	}
	tap.nth(1, callCommit, true, errLost)
	if o, err := s.TakeState(t.Context(), "hash", now); !errors.Is(err, fault.ErrNotFound) {
		t.Errorf("took %+v, error %v", o, err)
	}
}

// TestLostInEngine loses the answer to either commit of an attempt. The engine
// meets its own write as a conflict, finds its attempt's id in it when it reads
// again, and goes on: nothing is called twice, nothing is left over.
func TestLostInEngine(t *testing.T) {
	w := newWorld(t)
	for n, calls := range [][]string{
		{callBatchGet, callCommit, callCommit, callBatchGet, callCommit},
		{callBatchGet, callCommit, callCommit, callCommit, callBatchGet},
	} {
		what, id := fmt.Sprintf("commit %d", n+1), booking.ID(fmt.Sprint(n))
		w.wire.nth(n+1, callCommit, true, errLost)
		w.apply(w.event(connected, id, booking.Confirmed, 1))
		w.wire.want(t, what, calls...)
		w.wantCalls(what, "events.insert", "whatsapp.send")
		b := w.wantDone(what, connected, id)
		if b.Revision != 1 || len(b.History) != 3 {
			t.Errorf("%s: revision %d, history %+v", what, b.Revision, b.History)
		}
	}
}
