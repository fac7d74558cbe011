package gcal

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/logging"
	"github.com/citasync/citasync/shared/sandbox"
)

// answering is Google at no distance and no cost: what is measured is ours.
type answering struct{}

func (answering) RoundTrip(r *http.Request) (*http.Response, error) {
	_, _ = io.Copy(io.Discard, r.Body)
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Request: r,
		Body: io.NopCloser(strings.NewReader(`{"kind":"calendar#event","id":"mine","status":"confirmed","htmlLink":"https://www.google.com/calendar/event?eid=x"}`)),
	}, nil
}

func benchmarkAct(b *testing.B, transport http.RoundTripper, token string, written bool) {
	c, err := New(Deps{
		Tokens: fixed(token), Reasons: reasonOfToken, Installation: installation, BaseURL: base,
		HTTP: &http.Client{Transport: transport}, Log: logging.New(io.Discard, "", slog.LevelInfo),
	})
	if err != nil {
		b.Fatal(err)
	}
	task := taskFor(booking.Confirmed)
	task.Delivery = c.Decide(task).Delivery
	task.Delivery.Written, task.Delivery.ExternalID = written, "mine"
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		task.Delivery.Place.Generation++
		if r := c.Act(ctx, task); r.Err != nil {
			b.Fatal(r.Err)
		}
	}
}

func BenchmarkInsert(b *testing.B) { benchmarkAct(b, answering{}, "t", false) }
func BenchmarkUpdate(b *testing.B) { benchmarkAct(b, answering{}, "t", true) }

func BenchmarkInsertAtSandbox(b *testing.B) {
	w := newWorld(b)
	if err := w.google.SetBehaviour(sandbox.Behaviour{Quota: sandbox.Quota{PerUser: -1, PerProject: -1}}); err != nil {
		b.Fatal(err)
	}
	benchmarkAct(b, w.google.Transport(), w.tokens.access, false)
}

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		newWorldCalendar(b)
	}
}

func newWorldCalendar(b *testing.B) *Calendar {
	c, err := New(Deps{
		Tokens: fixed("t"), Reasons: reasonOfToken, Installation: installation, HTTP: &http.Client{}, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		b.Fatal(err)
	}
	return c
}
