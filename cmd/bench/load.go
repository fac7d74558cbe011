package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/citasync/citasync/shared/booking"
)

// sample is how long things took.
type sample []time.Duration

// at is the duration that a share of the sample does not exceed.
func (s sample) at(share float64) time.Duration {
	if len(s) == 0 {
		return 0
	}
	slices.Sort(s)
	return s[min(len(s)-1, int(share*float64(len(s))))]
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// sender sends events of new bookings, in turn of each of the companies that
// [companyID] names.
type sender struct {
	companies int
	client    *http.Client
	next      atomic.Int64
}

func newSender(companies int) *sender {
	return &sender{companies: companies, client: &http.Client{
		Timeout: time.Minute, Transport: &http.Transport{MaxIdleConns: 128, MaxIdleConnsPerHost: 128},
	}}
}

func companyID(i int) booking.CompanyID { return booking.CompanyID(fmt.Sprintf("company-%06d", i)) }

// event is the nth event: a booking of some day in the coming months.
func event(company booking.CompanyID, n int64) (booking.Event, error) {
	zone, err := booking.LoadZone("America/Bogota")
	if err != nil {
		return booking.Event{}, err
	}
	now := time.Now()
	start := time.Date(now.Year(), now.Month(), now.Day()+2+int(n%150), 8+int(n%10), 0, 0, 0, zone)
	return booking.Event{Kind: booking.Confirmed, At: now.UTC().Truncate(time.Microsecond), Company: company, Booking: booking.Booking{
		ID: booking.ID(fmt.Sprintf("booking-%d", n)), Service: "Corte de pelo", Start: start, End: start.Add(45 * time.Minute), TimeZone: "America/Bogota",
		Customer: booking.Customer{Name: "Ana Ruiz", Phone: "+573001112233", Email: "ana@example.com"},
		Staff:    "Luis", Location: "Calle 10 #4-21", Notes: "Primera visita",
	}}, nil
}

// push is the next event as Pub/Sub pushes it.
func (s *sender) push() (string, error) {
	n := s.next.Add(1)
	ev, err := event(companyID(int(n)%s.companies), n)
	if err != nil {
		return "", err
	}
	data, err := booking.Encode(ev)
	if err != nil {
		return "", err
	}
	type message struct {
		Data       []byte            `json:"data"`
		Attributes map[string]string `json:"attributes"`
		ID         string            `json:"messageId"`
	}
	body, err := json.Marshal(struct {
		Message      message `json:"message"`
		Subscription string  `json:"subscription"`
	}{message{data, map[string]string{"type": "booking.confirmed"}, strconv.FormatInt(n, 10)}, "projects/bench/subscriptions/bench"})
	return string(body), err
}

// one sends one event.
func (s *sender) one(ctx context.Context, url string) error {
	body, err := s.push()
	if err != nil {
		return err
	}
	return post(ctx, s.client, url, body)
}

// sendTime is how long a sender begins events.
const sendTime = 20 * time.Second

// send sends n events, so many at a time, but fewer if they take too long, and
// returns how long each took and all together.
func (s *sender) send(ctx context.Context, url string, n, inFlight int) (all sample, took time.Duration, err error) {
	var (
		mu   sync.Mutex
		wg   sync.WaitGroup
		left atomic.Int64
	)
	left.Store(int64(n))
	begun := time.Now()
	for range inFlight {
		wg.Go(func() {
			for left.Add(-1) >= 0 && time.Since(begun) < sendTime {
				sent := time.Now()
				failed := s.one(ctx, url)
				d := time.Since(sent)
				mu.Lock()
				if failed != nil {
					err = failed
					mu.Unlock()
					return
				}
				all = append(all, d)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return all, time.Since(begun), err
}
