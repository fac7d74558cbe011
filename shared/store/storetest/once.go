package storetest

import (
	"testing"
	"time"

	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

func testState(t *testing.T, s store.Store) {
	ctx := t.Context()
	var want store.OAuthState
	fill(&want)
	want.ExpireAt = base().Add(10 * time.Minute)
	must(t, s.PutState(ctx, "hash", want))
	_, err := s.TakeState(ctx, "another", base())
	wantError(t, "take an unknown one", err, fault.ErrNotFound)
	equal(t, "state", get[store.OAuthState](t)(s.TakeState(ctx, "hash", base())), want)
	_, err = s.TakeState(ctx, "hash", base())
	wantError(t, "take twice", err, fault.ErrNotFound)
}

func testStateExpiry(t *testing.T, s store.Store) {
	ctx, expireAt := t.Context(), base().Add(10*time.Minute)
	state := store.OAuthState{Company: "2", Integration: integration.GoogleCalendar, ExpireAt: expireAt}
	must(t, s.PutState(ctx, "late", state))
	_, err := s.TakeState(ctx, "late", expireAt.Add(time.Microsecond))
	wantError(t, "take an expired one", err, fault.ErrNotFound)
	must(t, s.PutState(ctx, "in time", state))
	get[store.OAuthState](t)(s.TakeState(ctx, "in time", expireAt.Add(-time.Microsecond)))
}

func wantUsed(t *testing.T, s store.Store, jti string, now time.Time, want bool) {
	t.Helper()
	if got := get[bool](t)(s.LinkUsed(t.Context(), jti, now)); got != want {
		t.Errorf("link %q is used: %v, want %v", jti, got, want)
	}
}

func testLink(t *testing.T, s store.Store) {
	ctx, expireAt := t.Context(), base().Add(10*time.Minute)
	wantUsed(t, s, "a", base(), false)
	must(t, s.UseLink(ctx, "a", base(), expireAt))
	wantUsed(t, s, "a", base(), true)
	wantUsed(t, s, "b", base(), false)
	wantError(t, "use twice", s.UseLink(ctx, "a", base(), expireAt), fault.ErrConflict)
	must(t, s.UseLink(ctx, "b", base(), expireAt))
}

func testLinkExpiry(t *testing.T, s store.Store) {
	ctx, expireAt := t.Context(), base().Add(10*time.Minute)
	must(t, s.UseLink(ctx, "a", base(), expireAt))
	wantUsed(t, s, "a", expireAt.Add(-time.Microsecond), true)
	wantUsed(t, s, "a", expireAt.Add(time.Microsecond), false)
	later := expireAt.Add(time.Hour)
	must(t, s.UseLink(ctx, "a", expireAt.Add(time.Microsecond), later))
	wantUsed(t, s, "a", later.Add(-time.Microsecond), true)
	wantError(t, "use again", s.UseLink(ctx, "a", later.Add(-time.Microsecond), later), fault.ErrConflict)
}
