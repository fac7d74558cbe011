package settings

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/gcal"
	"github.com/citasync/citasync/shared/googleauth"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/sandbox"
	"github.com/citasync/citasync/shared/store"
)

// confirm has a booking of tomorrow confirmed, and returns its event's id.
func (g *google) confirm(id booking.ID) string {
	g.Helper()
	g.book("elsewhere", id, 24*hour, nil)
	snap, err := g.store.ReadBooking(g.Context(), "elsewhere", id)
	g.must(err)
	g.must(g.engine.Apply(g.Context(), booking.Event{Kind: booking.Confirmed, At: g.now, Company: salon, Booking: snap.Booking.Booking}))
	return g.record(id).Deliveries[integration.GoogleCalendar].ExternalID
}

// asked counts the calls of the operation that reached Google.
func (g *google) asked(operation string) (n int) {
	for _, r := range g.sandbox.Requests() {
		if r.Operation == operation {
			n++
		}
	}
	return n
}

// TestLook: an event that was deleted by hand is missed as soon as somebody
// looks, in the panel or by the API, and can be put back then.
func TestLook(t *testing.T) {
	for _, by := range []string{"panel", "API"} {
		g := newGoogle(t)
		g.consent(salon, ana)
		event := g.confirm("7")
		b := g.enter(g.claims(salon))
		look := func() (page string, answer bookingJSON) {
			if by == "API" {
				g.must(json.Unmarshal([]byte(body(t, g.call(salon, http.MethodPost, "/v1/bookings/7/look", ""))), &answer))
				return body(t, b.get("/settings/history?booking=7")), answer
			}
			res := b.post(lookPath, url.Values{"company": {"2"}, "booking": {"7"}})
			res.Body.Close()
			to := res.Header.Get("Location")
			if res.StatusCode != http.StatusSeeOther || to != "/settings/history?booking=7&at=1796135400&result=looked" {
				t.Fatalf("%d to %q", res.StatusCode, to)
			}
			return body(t, b.get(to)), answer
		}
		if page := body(t, b.get("/settings/history?booking=7")); !strings.Contains(page, `action="`+lookPath+`"`) {
			t.Error("it is not offered")
		}
		before := g.record("7").Deliveries[integration.GoogleCalendar]
		page, answer := look()
		after := g.record("7").Deliveries[integration.GoogleCalendar]
		after.Lease, after.UpdatedAt = before.Lease, before.UpdatedAt
		if diff := cmp.Diff(before, after); diff != "" || by == "panel" != strings.Contains(page, "el evento está en el calendario") {
			t.Errorf("%s: of what is there -before +after:\n%s", by, diff)
		}
		g.must(g.sandbox.DeleteEvent(ana, "primary", event))
		for range 2 { // which is told as well when it is known
			page, answer = look()
		}
		if !strings.Contains(page, retryPath) || strings.Contains(page, lookPath) || by == "panel" != strings.Contains(page, "ya no está en el calendario") {
			t.Errorf("%s: the page does not say that it is gone, or offers no mending: %s", by, page)
		}
		if by == "API" && answer.Deliveries[integration.GoogleCalendar].Detail != gcal.DetailGone {
			t.Errorf("the API says %+v", answer.Deliveries)
		}
		rec := g.record("7")
		if last := rec.History[len(rec.History)-1]; last.Kind != gcal.StepVanished || g.asked("events.get") != 3 {
			t.Errorf("%s: the last step is %+v, Google was asked %d times", by, last, g.asked("events.get"))
		}
	}
}

// TestLookUnsure: what keeps Google from saying so is no proof that an event is
// gone, not even that its whole calendar is.
func TestLookUnsure(t *testing.T) {
	fault := func(f sandbox.Fault) func(*google) { return func(g *google) { g.fail(f) } }
	for name, tc := range map[string]struct {
		given  func(*google)
		status integration.Status
		why    integration.Reason
	}{
		"outage": {fault(sandbox.Fault{Operation: "events.get", Status: 500}), integration.Connected, ""},
		"ours":   {fault(sandbox.Fault{Operation: "events.get", Status: 403, Reason: "accessNotConfigured"}), integration.Connected, ""},
		"quota":  {fault(sandbox.Fault{Operation: "events.get", Status: 403, Reason: "rateLimitExceeded"}), integration.Connected, ""},
		"revoked": {func(g *google) {
			_, err := g.sandbox.RevokeGrants(ana)
			g.must(err)
			g.now = g.now.Add(2 * hour)
		}, integration.NeedsReauth, integration.Revoked},
		"calendar gone": {func(g *google) {
			g.must(g.sandbox.DeleteCalendar(ana, g.connection(salon).Data.CalendarID))
		}, integration.NeedsReauth, integration.CalendarMissing},
	} {
		g := newGoogle(t)
		g.consent(salon, ana)
		c := g.other()
		g.choose(c.ID, c.Summary)
		g.confirm("7")
		tc.given(g)
		status, says := http.StatusConflict, "" // there is no connection to look by
		if tc.status == integration.Connected {
			status, says = http.StatusServiceUnavailable, "could not be seen"
		}
		checkProblem(t, g.call(salon, http.MethodPost, "/v1/bookings/7/look", ""), status, says)
		if errs := strings.Count(g.log.String(), "level=ERROR"); errs > 0 != (name == "ours") {
			t.Errorf("%s: logged %s", name, &g.log)
		}
		conn, d := g.connection(salon), g.record("7").Deliveries[integration.GoogleCalendar]
		if conn.Status != tc.status || conn.Reason != tc.why || d.Detail != "" || d.Status != integration.Done {
			t.Errorf("%s: connection %s %s, delivery %+v", name, conn.Status, conn.Reason, d)
		}
		b := g.enter(g.claims(salon))
		res := b.post(lookPath, url.Values{"company": {"2"}, "booking": {"7"}})
		res.Body.Close()
		want := "/settings/history?booking=7"
		if tc.status == integration.Connected {
			want += "&at=" + strconv.FormatInt(g.now.Unix(), 10) + "&result=unlooked"
		}
		if to := res.Header.Get("Location"); to != want {
			t.Errorf("%s: to %q", name, to)
		}
		if page := body(t, b.get(want)); tc.status == integration.Connected != strings.Contains(page, "No hemos podido comprobarlo") {
			t.Errorf("%s: %s", name, page)
		}
	}
}

// TestLookRefuses: there is nothing to look for of other bookings, nor of
// another company's, nor while Google Calendar is off; nobody may ask for ever.
func TestLookRefuses(t *testing.T) {
	g := newGoogle(t)
	g.consent(salon, ana)
	g.confirm("7")
	g.book(salon, "over", -24*hour, nil)
	g.book(salon, "refused", 24*hour, refused)
	g.book(salon, "deleted", 24*hour, tombstone)
	b := g.enter(g.claims(salon))
	for _, id := range []string{"over", "refused", "deleted"} {
		checkProblem(t, g.call(salon, http.MethodPost, "/v1/bookings/"+id+"/look", ""), http.StatusConflict, "not possible now")
		if page := body(t, b.get("/settings/history?booking="+id)); strings.Contains(page, lookPath) {
			t.Errorf("%s: it is offered", id)
		}
	}
	checkProblem(t, g.call(clinic, http.MethodPost, "/v1/bookings/7/look", ""), http.StatusNotFound, "no such booking")
	res := b.post(lookPath, url.Values{"company": {"3"}, "booking": {"7"}})
	res.Body.Close()
	if res.StatusCode != http.StatusConflict || g.asked("events.get") > 0 {
		t.Errorf("from another company's page: %d; Google was asked %d times", res.StatusCode, g.asked("events.get"))
	}
	for range lookBurst {
		g.call(salon, http.MethodPost, "/v1/bookings/7/look", "").Body.Close()
	}
	checkProblem(t, g.call(salon, http.MethodPost, "/v1/bookings/7/look", ""), http.StatusConflict, "looked too often")
	if n := g.asked("events.get"); n != lookBurst {
		t.Errorf("Google was asked %d times", n)
	}
	g.pause()
	checkProblem(t, g.call(salon, http.MethodPost, "/v1/bookings/7/look", ""), http.StatusServiceUnavailable, "paused")
}

// TestLookTogether: a double click asks once, and both get the answer.
func TestLookTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGoogle(t)
		g.consent(salon, ana)
		g.must(g.sandbox.DeleteEvent(ana, "primary", g.confirm("7")))
		g.fail(sandbox.Fault{Operation: "events.get", Latency: time.Second}) // by when all have asked
		b := g.enter(g.claims(salon))
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				res := b.post(lookPath, url.Values{"company": {"2"}, "booking": {"7"}})
				res.Body.Close()
				if to := res.Header.Get("Location"); to != "/settings/history?booking=7&at=1796135400&result=looked" {
					t.Errorf("to %q", to)
				}
			})
		}
		wg.Wait()
		rec := g.record("7")
		gone := func(s store.Step) bool { return s.Kind == gcal.StepVanished }
		if n := count(rec.History, gone); n != 1 || g.asked("events.get") != 1 {
			t.Errorf("%d times in the history, Google was asked %d times", n, g.asked("events.get"))
		}
	})
}

func count[T any](all []T, is func(T) bool) (n int) {
	for _, x := range all {
		if is(x) {
			n++
		}
	}
	return n
}

// TestLookElsewhere: where nobody can look nothing is missed. An event that was
// kept in another account is there, whatever the connected one says.
func TestLookElsewhere(t *testing.T) {
	g := newGoogle(t)
	g.consent(salon, ana)
	g.confirm("7")
	_, err := g.grants.Disconnect(t.Context(), salon, false, store.ActorCompany)
	g.must(err)
	g.consent(salon, "luis@example.com")
	checkProblem(t, g.call(salon, http.MethodPost, "/v1/bookings/7/look", ""), http.StatusConflict, "not possible now")
	g.must(g.engine.ReconcileAs(t.Context(), store.Key{Company: salon, Booking: "7"}, g.deps.Calendar.Witness()))
	rec := g.record("7")
	if rec.Deliveries[integration.GoogleCalendar].Detail != "" || g.asked("events.get") > 0 {
		t.Errorf("%+v, Google was asked %d times", rec.Deliveries, g.asked("events.get"))
	}
}

// TestLookSaidOnce: an address says what was seen for a minute, and what is paused
// while it is.
func TestLookSaidOnce(t *testing.T) {
	g := newGoogle(t)
	g.consent(salon, ana)
	g.confirm("7")
	b := g.enter(g.claims(salon))
	res := b.post(lookPath, url.Values{"company": {"2"}, "booking": {"7"}})
	res.Body.Close()
	to := res.Header.Get("Location")
	g.says(body(t, b.get(to)), "Acabamos de mirarlo")
	g.says(body(t, b.get("/settings/history?booking=7&result=paused")), "!en pausa")
	g.now = g.now.Add(time.Minute)
	g.says(body(t, b.get(to)), "!Acabamos de mirarlo")
	g.pause()
	g.says(body(t, b.get("/settings/history?booking=7&result=paused")), "La integración está en pausa")
}

// stuck is a store in which connections can't be written.
type stuck struct{ googleauth.Connections }

func (stuck) PutConnection(context.Context, booking.CompanyID, *integration.Connection, ...store.Activity) error {
	return fault.ErrUnavailable
}

// TestLookFails: what could not be stored of what was seen is no answer.
func TestLookFails(t *testing.T) {
	g := newGoogle(t)
	g.consent(salon, ana)
	c := g.other()
	g.choose(c.ID, c.Summary)
	g.confirm("7")
	g.must(g.sandbox.DeleteCalendar(ana, c.ID))
	g.grants.Connections = stuck{g.grants.Connections}
	checkProblem(t, g.call(salon, http.MethodPost, "/v1/bookings/7/look", ""), http.StatusServiceUnavailable, "ours to mend")
	res := g.enter(g.claims(salon)).post(lookPath, url.Values{"company": {"2"}, "booking": {"7"}})
	res.Body.Close()
	if res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("the panel answers %d", res.StatusCode)
	}
}
