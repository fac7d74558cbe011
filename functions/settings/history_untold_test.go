package settings

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

// failing is a store that can't read a booking: it is asked in a context that
// has ended, or was closed, or says so itself.
type failing struct {
	Store
	how func(context.Context) (context.Context, error)
}

func (f *failing) ReadBooking(ctx context.Context, company booking.CompanyID, id booking.ID, of ...integration.ID) (store.Snapshot, error) {
	ctx, err := f.how(ctx)
	if err != nil {
		return store.Snapshot{}, errors.Join(errors.New("read booking "+string(id)), err)
	}
	return f.Store.ReadBooking(ctx, company, id, of...)
}

// What is searched for is in no line of the log when the store can't read it,
// and what is answered is still for the store's reason.
func TestHistoryUntold(t *testing.T) {
	for _, tc := range []struct {
		name   string
		status int
		how    func(*site, context.Context) (context.Context, error)
	}{
		{"the store is closed", 500, func(s *site, ctx context.Context) (context.Context, error) { return ctx, s.store.Close() }},
		{"the browser has gone", 503, func(_ *site, ctx context.Context) (context.Context, error) {
			ctx, cancel := context.WithCancel(ctx)
			cancel()
			return ctx, nil
		}},
		{"it took too long", 504, func(_ *site, ctx context.Context) (context.Context, error) { return ctx, context.DeadlineExceeded }},
		{"it is not there", 503, func(_ *site, ctx context.Context) (context.Context, error) { return ctx, fault.ErrUnavailable }},
	} {
		for _, find := range []string{"Ana Ruiz", "+573001112233"} {
			t.Run(tc.name+" "+find[:3], func(t *testing.T) {
				s := newSite(t)
				s.deps.Store = &failing{s.deps.Store, func(ctx context.Context) (context.Context, error) { return tc.how(s, ctx) }}
				var err error
				s.handler, err = New(s.deps)
				s.must(err)
				b := s.enter(s.claims(salon))
				to := b.searched(url.Values{"find": {find}})
				for _, path := range []string{to, strings.Replace(to, historyPath, historyFilePath, 1)} {
					if res := b.get(path); res.StatusCode != tc.status {
						t.Errorf("it is answered with %d, want %d", res.StatusCode, tc.status)
					}
				}
				log := s.log.String()
				if !strings.Contains(log, "request failed") || strings.Contains(log, find) || strings.Contains(log, url.QueryEscape(find)) {
					t.Errorf("the log has what was searched for, or nothing:\n%s", log)
				}
			})
		}
	}
}
