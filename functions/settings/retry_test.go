package settings

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/gcal"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

// TestRetry: a booking that Google refused, or whose event was deleted by hand,
// is due again when the company or the platform asks, once, and who does what
// is due is woken.
func TestRetry(t *testing.T) {
	for name, how := range map[string]func(*store.Booking){"refused": refused, "deleted by hand": gone} {
		g := newGoogle(t)
		g.consent(salon, ana)
		g.book(salon, "7", 24*hour, how)
		b := g.enter(g.claims(salon))
		again := url.Values{"company": {"2"}, "booking": {"7"}}
		for range 2 {
			res := b.post(retryPath, again)
			res.Body.Close()
			if to := res.Header.Get("Location"); res.StatusCode != http.StatusSeeOther || to != "/settings/history?booking=7&result=retried" {
				t.Fatalf("%s: %d to %q", name, res.StatusCode, to)
			}
		}
		if page := body(t, b.get("/settings/history?booking=7&result=retried")); !strings.Contains(page, "La estamos enviando otra vez") || strings.Contains(page, retryPath) {
			t.Errorf("%s: the page does not say that it is sent, or offers it again: %s", name, page)
		}
		var answer bookingJSON
		g.must(json.Unmarshal([]byte(body(t, g.call(salon, http.MethodPost, "/v1/bookings/7/retry", ""))), &answer))
		rec := g.record("7")
		d := rec.Deliveries[integration.GoogleCalendar]
		if answer.Deliveries[integration.GoogleCalendar].Status != "pending" || d.Status != integration.Pending || d.Detail != "" || !rec.NextAttemptAt.Equal(g.now) {
			t.Errorf("%s: %+v, next attempt %v; the API says %+v", name, d, rec.NextAttemptAt, answer)
		}
		n := 0
		for _, s := range rec.History {
			if s.Kind == gcal.StepAsked {
				n++
			}
		}
		if n != 1 || len(g.bell.rung) < 1 {
			t.Errorf("%s: %d times in the history, woken %d times", name, n, len(g.bell.rung))
		}
	}
}

// TestRetryRefuses: there is nothing to send again of other bookings, nor of
// another company's, nor while the integration is off.
func TestRetryRefuses(t *testing.T) {
	g := newGoogle(t)
	g.consent(salon, ana)
	g.book(salon, "there", 24*hour, nil)
	g.book(salon, "over", -24*hour, gone)
	g.book("3", "theirs", 24*hour, refused)
	g.book(salon, "7", 24*hour, refused)
	b := g.enter(g.claims(salon))
	checkProblem(t, g.call(salon, http.MethodPost, "/v1/bookings/over/retry", ""), http.StatusConflict, "not possible now")
	res := b.post(retryPath, url.Values{"company": {"2"}, "booking": {"over"}})
	res.Body.Close()
	if to := res.Header.Get("Location"); to != "/settings/history?booking=over" {
		t.Errorf("%d to %q", res.StatusCode, to)
	}
	before := g.record("there")
	res = g.call(salon, http.MethodPost, "/v1/bookings/there/retry", "") // as if the first answer was lost
	res.Body.Close()
	if diff := cmp.Diff(before, g.record("there")); res.StatusCode != http.StatusOK || diff != "" {
		t.Errorf("of what is there: %d, -before +after:\n%s", res.StatusCode, diff)
	}
	for _, id := range []string{"theirs", "nobody"} {
		checkProblem(t, g.call(salon, http.MethodPost, "/v1/bookings/"+id+"/retry", ""), http.StatusNotFound, "no such booking")
		res := b.post(retryPath, url.Values{"company": {"2"}, "booking": {id}})
		res.Body.Close()
		if res.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", id, res.StatusCode)
		}
	}
	res = b.post(retryPath, url.Values{"company": {"3"}, "booking": {"7"}})
	res.Body.Close()
	if res.StatusCode != http.StatusConflict {
		t.Errorf("from another company's page: %d", res.StatusCode)
	}
	g.pause()
	checkProblem(t, g.call(salon, http.MethodPost, "/v1/bookings/7/retry", ""), http.StatusServiceUnavailable, "")
	if d := g.record("7").Deliveries[integration.GoogleCalendar]; d.Status != integration.Failed {
		t.Errorf("delivery %+v", d)
	}
	if page := body(t, b.get("/settings/history?booking=7")); strings.Contains(page, retryPath) {
		t.Error("it is offered while nothing can be sent")
	}
	if len(g.bell.rung) > 0 {
		t.Errorf("woken %d times", len(g.bell.rung))
	}
}

// meanwhile is a store in which a booking changes just before it is written.
type meanwhile struct {
	Store
	change func()
}

func (m *meanwhile) CommitBooking(ctx context.Context, b *store.Booking) error {
	if change := m.change; change != nil {
		m.change = nil
		change()
	}
	return m.Store.CommitBooking(ctx, b)
}

// TestRetryConflict: what is told of the booking at the same moment is not lost.
func TestRetryConflict(t *testing.T) {
	g := newGoogle(t)
	g.consent(salon, ana)
	g.book(salon, "7", 24*hour, refused)
	g.deps.Store = &meanwhile{Store: g.store, change: func() {
		rec := g.record("7")
		rec.Booking.Service = "Tinte"
		g.must(g.store.CommitBooking(t.Context(), rec))
	}}
	var err error
	g.handler, err = New(g.deps)
	g.must(err)
	res := g.call(salon, http.MethodPost, "/v1/bookings/7/retry", "")
	res.Body.Close()
	if rec := g.record("7"); res.StatusCode != http.StatusOK || rec.Booking.Service != "Tinte" || rec.Deliveries[integration.GoogleCalendar].Status != integration.Pending {
		t.Errorf("%d, %+v", res.StatusCode, rec)
	}
}

// record is a booking of the salon as it is stored.
func (g *google) record(id booking.ID) *store.Booking {
	g.Helper()
	snap, err := g.store.ReadBooking(g.Context(), salon, id)
	g.must(err)
	return snap.Booking
}
