package notify

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/citasync/citasync/shared/bus"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/integration"
)

// published is a message as its subscriber gets it.
type published struct {
	Attributes map[string]string
	Data       string
}

// deliver runs the queue until so many messages have come.
func (s *scene) deliver(t *testing.T, n int) []published {
	t.Helper()
	got := make(chan published)
	s.queue.Subscribe(bus.IntegrationEvents, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var push struct {
			Message struct {
				Data       []byte
				Attributes map[string]string
			}
		}
		if err := json.NewDecoder(r.Body).Decode(&push); err != nil {
			t.Error(err)
		}
		got <- published{push.Message.Attributes, string(push.Message.Data)}
	}))
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.queue.Run(ctx) })
	defer wg.Wait()
	defer cancel()
	all := make([]published, 0, n)
	for range n {
		select {
		case p := <-got:
			all = append(all, p)
		case <-time.After(10 * time.Second):
			t.Fatalf("only %d messages came", len(all))
		}
	}
	return all
}

// wantDepth checks how many messages have been published.
func (s *scene) wantDepth(t *testing.T, want int) {
	t.Helper()
	if got, err := s.queue.Depth(t.Context(), bus.IntegrationEvents); err != nil || got != want {
		t.Errorf("%d messages, error %v; want %d", got, err, want)
	}
}

// TestMessage: what the platform gets, to the letter; it names nobody.
func TestMessage(t *testing.T) {
	s := newScene(t, nil, settings)
	if err := s.Send(t.Context(), revoked()); err != nil {
		t.Fatal(err)
	}
	want := []published{{
		Attributes: map[string]string{"type": "integration.needs_reauth", "company_id": "empresa 7/ñ"},
		Data: `{"type":"integration.needs_reauth","timestamp":"2026-12-01T12:00:00.123456Z","data":{` +
			`"id":"7b7zusjbztraqp5th2qhbiiyzu","company_id":"empresa 7/ñ","integration":"google-calendar","reason":"revoked",` +
			`"since":"2026-12-01T09:05:00.000042Z","reminder":0,"bookings":3,` +
			`"settings_url":"https://reservas.example/empresas/empresa%207%2F%C3%B1/integraciones?ver=empresa%207%2F%C3%B1\u0026a=b"}}`,
	}}
	if diff := cmp.Diff(want, s.deliver(t, 1)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestMessageOfEachKind: every field is there, whatever applies.
func TestMessageOfEachKind(t *testing.T) {
	for _, n := range []Notice{
		{Kind: CaughtUp, Bookings: 21},
		{Kind: DeliveryFailed, Reason: integration.Rejected},
		{Kind: NeedsReauth, Reason: integration.CalendarMissing, Reminder: 4},
	} {
		t.Run(string(n.Kind), func(t *testing.T) {
			n.Company, n.Integration, n.Since = salon(), integration.GoogleCalendar, noon()
			s := newScene(t, nil, "")
			if err := s.Send(t.Context(), n); err != nil {
				t.Fatal(err)
			}
			var got map[string]any
			if err := json.Unmarshal([]byte(s.deliver(t, 1)[0].Data), &got); err != nil {
				t.Fatal(err)
			}
			want := map[string]any{
				"type": string(n.Kind), "timestamp": "2026-12-01T12:00:00.123456Z",
				"data": map[string]any{
					"id": n.id(), "company_id": "empresa 7/ñ", "integration": "google-calendar", "reason": string(n.Reason),
					"since": "2026-12-01T12:00:00.123456Z", "reminder": float64(n.Reminder), "bookings": float64(n.Bookings), "settings_url": "",
				},
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestID: what makes a notice another one, and what doesn't.
func TestID(t *testing.T) {
	first := revoked()
	same := map[string]func(*Notice){
		"as a store gives it back": func(n *Notice) {
			n.Since = n.Since.In(time.FixedZone("", 3600)).Truncate(time.Microsecond)
		},
		"known better": func(n *Notice) {
			n.Reason, n.Bookings, n.Account, n.Company.Email, n.Company.Name = integration.ScopeMissing, 20, "", "", ""
		},
	}
	for name, change := range same {
		n := first
		change(&n)
		if n.id() != first.id() {
			t.Errorf("%s: the id changes", name)
		}
	}
	other := map[string]func(*Notice){
		"kind":        func(n *Notice) { n.Kind = CaughtUp },
		"company":     func(n *Notice) { n.Company.ID = "8" },
		"integration": func(n *Notice) { n.Integration = integration.WhatsApp },
		"incident":    func(n *Notice) { n.Since = n.Since.Add(time.Microsecond) },
		"reminder":    func(n *Notice) { n.Reminder = 1 },
		"where one field ends": func(n *Notice) {
			n.Company.ID, n.Integration = n.Company.ID+"google", "-calendar"
		},
	}
	seen := map[string]string{first.id(): "first"}
	for name, change := range other {
		n := first
		change(&n)
		if was, ok := seen[n.id()]; ok {
			t.Errorf("%s and %s have one id", name, was)
		}
		seen[n.id()] = name
	}
}

func TestRefusesNonsense(t *testing.T) {
	for name, change := range map[string]func(*Notice){
		"kind":        func(n *Notice) { n.Kind = "integration.exploded" },
		"no kind":     func(n *Notice) { n.Kind = "" },
		"integration": func(n *Notice) { n.Integration = "fax" },
		"company":     func(n *Notice) { n.Company.ID = "" },
		"since":       func(n *Notice) { n.Since = time.Time{} },
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, nil, settings)
			n := revoked()
			change(&n)
			if err := s.Send(t.Context(), n); !errors.Is(err, fault.ErrInvalid) || fault.Retryable(err) {
				t.Errorf("error %v", err)
			}
			s.wantDepth(t, 0)
		})
	}
}

// TestNotPublished: a notice that could not be published is not mailed either,
// or each try would be one more e-mail.
func TestNotPublished(t *testing.T) {
	server := startServer(t, orders{})
	m, _ := server.mailer(t, "smtp://mail.example.com")
	s := newScene(t, m, settings)
	if err := s.queue.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Send(t.Context(), revoked()); !errors.Is(err, fault.ErrUnavailable) {
		t.Errorf("error %v", err)
	}
	if n := len(server.mails(t)); n > 0 {
		t.Errorf("%d mails", n)
	}
}

// TestNotMailed: a notice that was published and not mailed is sent again, and
// the repetition is known by its id.
func TestNotMailed(t *testing.T) {
	server := startServer(t, orders{Trouble: trouble{At: "data", Times: 1, Drop: true}})
	m, _ := server.mailer(t, "smtp://mail.example.com")
	s := newScene(t, m, settings)
	if err := s.Send(t.Context(), revoked()); !errors.Is(err, fault.ErrUnavailable) {
		t.Fatalf("error %v", err)
	}
	if strings.Contains(s.logs.String(), "notice sent") {
		t.Errorf("logged %s", s.logs)
	}
	s.now = s.now.Add(time.Minute)
	again := revoked()
	again.Bookings = 4
	if err := s.Send(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, p := range s.deliver(t, 2) {
		var e event
		if err := json.Unmarshal([]byte(p.Data), &e); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, e.Data.ID)
	}
	for _, f := range server.mails(t) { // the server had taken the first, but its answer was lost
		ids = append(ids, strings.TrimSuffix(strings.Trim(parse(t, f.Data).header.Get("Message-Id"), "<>"), "@citasync.example"))
	}
	if want := slices.Repeat([]string{revoked().id()}, 4); !slices.Equal(ids, want) {
		t.Errorf("ids %v, want %v", ids, want)
	}
}

// TestNoMail: who gets none, and that the platform is told all the same.
func TestNoMail(t *testing.T) {
	server := startServer(t, orders{})
	m, _ := server.mailer(t, "smtp://mail.example.com")
	for _, tt := range []struct {
		name   string
		mail   *Mailer
		change func(*Notice)
		mailed bool
	}{
		{"no mail server", nil, func(*Notice) {}, false},
		{"no address", m, func(n *Notice) { n.Company.Email = "" }, false},
		{"no words", m, func(n *Notice) { n.Kind, n.Integration = DeliveryFailed, integration.WhatsApp }, false},
		{"mail", m, func(*Notice) {}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := len(server.mails(t))
			s := newScene(t, tt.mail, settings)
			n := revoked()
			tt.change(&n)
			if err := s.Send(t.Context(), n); err != nil {
				t.Fatal(err)
			}
			s.wantDepth(t, 1)
			if got := len(server.mails(t)) > before; got != tt.mailed {
				t.Errorf("mailed %v", got)
			}
			for _, part := range []string{`"mailed":` + map[bool]string{true: "true", false: "false"}[tt.mailed], `"notice":"` + n.id(), `"company":"empresa 7/ñ"`, `"kind":"` + string(n.Kind)} {
				if !strings.Contains(s.logs.String(), part) {
					t.Errorf("logged %s without %s", s.logs, part)
				}
			}
			silent(t, s, nil)
		})
	}
}

func TestConcurrent(t *testing.T) {
	ca := newAuthority(t)
	server := startServer(t, ca.secured(t))
	m, _ := server.mailer(t, withUser("smtp", "mail.example.com"), WithRootCAs(ca.roots))
	s := newScene(t, m, settings)
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			n := revoked()
			n.Reminder, n.Company.Locale = i, languages()[i%2]
			if err := s.Send(t.Context(), n); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	s.wantDepth(t, 16)
	if n := len(server.mails(t)); n != 16 {
		t.Errorf("%d mails", n)
	}
}

func TestReminders(t *testing.T) {
	var days []int
	for n := 1; ; n++ {
		after, ok := integration.ReminderAfter(n)
		if !ok {
			break
		}
		days = append(days, int(after.Hours()/24))
	}
	if want := []int{1, 3, 7, 14}; !slices.Equal(days, want) {
		t.Errorf("after %v days, want %v", days, want)
	}
	for _, n := range []int{-1, 0, 5} {
		if after, ok := integration.ReminderAfter(n); ok || after != 0 {
			t.Errorf("%d: %v, %v", n, after, ok)
		}
	}
}

func TestDefaults(t *testing.T) {
	s := newScene(t, nil, "")
	n, err := New(Deps{Publisher: s.queue})
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Send(t.Context(), revoked()); err != nil {
		t.Fatal(err)
	}
	s.wantDepth(t, 1)
}
