package gcal

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"sync/atomic"
	"testing"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
)

// What was never sent is not in flight.
func TestConnectionRefused(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	for _, host := range []string{l.Addr().String(), "no-such-host.invalid"} {
		c := newCalendar(t, "http://"+host)
		task := taskFor(booking.Confirmed)
		task.Delivery = c.Decide(task).Delivery
		wantResult(t, c.Act(t.Context(), task), integration.Retry, integration.Network, false)
	}
}

// Over a real connection: one that is closed without an answer, and answers
// that are cut short or lead elsewhere.
func TestBrokenAnswers(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"closed": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"cut short": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "99")
			io.WriteString(w, `{"id":`)
		},
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		},
		"empty":     func(http.ResponseWriter, *http.Request) {},
		"null":      func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "null") },
		"no event":  func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "{}") },
		"tentative": func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"id":"x","status":"tentative"}`) },
	} {
		t.Run(name, func(t *testing.T) {
			var calls atomic.Int32
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { calls.Add(1); h(w, r) }))
			defer srv.Close()
			c := newCalendar(t, srv.URL)
			task := taskFor(booking.Confirmed)
			task.Delivery = c.Decide(task).Delivery
			r := c.Act(t.Context(), task)
			if r.Outcome != integration.Unsure || !r.InFlight || r.Delivery.Written || calls.Load() != 2 {
				t.Errorf("outcome %v, in flight %v, written %v, %d calls, error %v", r.Outcome, r.InFlight, r.Delivery.Written, calls.Load(), r.Err)
			}
		})
	}
}

// An answer to an update that shows another event, or a cancelled one, is not
// a success.
func TestAnswerToUpdateIsChecked(t *testing.T) {
	for _, tc := range []struct {
		body string
		want integration.Outcome
		gen  int
	}{
		{`{"id":"mine","status":"confirmed"}`, integration.Settled, 0},
		{`{"id":"other","status":"confirmed"}`, integration.Unsure, 0},
		{`{"id":"mine"}`, integration.Unsure, 0},
		{`{"id":"mine","status":"cancelled"}`, integration.Again, 1},
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, tc.body) }))
		c := newCalendar(t, srv.URL)
		task := taskFor(booking.Confirmed)
		task.Delivery.Place, task.Delivery.Written, task.Delivery.ExternalID = integration.Place{Account: "1", Calendar: primary}, true, "mine"
		r := c.Act(t.Context(), task)
		if r.Outcome != tc.want || r.Delivery.Place.Generation != tc.gen {
			t.Errorf("%s: outcome %v, generation %d", tc.body, r.Outcome, r.Delivery.Place.Generation)
		}
		srv.Close()
	}
}

// Nothing but the calls themselves goes out: no look for credentials, no
// metadata server, no log of requests.
func TestNewLooksForNothing(t *testing.T) {
	asked := make(chan string, 100)
	meta := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked <- r.URL.Path }))
	defer meta.Close()
	t.Setenv("GCE_METADATA_HOST", meta.Listener.Addr().String())
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", t.TempDir()+"/missing.json")
	t.Setenv("GOOGLE_SDK_GO_LOGGING_LEVEL", "debug")
	out, err := os.Create(t.TempDir() + "/out")
	if err != nil {
		t.Fatal(err)
	}
	stdout, stderr := os.Stdout, os.Stderr
	os.Stdout, os.Stderr = out, out
	defer func() { os.Stdout, os.Stderr = stdout, stderr }()

	w := newWorld(t)
	w.created()

	select {
	case path := <-asked:
		t.Errorf("the metadata server was asked for %s", path)
	default:
	}
	if printed, _ := os.ReadFile(out.Name()); len(printed) > 0 {
		t.Errorf("printed: %.200s", printed)
	}
}

func TestNewChecksItsDeps(t *testing.T) {
	good := Deps{Tokens: fixed("t"), Reasons: reasonOfToken, Installation: "i", HTTP: &http.Client{}, Log: slog.New(slog.DiscardHandler)}
	if _, err := New(good); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*Deps){
		"tokens":       func(d *Deps) { d.Tokens = nil },
		"reasons":      func(d *Deps) { d.Reasons = nil },
		"http":         func(d *Deps) { d.HTTP = nil },
		"log":          func(d *Deps) { d.Log = nil },
		"installation": func(d *Deps) { d.Installation = "" },
		"long":         func(d *Deps) { d.Installation = string(make([]byte, 300)) },
	} {
		d := good
		spoil(&d)
		if _, err := New(d); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// fixed is a source of one token.
type fixed string

func (f fixed) Token(context.Context, booking.CompanyID, integration.Connection) (string, error) {
	return string(f), nil
}

func (f fixed) Renew(context.Context, booking.CompanyID, integration.Connection, string) (string, error) {
	return string(f), nil
}

func newCalendar(t *testing.T, url string) *Calendar {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	c, err := New(Deps{
		Tokens: fixed("t"), Reasons: reasonOfToken, Installation: installation, BaseURL: url,
		HTTP: &http.Client{Transport: transport}, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func taskFor(state booking.Kind) integration.Task {
	return integration.Task{
		Company: integration.Company{ID: company, Name: "Peluquería Sol", Locale: "es"},
		Connection: integration.Connection{
			Status: integration.Connected, Data: integration.Data{AccountSubject: "1", CalendarID: primary},
		},
		Access: integration.On, Booking: fullBooking(), State: state, Revision: 1,
	}
}
