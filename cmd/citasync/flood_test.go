package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/citasync/citasync/functions/webhook"
	"github.com/citasync/citasync/shared/sandbox"
)

// TestFunctionsKilled tells of 500 mixed events while functions are killed, one
// after the other and all at once. When everything has settled, the calendar
// has what the platform has.
func TestFunctionsKilled(t *testing.T) {
	t.Parallel()
	g := newOutside(t)
	p := newProcess(t, emulated{}, "GOOGLE_EMULATOR_URL="+g.url)
	p.connect(g, luna, lunaAccount)
	_, err := g.AddFault(sandbox.Fault{Operation: "events.*", Action: sandbox.AnswerLate, Late: 100 * time.Millisecond}) // so that calls are cut short
	must(t, err)
	platform := newPlatform(p, 100)
	ctx, cancel := context.WithCancel(t.Context())
	killed := make(chan int)
	go func() { killed <- p.killSome(ctx) }()
	platform.tell(t, 500)
	cancel()
	if n := <-killed; n < 10 {
		t.Errorf("%d functions were killed: the test shows little", n)
	}
	emulated{}.cut(p)
	told := time.Now()
	eventually(t, 3*time.Minute, "the calendar", func() error {
		events, err := g.Events(lunaAccount, "primary")
		if err != nil {
			return err
		}
		var got []string
		for _, e := range events {
			if e.Status != "cancelled" {
				got = append(got, e.Start.DateTime+" "+e.Description)
			}
		}
		return platform.compare(got)
	})
	t.Logf("the calendar is right %v after the last event", time.Since(told).Round(time.Second))
}

// killSome kills a function twice a second until the context ends, and returns
// how many.
func (p *process) killSome(ctx context.Context) (n int) {
	names := []string{"webhook", "onconfirm", "onreserve", "maintain", "ondelete", "onconfirm"}
	for ; ; n++ {
		select {
		case <-ctx.Done():
			return n
		case <-time.After(500 * time.Millisecond):
			_ = syscall.Kill(p.functions()[names[n%len(names)]].pid, syscall.SIGKILL) // it may be about to be started
		}
	}
}

// platform is a booking platform that tells of what it does until it is
// answered 202, as platforms do.
type platform struct {
	url, secret string
	bookings    []booked
	clock       time.Time // of the platform: no two events are of one time
}

type booked struct {
	kind  string // of the last event; empty: none
	start string
	note  string
}

func newPlatform(p *process, bookings int) *platform {
	k, err := readKeys(p.dir)
	must(p.t, err)
	return &platform{url: p.url, secret: k.WebhookSecret, bookings: make([]booked, bookings), clock: time.Now().Add(-time.Minute)}
}

// tell makes n events within a quarter of a minute or more and sends them, eight
// at a time.
func (f *platform) tell(t *testing.T, n int) {
	t.Helper()
	var g errgroup.Group
	g.SetLimit(8)
	for i := range n {
		kind := []string{"reserved", "confirmed", "confirmed", "confirmed", "deleted"}[rand.N(5)]
		id := rand.N(len(f.bookings))
		b := booked{kind, fmt.Sprintf("2027-03-%02dT%02d:%02d:00", 1+rand.N(28), 8+rand.N(10), rand.N(60)), fmt.Sprintf("event %d.", i)}
		f.bookings[id] = b
		f.clock = f.clock.Add(time.Millisecond)
		body := strings.Replace(bookingJSON(kind, luna, fmt.Sprint(id), b.start, b.start[:len("2027-03-01T")]+"23:00:00", f.clock),
			`"service"`, fmt.Sprintf(`"notes":%q,"service"`, b.note), 1)
		time.Sleep(30 * time.Millisecond)
		g.Go(func() error { return f.post(t.Context(), fmt.Sprintf("msg_%d", i), body) })
	}
	must(t, g.Wait())
}

func (f *platform) post(ctx context.Context, id, body string) (err error) {
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if err = f.try(ctx, id, body); err == nil {
			return nil
		}
	}
	return err
}

func (f *platform) try(ctx context.Context, id, body string) error {
	header, err := webhook.Sign(f.secret, id, time.Now(), []byte(body))
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, f.url+"/webhooks/bookings", strings.NewReader(body))
	if err != nil {
		return err
	}
	r.Header = header
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusAccepted {
		return errors.New(resp.Status)
	}
	return nil
}

// compare reports how events differ from what the bookings want, each by its
// start and description.
func (f *platform) compare(events []string) error {
	var wrong []string
	want := 0
	for id, b := range f.bookings {
		if b.kind == "" {
			continue
		}
		n := len(slices.DeleteFunc(slices.Clone(events), func(e string) bool {
			return !strings.HasPrefix(e, b.start) || !strings.Contains(e, b.note)
		}))
		ours := 0
		if b.kind == "confirmed" {
			ours = 1
		}
		if want += ours; n != ours {
			wrong = append(wrong, fmt.Sprintf("booking %d, %s: %d events", id, b.kind, n))
		}
	}
	if len(wrong) > 0 || len(events) != want {
		return fmt.Errorf("%d events, want %d: %s", len(events), want, strings.Join(wrong, "; "))
	}
	return nil
}
